"""What an issue changes beside another one, cell by cell, and what moved a cell: who came, who went, who changed the price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from vouchers.actions.price_explorer import issue_market
from vouchers.actions.price_published import OUT
from vouchers.models import PriceIndexIssue, PriceIndexRow
from vouchers.models.prices import IssueState
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.figures import lower_median
from vouchers.policy.prices.working import relative_change, working_of

NEW, GONE, JUMPED, CHANGED, SAME = "new", "gone", "jumped", "changed", "same"
KINDS = {
    JUMPED: "变动超过阈值",
    CHANGED: "有变动",
    NEW: "新出现",
    GONE: "不再有价格",
    SAME: "未变",
}
"""In the order in which a person looks at them."""


@dataclass(frozen=True)
class CellChange:
    """A cell in two issues. ``change`` is relative to the earlier base price; a row without a price counts as none."""

    cell: str
    kind: str
    before: PriceIndexRow | None
    after: PriceIndexRow | None
    change: Decimal | None


@dataclass(frozen=True)
class Drivers:
    """What moved a cell: votes by group. ``steady`` are the middles of those that vote in both, before and after, and how many
    they are: what would have changed if nobody had come or gone."""

    entered: list[tuple[str, Decimal]]
    left: list[tuple[str, Decimal]]
    moved: list[tuple[str, Decimal, Decimal]]
    unmoved: int
    steady: tuple[Decimal, Decimal, int] | None


def compared_with(issue: PriceIndexIssue) -> list[PriceIndexIssue]:
    """What an issue can be held against: the one that held before its month, and those of its own month that were published."""
    before = PriceIndexIssue.objects.filter(
        market=issue.market, state=IssueState.PUBLISHED, month__lt=issue.month
    ).order_by("-month")
    own = PriceIndexIssue.objects.filter(market=issue.market, month=issue.month, state__in=OUT)
    return [*before[:1], *own.exclude(pk=issue.pk).order_by("-revision")]


def changes_between(issue: PriceIndexIssue, against: PriceIndexIssue) -> list[CellChange]:
    """Every cell of the two, those that moved most first within their kind."""
    jumped = {jump["cell"] for jump in issue.jumps}
    earlier, later = _priced(against), _priced(issue)
    found = []
    for cell in earlier.keys() | later.keys():
        before, after = earlier.get(cell), later.get(cell)
        change = relative_change(before.base if before else None, after.base if after else None)
        found.append(CellChange(cell, _kind(cell, before, after, jumped), before, after, change))
    order = list(KINDS)
    return sorted(found, key=lambda one: (order.index(one.kind), -abs(one.change or Decimal(0)), one.cell))


def _priced(issue: PriceIndexIssue) -> dict[str, PriceIndexRow]:
    rows = issue.rows.exclude(base=None).defer("record")
    return {row.cell: row for row in rows}


def _kind(cell: str, before: PriceIndexRow | None, after: PriceIndexRow | None, jumped: set[str]) -> str:
    if before is None:
        return NEW
    if after is None:
        return GONE
    if cell in jumped:
        return JUMPED
    same = all(
        getattr(before, name) == getattr(after, name) for name in ("base", "lower", "upper", "grade", "level")
    )
    return SAME if same else CHANGED


def drivers_of(issue: PriceIndexIssue, against: PriceIndexIssue, cell: str) -> Drivers:
    """Of the two issues' own snapshots."""
    before, after = _votes(against, cell), _votes(issue, cell)
    both = sorted(before.keys() & after.keys())
    moved = [(name, before[name], after[name]) for name in both if before[name] != after[name]]
    steady = None
    if both:
        steady = (
            lower_median(sorted(before[name] for name in both)),
            lower_median(sorted(after[name] for name in both)),
            len(both),
        )
    return Drivers(
        [(name, after[name]) for name in sorted(after.keys() - before.keys())],
        [(name, before[name]) for name in sorted(before.keys() - after.keys())],
        sorted(moved, key=lambda one: (-abs(one[2] - one[1]), one[0])),
        len(both) - len(moved),
        steady,
    )


def _votes(issue: PriceIndexIssue, cell: str) -> dict[str, Decimal]:
    working = working_of(issue_market(issue), fp.Cell.parse(cell), leave_out=False)
    return {group.group: group.vote.price for group in working.groups if not group.dropped}
