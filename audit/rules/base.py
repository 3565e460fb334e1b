"""What every rule is made of: its page, its parameters, and the hits it answers with.

A rule module has a page as docstring and a constant ``RULE``. The page is what auditors read at the desk, so it is in Chinese:
方法、例、缘由、排除、假设、参数, a paragraph each that begins with that word. Its
function ``find`` is pure: the same facts and parameters give the same hits, whether the facts are everything or only the
neighbourhood of one claim. What cannot be tested is named, and is never a pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from audit.rules.facts import Facts, as_date

HARD, SOFT = "hard", "soft"
FAMILIES = {
    "A": "发票",
    "B": "合同与价格",
    "C": "算力与设备",
    "D": "主体与关联",
    "E": "时序与内控",
    "S": "评分",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a rule with its default, unit and permitted range. A change is a new version of the rule. ``step`` is the
    least difference that the facts can tell apart."""

    name: str
    default: Any
    label: str
    unit: str = ""
    low: Any = None
    high: Any = None
    step: int = 1


@dataclass(frozen=True)
class Hit:
    """The rule says yes: on which claim or lease, with value, threshold, sentence, cure, and the records it rests on."""

    claim: int | None
    lease: int | None
    severity: str
    points: Decimal | None
    value: str
    threshold: str
    sentence: str
    counterfactual: str
    evidence: tuple[str, ...]
    inputs: tuple[Any, ...]
    peers: dict[str, str] = field(default_factory=dict)
    ties: tuple[int, ...] = ()  # parties that this hit makes one case of
    told: str = ""  # the sentence for the enterprise, where the other tells of somebody else's case

    @property
    def enterprise_sentence(self) -> str:
        """What the enterprise reads: of other people's cases only that there are some."""
        return self.told or self.sentence

    @property
    def input_hash(self) -> str:
        """SHA-256 over the contents of the records: the same facts give the same hash, changed facts another."""
        text = json.dumps(self.inputs, ensure_ascii=False, sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Found:
    """The answers of one rule: hits, and the claims and leases of which it can say neither yes nor no."""

    hits: list[Hit] = field(default_factory=list)
    untestable_claims: set[int] = field(default_factory=set)
    untestable_leases: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Rule:
    """One rule as code: how it finds. Its points and parameters in force are a ``RuleVersion``."""

    id: str
    title: str
    family: str
    severity: str
    points: Decimal | None
    legal_basis: str
    parameters: tuple[Parameter, ...]
    find: Callable[[Facts, Mapping[str, Any]], Found]
    page: str
    at_screening: bool = True
    about: str = (
        "claim"  # what the fact is about: a claim's own papers, or its lease and whoever claims on it
    )

    flat_points: bool = False  # every soft hit has the points of the parameter ``points``
    # (smaller, larger): these parameters contradict one another unless the first is less than the second
    ascending: tuple[tuple[str, str], ...] = ()

    @property
    def defaults(self) -> dict[str, Any]:
        """The shipped parameters."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def run(self, facts: Facts, parameters: Mapping[str, Any] | None = None) -> Found:
        """Find with these parameters; those that the version does not name keep their defaults."""
        values = {**self.defaults, **(parameters or {})}
        found = self.find(facts, values)
        if self.flat_points:
            points = Decimal(str(values["points"]))
            found.hits = [hit if hit.severity == HARD else replace(hit, points=points) for hit in found.hits]
        return found


def yuan_of(fen: int) -> str:
    """Fen as ``1,234.56``."""
    return f"{Decimal(int(fen)) / 100:,.2f}"


def day_of(number: int) -> str:
    """Days since 1970 as ``2025-10-21``."""
    return as_date(number).isoformat()
