"""A large batch's deeds are the worker's: sharing out, notice, sending back, cancelling and issuing take minutes over thousands of
cases. Each is asked for by a person, is done in that person's name, and is the same function that a small batch runs at once.

All but the issue are one transaction: cancelled or killed, they leave nothing. The issue goes by parts (``batch_parts``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from applications.actions.batch_endings import close_issue
from applications.actions.batch_issue import WHOLE_AT_MOST, issue_batch, require_notice_over
from applications.actions.batch_lists import review_list
from applications.actions.batch_members import candidates, pending
from applications.actions.batch_parts import issue_in_parts, issued_so_far, note_pause, to_issue
from applications.actions.batch_projects import answer_projects
from applications.actions.batch_rows import (
    JOB_KINDS,
    OFFICE,
    as_it_stands,
    require_idle,
    require_reason,
    working_on,
)
from applications.actions.batch_sharing import unheard
from applications.actions.batches import (
    approve_batch,
    cancel_batch,
    notice_batch,
    reopen_batch,
    require_decided,
    share_out_batch,
)
from applications.models import IssueBatch
from applications.models.batches import IssueBatchState
from vouchers.access import Role, require_role
from vouchers.actions.job_runs import Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import Job, User

Step = Callable[[int], None]
WHOLE, IN_PARTS = JOB_KINDS[:2]

DEEDS: dict[str, Callable[[IssueBatch, User, str, Step], Any]] = {
    "share_out": lambda batch, by, reason, step: share_out_batch(
        batch, by=by, waived_reason=reason, step=step
    ),
    "approve": lambda batch, by, reason, step: approve_batch(batch, by=by, reason=reason),
    "publish_notice": lambda batch, by, reason, step: notice_batch(batch, by=by, step=step),
    "issue": lambda batch, by, reason, step: issue_batch(batch, by=by),
    "close_issue": lambda batch, by, reason, step: close_issue(batch, by=by, reason=reason),
    "reopen": lambda batch, by, reason, step: reopen_batch(batch, by=by, reason=reason, step=step),
    "cancel": lambda batch, by, reason, step: cancel_batch(batch, by=by, reason=reason, step=step),
    "review_list": lambda batch, by, reason, step: review_list(batch, by=by, reason=reason, step=step),
    "answer_projects": lambda batch, by, reason, step: answer_projects(
        batch, by=by, sentence=reason, step=step
    ),
}
ON_LISTS = {"review_list": "审核名单", "answer_projects": "认定所属项目"}
"""Deeds that leave the batch where it is, with their names."""
LONG = ("share_out", "publish_notice", "issue", "reopen", "cancel", "review_list", "answer_projects")
"""Deeds that look at, or move, every case of the batch."""


def size_of(batch: IssueBatch, verb: str) -> int:
    """How many cases the deed goes over."""
    if verb == "share_out":
        return candidates(batch).count()
    if verb in ON_LISTS:
        return pending(batch).count()
    if verb == "cancel":
        return batch.members.exclude(listed_row=None).count()
    return batch.members.filter(set_aside_reason="", asked_amount__isnull=False).count()


def order_deed(batch: IssueBatch, verb: str, *, by: User, reason: str = "") -> Job | None:
    """Do it now, or where it goes over more than ``WHOLE_AT_MOST`` cases ask the worker for it; the worker's job, if so.

    What can be said at once is refused at once. Raises ``KeyError`` for a verb that a batch has not."""
    deed = DEEDS[verb]
    require_idle(batch)
    going_on = batch.state == IssueBatchState.ISSUING and verb == "issue"
    size = size_of(batch, verb) if verb in LONG else 0
    if size <= WHOLE_AT_MOST and not going_on:
        deed(batch, by, reason, unheard)
        return None
    _require_possible(batch, verb, by=by, reason=reason)
    label = ON_LISTS.get(verb) or batch.lifecycle.label_of(verb)
    return ask_job(
        IN_PARTS if verb == "issue" else WHOLE,
        label=f"{batch.batch_no} {label}（{size} 件）",
        params={"batch_no": batch.batch_no, "verb": verb, "reason": reason, "size": size},
        by=by,
        region=batch.program.region.code,
        key=batch.batch_no,
        unit="件",
    )


def _require_possible(batch: IssueBatch, verb: str, *, by: User, reason: str) -> None:
    roles = {"review_list": (Role.APPROVER,), "answer_projects": (Role.HANDLER,)}.get(verb, OFFICE)
    require_role(by, *roles, region=batch.program.region)
    as_it_stands(batch, "share_out" if verb in ON_LISTS else verb)
    if verb in ("reopen", "cancel", "answer_projects"):
        require_reason(reason)
    if verb == "share_out":
        require_decided(batch, reason)
    if verb == "issue" and batch.state == IssueBatchState.NOTICED:
        require_notice_over(batch)


def _asked_for(run: Run) -> tuple[IssueBatch, User]:
    batch = IssueBatch.objects.select_related("program__region", "publication__program").get(
        batch_no=run.job.params["batch_no"]
    )
    assert run.job.asked_by is not None
    return batch, run.job.asked_by


def _do_whole(run: Run) -> JobResult:
    batch, by = _asked_for(run)
    params = run.job.params
    verb, reason, size = params["verb"], params["reason"], params["size"]
    run.progress(0, size, "件")
    with working_on(batch.batch_no), acting(by, f"issue_batch.{verb}", reason):
        DEEDS[verb](batch, by, reason, lambda done: run.progress(done, size, "件"))
        run.check()
    return JobResult(message=f"{run.job.label}已完成。")


def _do_in_parts(run: Run) -> JobResult:
    batch, by = _asked_for(run)
    with working_on(batch.batch_no):
        try:
            passed = issue_in_parts(batch, by=by, run=run)
        except DomainError as refusal:
            note_pause(batch, by=by, reason=refusal.message)
            raise
        issued, total, amount = issued_so_far(batch)
        result = {"issued": issued, "total": total, "amount": f"{amount:.2f}", "passed": passed[:50]}
        if not passed:
            return JobResult(result=result, message=f"全部发放完毕，共 {issued} 件。")
        reason = f"已发放 {issued} 件，{len(passed)} 件未发放：" + "；".join(passed[:5])
        note_pause(batch, by=by, reason=reason)
        return JobResult(result=result, message=f"{reason} 处理后可继续发放。")


WHOLE_DEEDS = JobKind(WHOLE, "审定批次", _do_whole, roles=OFFICE, readers=(Role.AUDITOR,))
PARTS_OF_ISSUE = JobKind(
    IN_PARTS,
    "审定批次发放",
    _do_in_parts,
    roles=OFFICE,
    readers=(Role.AUDITOR,),
    kept="已发放的各件有效，其余各件可在批次页面继续发放。",
)

__all__ = ["DEEDS", "PARTS_OF_ISSUE", "WHOLE_DEEDS", "order_deed", "size_of", "to_issue"]
