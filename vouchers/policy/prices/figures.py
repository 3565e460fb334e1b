"""The arithmetic of prices: one fixed decimal context, and quantiles that are members of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)
SIX_PLACES = Decimal("0.000001")
ONE = Decimal(1)


def six(value: Decimal) -> Decimal:
    """Six places, half up: how unit prices, bands and sensitivities are kept."""
    return value.quantize(SIX_PLACES, rounding=ROUND_HALF_UP, context=CONTEXT)


def quantile(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    """The ⌈p·n⌉-th of the sorted values: always a price that somebody really asked. ``ordered`` must not be empty."""
    exact = multiply(share, Decimal(len(ordered)))
    rank = int(exact) + (exact != int(exact))
    return ordered[max(rank, 1) - 1]


def lower_median(ordered: Sequence[Decimal]) -> Decimal:
    """The ⌈n/2⌉-th of the sorted values."""
    return ordered[(len(ordered) + 1) // 2 - 1]


def ln(value: Decimal) -> Decimal:
    """Natural logarithm in the fixed context: correctly rounded, the same on every machine."""
    return CONTEXT.ln(value)


def divide(value: Decimal, by: Decimal) -> Decimal:
    """Quotient in the fixed context."""
    return CONTEXT.divide(value, by)


def multiply(value: Decimal, by: Decimal) -> Decimal:
    """Product in the fixed context."""
    return CONTEXT.multiply(value, by)


def add(value: Decimal, other: Decimal) -> Decimal:
    """Sum in the fixed context."""
    return CONTEXT.add(value, other)


def subtract(value: Decimal, other: Decimal) -> Decimal:
    """Difference in the fixed context."""
    return CONTEXT.subtract(value, other)


def distance(value: Decimal, other: Decimal) -> Decimal:
    """How far apart two figures are, in the fixed context: ``abs`` alone would round by whatever context is about."""
    return CONTEXT.abs(CONTEXT.subtract(value, other))


def moved_beyond(before: Decimal | None, after: Decimal | None, limit: Decimal) -> bool:
    """Whether a price moved by more than the limit, in logarithms; one that appears from nothing or vanishes did."""
    if before is None or after is None:
        return before is not after
    return distance(ln(after), ln(before)) > limit


def text_of(value: Decimal | None) -> str | None:
    """One spelling of one number, for canonical forms: no exponent, no trailing zeros."""
    if value is None:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def short(value: Decimal | None) -> Decimal | None:
    """The same number in its one spelling: what a fact keeps, so that it reads the same when it is read again from what is
    stored."""
    text = text_of(value)
    return None if text is None else Decimal(text)
