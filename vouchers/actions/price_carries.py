"""Step L5, of an issue and of a case: the price that was published for its cell goes on, moved as the cells of the same
architecture moved since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from vouchers.models import PriceIndexIssue
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.chips import shipped_chips
from vouchers.policy.prices.figures import CONTEXT, ln, lower_median, six
from vouchers.policy.prices.ladder import POOLED

BEFORE_L5 = frozenset({"L0", *POOLED})
"""What the ladder tries before it: then nothing needs to be carried."""


class Base(NamedTuple):
    """A cell's price in an issue, by which step, and for how many months it had been carried by then."""

    price: Decimal
    level: str
    months: int


Bases = Mapping[str, Base]


def bases_of(issue: PriceIndexIssue) -> dict[str, Base]:
    """By cell, what the issue has for it."""
    rows = issue.rows.exclude(base=None).values_list("cell", "base", "level", "record__steps")
    return {
        cell: Base(base, level, int(dict(steps or ()).get("L5", 0)) if level == "L5" else 0)
        for cell, base, level, steps in rows
        if base is not None
    }


def carries_of(
    plain: fp.Market,
    previous: PriceIndexIssue | None,
    month: date,
    *,
    before: Bases | None = None,
    only: str = "",
) -> dict[str, fp.Carry]:
    """What L5 may carry forward: last issue's price, moved as the cells of the same architecture moved since. ``before``: what
    that issue has, where it is read already; ``only``: the one cell that is asked for."""
    if previous is None:
        return {}
    before = bases_of(previous) if before is None else before
    moves: dict[str, list[Decimal]] = {}
    for cell in plain.cells():
        held = before.get(cell.code)
        if held is None or held.level != "L0":
            continue
        row = plain.price(cell)
        if row.level == "L0" and row.base is not None:
            moves.setdefault(_architecture(cell.accelerator), []).append(
                CONTEXT.subtract(ln(row.base), ln(held.price))
            )
    carries = {}
    for code, held in before.items():
        if only and code != only:
            continue
        cell = fp.Cell.parse(code)
        logs = sorted(moves.get(_architecture(cell.accelerator), []))
        ratio = six(CONTEXT.exp(lower_median(logs))) if logs else Decimal(1)
        months = (month.year - previous.month.year) * 12 + month.month - previous.month.month + held.months
        carries[code] = fp.Carry(
            base=held.price, months=months, sibling_ratio=ratio, from_issue=previous.issue_no
        )
    return carries


def _architecture(accelerator: str) -> str:
    chips = shipped_chips().forms(accelerator)
    return next(iter(chips.values())).architecture if chips else ""


def carried(
    then: fp.Market,
    row: fp.PriceRow,
    issue: PriceIndexIssue | None,
    *,
    as_of: date,
    bases: Bases | None = None,
) -> tuple[fp.Market, fp.PriceRow]:
    """The market and the cell's row with what L5 may carry into the day from the issue in force, where the steps before it found
    nothing; otherwise both as they are. ``bases``: what the issue published, where that is read already."""
    cell = row.cell
    if issue is None or row.level in BEFORE_L5 or "L5" not in then.method.ladder:
        return then, row
    before = bases_of(issue) if bases is None else bases
    if cell.code not in before:
        return then, row
    found = carries_of(then, issue, as_of.replace(day=1), before=before, only=cell.code)
    market = then.by(then.factors, {cell.code: found[cell.code]})
    return market, market.price(cell)
