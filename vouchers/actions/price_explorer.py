"""A cell's price worked out anew for whoever wants to see how it came about: nothing is kept and nothing is decided.

Two ways in, by the same functions: of the observations as they were known at an instant, as a contract's price is checked;
or of the snapshot of an issue, as it was published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from vouchers.access import Role
from vouchers.actions.price_grounds import PriceGrounds
from vouchers.actions.price_tables import method_on
from vouchers.errors import Invalid
from vouchers.models import Party, PriceIndexIssue, PriceMethod, PriceSnapshot
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.method import sha256_of
from vouchers.policy.prices.working import Working, working_of

PRICE_READERS = (
    Role.POLICY_EDITOR,
    Role.PUBLISHER,
    Role.AUDITOR,
    Role.HANDLER,
    Role.APPROVER,
    Role.FINANCE,
    Role.PRICE_PUBLISHER,
    Role.INVESTIGATOR,
)
"""Who of the office may see whose prices they are; prices are no region's own."""


@dataclass(frozen=True)
class Explored:
    """The working, by which version of the method, and the hash of the snapshot that recomputes it."""

    working: Working
    method: PriceMethod
    snapshot_sha256: str
    issue: PriceIndexIssue | None = None


def explore(
    cell: fp.Cell,
    *,
    as_of: date,
    known_at: datetime,
    version: int | None = None,
    left_out: Collection[str] = (),
    leave_out: bool = True,
) -> Explored:
    """The cell as of the day with what was known at the instant, as a check of a contract computes it.

    ``version``: of the method; None takes the one in force on the day. ``left_out``: sources whose groups do not vote.
    Raises ``Invalid`` (``price.no_method``) when there is no such version.
    """
    kept, method = _method(cell.market, as_of, version)
    then, _row = PriceGrounds(cell.market).priced(
        cell, as_of=as_of, known_at=known_at, method=method, left_out=left_out
    )
    assert then is not None
    text = fp.snapshot_text(then, cell)
    return Explored(working_of(then, cell, leave_out=leave_out), kept, sha256_of(text))


def explore_issue(
    issue: PriceIndexIssue, cell: fp.Cell, *, left_out: Collection[str] = (), leave_out: bool = True
) -> Explored:
    """The cell as the issue has it, of the issue's own snapshot."""
    there = issue_market(issue)
    if left_out:
        there = there.without(left_out)
    return Explored(working_of(there, cell, leave_out=leave_out), issue.method, issue.snapshot.sha256, issue)


def issue_market(issue: PriceIndexIssue) -> fp.Market:
    """The market of the issue's snapshot. Snapshots do not change: the last ones read are remembered."""
    return _market_of(issue.snapshot_id)


@lru_cache(maxsize=4)
def _market_of(snapshot_id: int) -> fp.Market:
    return fp.market_of(PriceSnapshot.objects.values_list("content", flat=True).get(pk=snapshot_id))


def _method(market: str, day: date, version: int | None) -> tuple[PriceMethod, fp.Method]:
    if version is None:
        return method_on(market, day)
    row = PriceMethod.objects.filter(market=market, version=version).first()
    if row is None:
        raise Invalid("price.no_method", f"没有第 {version} 版方法。", field="version")
    return row, fp.Method.from_params(row.params)


def names_of(sources: Iterable[str]) -> dict[str, str]:
    """The names of those sources that are in the register."""
    return dict(Party.objects.filter(uscc__in=set(sources)).values_list("uscc", "name"))
