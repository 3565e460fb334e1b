"""Which issue held when. A publication is a fact with its own instant: it answers no question of what was known before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from vouchers.models import PriceIndexIssue
from vouchers.models.prices import IssueState
from vouchers.policy import fair_price as fp

OUT = (IssueState.PUBLISHED, IssueState.SUPERSEDED)
"""What was published once; a correction takes nothing back."""


def issue_known_at(market: str, day: date, known_at: datetime) -> PriceIndexIssue | None:
    """The issue that held for the day by what had been published by the instant: of its month, or the last before it."""
    return (
        PriceIndexIssue.objects.filter(
            market=market, state__in=OUT, month__lte=day.replace(day=1), published_at__lte=known_at
        )
        .select_related("method")
        .order_by("-month", "-published_at", "-revision")
        .first()
    )


def months_since(issue: PriceIndexIssue, day: date) -> int:
    """How many months before the day's month the issue is of."""
    return (day.year - issue.month.year) * 12 + day.month - issue.month.month


def factors_for(issue: PriceIndexIssue | None, day: date, method: fp.Method) -> fp.Factors | None:
    """The issue's factors, as long as its prices may be carried too; None when it is older, or there is none."""
    if issue is None or months_since(issue, day) > method.carry_months:
        return None
    return fp.Factors.from_plain(issue.factors)


class Published(NamedTuple):
    """An issue with the instant since which it is out."""

    published_at: datetime
    issue: PriceIndexIssue


def all_published(market: str) -> list[Published]:
    """Every issue that was ever published, in the order in which ``held_among`` looks."""
    rows = PriceIndexIssue.objects.filter(market=market, state__in=OUT, published_at__isnull=False)
    return [
        Published(issue.published_at, issue)
        for issue in rows.defer("snapshot", "jumps").order_by("-month", "-published_at", "-revision")
        if issue.published_at is not None
    ]


def held_among(published: Iterable[Published], day: date, known_at: datetime) -> PriceIndexIssue | None:
    """The same answer as ``issue_known_at``, of what is read already."""
    return next(
        (one.issue for one in published if one.issue.month <= day and one.published_at <= known_at), None
    )


def published_issue(market: str, month: date) -> PriceIndexIssue | None:
    """The issue that stands today for that month: its own, or the last before it. For the next publication; a question of
    what was known asks ``issue_known_at``."""
    return (
        PriceIndexIssue.objects.filter(
            market=market, state=IssueState.PUBLISHED, month__lte=month.replace(day=1)
        )
        .order_by("-month")
        .first()
    )
