"""Worked examples (算例): the office's own cases with what must come out, run against a scheme.

A file of examples stands beside each shipped scheme. `common` holds facts that its examples share; `contract` and `item`
what each contract and each item has; an example then says only what is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from vouchers.policy.assess import assess
from vouchers.policy.assessment import Assessment
from vouchers.policy.documents import EXAMPLES, Marked, read_marked
from vouchers.policy.facts import Facts
from vouchers.policy.plain import Problem, SchemeError, from_plain, to_plain
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import FindingResult, Outcome
from vouchers.policy.working import money

CODE_PATTERN = r"^\w[\w\-.]*$"
"""What an example may be numbered by: letters of any script, figures, dots, hyphens."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must come out. `findings` names findings by code with their result; what is None or empty is not compared."""

    amount: Decimal
    outcome: Outcome | None = None
    basis_amount: Decimal | None = None
    findings: Mapping[str, FindingResult] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One case. `note` is how the office arrived at the amount, by hand."""

    code: str
    title: str
    facts: Facts
    expected: Expected
    note: str = ""


@dataclass(frozen=True)
class ExampleResult:
    """How one case came out; `differences` are sentences, empty when it is as expected."""

    example: Example
    assessment: Assessment
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


def run(scheme: Scheme, example: Example) -> ExampleResult:
    """Assess the case and compare. Raises SchemeError when the scheme has no track, or not the one that the case names."""
    tracks = tuple(track.code for track in scheme.tracks)
    wanted = example.facts.track
    if not tracks or (wanted and wanted not in tracks):
        path, said = f"examples.{example.code}.facts.track", f"没有补贴方向“{wanted}”"
        raise SchemeError([Problem(path, said if tracks else "本版本还没有补贴方向，无从计算", tracks)])
    got = assess(scheme, example.facts)
    want = example.expected
    differences = []
    if want.outcome is not None and got.outcome is not want.outcome:
        differences.append(f"结论应为“{want.outcome.label}”，算得“{got.outcome.label}”。")
    if got.amount != want.amount:
        differences.append(f"金额应为 {money(want.amount)}，算得 {money(got.amount)}。")
    if want.basis_amount is not None and got.basis_amount != want.basis_amount:
        differences.append(f"基数应为 {money(want.basis_amount)}，算得 {money(got.basis_amount)}。")
    for code, result in want.findings.items():
        results = {finding.result for finding in got.findings if finding.code == code}
        if result not in results:
            found = "、".join(sorted(one.label for one in results)) or "没有这一条"
            differences.append(f"条件 {code} 应为“{result.label}”，算得“{found}”。")
    return ExampleResult(example, got, tuple(differences))


def read_examples(text: str) -> list[Example]:
    """The examples of a YAML file. Raises SchemeError with every wrong place and its line."""
    return examples_of(read_marked(text))


def examples_of(marked: Marked, *, required: bool = True) -> list[Example]:
    """The examples of a document that was read; none where it has none and needs none.

    Raises SchemeError with every wrong place and its line."""
    document = marked.value
    if not required and isinstance(document, dict) and document.get("examples") is None:
        return []
    if not isinstance(document, dict) or not isinstance(document.get("examples"), list):
        raise SchemeError(marked.place([Problem("examples", "应为算例列表")]))
    examples: list[Example] = []
    problems: list[Problem] = []
    for place, raw in enumerate(document["examples"], start=1):
        if not isinstance(raw, dict):
            problems.append(Problem(f"examples.{place}", "应为一组“名称: 值”"))
            continue
        path = f"examples.{raw.get('code') or place}"
        try:
            example = from_plain(Example, {**raw, "facts": _whole(document, raw, path)}, path)
        except SchemeError as error:
            problems.extend(error.problems)
            continue
        if any(one.code == example.code for one in examples):
            problems.append(Problem(path, "算例编号重复"))
        examples.append(example)
    if problems:
        raise SchemeError(marked.place(problems))
    return examples


def _whole(document: dict[str, Any], raw: dict[str, Any], path: str) -> dict[str, Any]:
    """The example's facts with what the file's examples share."""
    shared, own = document.get("common") or {}, raw.get("facts") or {}
    for name, part in (("common", shared), (f"{path}.facts", own)):
        if not isinstance(part, dict):
            raise SchemeError([Problem(name, "应为一组“名称: 值”")])
    facts = _merge(shared, own)
    for noun in ("contract", "item"):
        common = document.get(noun) or {}
        rows = facts.get(f"{noun}s")
        if isinstance(common, dict) and isinstance(rows, list):
            facts[f"{noun}s"] = [_merge(common, one) if isinstance(one, dict) else one for one in rows]
    return facts


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in own.items():
        shared = out.get(key)
        out[key] = _merge(shared, value) if isinstance(shared, dict) and isinstance(value, dict) else value
    return out


def shipped_examples(name: str) -> list[Example]:
    """The examples of a shipped scheme, by its file's stem; none where it has none."""
    path = EXAMPLES / f"{name}.yaml"
    return read_examples(path.read_text(encoding="utf-8")) if path.exists() else []


def plain_example(example: Example) -> dict[str, Any]:
    """The example as plain values, whole: how it is kept with a version."""
    plain = to_plain(example)
    assert isinstance(plain, dict)
    return plain
