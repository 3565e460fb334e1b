"""Metered against invoiced card hours of a case's contracts, by month: columns drawn by the server, and the table beneath. Pure.

What an invoice bills in card hours is what its lines state; else its amount by the contract's price of a card hour; else, where a
month or a machine is what is paid, all cards of the contract in the invoice's period (an idle machine is paid too, and the
table says so).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from audit.case_facts import BilledKnown, CaseFacts, LeaseKnown
from audit.web.case_figures import share_of

MOST_LEASES, MOST_MONTHS = 6, 36
PLOT, TOP, FOOT = 96, 24, 22
_HUNDREDTH = Decimal("0.01")
PLATFORM = "platform"


@dataclass(frozen=True)
class UseMonth:
    """A month of a contract."""

    month: date
    billed: Decimal
    metered: Decimal
    days: int


@dataclass(frozen=True)
class UseRow:
    """A contract: card hours invoiced and metered by the platform, on how many of its days, and what that says."""

    lease_no: str
    billed: Decimal
    metered: Decimal
    ratio: Decimal | None
    days: int
    length: int
    reserved: bool
    said: str
    months: tuple[UseMonth, ...] = ()

    @property
    def percent(self) -> str:
        """The ratio in words."""
        return "—" if self.ratio is None else f"{self.ratio * 100:.1f}%"


@dataclass(frozen=True)
class Column:
    """A month as two columns: what was invoiced hollow, what was metered full."""

    billed_x: str
    metered_x: str
    width: str
    billed_y: int
    billed_height: int
    metered_y: int
    metered_height: int
    label: str
    label_x: str
    title: str


@dataclass(frozen=True)
class UsePlot:
    """A contract's months on one scale."""

    lease_no: str
    said: str
    top: str
    columns: list[Column]
    floor: int = TOP + PLOT
    height: int = TOP + PLOT + FOOT


@dataclass(frozen=True)
class UseFigure:
    """The contracts that were used the least of what was invoiced come first; ``left_out`` more stand in the table alone."""

    plots: list[UsePlot]
    rows: list[UseRow]
    left_out: int
    missing: list[str]
    summary: str

    @property
    def drawn(self) -> list[UseRow]:
        """The contracts whose months are drawn."""
        return self.rows[: len(self.plots)]


def metered_use(facts: CaseFacts, coverage_percent: int = 90) -> UseFigure:
    """Each contract's use beside its invoices. A contract that the platform metered on less than ``coverage_percent`` of its
    days is shown and not judged (F19)."""
    billed: dict[str, list[BilledKnown]] = defaultdict(list)
    for invoice in facts.billed:
        billed[invoice.lease_no].append(invoice)
    metered: dict[str, dict[date, tuple[Decimal, int]]] = defaultdict(dict)
    stated: set[str] = set()
    for known in facts.metered:
        if known.source == PLATFORM:
            metered[known.lease_no][known.month] = (known.hours, known.days)
        else:
            stated.add(known.lease_no)
    rows, gaps = [], defaultdict(list)
    for lease in facts.own_leases:
        no = lease.lease_no
        if not metered.get(no):
            gaps["只有自报的用量" if no in stated else "没有用量数据"].append(no)
        elif not billed.get(no):
            gaps["没有正常状态的发票"].append(no)
        elif (row := _row(lease, billed[no], metered[no], coverage_percent)) is None:
            gaps["发票和合同都没有写明卡时、单价或卡数"].append(no)
        else:
            rows.append(row)
    rows.sort(key=lambda row: (row.ratio is None, row.ratio or Decimal(0), row.lease_no))
    missing = [
        f"无法检验：合同 {'、'.join(numbers[:5])}{f' 等 {len(numbers)} 份' if len(numbers) > 5 else ' '}{why}。"
        for why, numbers in gaps.items()
    ]
    return UseFigure(
        [_plot(row) for row in rows[:MOST_LEASES]],
        rows,
        max(0, len(rows) - MOST_LEASES),
        missing,
        f"{len(rows)} 份合同的计量卡时与开票卡时。",
    )


def _row(
    lease: LeaseKnown,
    invoices: list[BilledKnown],
    metered: dict[date, tuple[Decimal, int]],
    coverage_percent: int,
) -> UseRow | None:
    by_month: dict[date, Decimal] = defaultdict(Decimal)
    reserved = False
    for invoice in invoices:
        hours, guessed = billed_hours(invoice, lease)
        if hours is None:
            return None
        reserved = reserved or guessed
        for month, part in spread(hours, invoice):
            by_month[month] += part
    total = sum(by_month.values(), Decimal(0))
    used = sum((hours for hours, _days in metered.values()), Decimal(0))
    days = sum(day for _hours, day in metered.values())
    length = (lease.ends_before - lease.starts_on).days
    ratio = used / total if total else None
    months = tuple(
        UseMonth(month, by_month.get(month, Decimal(0)), *metered.get(month, (Decimal(0), 0)))
        for month in sorted({*by_month, *metered})
    )
    covered = days * 100 >= coverage_percent * length
    if not covered:
        said = f"平台只计量了租期 {length} 天中的 {days} 天，不足 {coverage_percent}%，不作判断"
    elif used == 0:
        said = "全期计量，用量为零"
    elif reserved:
        said = "包月或按台计价，闲置也要付租金，用量低不作判断"
    else:
        said = "全期计量"
    return UseRow(lease.lease_no, total, used, ratio, days, length, reserved, said, months)


def billed_hours(invoice: BilledKnown, lease: LeaseKnown) -> tuple[Decimal | None, bool]:
    """Card hours that the invoice bills, and whether they are all that its period holds; None when nothing says."""
    if invoice.hours is not None:
        return invoice.hours, False
    if lease.unit == "card_hour" and lease.unit_price:
        return (invoice.net_amount / lease.unit_price).quantize(_HUNDREDTH), False
    if lease.cards and invoice.period_from and invoice.period_to:
        return Decimal(lease.cards * 24 * (invoice.period_to - invoice.period_from).days), True
    return None, False


def spread(hours: Decimal, invoice: BilledKnown) -> Iterator[tuple[date, Decimal]]:
    """The hours over the months of the invoice's period by their days, to the hundredth; the last month takes the rest. Without a
    period they are its month's of issue."""
    since, until = invoice.period_from, invoice.period_to
    if since is None or until is None or until <= since:
        yield invoice.issued_on.replace(day=1), hours
        return
    days, left, month = (until - since).days, hours, since.replace(day=1)
    while month < until:
        after = (month + timedelta(days=32)).replace(day=1)
        here = (min(after, until) - max(month, since)).days
        part = left if after >= until else (hours * here / days).quantize(_HUNDREDTH)
        left -= part
        yield month, part
        month = after


def _plot(row: UseRow) -> UsePlot:
    months = row.months[-MOST_MONTHS:]
    most = max(
        (value for one in months for value in (one.billed, one.metered)), default=Decimal(0)
    ) or Decimal(1)
    count = max(len(months), 6)
    every = -(-count // 6)

    def tall(value: Decimal) -> int:
        height = int(value * PLOT / most)
        return max(height, 1) if value else 0

    columns = []
    for place, one in enumerate(months):
        slot = Decimal(100) / count
        left = slot * place
        columns.append(
            Column(
                billed_x=share_of(left + slot * Decimal("0.12"), 100),
                metered_x=share_of(left + slot * Decimal("0.50"), 100),
                width=share_of(slot * Decimal("0.36"), 100),
                billed_y=TOP + PLOT - tall(one.billed),
                billed_height=tall(one.billed),
                metered_y=TOP + PLOT - tall(one.metered),
                metered_height=tall(one.metered),
                label=f"{one.month:%y-%m}" if place % every == 0 else "",
                label_x=share_of(left + slot / 2, 100),
                title=f"{one.month:%Y-%m}：开票 {one.billed:,.2f} 卡时，计量 {one.metered:,.2f} 卡时（{one.days} 天）",
            )
        )
    return UsePlot(row.lease_no, row.said, f"{most:,.0f} 卡时", columns)
