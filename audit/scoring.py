"""From flags to a score, an outcome and a place in the queue. Pure: no database, no clock.

Family score A_f = strongest + a quarter of the others, at most 10: correlated flags have one cause. S is their sum. A hard
flag counts as the strongest of its family, for the order only. The order also weighs the money at stake.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from audit.rules.base import HARD

BLOCK, HOLD, REVIEW, PASS = "block", "hold", "review", "pass"
OUTCOMES = (BLOCK, HOLD, REVIEW, PASS)
FAMILY_CAP = Decimal(10)
OTHERS_SHARE = Decimal("0.25")
HOLD_FROM, HOLD_FAMILIES, REVIEW_FROM = Decimal(12), 2, Decimal(5)
# Whatever the sum: these are looked at.
REVIEW_FLOOR = frozenset({"F25", "F26", "F28"})
AFFILIATION_FLOOR = Decimal(8)
EXPOSURE_FROM = Decimal(100_000)


@dataclass(frozen=True)
class Raised:
    """What scoring needs of a flag."""

    rule: str
    family: str
    severity: str
    points: Decimal | None


def score(flags: Iterable[Raised], *, hard_counts: bool = True) -> tuple[Decimal, int]:
    """S and the number of families in it."""
    families: dict[str, list[Decimal]] = defaultdict(list)
    for flag in flags:
        if flag.severity == HARD:
            if hard_counts:
                families[flag.family].append(FAMILY_CAP)
        elif flag.points:
            families[flag.family].append(flag.points)
    total = Decimal(0)
    for points in families.values():
        points.sort(reverse=True)
        total += min(FAMILY_CAP, points[0] + OTHERS_SHARE * sum(points[1:], Decimal(0)))
    return total.quantize(Decimal("0.01")), len(families)


def outcome(flags: list[Raised]) -> str:
    """The stricter of what the hard flags, the floors and the sum ask for."""
    if any(flag.severity == HARD for flag in flags):
        return BLOCK
    total, families = score(flags, hard_counts=False)
    if total >= HOLD_FROM and families >= HOLD_FAMILIES:
        return HOLD
    floor = any(
        flag.rule in REVIEW_FLOOR or (flag.rule == "F24" and (flag.points or 0) >= AFFILIATION_FLOOR)
        for flag in flags
    )
    return REVIEW if floor or total >= REVIEW_FROM else PASS


def weight(total: Decimal, amount: Decimal) -> Decimal:
    """S times 1 + 0.25·log10(max(1, amount / 100,000 yuan)): the place in the queue, never the outcome."""
    exposure = 1 + Decimal("0.25") * max(Decimal(1), amount / EXPOSURE_FROM).log10()
    return (total * exposure).quantize(Decimal("0.0001"))
