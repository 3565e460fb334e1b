"""What every deed on a batch shares: waiting for others, the state, the time line, the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from django.db import connection

from applications.actions import cases
from applications.models import IssueBatch, Review
from vouchers import dates
from vouchers.access import Role
from vouchers.errors import Invalid, NotNow
from vouchers.models import Job, User
from vouchers.states import advance, not_now

OFFICE = (Role.HANDLER, Role.APPROVER)
JOB_KINDS = ("issue_batch", "issue_batch_parts", "issue_list")
"""The worker's deeds on a batch: one that is done or undone as a whole, the issue in parts, and the taking in of a long list."""
_working_on: ContextVar[str] = ContextVar("issue_batch_worked_on", default="")


@contextmanager
def working_on(batch_no: str) -> Iterator[None]:
    """Within: the worker's own deed on the batch, which its job does not keep out."""
    token = _working_on.set(batch_no)
    try:
        yield
    finally:
        _working_on.reset(token)


def job_under_way(batch: IssueBatch) -> Job | None:
    """What the worker is to do, or is doing, with the batch."""
    return Job.objects.under_way().filter(kind__in=JOB_KINDS, key=batch.batch_no).first()


def last_job(batch: IssueBatch) -> Job | None:
    """The worker's last deed on the batch, whatever became of it."""
    return Job.objects.filter(kind__in=JOB_KINDS, key=batch.batch_no).order_by("-pk").first()


def require_idle(batch: IssueBatch) -> None:
    """Refuse (409 ``issue_batch.under_way``) while the worker has the batch: nobody waits on a page for its long transaction."""
    if _working_on.get() == batch.batch_no:
        return
    job = job_under_way(batch)
    if job is not None:
        raise NotNow(
            "issue_batch.under_way",
            f"本批正在后台办理（{job.job_no}，{job.get_state_display()}），办完之前不能办理其他事项。",
            hint="进度在批次页面上显示；尚未开始发放的，可以先取消该任务。",
            detail={"job_no": job.job_no},
        )


def as_it_stands(batch: IssueBatch, verb: str, *, shared: bool = False) -> None:
    """Wait for whoever else acts on the batch; 409 when it can no longer do this, or while the worker has it. ``shared``: for a
    deed on some of its members, beside which others of the kind go on, but none on the batch."""
    require_idle(batch)
    if shared:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM applications_issuebatch WHERE id = %s FOR SHARE", [batch.pk])
        batch.refresh_from_db()
    else:
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


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("issue_batch.reason", "请写明理由，理由随批次留存。", field="reason")
