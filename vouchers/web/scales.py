"""The geometry of the price scale: where the band and the contract's price stand, in per cent of the width.

All arithmetic is in ``Decimal``; the result is drawn, never decided on.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_STEP = Decimal("0.01")
_MARGIN = Decimal("0.35")


@dataclass(frozen=True)
class PriceScale:
    """Positions in per cent as strings for SVG attributes, and how each label is anchored there."""

    band_from: str
    band_width: str
    band_to: str
    middle: str | None
    mark: str | None
    mark_anchor: str
    lower_anchor: str
    upper_anchor: str


def _anchor(at: Decimal) -> str:
    if at < 18:
        return "start"
    return "end" if at > 82 else "middle"


def price_scale(
    *, lower: Decimal, upper: Decimal, price: Decimal | None = None, benchmark: Decimal | None = None
) -> PriceScale | None:
    """The scale that shows all of them with air at both ends; None when the bounds are no band."""
    if upper <= lower:
        return None
    shown = [lower, upper, *(value for value in (price, benchmark) if value is not None)]
    low, high = min(shown), max(shown)
    pad = (high - low) * _MARGIN
    origin, span = low - pad, (high - low) + pad * 2

    def at(value: Decimal) -> Decimal:
        return ((value - origin) / span * 100).quantize(_STEP)

    left, right = at(lower), at(upper)
    narrow = right - left < 36
    mark = None if price is None else at(price)
    return PriceScale(
        band_from=f"{left}%",
        band_width=f"{right - left}%",
        band_to=f"{right}%",
        middle=None if benchmark is None else f"{at(benchmark)}%",
        mark=None if mark is None else f"{mark}%",
        mark_anchor="middle" if mark is None else _anchor(mark),
        lower_anchor="end" if narrow and left > 18 else ("start" if left < 18 else "middle"),
        upper_anchor="start" if narrow and right < 82 else ("end" if right > 82 else "middle"),
    )
