"""How good a scan's order is, against labels: precision and recall of the first fifty cases, beside simpler orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FIRST = 50
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Quality:
    """Of the first ``FIRST`` cases: the share that are fraud, and the share of all fraud cases that is among them."""

    order: str
    found: int
    looked_at: int
    fraud_cases: int

    @property
    def precision(self) -> float:
        return self.found / self.looked_at if self.looked_at else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.fraud_cases if self.fraud_cases else 0.0


def quality(lines: list[Line], frauds: set[str], amounts: Mapping[str, Any]) -> list[Quality]:
    """The scan's own order first, then by the number of flags, by amount, and by the best single flag (whichever it is)."""
    case_of = {line["claim_no"]: line["case"] for line in lines}
    plain = sorted(
        lines, key=lambda line: str(line["claim_no"])
    )  # ties of the simpler orders are not broken by the scan
    guilty = {case_of[no] for no in frauds}
    orders: list[tuple[str, Iterable[Line]]] = [
        ("scan", lines),
        ("number of flags", sorted(plain, key=lambda line: -len(line["flags"]))),
        ("largest amount", sorted(plain, key=lambda line: -float(amounts[line["claim_no"]]))),
    ]
    rules = {flag["id"] for line in lines for flag in line["flags"]}
    single = [_first(f"single flag {rule}", _by(plain, rule), guilty) for rule in sorted(rules)]
    best = max(single, key=lambda one: one.found, default=Quality("single flag", 0, FIRST, len(guilty)))
    return [*(_first(name, order, guilty) for name, order in orders), best]


def _by(lines: list[Line], rule: str) -> list[Line]:
    return [line for line in lines if any(flag["id"] == rule for flag in line["flags"])]


def _first(name: str, lines: Iterable[Line], guilty: set[str]) -> Quality:
    cases = list(dict.fromkeys(line["case"] for line in lines))[:FIRST]
    return Quality(name, sum(case in guilty for case in cases), FIRST, len(guilty))


def above_pass(lines: list[Line], lookalikes: Mapping[str, str]) -> dict[str, float]:
    """Of each kind of look-alike the share that came above ``pass``."""
    counted: dict[str, Counter[bool]] = defaultdict(Counter)
    for line in lines:
        if kind := lookalikes.get(line["claim_no"]):
            counted[kind][line["outcome"] != "pass"] += 1
    return {kind: of[True] / of.total() for kind, of in sorted(counted.items())}


def wrong(lines: list[Line], expected: Mapping[str, set[str]], innocent: Callable[[str], bool]) -> list[str]:
    """Hard flags that were expected and not raised, and those raised on an innocent claim."""
    said = []
    for line in lines:
        hard = {flag["id"] for flag in line["flags"] if flag["class"] == "hard"}
        if missing := expected.get(line["claim_no"], set()) - hard:
            said.append(f"{line['claim_no']}: {', '.join(sorted(missing))} not raised")
        if hard and innocent(line["claim_no"]):
            said.append(f"{line['claim_no']}: {', '.join(sorted(hard))} on an honest claim")
    return said
