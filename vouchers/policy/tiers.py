"""What bands give for a base: the arithmetic of tiers, apart from whose base it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.rules import Rate
from vouchers.policy.terms import TierMode
from vouchers.policy.working import ZERO


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rates that belong together: the bands of one set of conditions, or one rate alone. `place` orders them as the
    ordinance does; `borders` are the bands' from and to, `starts_inside` whether a base of just `from` is in the band; `known`
    are the rates' values where no reviewer sets one and all are published. `key` is what the year's base of its items is
    kept under: the track's code where the track has one ladder."""

    rates: tuple[Rate, ...]
    place: tuple[int, ...]
    is_flat: bool
    borders: tuple[tuple[Decimal, Decimal | None], ...]
    known: tuple[Decimal, ...] | None
    starts_inside: bool = True
    key: str = ""


def ladder_amount(mode: TierMode, ladder: Ladder, values: tuple[Decimal, ...], base: Decimal) -> Decimal:
    """What a ladder gives for a base, in yuan, unrounded; `values` are its rates in their order."""
    total = ZERO
    whole = mode is TierMode.WHOLE
    starts_inside = ladder.starts_inside
    for (low, high), value in zip(ladder.borders, values, strict=True):
        if base < low:
            continue
        if not whole:
            part = (base if high is None or base < high else high) - low
        elif starts_inside:
            part = base if high is None or base < high else ZERO
        else:
            part = base if (base > low or not low) and (high is None or base <= high) else ZERO
        if part:
            total += part * value
    return total


def is_in_band(ladder: Ladder, low: Decimal, high: Decimal | None, base: Decimal) -> bool:
    """Whether a base lies in the band between these borders of the ladder's."""
    if ladder.starts_inside:
        return base >= low and (high is None or base < high)
    return (base > low or not low) and (high is None or base <= high)


def value_at(ladder: Ladder, values: tuple[Decimal, ...], base: Decimal) -> Decimal:
    """The rate of the band that a base lies in; 0 where it lies in none."""
    for (low, high), value in zip(ladder.borders, values, strict=True):
        if is_in_band(ladder, low, high, base):
            return value
    return ZERO


def ladder_rise(
    mode: TierMode, ladder: Ladder, values: tuple[Decimal, ...], before: Decimal, upto: Decimal
) -> Decimal:
    """What a ladder gives for a base of `upto` more than it gave for `before`; never less than nothing."""
    if not before:
        return ladder_amount(mode, ladder, values, upto)
    if mode is TierMode.WHOLE:
        more = ladder_amount(mode, ladder, values, upto) - ladder_amount(mode, ladder, values, before)
        return more if more > 0 else ZERO
    total = ZERO
    if upto <= before:
        return total
    for (low, high), value in zip(ladder.borders, values, strict=True):
        if upto > low and (high is None or before < high):
            top = upto if high is None or upto < high else high
            total += (top - (before if before > low else low)) * value
    return total
