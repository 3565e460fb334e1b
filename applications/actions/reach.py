"""A version that reaches back: undecided applications of those days go over to it; decided ones are counted and left alone.

Claims follow the voucher that they draw on, which was granted by a decision: no claim changes its version.
"""

from __future__ import annotations

from datetime import date, datetime, time

from django.db import transaction
from django.db.models import QuerySet

from applications.actions import cases
from applications.actions.applications import band_of
from applications.actions.assessments import reassess
from applications.actions.issuing import tell
from applications.models import Application
from applications.models.applications import ApplicationState
from vouchers import dates
from vouchers.actions.policy_reach import Reach, Reached
from vouchers.context import announce
from vouchers.policy.terms import InForceBy

UNDECIDED = (
    ApplicationState.SUBMITTED,
    ApplicationState.RETURNED,
    ApplicationState.ACCEPTED,
    ApplicationState.RECOMMENDED,
)
DECIDED = (
    ApplicationState.APPROVED,
    ApplicationState.NOTICED,
    ApplicationState.ISSUED,
    ApplicationState.REJECTED,
)


class ApplicationsReached:
    """The port of `vouchers.actions.policy_reach` for applications."""

    def count(self, reach: Reach) -> Reached:
        """Undecided and decided ones of those days that another version decides."""
        rows = _of_those_days(reach)
        return Reached(
            undecided=rows.filter(state__in=UNDECIDED).count(), decided=rows.filter(state__in=DECIDED).count()
        )

    def repin(self, reach: Reach, reason: str) -> int:
        """Each undecided one in a transaction of its own, with the reason in its time line and a word to the enterprise."""
        numbers = list(_of_those_days(reach).filter(state__in=UNDECIDED).values_list("pk", flat=True))
        return sum(_go_over(pk, reach, reason) for pk in numbers)


REACHED = ApplicationsReached()


def _of_those_days(reach: Reach) -> QuerySet[Application]:
    rows = Application.objects.filter(program=reach.program).exclude(origin="imported")
    if reach.publication is not None:
        rows = rows.exclude(publication=reach.publication)
    match reach.in_force_by:
        case InForceBy.SIGNING:
            return rows.filter(lease__signed_on__gte=reach.since, lease__signed_on__lt=reach.until)
        case InForceBy.RECOGNITION:
            return rows.filter(decided_on__gte=reach.since, decided_on__lt=reach.until)
        case _:
            return rows.filter(
                submitted_at__gte=_midnight(reach.since), submitted_at__lt=_midnight(reach.until)
            )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), dates.SHANGHAI)


@transaction.atomic
def _go_over(pk: int, reach: Reach, reason: str) -> int:
    application = Application.objects.select_related("program__region", "enterprise").get(pk=pk)
    announce("application.repin", reason)
    cases.as_it_stands(application)
    if application.state not in UNDECIDED or application.publication == reach.publication:
        return 0  # somebody decided it meanwhile
    assert reach.publication is not None
    application.publication = reach.publication
    application.pinned_reason = reason[:200]
    # What it asked for was what the earlier version gave.
    application.requested_amount = None
    application.save(update_fields=["publication", "pinned_reason", "requested_amount"])
    assessment = reassess(application)
    application.requested_amount = assessment.computed_amount
    application.band = band_of(reach.publication.scheme, assessment.amount)
    application.save(update_fields=["requested_amount", "band"])
    cases.record(
        application,
        "repin",
        by=None,
        before=application.state,
        after=application.state,
        reason=reason,
        amount=assessment.amount,
    )
    tell(application, "application_repinned")
    return 1
