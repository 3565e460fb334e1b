"""结束发放: an issue in parts is ended without those that cannot be issued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from applications.actions import cases
from applications.actions.batch_issue import Granted, granted_of, leave_unfunded
from applications.actions.batch_parts import NO_MONEY, chain_of, issued_so_far, objected, require_issuable
from applications.actions.batch_rows import as_it_stands, move, require_reason
from applications.actions.batch_sharing import Fellows
from applications.models import Application, BatchMember, IssueBatch, PublicNotice
from applications.models.applications import ApplicationState
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.budgets import room_of
from vouchers.actions.treasury_parts import bearers_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User
from vouchers.money import ZERO


def _require_stopped(batch: IssueBatch, members: Sequence[BatchMember], *, by: User) -> None:
    """Refuse while going on would issue somebody: looked at as the next run would, in the order of filing."""
    with_objection, free = objected(members), list[Granted]()
    on, fellows = dates.today(), Fellows()
    for one in members:
        try:
            require_issuable(batch, one, with_objection)
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
            chain_of(batch, one, by=by, on=on).post().demand()
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
