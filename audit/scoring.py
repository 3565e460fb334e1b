"""From flags to a score, an outcome and a place in the queue. Pure: no database, no clock.

Family score A_f = strongest + a quarter of the others, at most 10: correlated flags have one cause. S is their sum. A hard
flag counts as the strongest of its family, for the order only. The order also weighs the money at stake. What counts how much are
``Terms``: a version of S01 (``audit.rules.terms``), published by two persons as every rule's parameters are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from audit.rules.base import HARD

RARITY_LEAST = 200
BLOCK, HOLD, REVIEW, PASS = "block", "hold", "review", "pass"
OUTCOMES = (BLOCK, HOLD, REVIEW, PASS)


@dataclass(frozen=True)
class Terms:
    """The terms of scoring: points, shares as fractions, amounts in yuan. Whatever the sum, ``review_floor`` is looked at."""

    family_cap: Decimal = Decimal(10)
    others_share: Decimal = Decimal("0.25")
    hold_from: Decimal = Decimal(12)
    hold_families: int = 2
    review_from: Decimal = Decimal(5)
    review_floor: frozenset[str] = frozenset({"F25", "F26", "F28"})
    affiliation_floor: Decimal = Decimal(8)
    exposure_from: Decimal = Decimal(100_000)
    exposure_share: Decimal = Decimal("0.25")

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The terms that a version of S01 names."""
        return cls(
            family_cap=Decimal(str(parameters["family_cap"])),
            others_share=Decimal(parameters["others_percent"]) / 100,
            hold_from=Decimal(str(parameters["hold_from"])),
            hold_families=int(parameters["hold_families"]),
            review_from=Decimal(str(parameters["review_from"])),
            review_floor=frozenset(parameters["review_floor"]),
            affiliation_floor=Decimal(str(parameters["affiliation_floor"])),
            exposure_from=Decimal(parameters["exposure_from"]),
            exposure_share=Decimal(parameters["exposure_percent"]) / 100,
        )


SHIPPED = Terms()


@dataclass(frozen=True)
class Raised:
    """What scoring needs of a flag."""

    rule: str
    family: str
    severity: str
    points: Decimal | None

    def fainter(self, share: Decimal) -> Raised:
        """The same with this share of its points; a hard flag is a fact however often it is raised."""
        if self.severity == HARD or self.points is None:
            return self
        return replace(self, points=self.points * share)


def rarity(flagged: int, of: int) -> Decimal:
    """How much a rule's flag tells apart: min(1, ln(N/n) / ln N) for n flagged of N, the weight that links have as well (F24).

    What every thirtieth claim has says less than what one in a thousand has. It moves the place in the queue, never the outcome; of
    fewer than ``RARITY_LEAST`` claims nothing can be said.
    """
    if of < RARITY_LEAST or not flagged:
        return Decimal(1)
    return ((Decimal(of) / flagged).ln() / Decimal(of).ln()).quantize(Decimal("0.0001"))


def score(
    flags: Iterable[Raised], terms: Terms = SHIPPED, *, hard_counts: bool = True
) -> tuple[Decimal, int]:
    """S and the number of families in it."""
    families: dict[str, list[Decimal]] = defaultdict(list)
    for flag in flags:
        if flag.severity == HARD:
            if hard_counts:
                families[flag.family].append(terms.family_cap)
        elif flag.points:
            families[flag.family].append(flag.points)
    total = Decimal(0)
    for points in families.values():
        points.sort(reverse=True)
        total += min(terms.family_cap, points[0] + terms.others_share * sum(points[1:], Decimal(0)))
    return total.quantize(Decimal("0.01")), len(families)


def outcome(flags: list[Raised], terms: Terms = SHIPPED) -> str:
    """The stricter of what the hard flags, the floors and the sum ask for."""
    if any(flag.severity == HARD for flag in flags):
        return BLOCK
    total, families = score(flags, terms, hard_counts=False)
    if total >= terms.hold_from and families >= terms.hold_families:
        return HOLD
    floor = any(
        flag.rule in terms.review_floor
        or (flag.rule == "F24" and (flag.points or 0) >= terms.affiliation_floor)
        for flag in flags
    )
    return REVIEW if floor or total >= terms.review_from else PASS


def weight(total: Decimal, amount: Decimal, terms: Terms = SHIPPED) -> Decimal:
    """S times 1 + 0.25·log10(max(1, amount / 100,000 yuan)): the place in the queue, never the outcome."""
    exposure = 1 + terms.exposure_share * max(Decimal(1), amount / terms.exposure_from).log10()
    return (total * exposure).quantize(Decimal("0.0001"))
