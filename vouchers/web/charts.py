"""The geometry of a price chart: a line with its band over months, drawn by the server as SVG, for screen and print.

All arithmetic is in ``Decimal``. Horizontal places are per cent of the width, so that words keep their size on a phone;
vertical ones are pixels. A month without a price breaks line and band. Behind them lie the single prices that were seen,
each on its day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

TOP, HEIGHT, WIDE = 12, 220, 1000  # the plot's first pixel, its height, and the units of its width
_STEPS = tuple(
    map(Decimal, ("0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"))
)


@dataclass(frozen=True)
class ChartPoint:
    """One month: the price and its band, None when there was none; ``weak`` when it may not decide (grades D and E)."""

    month: date
    base: Decimal | None
    lower: Decimal | None = None
    upper: Decimal | None = None
    weak: bool = False
    note: str = ""


@dataclass(frozen=True)
class SeenPrice:
    """What was seen on a day: a price, how many times, and as what (``transaction`` or ``quote``). Whose it was is not here."""

    day: date
    price: Decimal
    kind: str
    count: int = 1


@dataclass(frozen=True)
class Tick:
    """A line of the grid or a month beneath: where, and its words. ``across`` is the place of a month in units of the width."""

    at: str
    label: str
    anchor: str = "middle"
    across: str = ""


@dataclass(frozen=True)
class Dot:
    """A month's price as a mark; ``x`` in per cent for the screen, ``at`` in units of the width for paper."""

    x: str
    y: str
    weak: bool
    title: str
    at: str = ""


@dataclass(frozen=True)
class Speck:
    """Single prices that fall on one place of the drawing; ``x`` and ``at`` as a dot's."""

    x: str
    y: str
    kind: str
    at: str = ""


@dataclass(frozen=True)
class PriceChart:
    """What the template draws. ``beyond``: how many single prices lie outside of the scale and are told in words."""

    bands: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    specks: list[Speck] = field(default_factory=list)
    beyond: int = 0
    rungs: list[Tick] = field(default_factory=list)
    months: list[Tick] = field(default_factory=list)
    top: int = TOP
    height: int = HEIGHT
    foot: int = TOP + HEIGHT + 20
    total: int = TOP + HEIGHT + 28


def price_chart(
    points: Sequence[ChartPoint], *, unit: str = "元/卡时", seen: Sequence[SeenPrice] = ()
) -> PriceChart | None:
    """The chart of at least two months with a price, or of one and the prices seen; None when there is nothing to see.

    ``points`` are months one after the other. The scale is that of the bands: a single price beyond twice of it is counted,
    not drawn, so that one odd price does not press the rest flat.
    """
    shown = [point for point in points if point.base is not None]
    if not shown or (len(shown) < 2 and not seen):
        return None
    values = [value for p in shown for value in (p.base, p.lower, p.upper) if value is not None]
    within = [one for one in seen if min(values) / 2 <= one.price <= max(values) * 2]
    values += [one.price for one in within]
    low, high, step = _rungs(min(values), max(values))

    def down(value: Decimal) -> str:
        return _text(TOP + (high - value) / (high - low) * HEIGHT)

    def inner(value: Decimal) -> str:
        return _text((high - value) / (high - low) * HEIGHT)

    count = len(points)
    across = [Decimal(2 * index + 1) / (2 * count) for index in range(count)]
    chart = PriceChart(beyond=sum(one.count for one in seen) - sum(one.count for one in within))
    for run in _runs(points):
        line = [f"{_text(across[i] * WIDE)},{inner(_known(points[i].base))}" for i in run]
        chart.lines.append(" ".join(line))
        banded = [i for i in run if points[i].lower is not None and points[i].upper is not None]
        if len(banded) > 1:
            upper = [f"{_text(across[i] * WIDE)},{inner(_known(points[i].upper))}" for i in banded]
            lower = [f"{_text(across[i] * WIDE)},{inner(_known(points[i].lower))}" for i in reversed(banded)]
            chart.bands.append(" ".join(upper + lower))
    chart.specks.extend(_specks(within, points, low, high))
    for place, point in zip(across, points, strict=True):
        if point.base is not None:
            title = f"{point.month:%Y-%m} {point.base.quantize(Decimal('0.01'))} {unit} {point.note}".strip()
            chart.dots.append(
                Dot(f"{_text(place * 100)}%", down(point.base), point.weak, title, _text(place * WIDE))
            )
    rung = low
    while rung <= high:
        chart.rungs.append(Tick(down(rung), format(rung.normalize(), "f"), "start"))
        rung += step
    every = -(-count // 12)
    for index, (place, point) in enumerate(zip(across, points, strict=True)):
        if index % every == 0:
            label = (
                f"{point.month.month}月"
                if index and point.month.month != 1
                else f"{point.month.year % 100}年{point.month.month}月"
            )
            chart.months.append(Tick(f"{_text(place * 100)}%", label, across=_text(place * WIDE)))
    return chart


def place_of(day: date, months: Sequence[date]) -> Decimal | None:
    """Where the day lies, in months from the beginning of the first one; None when it is in none of them."""
    first = months[0]
    index = (day.year - first.year) * 12 + day.month - first.month
    if not 0 <= index < len(months):
        return None
    return index + Decimal(2 * day.day - 1) / (2 * monthrange(day.year, day.month)[1])


def _specks(
    seen: Sequence[SeenPrice], points: Sequence[ChartPoint], low: Decimal, high: Decimal
) -> list[Speck]:
    """Prices that would cover each other are drawn once: a quarter of a per cent across and two pixels down."""
    months = [point.month for point in points]
    drawn: dict[tuple[str, Decimal, Decimal], None] = {}
    for one in seen:
        place = place_of(one.day, months)
        if place is None:
            continue
        across = (place / len(months) * 400).to_integral_value() / 4
        down = ((high - one.price) / (high - low) * HEIGHT / 2).to_integral_value() * 2
        drawn[one.kind, across, down] = None
    return [
        Speck(f"{_text(across)}%", _text(TOP + down), kind, _text(across * WIDE / 100))
        for kind, across, down in drawn
    ]


def _known(value: Decimal | None) -> Decimal:
    assert value is not None
    return value


def _text(value: Decimal) -> str:
    return format(value.quantize(Decimal("0.01")), "f")


def _rungs(least: Decimal, most: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """The bottom, the top and the distance of the grid's lines: four to six of them."""
    span = max(most - least, most / 10, Decimal("0.01"))
    step = next((step for step in _STEPS if span / step <= 5), _STEPS[-1])
    low = (least / step).to_integral_value(ROUND_FLOOR) * step
    high = (most / step).to_integral_value(ROUND_CEILING) * step
    return low, high if high > low else low + step, step


def _runs(points: Sequence[ChartPoint]) -> list[list[int]]:
    runs: list[list[int]] = []
    current: list[int] = []
    for index, point in enumerate(points):
        if point.base is None:
            if current:
                runs.append(current)
            current = []
        else:
            current.append(index)
    return [*runs, current] if current else runs
