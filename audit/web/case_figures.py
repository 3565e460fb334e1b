"""What a case shows over time and in figures, drawn by the server: device times that overlap, and contract prices against
their band; metered use is in ``audit.web.case_use``. Pure; every drawing stands above a table that says the same, and what is missing is said.

Horizontal places are per cent of the width, so that words keep their size on a phone; vertical ones are pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

from audit.case_facts import CaseFacts, LetKnown, PriceKnown
from audit.web.case_sheets import cut

MOST_SERIALS, MOST_BARS, MOST_PRICES = 8, 8, 20
BAR, BAR_ROW, HEAD = 12, 36, 22
PRICE_ROW = 46
ELSEWHERE = "另一地区的承租方"


def share_of(part: Decimal | int, whole: Decimal | int) -> str:
    """A place in per cent of the width, for an attribute of SVG."""
    return f"{(Decimal(part) * 100 / Decimal(whole)).quantize(Decimal('0.01'))}%"


# -- device times -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overlap:
    """Two contracts that have a device (or several alike) at once. ``last`` is the last day in it; ``hours`` 24 a day."""

    serials: tuple[str, ...]
    one: str
    other: str
    since: date
    last: date
    hours: int
    share: Decimal
    verdict: str
    counts: bool

    @property
    def devices(self) -> str:
        """The device, or the first and how many."""
        return told_serials(self.serials)


@dataclass(frozen=True)
class TimeBar:
    """The time of a device under a contract."""

    x: str
    width: str
    y: int
    label: str
    title: str
    tone: int

    @property
    def label_y(self) -> int:
        """Its words stand above it."""
        return self.y - 5


@dataclass(frozen=True)
class TimeMark:
    """The time of an overlap, across its device's bars; its hours beneath the device's name."""

    x: str
    width: str
    y: int
    height: int
    hours: str
    counts: bool


@dataclass(frozen=True)
class TimeGroup:
    """One device, or several with the same times, as drawn."""

    name: str
    name_y: int
    bars: list[TimeBar]
    marks: list[TimeMark]


@dataclass(frozen=True)
class OverlapFigure:
    """Bars by device, the overlaps as rows, and what could not be tested."""

    groups: list[TimeGroup]
    ticks: list[tuple[str, str, str]]  # where, day, anchor
    height: int
    rows: list[Overlap]
    left_out: int
    missing: list[str]
    summary: str


def told_serials(serials: Sequence[str]) -> str:
    """The device, or the first and how many."""
    return serials[0] if len(serials) == 1 else f"{serials[0]} 等 {len(serials)} 台"


def overlap_times(facts: CaseFacts, honest_hours: int = 24) -> OverlapFigure:
    """The devices of the case that are in two contracts at once. An overlap of at most ``honest_hours`` is a handover;
    slices that add up to one device at most are lawful; one lessee's contracts follow or complete each other (F17)."""
    times: dict[str, list[LetKnown]] = defaultdict(list)
    for let in facts.lets:
        if let.until > let.since:
            times[let.serial].append(let)
    alike: dict[tuple[tuple[int, date, date, Decimal], ...], list[str]] = defaultdict(list)
    for serial in sorted(times):
        lets = sorted(times[serial], key=lambda one: (one.since, one.until, one.place))
        times[serial] = lets
        alike[tuple((one.place, one.since, one.until, one.share) for one in lets)].append(serial)
    rows: list[Overlap] = []
    weights: dict[str, tuple[bool, int]] = {}
    for serials in alike.values():
        found = _overlaps_of(times[serials[0]], tuple(serials), honest_hours)
        if found:
            rows += found
            weights[serials[0]] = max((one.counts, one.hours * len(serials)) for one in found)
    rows.sort(key=lambda one: (not one.counts, -one.hours * len(one.serials), one.serials))
    order = sorted(weights, key=lambda serial: (not weights[serial][0], -weights[serial][1], serial))
    named = {serials[0]: tuple(serials) for serials in alike.values()}
    bare = sorted(
        lease.lease_no
        for lease in facts.own_leases
        if not any(let.lease_no == lease.lease_no for let in facts.lets)
    )
    missing = [f"无法检验：{_listed(bare)}没有列明设备。"] if bare else []
    return _drawn_times([named[one] for one in order], times, rows, missing)


def _listed(numbers: Sequence[str]) -> str:
    return f"合同 {'、'.join(numbers[:5])}" + (f" 等 {len(numbers)} 份" if len(numbers) > 5 else " ")


def _overlaps_of(lets: list[LetKnown], serials: tuple[str, ...], honest_hours: int) -> list[Overlap]:
    found = []
    for place, one in enumerate(lets):
        for other in lets[place + 1 :]:
            since, until = max(one.since, other.since), min(one.until, other.until)
            if until <= since or one.place == other.place:
                continue
            hours = (until - since).days * 24
            share = _most_let(lets, since, until)
            counts, verdict = _verdict(one, other, hours, share, honest_hours)
            last = date.fromordinal(until.toordinal() - 1)
            found.append(Overlap(serials, _who(one), _who(other), since, last, hours, share, verdict, counts))
    return found


def _verdict(
    one: LetKnown, other: LetKnown, hours: int, share: Decimal, honest_hours: int
) -> tuple[bool, str]:
    if one.who == other.who:
        return False, "同一承租方，不计"
    if hours <= honest_hours:
        return False, f"不超过交接的 {honest_hours} 小时，不计"
    if one.exclusive or other.exclusive:
        return True, "独占的设备同时出租"
    if share > 1:
        return True, f"切分的份额合计 {share.normalize():f}，超过一台"
    return False, f"切分的份额合计 {share.normalize():f}，不超过一台"


def _most_let(lets: Sequence[LetKnown], since: date, until: date) -> Decimal:
    """The most that was let at once between two days; of one lessee the largest share."""
    bounds = sorted(
        {since, until} | {day for let in lets for day in (let.since, let.until) if since < day < until}
    )
    most = Decimal(0)
    for start, stop in pairwise(bounds):
        held: dict[int, Decimal] = {}
        for let in lets:
            if let.since < stop and let.until > start:
                held[let.who] = max(held.get(let.who, Decimal(0)), let.share)
        most = max(most, sum(held.values(), Decimal(0)))
    return most


def _who(let: LetKnown) -> str:
    return f"{let.lessee_name} {let.lease_no}" if let.lease_no else f"{ELSEWHERE}（专项 {let.program_code}）"


def _drawn_times(
    order: list[tuple[str, ...]], times: Mapping[str, list[LetKnown]], rows: list[Overlap], missing: list[str]
) -> OverlapFigure:
    chosen = order[:MOST_SERIALS]
    summary = f"{sum(len(one) for one in order)} 台设备在两份以上合同中的租期，重叠 {len(rows)} 处。"
    if not chosen:
        return OverlapFigure([], [], 0, rows, 0, missing, summary)
    shown = {serials[0]: times[serials[0]][:MOST_BARS] for serials in chosen}
    first = min(let.since for lets in shown.values() for let in lets).toordinal()
    end = max(let.until for lets in shown.values() for let in lets).toordinal()
    span = max(1, end - first)
    tones: dict[int, int] = {}
    groups, y = [], HEAD
    for serials in chosen:
        name_y = y + 14
        y += 24
        top, bars = y, []
        for let in shown[serials[0]]:
            tone = tones.setdefault(let.who, len(tones)) % 3
            last = date.fromordinal(let.until.toordinal() - 1)
            words = f"{_who(let)}，{let.since:%Y-%m-%d} 至 {last:%Y-%m-%d}"
            bars.append(
                TimeBar(
                    x=share_of(let.since.toordinal() - first, span),
                    width=share_of(max(1, (let.until - let.since).days), span),
                    y=y + BAR_ROW - BAR - 4,
                    label=f"{cut(let.lessee_name, 24)} {let.lease_no}" if let.lease_no else ELSEWHERE,
                    title=words,
                    tone=tone,
                )
            )
            y += BAR_ROW
        marks = [
            TimeMark(
                share_of(one.since.toordinal() - first, span),
                share_of(one.last.toordinal() + 1 - one.since.toordinal(), span),
                top,
                y - top,
                f"{one.hours:,} 小时",
                one.counts,
            )
            for one in rows
            if one.serials == serials
        ]
        groups.append(TimeGroup(told_serials(serials), name_y, bars, marks))
        y += 10
    middle = date.fromordinal(first + span // 2)
    ticks = [
        ("0%", f"{date.fromordinal(first):%Y-%m-%d}", "start"),
        ("50%", f"{middle:%Y-%m-%d}", "middle"),
        ("100%", f"{date.fromordinal(end - 1):%Y-%m-%d}", "end"),
    ]
    left_out = sum(len(serials) for serials in order[MOST_SERIALS:])
    return OverlapFigure(groups, ticks, y, rows, left_out, missing, summary)


# -- prices against their bands ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PriceRow:
    """A contract's price beside its band; ``over`` by how much it is above the middle."""

    known: PriceKnown
    over: str
    firm: bool  # grades A and B may tell an outlier
    rules: tuple[str, ...]
    above: bool


@dataclass(frozen=True)
class PriceMark:
    """One contract as drawn: its band, the middle, and its price; ``beyond`` the drawing's end."""

    y: int
    label: str
    figure: str
    band_x: str
    band_width: str
    middle: str
    mark: str
    beyond: bool
    above: bool
    firm: bool
    title: str


@dataclass(frozen=True)
class PriceFigure:
    """Prices in per cent of the fair price of each one's own cell and day."""

    marks: list[PriceMark]
    ticks: list[tuple[str, str, str]]
    height: int
    rows: list[PriceRow]
    left_out: int
    missing: list[str]
    summary: str


_FIRM = frozenset("AB")
_MOST_RATIO = Decimal(3)


def price_bands(facts: CaseFacts, rules: Mapping[str, Collection[str]] | None = None) -> PriceFigure:
    """Each contract's price in per cent of the fair price that it was held against, the highest first. ``rules``: contract →
    the rules raised on it."""
    raised = rules or {}
    rows, unchecked, unpriced = [], [], []
    for lease in facts.own_leases:
        known = facts.prices.get(lease.lease_no)
        if known is None:
            unchecked.append(lease.lease_no)
        elif not known.price or not known.base or known.lower is None or known.upper is None:
            unpriced.append(lease.lease_no)
        else:
            ratio = known.price / known.base - 1
            rows.append(
                PriceRow(
                    known,
                    f"{'+' if ratio >= 0 else '−'}{abs(ratio) * 100:.1f}%",
                    known.grade in _FIRM,
                    tuple(sorted(raised.get(lease.lease_no, ()))),
                    known.price > known.upper,
                )
            )
    rows.sort(key=lambda row: (-(row.known.price or 0) / (row.known.base or 1), row.known.lease_no))
    missing = []
    if unchecked:
        missing.append(f"无法检验：{_listed(unchecked)}没有价格核对。")
    if unpriced:
        missing.append(f"无法检验：{_listed(unpriced)}没有可比价格，或合同没有折算单价。")
    if weak := [row.known.lease_no for row in rows if not row.firm]:
        missing.append(f"无法检验离群：{_listed(weak)}的公允价格评级在 B 级以下，只供参考。")
    marks, ticks = _price_marks(rows[:MOST_PRICES])
    above = sum(row.above for row in rows)
    return PriceFigure(
        marks,
        ticks,
        HEAD + len(marks) * PRICE_ROW,
        rows,
        max(0, len(rows) - MOST_PRICES),
        missing,
        f"{len(rows)} 份合同的单价与签订日公允价格区间，{above} 份高于上限。",
    )


def _price_marks(rows: list[PriceRow]) -> tuple[list[PriceMark], list[tuple[str, str, str]]]:
    if not rows:
        return [], []
    ratios = [
        value / _positive(row.known.base)
        for row in rows
        for value in (row.known.lower, row.known.upper, row.known.price)
        if value is not None
    ]
    tenth = Decimal("0.1")
    low = ((min(ratios) - tenth) / tenth).to_integral_value(ROUND_FLOOR) * tenth
    high = ((min(max(ratios), _MOST_RATIO) + tenth) / tenth).to_integral_value(ROUND_CEILING) * tenth
    low = max(Decimal(0), low)

    def across(value: Decimal, base: Decimal) -> str:
        return share_of(min(max(value / base, low), high) - low, high - low)

    marks = []
    for place, row in enumerate(rows):
        known = row.known
        price, base = _positive(known.price), _positive(known.base)
        lower, upper = _positive(known.lower), _positive(known.upper)
        beyond = price / base > high
        band = min(upper / base, high) - max(lower / base, low)
        marks.append(
            PriceMark(
                y=HEAD + place * PRICE_ROW,
                label=known.lease_no,
                figure=f"{price:.2f} 元/卡时（{row.over}）",
                band_x=across(lower, base),
                band_width=share_of(max(Decimal(0), band), high - low),
                middle=across(base, base),
                mark=across(price, base),
                beyond=beyond,
                above=row.above,
                firm=row.firm,
                title=f"{known.lease_no}：{known.sentence}",
            )
        )
    steps = [Decimal(step) / 2 for step in range(1, 7)]
    ticks = [
        (share_of(step - low, high - low), f"{step * 100:.0f}%", "middle")
        for step in steps
        if low + tenth < step < high - tenth
    ]
    return marks, ticks


def _positive(value: Decimal | None) -> Decimal:
    assert value is not None
    return value
