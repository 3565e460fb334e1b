"""What waits for the people of the prices: a month to be computed, proposed, published; prices and reports to be looked at.

An issue is for the month that has begun. It should be published within ``PUBLISH_DAYS`` working days of the month's first; until then
contracts signed in it are held against what was computed for their day, and the public page still shows the month before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from vouchers import dates
from vouchers.access import Role, has_role
from vouchers.models import PriceIndexIssue, PriceObservation, PriceReport
from vouchers.models.price_reports import ReportState
from vouchers.models.prices import IssueState, Market, ObservationState

PUBLISH_DAYS = 5
"""Working days from the first of the month: what the office promises its readers. No document sets it."""
STAFF = (Role.PRICE_PUBLISHER, Role.POLICY_EDITOR)


@dataclass(frozen=True)
class PriceTask:
    """One thing to do: ``kind`` names it, ``issue`` where it is about one, ``due_on`` the last day in time, ``count`` where there are many."""

    kind: str
    issue: PriceIndexIssue | None = None
    market: str = ""
    month: date | None = None
    due_on: date | None = None
    count: int = 0

    @property
    def overdue(self) -> bool:
        """Whether its last day is over."""
        return self.due_on is not None and self.due_on < dates.today()

    @property
    def days_over(self) -> int:
        """Working days since its last day."""
        return dates.working_days_between(self.due_on, dates.today()) if self.due_on and self.overdue else 0


def publish_by(month: date) -> date:
    """The last day on which the month's issue is in time."""
    return dates.add_working_days(month.replace(day=1) - timedelta(days=1), PUBLISH_DAYS)


def price_tasks_of(user: Any) -> list[PriceTask]:
    """What the person can do now, the overdue first. Empty for who has nothing to do with prices."""
    if not has_role(user, *STAFF):
        return []
    publishes = has_role(user, Role.PRICE_PUBLISHER)
    found = [*_issues(user, publishes), *_uncomputed()]
    if publishes:
        waiting = PriceObservation.objects.filter(state=ObservationState.QUARANTINED)
        second = PriceObservation.objects.filter(proposed_by__isnull=False).exclude(proposed_by=user).count()
        alone = waiting.filter(proposed_by=None).count()
        reports = (
            PriceReport.objects.visible_to(user, Role.PRICE_PUBLISHER)
            .filter(state__in=(ReportState.SUBMITTED, ReportState.SUSPECTED))
            .count()
        )
        found += [
            PriceTask(kind, count=count)
            for kind, count in (("confirm", second), ("judge", alone), ("report", reports))
            if count
        ]
    return sorted(found, key=lambda task: (not task.overdue, task.due_on or date.max))


def _issues(user: Any, publishes: bool) -> list[PriceTask]:
    rows = (
        PriceIndexIssue.objects.filter(
            state__in=(IssueState.DRAFT, IssueState.PROPOSED), month__lte=dates.today()
        )
        .select_related("proposer")
        .order_by("month", "market", "-revision")
    )
    found: dict[tuple[str, date], PriceTask] = {}
    for issue in rows:
        if (issue.market, issue.month) in found:
            continue  # an older draft of the same month
        if issue.state == IssueState.DRAFT:
            kind = "propose"
        elif not publishes or issue.proposer_id == user.pk:
            kind = "await"
        else:
            kind = "publish"
        found[issue.market, issue.month] = PriceTask(
            kind, issue, issue.market, issue.month, publish_by(issue.month)
        )
    return list(found.values())


def _uncomputed() -> list[PriceTask]:
    """Markets whose prices were published before, and of which this month has no issue at all."""
    month = dates.today().replace(day=1)
    found = []
    for market in Market.values:
        issues = PriceIndexIssue.objects.filter(market=market)
        begun = issues.filter(
            month__lt=month, state__in=(IssueState.PUBLISHED, IssueState.SUPERSEDED)
        ).exists()
        if begun and not issues.filter(month=month).exclude(state=IssueState.DISCARDED).exists():
            found.append(PriceTask("compute", None, market, month, publish_by(month)))
    return found
