"""What every deed on a batch shares: waiting for others, the state, the time line, the reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from applications.actions import cases
from applications.models import IssueBatch, Review
from vouchers import dates
from vouchers.access import Role
from vouchers.errors import Invalid
from vouchers.models import User
from vouchers.states import advance, not_now

OFFICE = (Role.HANDLER, Role.APPROVER)


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


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("issue_batch.reason", "请写明理由，理由随批次留存。", field="reason")
