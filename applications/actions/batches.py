"""审定批次: gather what was approved, share out, approve by another person, notice together; or go back with a reason.

``batch_issue`` issues it whole, ``batch_parts`` a large one in parts. What is left of each pool is read from the ledger when the batch is shared out; the ledger
decides once more when it is issued.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from applications.actions import cases
from applications.actions.batch_members import (
    candidates,
    carried_over,
    control_hash,
    hands_in,
    left_by_lists,
    members_of,
    pending,
    require_nobody_readmitted,
    require_unchanged,
    unlist,
)
from applications.actions.batch_rows import OFFICE, as_it_stands, move, note, require_reason
from applications.actions.batch_rules import require_carried_out
from applications.actions.batch_sharing import Asked, asked_of, contender_of, rooms_of, unheard
from applications.actions.batch_times import chosen_time, time_name
from applications.actions.issuing import DEFAULT_NOTICE_DAYS
from applications.models import Application, BatchMember, IssueBatch, PublicNotice
from applications.models.applications import ApplicationState
from applications.models.batches import UNFINISHED, IssueBatchState
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.policies import publication_in_force
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Program, Publication, User
from vouchers.numbers import next_no
from vouchers.policy.batching import Allotted, Room, grants_by_batch, share_out, totals
from vouchers.policy.terms import IssueWay, Stage
from vouchers.policy.words import instant_words


def open_batch(
    program: Program,
    *,
    by: User,
    publication: Publication | None = None,
    window: str = "",
    until: date | None = None,
    title: str = "",
) -> IssueBatch:
    """建立批次: for a filing window that is over (``window`` is the ``key`` of one of its times), or where the version has
    none, for what was filed up to a day. Of a version by list (免申即享): for the rows that earlier lists went on without.

    Raises ``Invalid`` (``issue_batch.*``) and ``NotNow`` (``issue_batch.unfinished``)."""
    announce("issue_batch.open")
    require_role(by, *OFFICE, region=program.region)
    publication = publication or publication_in_force(program, dates.today())
    scheme = publication.scheme
    if not grants_by_batch(scheme):
        raise Invalid("issue_batch.single", "本版政策逐件核定，不需建立批次。", field="publication")
    if scheme.issue.way is IssueWay.WITHOUT_APPLICATION:
        if not carried_over(publication).exists():
            raise Invalid("issue_batch.listed", "本版政策免申即享，请上传名单建立批次。", field="publication")
        name = title or f"{program.name} {_month(dates.today())}名单余件批次"
        return make_batch(publication, by=by, filed_before=dates.now(), title=name, is_listed=True)
    chosen = None
    if any(one.stage is Stage.APPLICATION for one in scheme.windows):
        chosen = chosen_time(publication, window)
        before = chosen.window.closes_at
    else:
        day = until or dates.today()
        if day > dates.today():
            raise Invalid("issue_batch.until", "归集截止日不能晚于今天。", field="until")
        before = datetime.combine(day + timedelta(days=1), time(), dates.SHANGHAI)
    return make_batch(
        publication,
        by=by,
        filed_before=before,
        window_code=chosen.window.code if chosen else "",
        title=title or f"{program.name} {chosen.name if chosen else _month(dates.today())}审定批次",
    )


def _month(day: date) -> str:
    return f"{day.year}年{day.month}月"


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


# -- the deeds ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allotment:
    """A sharing out as computed: what each asks, what each pool has left, what each gets."""

    asked: dict[str, Asked]
    rooms: list[Room]
    allotted: dict[str, Allotted]


def allot(
    batch: IssueBatch, applications: Sequence[Application], step: Callable[[int], None] = unheard
) -> Allotment:
    """What sharing out now would give; nothing is written."""
    asked = asked_of(applications, step)
    rooms = rooms_of(batch, applications, asked)
    contenders = [contender_of(one, asked[one.application_no]) for one in applications]
    rule = batch.publication.scheme.issue.shortage
    return Allotment(asked, rooms, share_out(rule, rooms, contenders))


def require_decided(batch: IssueBatch, waived_reason: str) -> None:
    """Refuse (409 ``issue_batch.pending``) to go on without those that are not decided, unless with a reason."""
    waiting = pending(batch).count()
    if waiting and not waived_reason.strip():
        raise NotNow(
            "issue_batch.pending",
            f"本期还有 {waiting} 件未办结，分配后它们不能再参加本批。",
            hint="请先核准或作出不予支持的决定；确须先行分配的，请写明理由，未办结的件转入下一批。",
        )


def share_out_batch(
    batch: IssueBatch, *, by: User, waived_reason: str = "", step: Callable[[int], None] = unheard
) -> IssueBatch:
    """分配: what is left of the pools goes to the members by the version's rule, to the fen. However many they are, all of a
    filing window share in one allotment; ``step`` is told how many are done.

    With ``waived_reason`` it goes on without those that are not decided yet; they wait for a later batch. Raises ``NotNow``
    (``issue_batch.pending``, ``issue_batch.empty``, ``issue_batch.no_budget``)."""
    announce("issue_batch.share_out", waived_reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "share_out")
    require_carried_out(batch.publication.scheme)
    require_decided(batch, waived_reason)
    applications = list(candidates(batch).select_for_update(no_key=True, of=("self",)))
    if not applications:
        raise NotNow("issue_batch.empty", "本批没有已核准的申领，不能分配。")
    allotment = allot(batch, applications, step)
    asked, rooms, allotted = allotment.asked, allotment.rooms, allotment.allotted
    batch.members.exclude(application__in=applications).filter(set_aside_reason="", listed_row=None).delete()
    BatchMember.objects.bulk_create(
        [
            _member(batch, one, asked[one.application_no], allotted[one.application_no])
            for one in applications
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["batch", "application"],
        update_fields=["place", "score", "asked_amount", "allotted_amount", "working", "year_basis"],
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
            "rule": batch.publication.scheme.issue.shortage.value,
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


def _member(batch: IssueBatch, application: Application, asked: Asked, mine: Allotted) -> BatchMember:
    steps = [
        {"code": step.code, "asked": str(step.asked), "given": str(step.given), "sentence": step.sentence}
        for step in mine.steps
    ]
    return BatchMember(
        batch=batch,
        application=application,
        place=mine.place,
        score=contender_of(application, asked).score,
        asked_amount=mine.asked,
        allotted_amount=mine.given,
        working=steps or asked.words,
        year_basis=asked.year_basis,
    )


def approve_batch(batch: IssueBatch, *, by: User, reason: str = "") -> IssueBatch:
    """批准: by an approver without a hand in the batch or in any of its cases, those set aside included."""
    announce("issue_batch.approve", reason)
    require_role(by, Role.APPROVER, region=batch.program.region)
    as_it_stands(batch, "approve")
    members = members_of(batch)
    require_other_person(by, {batch.shared_by_id} | hands_in(batch), "批准审定批次")
    require_nobody_readmitted(batch)
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


def notice_batch(batch: IssueBatch, *, by: User, step: Callable[[int], None] = unheard) -> IssueBatch:
    """公示: all that are allotted something, on one list and for the same days; each may be objected to by itself."""
    announce("issue_batch.publish_notice")
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "publish_notice")
    members = members_of(batch)
    require_nobody_readmitted(batch)
    require_unchanged(batch, members, ApplicationState.APPROVED)
    days = batch.publication.scheme.issue.notice_working_days
    days = DEFAULT_NOTICE_DAYS if days is None else days
    opens = dates.today()
    closes = dates.add_working_days(opens, days + 1) if days else opens
    for place, one in enumerate(members):
        step(place)
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
    move(
        batch,
        "publish_notice",
        by=by,
        amount=batch.allotted_amount,
        update={"notice_closes_on": closes, "due_on": dates.add_working_days(closes, 3)},
    )
    return batch


def reopen_batch(
    batch: IssueBatch, *, by: User, reason: str, step: Callable[[int], None] = unheard
) -> IssueBatch:
    """退回归集: with the reason; what was shared out, approved and noticed counts no longer."""
    announce("issue_batch.reopen", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "reopen")
    require_reason(reason)
    for place, one in enumerate(members_of(batch)):
        step(place)
        case = one.application
        if case.state == ApplicationState.NOTICED and case.batch_id == batch.pk:
            cases.move(case, "recall_notice", by=by, reason=reason)
    PublicNotice.objects.filter(batch=batch).update(recalled_on=dates.today())
    Application.objects.filter(batch=batch).update(batch=None)
    batch.members.filter(set_aside_reason="").update(
        place=None, asked_amount=None, allotted_amount=None, working=[], year_basis={}
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


def cancel_batch(
    batch: IssueBatch, *, by: User, reason: str, step: Callable[[int], None] = unheard
) -> IssueBatch:
    """撤销: before anything is shared out. What it would have gathered waits for another; the rows of a list that is cancelled
    leave with it, and their documents may stand in the corrected one."""
    announce("issue_batch.cancel", reason)
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "cancel")
    require_reason(reason)
    rows = batch.members.exclude(listed_row=None).select_related("application__program__region")
    for place, one in enumerate(rows):
        step(place)
        if one.application.lifecycle.find("unlist", one.application.state) is not None:
            unlist(one.application, by=by, reason=reason, with_its_list=True)
    announce("issue_batch.cancel", reason)
    move(batch, "cancel", by=by, reason=reason)
    return batch


def waiting_programs(user: Any) -> list[tuple[Publication, int]]:
    """The versions of the person's regions whose applications wait for a batch, with how many do: those that are approved, and
    the rows of lists that an earlier batch went on without, decided or not."""
    mine = Application.objects.visible_to(user, *OFFICE).filter(batch=None)
    filed = mine.filter(state=ApplicationState.APPROVED, awaits_batch=True, is_listed=False)
    counts: dict[int, int] = {}
    for rows in (filed, mine.filter(pk__in=left_by_lists())):
        for key in rows.values_list("publication", flat=True):
            counts[key] = counts.get(key, 0) + 1
    found = (
        Publication.objects.filter(pk__in=counts).select_related("program__region").order_by("program__code")
    )
    return [(one, counts[one.pk]) for one in found]


def window_words(batch: IssueBatch) -> str:
    """What the batch gathers, in words."""
    if batch.is_listed:
        own = batch.members.exclude(listed_row=None).exists()
        return "主管部门编制的名单，及以前各批名单的余件" if own else "以前各批名单的余件"
    name = time_name(batch)
    until = f"{instant_words(batch.filed_before)} 前提交并核准的申领"
    return f"{name}：{until}" if name else until
