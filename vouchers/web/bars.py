"""The geometry of bars, drawn by the server as SVG: months side by side, and gains beside losses.

As in `charts`: arithmetic in ``Decimal``, horizontal places in per cent of the width, vertical ones in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from vouchers.web.charts import Tick

TOP, HEIGHT = 14, 200
MOST_LABELS = 6
_YI, _WAN = Decimal(100_000_000), Decimal(10_000)


@dataclass(frozen=True)
class Bar:
    """One bar: its place, and what it says on hover. ``series`` is ``before`` or ``after``."""

    x: str
    y: str
    width: str
    height: str
    series: str
    title: str


@dataclass(frozen=True)
class BarChart:
    """What the template draws. ``unit`` is the unit of the figures on the rungs."""

    bars: list[Bar] = field(default_factory=list)
    rungs: list[Tick] = field(default_factory=list)
    months: list[Tick] = field(default_factory=list)
    unit: str = "元"
    base: int = TOP + HEIGHT
    foot: int = TOP + HEIGHT + 20
    total: int = TOP + HEIGHT + 28


@dataclass(frozen=True)
class BarPair:
    """One month or group before and after, in yuan."""

    label: str
    before: Decimal
    after: Decimal
    title: str = ""


def bar_chart(pairs: Sequence[BarPair]) -> BarChart | None:
    """Two bars a month, on one scale from zero; None when there is nothing to compare over time."""
    most = max((value for pair in pairs for value in (pair.before, pair.after)), default=Decimal(0))
    if len(pairs) < 2 or most <= 0:
        return None
    unit, size = ("亿元", _YI) if most >= _YI else ("万元", _WAN) if most >= _WAN else ("元", Decimal(1))
    step = _step(most / size)
    high = (most / size / step).to_integral_value(ROUND_CEILING) * step
    chart = BarChart(unit=unit)
    slot = Decimal(100) / len(pairs)
    wide = min(slot * Decimal("0.36"), Decimal(3))
    every = -(-len(pairs) // MOST_LABELS)
    for place, pair in enumerate(pairs):
        middle = slot * place + slot / 2
        for series, value, left in (
            ("before", pair.before, middle - wide),
            ("after", pair.after, middle),
        ):
            tall = value / size / high * HEIGHT
            chart.bars.append(
                Bar(
                    x=f"{_text(left)}%",
                    y=_text(TOP + HEIGHT - tall),
                    width=f"{_text(wide * Decimal('0.94'))}%",
                    height=_text(tall),
                    series=series,
                    title=pair.title,
                )
            )
        if place % every == 0:
            chart.months.append(Tick(f"{_text(middle)}%", pair.label))
    rung = Decimal(0)
    while rung <= high:
        chart.rungs.append(Tick(_text(TOP + HEIGHT - rung / high * HEIGHT), f"{rung.normalize():f}", "start"))
        rung += step
    return chart


def _step(most: Decimal) -> Decimal:
    """The distance of the rungs: 1, 2 or 5 with zeros, four or five of them."""
    rough = most / 4
    power = Decimal(10) ** rough.adjusted()
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)


@dataclass(frozen=True)
class Tug:
    """What a group gains and loses, as two bars from the middle: left less, right more. In per cent of the width."""

    lost_x: str
    lost_width: str
    won_width: str


def tugs(pairs: Sequence[tuple[Decimal, Decimal]]) -> list[Tug]:
    """(lost, won) of each group, both positive, on one scale."""
    most = max((value for pair in pairs for value in pair), default=Decimal(0))
    if most <= 0:
        return [Tug("50%", "0%", "0%") for _ in pairs]
    drawn = []
    for lost, won in pairs:
        left, right = lost / most * 49, won / most * 49
        drawn.append(Tug(f"{_text(50 - left)}%", f"{_text(left)}%", f"{_text(right)}%"))
    return drawn


def _text(value: Decimal) -> str:
    return format(value.quantize(Decimal("0.01")), "f")


__all__ = ["Bar", "BarChart", "BarPair", "Tug", "bar_chart", "tugs"]
