"""Who is in a batch: what it gathers, what is not decided yet, what is set aside, and that nothing changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from applications.actions import cases
from applications.actions.batch_rows import OFFICE, as_it_stands, note, require_reason
from applications.evidence import free_evidence
from applications.models import Application, BatchMember, IssueBatch, Review
from applications.models.applications import ApplicationState
from applications.models.batches import UNFINISHED, IssueBatchState
from vouchers.access import require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Publication, User

PENDING = (ApplicationState.SUBMITTED, ApplicationState.ACCEPTED, ApplicationState.RECOMMENDED)
NO_HAND = ("approve", "reopen", "publish_notice", "recall_notice")
"""Deeds on a batch that choose nobody and give nobody anything."""
WITH_THE_BATCH = ("publish_notice", "recall_notice", "pass_over")
"""What notice, sending back and issuing the whole batch write with each of its cases."""
FINISHED = tuple(set(IssueBatchState) - set(UNFINISHED))


def left_by_lists() -> QuerySet[BatchMember, Any]:
    """The rows of lists, by their applications' keys, that a finished batch went on without: set aside, or not decided."""
    return BatchMember.objects.filter(
        application__is_listed=True,
        application__origin="live",
        application__batch=None,
        application__state__in=(*PENDING, ApplicationState.APPROVED),
        batch__state__in=FINISHED,
    ).values("application")


def carried_over(publication: Publication) -> QuerySet[Application]:
    """The applications of such rows of a version."""
    rows: QuerySet[Application] = Application.objects.filter(
        pk__in=left_by_lists().filter(application__publication=publication)
    )
    return rows


def _filed(batch: IssueBatch) -> QuerySet[Application]:
    """What was filed for it. A list gathers its own rows, and those that an earlier list of the version went on without."""
    if batch.is_listed:
        own = BatchMember.objects.filter(batch=batch)
        left = left_by_lists().filter(application__publication=batch.publication)
        return Application.objects.filter(Q(pk__in=own.values("application")) | Q(pk__in=left))
    rows: QuerySet[Application] = Application.objects.filter(
        program=batch.program,
        publication=batch.publication,
        origin="live",
        is_listed=False,
        submitted_at__lt=batch.filed_before,
    )
    return rows


def was_filed_for(batch: IssueBatch, application: Application) -> bool:
    """Whether it is among what the batch gathers, or would have been."""
    return _filed(batch).filter(pk=application.pk).exists()


def require_nobody_readmitted(batch: IssueBatch) -> None:
    """Refuse (409 ``issue_batch.readmitted``) to go on with what was shared out without one whose objection was upheld since."""
    deeds = Review.objects.filter(subject_kind="issue_batch", subject_no=batch.batch_no)
    shared = deeds.filter(verb="share_out").order_by("-pk").values_list("pk", flat=True).first() or 0
    since = list(deeds.filter(verb="readmit", pk__gt=shared).order_by("pk").values_list("reason", flat=True))
    if since:
        raise NotNow(
            "issue_batch.readmitted",
            f"分配以后有异议成立的件应当参加本批（{'；'.join(since[:5])}），本批的分配已不成立。",
            hint="请写明理由退回归集，重新分配；该件尚未核准的，可先核准，或在分配时写明理由转入下一批。",
        )


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
    """Those that take part, in their place; a row of a list that was not decided or was turned down takes none."""
    return list(
        batch.members.filter(set_aside_reason="", asked_amount__isnull=False).select_related(
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
    note(
        batch,
        "set_aside",
        by=by,
        before=batch.state,
        reason=f"{application.application_no}：{reason.strip()}",
    )
    return member


def take_back(batch: IssueBatch, application: Application, *, by: User, reason: str) -> BatchMember:
    """恢复列入本批: one that was set aside takes part again, before the batch is shared out."""
    announce("issue_batch.take_back", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "share_out")
    require_reason(reason)
    member = (
        batch.members.exclude(set_aside_reason="")
        .filter(application=application)
        .select_related("application__program__region")
        .first()
    )
    if member is None:
        raise Invalid("issue_batch.not_aside", f"{application.application_no} 没有暂缓列入本批。")
    member.set_aside_reason = ""
    member.save(update_fields=["set_aside_reason"])
    cases.record(
        application,
        "take_back",
        by=by,
        before=application.state,
        after=application.state,
        reason=reason,
        internal=True,
    )
    note(
        batch,
        "take_back",
        by=by,
        before=batch.state,
        reason=f"{application.application_no}：{reason.strip()}",
    )
    return member


def unlist(application: Application, *, by: User, reason: str, with_its_list: bool = False) -> Application:
    """移出名单: a row of a list (免申即享) that no batch holds; its document may stand in another list. One that leaves by itself
    is noted with the unfinished batch that would have gathered it; ``with_its_list``: the whole list is cancelled.

    Raises ``NotNow`` (``application.not_listed``, ``application.in_batch``)."""
    announce("application.unlist", reason)
    assert application.program is not None
    require_role(by, *OFFICE, region=application.program.region)
    require_reason(reason)
    cases.as_it_stands(application)
    if not application.is_listed:
        raise NotNow("application.not_listed", f"{application.application_no} 不是名单上的件。")
    if application.batch_id is not None:
        raise NotNow(
            "application.in_batch",
            f"{application.application_no} 已参加批次分配，不能移出名单。",
            hint="请写明理由将所在批次退回归集后再移出。",
        )
    cases.move(
        application,
        "unlist",
        by=by,
        reason=reason,
        update={"awaits_batch": False, "decision_reason": reason.strip()},
    )
    free_evidence(application)
    # The same may be listed again, by another amount.
    BatchMember.objects.filter(application=application).exclude(row_key="").update(row_key="")
    if not with_its_list:
        note_unlisting(application, by=by, reason=reason)
    return application


def note_unlisting(application: Application, *, by: User, reason: str) -> None:
    """Into the time line of the program's unfinished batch, if it has one: what leaves a list leaves more for the others."""
    batch = IssueBatch.objects.filter(program=application.program, state__in=UNFINISHED).first()
    if batch is not None:
        note(
            batch,
            "unlist",
            by=by,
            before=batch.state,
            reason=f"{application.application_no}：{reason.strip()}",
        )


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


def hands_in(batch: IssueBatch) -> set[int]:
    """The persons who had a hand in any of its cases, in those that were set aside as well, or in the batch itself: who opened
    it, shared it out, set one aside, took one back or off the list. Whoever approved it before may approve it anew, and so may
    whoever only sent it back or published its notice: neither says who is in it or what anybody gets."""
    numbers = batch.members.values("application__application_no")
    of_cases = Review.objects.filter(subject_kind="application", subject_no__in=numbers).exclude(
        verb__in=WITH_THE_BATCH
    )
    of_batch = Review.objects.filter(subject_kind="issue_batch", subject_no=batch.batch_no).exclude(
        verb__in=NO_HAND
    )
    return {
        actor
        for rows in (of_cases, of_batch)
        for actor in rows.filter(actor__isnull=False).values_list("actor_id", flat=True)
    }
