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
from vouchers.policy.documents import EXAMPLES, read_plain
from vouchers.policy.facts import Facts
from vouchers.policy.plain import Problem, SchemeError, from_plain, to_plain
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import FindingResult, Outcome
from vouchers.policy.working import money


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must come out. `findings` names findings by code with their result; what is None or empty is not compared."""

    outcome: Outcome
    amount: Decimal
    basis_amount: Decimal | None = None
    findings: Mapping[str, FindingResult] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One case."""

    code: str
    title: str
    facts: Facts
    expected: Expected


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
    """Assess the case and compare."""
    got = assess(scheme, example.facts)
    want = example.expected
    differences = []
    if got.outcome is not want.outcome:
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
    """The examples of a YAML file. Raises SchemeError with every wrong place."""
    document = read_plain(text)
    if not isinstance(document, dict) or not isinstance(document.get("examples"), list):
        raise SchemeError([Problem("examples", "应为算例列表")])
    examples, problems = [], []
    for place, raw in enumerate(document["examples"], start=1):
        path = f"examples.{raw.get('code', place) if isinstance(raw, dict) else place}"
        try:
            facts = _merge(document.get("common") or {}, raw.get("facts") or {})
            for noun in ("contract", "item"):
                shared = document.get(noun) or {}
                if facts.get(f"{noun}s"):
                    facts[f"{noun}s"] = [_merge(shared, one) for one in facts[f"{noun}s"]]
            examples.append(from_plain(Example, {**raw, "facts": facts}, path))
        except SchemeError as error:
            problems.extend(error.problems)
    if problems:
        raise SchemeError(problems)
    return examples


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
