"""A cell's published prices over the months, with the single prices behind them: for the chart, its table, and the files.

Who asked or paid a price is nobody's business outside of the office, and a price among few suppliers would tell it. So
single prices are shown of months only whose index stands on the cell's own prices, of a kind only where at least as many
unaffiliated suppliers as the method asks for voted by it, to the fen and without a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from vouchers.actions.price_sightings import admitted_by
from vouchers.models import PriceIndexRow, PriceObservation
from vouchers.models.price_tables import PriceKind
from vouchers.models.prices import IssueState
from vouchers.money import round_fen
from vouchers.policy.fair_price import Cell, Method
from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.regions import region_label
from vouchers.policy.prices.verdicts import percent_text
from vouchers.web.charts import ChartPoint, PriceChart, SeenPrice, place_of, price_chart

WEAK = ("D", "E")
MIDDLE = 16
"""The day that stands for a month: with the day of signing beside the price a rival could tell a contract."""


def published_rows(market: str) -> QuerySet[PriceIndexRow]:
    """The rows that hold, of every month."""
    return PriceIndexRow.objects.filter(issue__market=market, issue__state=IssueState.PUBLISHED)


def cell_label(row: PriceIndexRow) -> str:
    """The cell in words."""
    return Cell.parse(row.cell).label(region_label(row.issue.market, row.region_group))


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def months_between(first: date, last: date) -> list[date]:
    """Every month from the first to the last."""
    months = [first.replace(day=1)]
    while months[-1] < last.replace(day=1):
        months.append(month_after(months[-1]))
    return months


def seen_prices(cell: Cell, rows: Sequence[PriceIndexRow]) -> list[SeenPrice]:
    """The single prices behind the published rows, a month before each, to the fen, as far as the cell stood on its own.

    Of a month only a kind that voted there by as many suppliers as a price takes, and was seen in it of as many; and of
    transactions only those whose evidence the method lets vote, at the middle of their month.
    """
    kinds = (PriceKind.TRANSACTION, PriceKind.QUOTE)
    evidence: dict[tuple[date, str], tuple[str, ...]] = {}
    floors: dict[tuple[date, str], int] = {}
    methods: dict[int, Method] = {}
    for row in rows:
        if row.level != "L0" or row.base is None:
            continue
        if row.issue.method_id not in methods:
            methods[row.issue.method_id] = Method.from_params(row.issue.method.params)
        method = methods[row.issue.method_id]
        for kind, votes in zip(kinds, (row.n_t, row.n_q), strict=True):
            if votes >= method.n_min:
                key = (month_before(row.issue.month), kind.value)
                floors[key], evidence[key] = method.n_min, method.transaction_evidence
    if not floors:
        return []
    told = [month for month, _kind in floors]
    found = (
        PriceObservation.objects.filter(
            admitted_by(max(row.issue.known_at for row in rows)),
            market=cell.market,
            accelerator=cell.accelerator,
            form_factor=cell.form_factor,
            tier=cell.tier,
            region_group=cell.region_group,
            term_bucket=cell.term,
            set_aside_at=None,
            carried_from=None,
            kind__in=kinds,
            observed_on__gte=min(told),
            observed_on__lt=month_after(max(told)),
            normalised_price__isnull=False,
        )
        .order_by("observed_on", "normalised_price", "kind")
        .values_list("observed_on", "normalised_price", "kind", "evidence", "source_key")
    )
    suppliers: dict[tuple[date, str], set[str]] = {}
    seen: Counter[tuple[date, Decimal, str]] = Counter()
    for day, price, kind, proof, source in found:
        if day is None or price is None:
            continue
        key = (day.replace(day=1), kind)
        if key in floors and (kind != PriceKind.TRANSACTION or proof in evidence[key]):
            suppliers.setdefault(key, set()).add(source)
            shown = day.replace(day=MIDDLE) if kind == PriceKind.TRANSACTION else day
            seen[shown, round_fen(price), kind] += 1
    return [
        SeenPrice(day, price, kind, count)
        for (day, price, kind), count in sorted(seen.items())
        if len(suppliers[day.replace(day=1), kind]) >= floors[day.replace(day=1), kind]
    ]


class PriceHistory:
    """One cell from its first published month to the last: ``rows`` in the order of the months, at least one."""

    def __init__(self, rows: Sequence[PriceIndexRow], *, until: date | None = None) -> None:
        self.rows = rows
        self.cell = Cell.parse(rows[0].cell)
        self.unit = UNIT_LABEL[self.cell.market]
        self.label = cell_label(rows[0])
        self.seen = seen_prices(self.cell, rows)
        first = min([rows[0].issue.month, *(one.day.replace(day=1) for one in self.seen)])
        self.months = months_between(first, max(until or first, rows[-1].issue.month))
        self._by_month = {row.issue.month: row for row in rows}

    def chart(self) -> PriceChart | None:
        """The drawing of the server."""
        points = [_point(month, self._by_month.get(month)) for month in self.months]
        return price_chart(points, unit=self.unit, seen=self.seen)

    def figures(self) -> dict[str, Any]:
        """What the drawing in the browser is made of: figures as text, words as they are to be read."""
        return {
            "words": {
                "base": _("基准价"),
                "band": _("浮动区间"),
                "quartiles": _("四分位"),
                "grade": _("评级"),
                "suppliers": _("供应方"),
                "transaction": _("成交价"),
                "quote": _("报价"),
                "none": _("可比价格不足"),
                "axis": f"{self.unit}（{_('不含税')}）",
                "chart": _("%(label)s：各月基准价与浮动区间，数字见下表") % {"label": self.label},
            },
            "unit": self.unit,
            "months": [f"{month.year}年{month.month}月" for month in self.months],
            "points": [_plain_point(self._by_month.get(month)) for month in self.months],
            "seen": [
                [f"{place:.4f}", f"{one.price:f}", one.kind, f"{one.day:%Y年%-m月}", one.count]
                for one in self.seen
                if (place := place_of(one.day, self.months)) is not None
            ],
        }


def _point(month: date, row: PriceIndexRow | None) -> ChartPoint:
    if row is None or row.base is None:
        return ChartPoint(month, None)
    return ChartPoint(month, row.base, row.lower, row.upper, row.grade in WEAK, f"{row.grade} 级")


def _plain_point(row: PriceIndexRow | None) -> Mapping[str, Any] | None:
    if row is None or row.base is None:
        return None
    return {
        "base": f"{row.base:.2f}",
        "lower": f"{row.lower:.2f}" if row.lower is not None else None,
        "upper": f"{row.upper:.2f}" if row.upper is not None else None,
        "phi": percent_text(row.phi) if row.phi is not None else "",
        "quartiles": f"{row.q25:.2f}–{row.q75:.2f}" if row.q25 is not None and row.q75 is not None else "—",
        "suppliers": suppliers_text(row),
        "grade": row.grade,
        "weak": row.grade in WEAK,
    }


def suppliers_text(row: PriceIndexRow) -> str:
    """How many unaffiliated suppliers the price rests on."""
    if row.n_groups:
        told = {"n": row.n_groups, "t": row.n_t, "q": row.n_q}
        return _("%(n)s 家（成交 %(t)s，报价 %(q)s）") % told
    return _("沿用上期") if row.base is not None else "—"
