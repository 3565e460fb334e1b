"""审定批次: gather what was approved, share out, approve by another person, notice together; or go back with a reason.

``batch_issue`` issues it whole. What is left of each pool is read from the ledger when the batch is shared out; the ledger
decides once more when it is issued.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from applications.actions import cases
from applications.actions.batch_sharing import asked_of, contender_of, rooms_of
from applications.actions.issuing import DEFAULT_NOTICE_DAYS
from applications.models import Application, BatchMember, IssueBatch, PublicNotice, Review
from applications.models.applications import ApplicationState
from applications.models.batches import UNFINISHED, IssueBatchState
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.policies import publication_in_force
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Program, Publication, User
from vouchers.numbers import next_no
from vouchers.policy.batching import grants_by_batch, share_out, totals
from vouchers.policy.rules import Window
from vouchers.policy.terms import IssueWay, Shortage, Stage
from vouchers.policy.words import instant_words
from vouchers.states import advance, not_now

OFFICE = (Role.HANDLER, Role.APPROVER)
PENDING = (ApplicationState.SUBMITTED, ApplicationState.ACCEPTED, ApplicationState.RECOMMENDED)
MOST_MEMBERS = 1500
"""So many fit into one chain of the ledger, which succeeds or fails whole."""


def ended_windows(publication: Publication) -> list[Window]:
    """The filing windows of applications that are over, the latest first."""
    now = dates.now()
    windows = [
        one for one in publication.scheme.windows if one.stage is Stage.APPLICATION and one.closes_at <= now
    ]
    return sorted(windows, key=lambda one: one.closes_at, reverse=True)


def open_batch(
    program: Program,
    *,
    by: User,
    publication: Publication | None = None,
    window: str = "",
    until: date | None = None,
    title: str = "",
) -> IssueBatch:
    """建立批次: for a filing window that is over, or where the version has none, for what was filed up to a day.

    Raises ``Invalid`` (``issue_batch.*``) and ``NotNow`` (``issue_batch.unfinished``)."""
    announce("issue_batch.open")
    require_role(by, *OFFICE, region=program.region)
    publication = publication or publication_in_force(program, dates.today())
    scheme = publication.scheme
    if not grants_by_batch(scheme):
        raise Invalid("issue_batch.single", "本版政策逐件核定，不需建立批次。", field="publication")
    if scheme.issue.way is IssueWay.WITHOUT_APPLICATION:
        raise Invalid("issue_batch.listed", "本版政策免申即享，请上传名单建立批次。", field="publication")
    chosen = None
    if any(one.stage is Stage.APPLICATION for one in scheme.windows):
        ended = ended_windows(publication)
        chosen = next(
            (one for one in ended if one.code == window), ended[0] if ended and not window else None
        )
        if chosen is None:
            raise Invalid(
                "issue_batch.window", "请选择已经截止的申报期；申报期未截止时不能分配。", field="window"
            )
        before = chosen.closes_at
    else:
        day = until or dates.today()
        if day > dates.today():
            raise Invalid("issue_batch.until", "归集截止日不能晚于今天。", field="until")
        before = datetime.combine(day + timedelta(days=1), time(), dates.SHANGHAI)
    return make_batch(
        publication,
        by=by,
        filed_before=before,
        window_code=chosen.code if chosen else "",
        title=title or f"{program.name} {chosen.name if chosen else dates.today().year}审定批次",
    )


def make_batch(
    publication: Publication, *, by: User, filed_before: datetime, title: str, **more: Any
) -> IssueBatch:
    """The row, unless the program has an unfinished batch (409 ``issue_batch.unfinished``)."""
    program = publication.program
    Program.objects.select_for_update(no_key=True).get(pk=program.pk)  # one at a time for a program
    other = IssueBatch.objects.filter(program=program, state__in=UNFINISHED).first()
    if other is not None:
        raise NotNow(
            "issue_batch.unfinished",
            f"本专项的批次 {other.batch_no} 尚未办结（{other.get_state_display()}），办结或撤销后才能再建立。",
            hint="同一笔资金只能分配一次，未办结的件可转入下一批。",
        )
    batch = IssueBatch.objects.create(
        batch_no=next_no("B", dates.today()),
        title=title[:120],
        program=program,
        publication=publication,
        filed_before=filed_before,
        rule=publication.scheme.issue.shortage.value,
        state_since=dates.now(),
        due_on=cases.due_after(IssueBatch.lifecycle, IssueBatchState.OPEN, dates.today()),
        opened_by=by,
        opened_on=dates.today(),
        **more,
    )
    note(batch, "open", by=by, before="")
    return batch


def as_it_stands(batch: IssueBatch, verb: str) -> None:
    """Wait for whoever else acts on the batch; 409 when it can no longer do this."""
    batch.refresh_from_db(from_queryset=IssueBatch.objects.select_for_update(no_key=True))
    if batch.lifecycle.find(verb, batch.state) is None:
        raise not_now(batch, verb)


def note(
    batch: IssueBatch, verb: str, *, by: User, before: str, reason: str = "", amount: Decimal | None = None
) -> None:
    """One row of the batch's time line."""
    Review.objects.create(
        subject_kind="issue_batch",
        subject_no=batch.batch_no,
        region_code=batch.program.region.code,
        verb=verb,
        from_state=before,
        to_state=batch.state,
        actor=by,
        actor_name=by.display_name,
        reason=reason,
        amount=amount,
        done_at=dates.now(),
    )


def move(
    batch: IssueBatch,
    verb: str,
    *,
    by: User,
    reason: str = "",
    amount: Decimal | None = None,
    update: dict[str, Any] | None = None,
) -> None:
    """Advance a batch and write the deed into its time line."""
    before = batch.state
    transition = batch.lifecycle.find(verb, before)
    target = transition.target if transition else before
    advance(
        batch,
        verb,
        by=by,
        region=batch.program.region,
        update={
            "state_since": dates.now(),
            "due_on": cases.due_after(batch.lifecycle, target, dates.today()),
            **(update or {}),
        },
    )
    note(batch, verb, by=by, before=before, reason=reason, amount=amount)


# -- who is in it ------------------------------------------------------------------------------------------------------


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
    _require_reason(reason)
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


# -- the deeds ---------------------------------------------------------------------------------------------------------


def share_out_batch(batch: IssueBatch, *, by: User, waived_reason: str = "") -> IssueBatch:
    """分配: what is left of the pools goes to the members by the version's rule, to the fen.

    With ``waived_reason`` it goes on without those that are not decided yet; they wait for a later batch. Raises ``NotNow``
    (``issue_batch.pending``, ``issue_batch.empty``, ``issue_batch.no_budget``)."""
    announce("issue_batch.share_out", waived_reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "share_out")
    waiting = pending(batch).count()
    if waiting and not waived_reason.strip():
        raise NotNow(
            "issue_batch.pending",
            f"本期还有 {waiting} 件未办结，分配后它们不能再参加本批。",
            hint="请先核准或作出不予支持的决定；确须先行分配的，请写明理由，未办结的件转入下一批。",
        )
    applications = list(candidates(batch).select_for_update(no_key=True, of=("self",)))
    if not applications:
        raise NotNow("issue_batch.empty", "本批没有已核准的申领，不能分配。")
    if len(applications) > MOST_MEMBERS:
        raise Invalid("issue_batch.too_many", f"一批最多 {MOST_MEMBERS} 件，请以更早的截止日分批办理。")
    scheme = batch.publication.scheme
    asked = asked_of(applications)
    rooms = rooms_of(batch, applications, asked)
    allotted = share_out(
        Shortage(batch.rule), rooms, [contender_of(one, asked[one.application_no]) for one in applications]
    )
    batch.members.exclude(application__in=applications).filter(set_aside_reason="", listed_row=None).delete()
    for application in applications:
        mine = allotted[application.application_no]
        BatchMember.objects.update_or_create(
            batch=batch,
            application=application,
            defaults={
                "place": mine.place,
                "score": contender_of(application, asked[application.application_no]).score,
                "asked_amount": mine.asked,
                "allotted_amount": mine.given,
                "working": [
                    {
                        "code": step.code,
                        "asked": str(step.asked),
                        "given": str(step.given),
                        "sentence": step.sentence,
                    }
                    for step in mine.steps
                ]
                or asked[application.application_no].words,
            },
        )
    Application.objects.filter(pk__in=[one.pk for one in applications]).update(batch=batch)
    total_asked, total_given = totals(allotted)
    move(
        batch,
        "share_out",
        by=by,
        reason=waived_reason.strip(),
        amount=total_given,
        update={
            "rule": scheme.issue.shortage.value,
            "rooms": [
                {
                    "code": room.code,
                    "name": room.name,
                    "left": f"{room.left:.2f}",
                    "members": len(room.members),
                }
                for room in rooms
            ],
            "asked_amount": total_asked,
            "allotted_amount": total_given,
            "control_hash": control_hash(members_of(batch)),
            "waived_reason": waived_reason.strip()[:300],
            "shared_by": by,
            "shared_at": dates.now(),
        },
    )
    return batch


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


def approve_batch(batch: IssueBatch, *, by: User, reason: str = "") -> IssueBatch:
    """批准: by an approver who neither shared it out nor had a hand in any of its cases."""
    announce("issue_batch.approve", reason)
    require_role(by, Role.APPROVER, region=batch.program.region)
    as_it_stands(batch, "approve")
    members = members_of(batch)
    require_other_person(by, {batch.shared_by_id} | hands_in(members), "批准审定批次")
    require_unchanged(batch, members, ApplicationState.APPROVED)
    move(
        batch,
        "approve",
        by=by,
        reason=reason,
        amount=batch.allotted_amount,
        update={"approved_by": by, "approved_at": dates.now()},
    )
    return batch


def notice_batch(batch: IssueBatch, *, by: User) -> IssueBatch:
    """公示: all that are allotted something, on one list and for the same days; each may be objected to by itself."""
    announce("issue_batch.publish_notice")
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "publish_notice")
    members = members_of(batch)
    require_unchanged(batch, members, ApplicationState.APPROVED)
    days = batch.publication.scheme.issue.notice_working_days
    days = DEFAULT_NOTICE_DAYS if days is None else days
    opens = dates.today()
    closes = dates.add_working_days(opens, days + 1) if days else opens
    for one in members:
        if not one.allotted_amount:
            continue
        cases.move(one.application, "publish_notice", by=by, amount=one.allotted_amount)
        PublicNotice.objects.update_or_create(
            application=one.application,
            defaults={
                "notice_no": next_no("N", opens),
                "amount": one.allotted_amount,
                "opens_on": opens,
                "closes_on": closes,
                "working_days": days,
                "published_by": by,
                "batch": batch,
                "recalled_on": None,
            },
        )
    move(batch, "publish_notice", by=by, amount=batch.allotted_amount, update={"notice_closes_on": closes})
    return batch


def reopen_batch(batch: IssueBatch, *, by: User, reason: str) -> IssueBatch:
    """退回归集: with the reason; what was shared out, approved and noticed counts no longer."""
    announce("issue_batch.reopen", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "reopen")
    _require_reason(reason)
    for one in members_of(batch):
        case = one.application
        if case.state == ApplicationState.NOTICED and case.batch_id == batch.pk:
            cases.move(case, "recall_notice", by=by, reason=reason)
    PublicNotice.objects.filter(batch=batch).update(recalled_on=dates.today())
    Application.objects.filter(batch=batch).update(batch=None)
    batch.members.filter(set_aside_reason="").update(
        place=None, asked_amount=None, allotted_amount=None, working=[]
    )
    move(
        batch,
        "reopen",
        by=by,
        reason=reason,
        update={
            "rooms": [],
            "asked_amount": None,
            "allotted_amount": None,
            "control_hash": "",
            "waived_reason": "",
            "shared_by": None,
            "shared_at": None,
            "approved_by": None,
            "approved_at": None,
            "notice_closes_on": None,
        },
    )
    return batch


def cancel_batch(batch: IssueBatch, *, by: User, reason: str) -> IssueBatch:
    """撤销: before anything is shared out. What it would have gathered waits for another."""
    announce("issue_batch.cancel", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "cancel")
    _require_reason(reason)
    move(batch, "cancel", by=by, reason=reason)
    return batch


def waiting_programs(user: Any) -> list[tuple[Publication, int]]:
    """The versions of the person's regions whose approved applications wait for a batch, with how many do."""
    rows = (
        Application.objects.visible_to(user, *OFFICE)
        .filter(state=ApplicationState.APPROVED, awaits_batch=True, batch=None, is_listed=False)
        .values_list("publication", flat=True)
    )
    counts: dict[int, int] = {}
    for key in rows:
        counts[key] = counts.get(key, 0) + 1
    found = (
        Publication.objects.filter(pk__in=counts).select_related("program__region").order_by("program__code")
    )
    return [(one, counts[one.pk]) for one in found]


def window_words(batch: IssueBatch) -> str:
    """What the batch gathers, in words."""
    if batch.is_listed:
        return "主管部门编制的名单"
    window = next((one for one in batch.publication.scheme.windows if one.code == batch.window_code), None)
    until = f"{instant_words(batch.filed_before)} 前提交并核准的申领"
    return f"{window.name}：{until}" if window is not None else until


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("issue_batch.reason", "请写明理由，理由随批次留存。", field="reason")
