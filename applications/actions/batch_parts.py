"""分段发放: a batch too large for one transaction is issued part by part, by the worker, out of the one allotment that was approved.

Nothing is issued before everything was looked at: every member is screened, the list is as it was approved, no objection is
open, and the year's budget has room for all. Then each part is a transaction: its cases, its vouchers, and a chain of the
ledger for each of them, sent together (``post_all``). A run that is stopped or killed between two parts, or within one, leaves
whole parts behind; the next one goes on with who has nothing yet. The id of a member's chain follows from the issue and the
member, so that the ledger itself refuses a second one.

A member that came under a hold or an objection meanwhile, or no longer gets what it was allotted with those before it, is
passed over, and told: when that is settled the issue goes on, or an approver ends it with a reason, and who is left waits for a
later batch. Where the ledger refuses one of a part, the part is undone and issued member by member, so that only that one is
passed over. Money that is gone is nobody's own: there the issue stops. It may be ended unless going on would issue somebody.

Two workers share the parts: each takes the next members that the other does not hold (``batch_hands``); the one that runs the job
keeps the progress, tells who was passed over, and finishes.

Each part asks anew whether the person in whose name it goes still has the role; if not, another one goes on with the issue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet, Sum

from applications.actions import cases
from applications.actions.batch_issue import (
    Granted,
    granted_of,
    issue_one,
    leave_unfunded,
    require_no_objection,
    require_notice_over,
    screen_member,
    wait_for,
)
from applications.actions.batch_members import members_of, require_nobody_readmitted, require_unchanged
from applications.actions.batch_rows import OFFICE, as_it_stands, move, note
from applications.actions.batch_sharing import Fellows
from applications.models import Application, BatchMember, IssueBatch, Objection, Review
from applications.models.applications import ApplicationState
from applications.models.batches import IssueBatchState
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import has_role, require_role
from vouchers.actions.budgets import room_of
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.job_runs import JobLost, Run
from vouchers.actions.ledger_chains import Chain, event_id, post_all
from vouchers.actions.outbox import enqueue
from vouchers.actions.vouchers import voucher_chain
from vouchers.context import acting, announce
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import Job, User
from vouchers.models.holds import ScreeningMoment
from vouchers.models.jobs import JobState
from vouchers.money import ZERO, thousands

PART = 100
"""Members of one transaction: a few seconds of work, and what a kill may cost."""
IN_SIGHT = 4 * PART
"""Among so many a worker looks for a part that nobody else has in hand."""
VERB = "issue_batch.issue"
HELP = "applications.help_issue"
_TRY_ENTERPRISES = """SELECT e.id, pg_try_advisory_xact_lock(hashtextextended('issue_batch:' || e.id, 5))
  FROM unnest(%s::bigint[]) AS e (id)"""
_WAIT_ENTERPRISES = """SELECT pg_advisory_xact_lock(hashtextextended('issue_batch:' || e.id, 5))
  FROM unnest(%s::bigint[]) AS e (id)"""
NO_MONEY = "ledger.insufficient_funds"
NEXT_STEP = "处理后可在批次页面继续发放；不能处理的，由核准人员写明理由结束发放，该件转入下一批重新分配。"


class Refused(Exception):
    """What was to be issued together was refused, and is undone. ``keys`` are the applications of those members."""

    def __init__(self, refusal: DomainError, keys: Sequence[int]) -> None:
        super().__init__(refusal.code)
        self.refusal, self.keys = refusal, keys


def to_issue(batch: IssueBatch) -> QuerySet[BatchMember]:
    """The members that are to be issued something and have nothing yet, in the order of filing."""
    rows: QuerySet[BatchMember] = _funded(batch).exclude(application__state=ApplicationState.ISSUED)
    return rows


def _funded(batch: IssueBatch) -> QuerySet[BatchMember]:
    rows: QuerySet[BatchMember] = batch.members.filter(set_aside_reason="", allotted_amount__gt=0).order_by(
        "application__submitted_at", "application"
    )
    return rows


def issued_so_far(batch: IssueBatch) -> tuple[int, int, Decimal]:
    """How many members are issued, of how many, and the yuan of the former."""
    members = _funded(batch).order_by()
    issued = members.filter(application__state=ApplicationState.ISSUED, application__batch=batch)
    amount = issued.aggregate(total=Sum("allotted_amount"))["total"]
    return issued.count(), members.count(), amount or ZERO


@contextmanager
def _part(batch: IssueBatch, by: User, run: Run, *, shared: bool = False) -> Iterator[None]:
    """One transaction of the run, in the name of whoever asked and still may, with the batch's row held; a run that lost its job
    does nothing. ``shared``: beside others of the same run."""
    as_of_now = User.objects.get(pk=by.pk)  # what the account may do is remembered with the object
    with acting(as_of_now, VERB, run.job.label):
        as_it_stands(batch, "issue", shared=shared)
        if not has_role(as_of_now, *OFFICE, region=batch.program.region):
            raise Forbidden(
                "access.role",
                f"提请人{by.display_name}目前没有本地区的受理审查或核准角色，发放已停止；已发放的各件有效。",
                hint="请由有该角色的人员在批次页面继续发放。",
            )
        if not Job.objects.filter(pk=run.job.pk, state=JobState.RUNNING, runs=run.token).exists():
            raise JobLost
        yield


def issue_in_parts(batch: IssueBatch, *, by: User, run: Run) -> list[str]:
    """Issue all that have nothing yet; the sentences of those that were passed over. For a caller that stands in no transaction.

    Raises what ``issue_batch`` raises before anything is issued; later ``NotNow`` where the money is gone
    (``ledger.insufficient_funds``), ``Forbidden`` where the role is, ``JobCancelled`` between two parts, and ``JobLost`` where
    another run has the job. What was issued before stands."""
    batch.refresh_from_db()
    total = _funded(batch).count()
    if batch.state == IssueBatchState.NOTICED:
        _look(batch, by=by, run=run, total=total)
        _begin(batch, by=by, run=run)
    _ask_for_help(batch, by=by, run=run)
    passed: dict[int, str] = {}
    while True:
        left = to_issue(batch).exclude(application__in=passed)
        keys = list(left.values_list("application", flat=True)[:IN_SIGHT])
        run.progress(2 * total - left.count(), 2 * total, "件")
        if not keys:
            break
        try:
            passed |= issue_part(batch, keys, by=by, run=run)
        except Refused as refused:
            passed |= _one_by_one(batch, refused.keys, by=by, run=run)
    if not passed:
        _finish(batch, by=by, run=run)
    return list(passed.values())


def _ask_for_help(batch: IssueBatch, *, by: User, run: Run) -> None:
    """Where there is more than two parts, another worker that is free takes parts of its own (``batch_hands``)."""
    if to_issue(batch).count() > 2 * PART:
        with _part(batch, by, run):
            enqueue(HELP, {"job_no": run.job.job_no, "token": run.token}, key=f"{HELP}:{run.job.job_no}")


def _look(batch: IssueBatch, *, by: User, run: Run, total: int) -> None:
    """Screen everybody; what a screening found is kept, also where it stops the batch."""
    with _part(batch, by, run):
        require_role(by, *OFFICE, region=batch.program.region)
        require_notice_over(batch)
        members = [one for one in members_of(batch) if one.allotted_amount]
    for start in range(0, len(members), PART):
        run.progress(start, 2 * total, "件")
        stopped: list[DomainError] = []
        with acting(by, VERB, run.job.label):
            for one in members[start : start + PART]:
                try:
                    screen_member(one)
                except DomainError as refusal:
                    stopped.append(refusal)
        if stopped:
            raise stopped[0]


def _begin(batch: IssueBatch, *, by: User, run: Run) -> None:
    with _part(batch, by, run):
        require_role(by, *OFFICE, region=batch.program.region)
        require_notice_over(batch)
        members = members_of(batch)
        wait_for(members)
        members = members_of(batch)
        require_nobody_readmitted(batch)
        require_unchanged(batch, members, ApplicationState.NOTICED)
        require_no_objection(members)
        year = dates.today().year
        left = room_of(batch.program, year, batch.publication.scheme) or ZERO
        if left < (batch.allotted_amount or ZERO):
            raise NotNow(
                "ledger.insufficient_funds",
                f"{year} 年度预算可用 {thousands(left)} 元，不足以发放本批 {thousands(batch.allotted_amount or ZERO)} 元，"
                "未发放任何一件。",
                hint="请先下达预算；或写明理由退回归集，重新分配。",
            )
        move(batch, "begin_issue", by=by, amount=batch.allotted_amount)


def issue_part(
    batch: IssueBatch, keys: Sequence[int], *, by: User, run: Run, waits: bool = True
) -> dict[int, str]:
    """One part: of these, in the order of filing, at most ``PART`` whom no other worker is issuing; where there are none, it
    ``waits`` for the first of them. The members that it passed over, each with the reason.

    Raises ``Refused``: then it is undone as a whole."""
    on, passed, fellows = dates.today(), dict[int, str](), Fellows()
    with _part(batch, by, run, shared=True):
        announce(VERB)
        keys = _nobody_elses(keys) or (_after_the_others(batch, keys[:PART]) if waits else [])
        granted: list[Granted] = []
        members = list(_chosen(batch, keys))
        with_objection = objected(members)
        for one in members:
            number = one.application.application_no
            if one.application.state == ApplicationState.ISSUED:
                continue
            try:
                require_issuable(batch, one, with_objection)
                granted.append(granted_of(one, on, fellows))
            except DomainError as refusal:
                passed[one.application_id] = _sentence(number, refusal)
        _note_passed(batch, passed, by=by)
        try:
            chains = [chain_of(batch, one, by=by, on=on) for one in granted]
            for result in post_all(chains):
                result.demand()
        except (NotNow, Invalid) as refusal:
            raise Refused(refusal, keys) from refusal
    return passed


def _nobody_elses(keys: Sequence[int]) -> list[int]:
    """The first of these cases that no other worker holds, nor another case of the same enterprise: what an enterprise was issued
    counts in its year, so its cases are issued one after the other. Held by this transaction from now on."""
    free = (
        Application.objects.filter(pk__in=keys)
        .select_for_update(no_key=True, skip_locked=True)
        .order_by("submitted_at", "pk")
        .values_list("pk", "enterprise")[:PART]
    )
    found = list(free)
    with connection.cursor() as cursor:
        cursor.execute(_TRY_ENTERPRISES, [sorted({enterprise for _key, enterprise in found})])
        alone = {enterprise for enterprise, free in cursor.fetchall() if free}
    return [key for key, enterprise in found if enterprise in alone]


def _after_the_others(batch: IssueBatch, keys: Sequence[int]) -> list[int]:
    """These cases, once nobody else holds them or another case of their enterprises. Who has an enterprise waits for no case."""
    members = list(_chosen(batch, keys))
    wait_for(members)
    with connection.cursor() as cursor:
        cursor.execute(_WAIT_ENTERPRISES, [sorted({one.application.enterprise_id for one in members})])
    return list(keys)


def chain_of(batch: IssueBatch, granted: Granted, *, by: User, on: date) -> Chain:
    """The member's voucher, and what it moves. A refusal of it is undone, never kept: the next try bears the same id."""
    chain_id = event_id("issue_batch", str(batch.issue_id), granted.member.application.application_no)
    voucher = issue_one(granted, chain_id, by=by, on=on)
    return voucher_chain(voucher, issue_id=chain_id, caps=granted.caps)


def _one_by_one(batch: IssueBatch, keys: Sequence[int], *, by: User, run: Run) -> dict[int, str]:
    """Each a part by itself, so that nobody stands still for another's refusal. Raises ``NotNow`` where the money is gone."""
    passed: dict[int, str] = {}
    for key in keys:
        run.check()
        try:
            passed |= issue_part(batch, [key], by=by, run=run)
        except Refused as refused:
            if refused.refusal.code == NO_MONEY:
                raise refused.refusal from refused
            with _part(batch, by, run, shared=True):
                number = Application.objects.values_list("application_no", flat=True).get(pk=key)
                passed[key] = _sentence(number, refused.refusal)
                _note_passed(batch, {key: passed[key]}, by=by)
    return passed


def _note_passed(batch: IssueBatch, passed: dict[int, str], *, by: User) -> None:
    """Into the time lines of each that was passed over and of the batch, unless the same was said of it before."""
    said = list[str]()
    for case in Application.objects.filter(pk__in=passed).select_related("program__region").order_by("pk"):
        sentence = passed[case.pk]
        why = f"批次 {batch.batch_no} 发放时暂未发放。{sentence}{NEXT_STEP}"
        deeds = Review.objects.filter(subject_kind="application", subject_no=case.application_no)
        if deeds.order_by("-pk").filter(verb="pass_over").values_list("reason", flat=True).first() == why:
            continue
        cases.record(case, "pass_over", by=by, before=case.state, after=case.state, reason=why, internal=True)
        said.append(sentence)
    if said:
        reason = f"{len(said)} 件暂未发放，{NEXT_STEP}" + "；".join(said)
        note(batch, "pass_over", by=by, before=batch.state, reason=reason[:2000])


def _chosen(batch: IssueBatch, keys: Sequence[int]) -> QuerySet[BatchMember]:
    return (
        _funded(batch)
        .filter(application__in=keys)
        .select_related(
            "batch__publication__program",
            "application__enterprise",
            "application__program__region",
            "application__publication",
            "application__batch",
            "application__lease__lessor",
            "application__project",
        )
    )


def objected(members: Sequence[BatchMember]) -> set[str]:
    numbers = [one.application.application_no for one in members]
    return set(
        Objection.objects.filter(
            subject_kind="application", subject_no__in=numbers, state=ObjectionState.FILED
        ).values_list("subject_no", flat=True)
    )


def require_issuable(batch: IssueBatch, member: BatchMember, objected: set[str]) -> None:
    """Whether nothing came up since everybody was looked at."""
    case = member.application
    if case.state != ApplicationState.NOTICED or case.batch_id != batch.pk:
        raise NotNow("issue_batch.changed", f"目前为“{case.get_state_display()}”。")
    if case.application_no in objected:
        raise NotNow("objection.open", "公示期间收到的异议尚未答复。")
    try:
        require_clear("application", case.application_no)
    except NotNow as refusal:
        if refusal.code != "screening.missing":
            raise
        screening = screen("application", case.application_no, ScreeningMoment.APPROVAL)
        require_clear("application", case.application_no, screened=screening)


def _sentence(number: str, refusal: DomainError) -> str:
    message = str(refusal.message)
    return message if message.startswith(number) else f"{number}：{message}"


def _finish(batch: IssueBatch, *, by: User, run: Run) -> None:
    """Who was allotted nothing is told so, and the batch is issued."""
    while True:
        with _part(batch, by, run):
            rest = batch.members.filter(
                set_aside_reason="", allotted_amount=0, application__state=ApplicationState.APPROVED
            ).select_related("application__program__region", "application__enterprise", "application__lease")
            some = list(rest.order_by("application")[:PART])
            for one in some:
                leave_unfunded(one, by=by)
            if len(some) < PART:
                _issued, _total, amount = issued_so_far(batch)
                stamp = {"issued_by": by, "issued_at": dates.now()}
                move(batch, "issue", by=by, amount=amount, update=stamp)
                return


def note_pause(batch: IssueBatch, *, by: User, reason: str) -> None:
    """Into the batch's time line: the issue stands still, and why."""
    with acting(by, VERB, reason):
        batch.refresh_from_db()
        if batch.state == IssueBatchState.ISSUING:
            note(batch, "pause_issue", by=by, before=batch.state, reason=reason[:2000])
