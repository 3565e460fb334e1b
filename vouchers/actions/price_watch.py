"""Signs of collusion in what an issue was computed from, read from its snapshot: the same for whoever asks, whenever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal

from vouchers.models import Party, PriceIndexIssue, PriceIndexRow
from vouchers.models.prices import IssueState
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.watch import MONTHS_BEFORE, RAISED_DAYS, Redemption, Sign, watch

Reader = Callable[[Iterable[str], date, date], list[Redemption]]
"""The claims on contracts of these sellers whose window opened between two days, both counted."""
_readers: list[Reader] = []


def register_redemptions(read: Reader) -> None:
    """Called once by the floor that knows of claims, when it is ready."""
    if read not in _readers:
        _readers.append(read)


def signs_of(issue: PriceIndexIssue) -> list[Sign]:
    """The signs in the issue's inputs, beside the published issues of the months before. Nothing is stored: a sign changes no
    price, and who looks into it opens a case."""
    market = fp.market_of(issue.snapshot.content)
    sources = {one.source for one in market.observations()}
    names = dict(Party.objects.filter(uscc__in=sources).values_list("uscc", "name"))
    method = market.method
    since = market.as_of - timedelta(days=method.candidate_days)
    until = market.as_of + timedelta(days=RAISED_DAYS)
    redemptions = [one for read in _readers for one in read(sorted(sources), since, until)]
    return watch(market, _mads_before(issue), names, redemptions)


def _mads_before(issue: PriceIndexIssue) -> dict[str, list[Decimal]]:
    """By cell, the dispersions of the last published issues, the latest first, as far as a cell stood on its own."""
    earlier = PriceIndexIssue.objects.filter(
        market=issue.market, state=IssueState.PUBLISHED, month__lt=issue.month
    ).order_by("-month")[:MONTHS_BEFORE]
    rows = PriceIndexRow.objects.filter(issue__in=[one.pk for one in earlier], level="L0")
    found: dict[str, list[Decimal]] = defaultdict(list)
    for cell, mad in rows.order_by("-issue__month").values_list("cell", "record__mad"):
        if mad is not None:
            found[cell].append(Decimal(mad))
    return dict(found)
