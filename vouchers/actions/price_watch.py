"""Signs of collusion in what an issue was computed from, read from its snapshot: the same for whoever asks, whenever."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from vouchers.models import Party, PriceIndexIssue, PriceIndexRow
from vouchers.models.prices import IssueState
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.watch import MONTHS_BEFORE, Sign, watch


def signs_of(issue: PriceIndexIssue) -> list[Sign]:
    """The signs in the issue's inputs, beside the published issues of the months before. Nothing is stored: a sign changes no
    price, and who looks into it opens a case."""
    market = fp.market_of(issue.snapshot.content)
    sources = {one.source for one in market.observations()}
    names = dict(Party.objects.filter(uscc__in=sources).values_list("uscc", "name"))
    return watch(market, _mads_before(issue), names)


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
