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

Each part asks anew whether the person in whose name it goes still has the role; if not, another one goes on with the issue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

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
from applications.actions.batch_rows import OFFICE, as_it_stands, move, note, require_reason
from applications.actions.batch_sharing import Fellows
from applications.models import Application, BatchMember, IssueBatch, Objection, PublicNotice, Review
from applications.models.applications import ApplicationState
from applications.models.batches import IssueBatchState
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import Role, has_role, require_role
from vouchers.actions.budgets import room_of
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.job_runs import JobLost, Run
from vouchers.actions.ledger_chains import Chain, event_id, post_all
from vouchers.actions.treasury_parts import bearers_of
from vouchers.actions.vouchers import voucher_chain
from vouchers.context import acting, announce
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import Job, User
from vouchers.models.holds import ScreeningMoment
from vouchers.models.jobs import JobState
from vouchers.money import ZERO, thousands

PART = 100
"""Members of one transaction: a few seconds of work, and what a kill may cost."""
VERB = "issue_batch.issue"
NO_MONEY = "ledger.insufficient_funds"
NEXT_STEP = "处理后可在批次页面继续发放；不能处理的，由核准人员写明理由结束发放，该件转入下一批重新分配。"


class _Refused(Exception):
    """What was to be issued together was refused, and is undone."""

    def __init__(self, refusal: DomainError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


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
def _part(batch: IssueBatch, by: User, run: Run) -> Iterator[None]:
    """One transaction of the run, in the name of whoever asked and still may, with the batch's row held; a run that lost its job
    does nothing."""
    as_of_now = User.objects.get(pk=by.pk)  # what the account may do is remembered with the object
    with acting(as_of_now, VERB, run.job.label):
        as_it_stands(batch, "issue")
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
    passed: dict[int, str] = {}
    while True:
        left = to_issue(batch).exclude(application__in=passed)
        keys = list(left.values_list("application", flat=True)[:PART])
        run.progress(2 * total - left.count(), 2 * total, "件")
        if not keys:
            break
        try:
            passed |= _issue_part(batch, keys, by=by, run=run)
        except _Refused:
            passed |= _one_by_one(batch, keys, by=by, run=run)
    if not passed:
        _finish(batch, by=by, run=run)
    return list(passed.values())


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


def _issue_part(batch: IssueBatch, keys: Sequence[int], *, by: User, run: Run) -> dict[int, str]:
    """One part; the members that it passed over, each with the reason. Raises ``_Refused``: then it is undone as a whole."""
    on, passed, fellows = dates.today(), dict[int, str](), Fellows()
    with _part(batch, by, run):
        announce(VERB)
        members = list(_chosen(batch, keys))
        wait_for(members)
        granted: list[Granted] = []
        objected = _objected(members)
        for one in _chosen(batch, keys):
            number = one.application.application_no
            if one.application.state == ApplicationState.ISSUED:
                continue
            try:
                _require_issuable(batch, one, objected)
                granted.append(granted_of(one, on, fellows))
            except DomainError as refusal:
                passed[one.application_id] = _sentence(number, refusal)
        _note_passed(batch, passed, by=by)
        try:
            chains = [_chain_of(batch, one, by=by, on=on) for one in granted]
            for result in post_all(chains):
                result.demand()
        except (NotNow, Invalid) as refusal:
            raise _Refused(refusal) from refusal
    return passed


def _chain_of(batch: IssueBatch, granted: Granted, *, by: User, on: date) -> Chain:
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
            passed |= _issue_part(batch, [key], by=by, run=run)
        except _Refused as refused:
            if refused.refusal.code == NO_MONEY:
                raise refused.refusal from refused
            with _part(batch, by, run):
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


def _objected(members: Sequence[BatchMember]) -> set[str]:
    numbers = [one.application.application_no for one in members]
    return set(
        Objection.objects.filter(
            subject_kind="application", subject_no__in=numbers, state=ObjectionState.FILED
        ).values_list("subject_no", flat=True)
    )


def _require_issuable(batch: IssueBatch, member: BatchMember, objected: set[str]) -> None:
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


def _require_stopped(batch: IssueBatch, members: Sequence[BatchMember], *, by: User) -> None:
    """Refuse while going on would issue somebody: looked at as the next run would, in the order of filing."""
    objected, free, on, fellows = _objected(members), list[Granted](), dates.today(), Fellows()
    for one in members:
        try:
            _require_issuable(batch, one, objected)
            free.append(granted_of(one, on, fellows))
        except (NotNow, Invalid):
            continue
    needed = sum((one.amount for one in free), ZERO)
    scheme = batch.publication.scheme
    spare = Decimal(len(free) * max(len(bearers_of(scheme)) - 1, 0)).scaleb(
        -2
    )  # as it is left when sharing out
    room = room_of(batch.program, on.year, scheme) or ZERO
    if free and needed + spare <= room and _would_issue(batch, free, by=by, on=on):
        raise NotNow(
            "issue_batch.not_stopped",
            f"还有 {len(free)} 件没有暂缓、异议等情形，条件和预算也符合，应当继续发放。",
            hint="请先点“继续发放”；确实不能发放的各件会列明原因。",
        )


def _would_issue(batch: IssueBatch, free: Sequence[Granted], *, by: User, on: date) -> bool:
    """Whether the ledger takes any of them, one by one; each try is undone."""
    for one in free:
        point = transaction.savepoint()
        try:
            _chain_of(batch, one, by=by, on=on).post().demand()
        except (NotNow, Invalid) as refusal:
            if refusal.code == NO_MONEY:
                return False  # there the run stops
        else:
            return True
        finally:
            transaction.savepoint_rollback(point)
            one.member.application.refresh_from_db()
    return False


def close_issue(batch: IssueBatch, *, by: User, reason: str) -> IssueBatch:
    """结束发放: an approver ends the issue without those that cannot be issued; they are set aside with the reason and wait for
    a later batch. What is issued stands.

    Raises ``NotNow`` (``issue_batch.not_stopped``) while one of them could be issued: then the issue is to go on."""
    announce("issue_batch.close_issue", reason)
    require_role(by, Role.APPROVER, region=batch.program.region)
    as_it_stands(batch, "close_issue")
    require_reason(reason)
    rest = list(
        batch.members.filter(set_aside_reason="", asked_amount__isnull=False)
        .filter(~Q(application__state__in=(ApplicationState.ISSUED, ApplicationState.REJECTED)))
        .select_related(
            "batch__publication",
            "application__program__region",
            "application__publication",
            "application__enterprise",
            "application__lease",
        )
        .order_by("application__submitted_at", "application")
    )
    _require_stopped(batch, [one for one in rest if one.allotted_amount], by=by)
    for one in rest:
        case = one.application
        if not one.allotted_amount and case.state == ApplicationState.APPROVED:
            leave_unfunded(one, by=by)
            continue
        if case.state == ApplicationState.NOTICED:
            cases.move(case, "recall_notice", by=by, reason=reason)
            PublicNotice.objects.filter(application=case, batch=batch).update(recalled_on=dates.today())
        one.set_aside_reason = reason.strip()[:300]
        one.save(update_fields=["set_aside_reason"])
        Application.objects.filter(pk=case.pk, batch=batch).update(batch=None)
    _issued, _total, amount = issued_so_far(batch)
    stamp: dict[str, Any] = {"issued_by": by, "issued_at": dates.now()}
    move(batch, "close_issue", by=by, reason=reason, amount=amount, update=stamp)
    return batch
