"""Who is in a batch: what it gathers, what is not decided yet, what is set aside, and that nothing changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from django.db.models import QuerySet

from applications.actions import cases
from applications.actions.batch_rows import OFFICE, as_it_stands, require_reason
from applications.models import Application, BatchMember, IssueBatch, Review
from applications.models.applications import ApplicationState
from vouchers.access import require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User

PENDING = (ApplicationState.SUBMITTED, ApplicationState.ACCEPTED, ApplicationState.RECOMMENDED)


def _filed(batch: IssueBatch) -> QuerySet[Application]:
    if batch.is_listed:
        return Application.objects.filter(memberships__batch=batch)
    rows: QuerySet[Application] = Application.objects.filter(
        program=batch.program,
        publication=batch.publication,
        origin="live",
        is_listed=False,
        submitted_at__lt=batch.filed_before,
    )
    return rows


def candidates(batch: IssueBatch) -> QuerySet[Application]:
    """The approved applications that the batch gathers: those filed before its end that no other batch has shared out."""
    aside = BatchMember.objects.filter(batch=batch).exclude(set_aside_reason="")
    return (
        _filed(batch)
        .filter(state=ApplicationState.APPROVED, awaits_batch=True, batch=None)
        .exclude(pk__in=aside.values("application"))
        .select_related("enterprise", "program__region", "publication")
        .order_by("pk")
    )


def pending(batch: IssueBatch) -> QuerySet[Application]:
    """What was filed for it and is not decided yet."""
    return _filed(batch).filter(state__in=PENDING).select_related("enterprise").order_by("pk")


def members_of(batch: IssueBatch) -> list[BatchMember]:
    """Those that take part, in their place."""
    return list(
        batch.members.filter(set_aside_reason="").select_related(
            "application__enterprise", "application__program__region", "application__publication"
        )
    )


def set_aside(batch: IssueBatch, application: Application, *, by: User, reason: str) -> BatchMember:
    """暂不列入本批: it waits for a later batch, so that a hold on one does not keep the others waiting."""
    announce("issue_batch.set_aside", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "share_out")
    require_reason(reason)
    if not _filed(batch).filter(pk=application.pk, state=ApplicationState.APPROVED).exists():
        raise Invalid("issue_batch.not_a_candidate", f"{application.application_no} 不在本批的归集范围内。")
    member, _new = BatchMember.objects.update_or_create(
        batch=batch, application=application, defaults={"set_aside_reason": reason.strip()[:300]}
    )
    cases.record(
        application,
        "set_aside",
        by=by,
        before=application.state,
        after=application.state,
        reason=reason,
        internal=True,
    )
    return member


def control_hash(members: Sequence[BatchMember]) -> str:
    """SHA-256 over number, enterprise, asked and allotted of each, in their places."""
    lines = [
        [
            one.application.application_no,
            one.application.enterprise.uscc,
            f"{one.asked_amount:.2f}",
            f"{one.allotted_amount:.2f}",
        ]
        for one in members
    ]
    return hashlib.sha256(json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def require_unchanged(batch: IssueBatch, members: Sequence[BatchMember], *states: str) -> None:
    """Refuse (409 ``issue_batch.changed``) when a member is no longer where the batch left it, or an amount is another."""
    for one in members:
        case = one.application
        left_out = not one.allotted_amount and case.state == ApplicationState.APPROVED
        if case.batch_id != batch.pk or not (case.state in states or left_out):
            raise NotNow(
                "issue_batch.changed",
                f"{case.application_no} 目前为“{case.get_state_display()}”，本批的分配已不成立。",
                hint="请写明理由退回归集，重新分配。",
            )
    if control_hash(members) != batch.control_hash:
        raise NotNow(
            "issue_batch.changed",
            "批内金额与分配时的校验值不一致，不能继续办理。",
            hint="请写明理由退回归集，重新分配。",
        )


def hands_in(members: Sequence[BatchMember]) -> set[int]:
    """The persons who had a hand in any of the cases."""
    numbers = [one.application.application_no for one in members]
    rows = Review.objects.filter(subject_kind="application", subject_no__in=numbers, actor__isnull=False)
    return set(rows.values_list("actor_id", flat=True))
