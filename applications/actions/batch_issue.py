"""整批发放: every member's voucher in one chain of the ledger: all of them are issued, or none is.

What takes longer than a person waits on a page goes by ``batch_parts``.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from applications.actions import cases
from applications.actions.assessments import columns
from applications.actions.batch_members import members_of, require_nobody_readmitted, require_unchanged
from applications.actions.batch_rows import OFFICE, as_it_stands, move
from applications.actions.batch_sharing import Fellows
from applications.actions.issuing import cut_caps, pays_without_voucher, require_unlisted, tell
from applications.evidence import free_evidence
from applications.models import Application, BatchMember, IssueBatch, Objection
from applications.models.applications import ApplicationState
from applications.models.batches import IssueBatchState
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import require_role
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.ledger_chains import Cap, Chain, LedgerResult
from vouchers.actions.spending import spend
from vouchers.actions.vouchers import make_voucher, voucher_chain
from vouchers.context import announce
from vouchers.errors import DomainError, Invalid, NotNow
from vouchers.models import User, Voucher
from vouchers.models.holds import ScreeningMoment
from vouchers.money import ZERO, thousands
from vouchers.policy.words import day_words

WHOLE_AT_MOST = 100
"""Members that are issued in one chain, while the person waits."""


@dataclass(frozen=True)
class Granted:
    """A member that is issued something: on which facts, how much, and the caps that it takes."""

    member: BatchMember
    amount: Decimal
    kept: dict[str, object]
    caps: Sequence[Cap]


def issue_batch(batch: IssueBatch, *, by: User) -> IssueBatch:
    """When the notice has run its days without an open objection: each voucher, and the amounts add up to what was shared out.

    Members that were allotted nothing are told so, with the working as the reason. Raises ``NotNow`` (``notice.running``,
    ``objection.open``, ``issue_batch.changed``, ``hold.open``, ``ledger.*``): nothing is then issued."""
    announce("issue_batch.issue")
    require_role(by, *OFFICE, region=batch.program.region)
    as_it_stands(batch, "issue")
    if batch.state == IssueBatchState.ISSUING:
        raise NotNow(
            "issue_batch.in_parts", "本批正在分段发放，请在批次页面继续发放。", hint="已发放的各件不受影响。"
        )
    require_notice_over(batch)
    members = members_of(batch)
    require_whole(members)
    wait_for(members)
    members = members_of(batch)
    require_nobody_readmitted(batch)
    require_unchanged(batch, members, ApplicationState.NOTICED)
    require_no_objection(members)
    for one in members:
        if one.allotted_amount:
            screen_member(one)
    on, fellows = dates.today(), Fellows()
    granted = [granted_of(one, on, fellows) for one in members if one.allotted_amount]
    issue_id = uuid.uuid4()

    def change() -> list[Voucher]:
        vouchers = [issue_one(one, issue_id, by=by, on=on) for one in granted]
        for one in members:
            if not one.allotted_amount:
                leave_unfunded(one, by=by)
        move(
            batch,
            "issue",
            by=by,
            amount=batch.allotted_amount,
            update={"issued_by": by, "issued_at": dates.now(), "issue_id": issue_id},
        )
        return vouchers

    def send(vouchers: list[Voucher]) -> LedgerResult:
        chain = Chain(issue_id, on, "issue_batch", batch.batch_no)
        for voucher in vouchers:
            own = voucher_chain(voucher, issue_id=issue_id)
            chain.opens += own.opens
            chain.transfers += own.transfers
        return chain.use(_together(granted), batch.program.region.code, ZERO).post()

    if not granted:
        change()
        return batch
    try:
        spend(change, send)
    except (NotNow, Invalid):
        batch.refresh_from_db()
        raise
    return batch


def require_notice_over(batch: IssueBatch) -> None:
    """Refuse (409 ``notice.running``) before the notice has run its days."""
    if batch.notice_closes_on is None or batch.notice_closes_on > dates.today():
        closes = day_words(batch.notice_closes_on) if batch.notice_closes_on else ""
        raise NotNow("notice.running", f"公示至 {closes} 期满，期满前不能发放。")


def require_whole(members: Sequence[BatchMember]) -> None:
    """Refuse (409 ``issue_batch.in_parts``) more than one chain is meant for."""
    if sum(bool(one.allotted_amount) for one in members) > WHOLE_AT_MOST:
        raise NotNow(
            "issue_batch.in_parts",
            f"本批超过 {WHOLE_AT_MOST} 件，由系统在后台分段发放。",
            hint="请在批次页面点“整批发放”，进度在该页显示。",
        )


def wait_for(members: Sequence[BatchMember]) -> None:
    """Whoever acts on one of the cases is waited for, and waits; in the order of their keys, so that nobody waits in a ring."""
    rows = Application.objects.filter(pk__in=[one.application_id for one in members])
    list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def require_no_objection(members: Sequence[BatchMember]) -> None:
    numbers = [one.application.application_no for one in members]
    waiting = Objection.objects.filter(
        subject_kind="application", subject_no__in=numbers, state=ObjectionState.FILED
    ).values_list("subject_no", flat=True)
    if waiting:
        raise NotNow(
            "objection.open",
            f"公示期间收到的异议尚未答复（{'、'.join(sorted(set(waiting))[:5])}），不能发放。",
            hint="请先在“异议”中作出答复；异议成立的，本批须退回归集、重新分配。",
        )


def screen_member(member: BatchMember) -> None:
    number = member.application.application_no
    try:
        screening = screen("application", number, ScreeningMoment.APPROVAL)
        require_clear("application", number, screened=screening)
    except DomainError as refusal:
        raise NotNow(
            refusal.code,
            f"{number}：{refusal.message}",
            hint="可写明理由退回归集，将该件暂不列入本批，其余重新分配。",
            detail=refusal.detail,
            keep=refusal.keep,
        ) from refusal


def granted_of(member: BatchMember, on: date, fellows: Fellows) -> Granted:
    """What it is issued, on top of those that are issued with it and come before it. Raises ``NotNow`` (``application.listed``, ``issue_batch.changed``) where it may have no longer what it
    was allotted."""
    case, allotted = member.application, member.allotted_amount or ZERO
    require_unlisted(case)
    facts, assessment = fellows.assess(case, on)
    if assessment.amount < allotted:
        raise NotNow(
            "issue_batch.changed",
            f"{case.application_no} 按目前的条件和限额（含本批在先的件）只能核定 {thousands(assessment.amount)} 元，"
            f"低于分配的 {thousands(allotted)} 元。",
            hint="请写明理由退回归集，重新分配。",
        )
    caps = cut_caps(member.batch.publication.scheme, facts, assessment, allotted)
    fellows.take_caps(assessment, allotted)
    return Granted(member, allotted, columns(case, facts, assessment), caps)


def issue_one(one: Granted, issue_id: uuid.UUID, *, by: User, on: date) -> Voucher:
    case = one.member.application
    publication = one.member.batch.publication
    direct = pays_without_voucher(publication.scheme, case.facts)
    voucher = make_voucher(
        publication=publication,
        enterprise=case.enterprise,
        application_no=case.application_no,
        amount=one.amount,
        on=on,
        is_entitlement=direct,
    )
    cases.move(
        case,
        "issue",
        by=by,
        amount=one.amount,
        update={
            "approved_amount": one.amount,
            "voucher_no": voucher.voucher_no,
            "issue_id": issue_id,
            **one.kept,
        },
    )
    tell(case, "entitlement_granted" if direct else "voucher_issued")
    if case.is_listed:
        tell(case, "application_listed")
    return voucher


def leave_unfunded(member: BatchMember, *, by: User) -> None:
    reason = "".join(step["sentence"] for step in member.working) or "本批资金分配后，本件未获分配。"
    cases.move(member.application, "leave_unfunded", by=by, reason=reason, update={"decision_reason": reason})
    free_evidence(member.application)
    tell(member.application, "application_unfunded")


def _together(granted: Sequence[Granted]) -> list[Cap]:
    """The members' caps, one for each account: what all of them take of it."""
    sums: dict[str, Cap] = {}
    for one in granted:
        for cap in one.caps:
            part = one.amount if cap.amount is None else cap.amount
            known = sums.get(cap.code)
            taken = part if known is None else part + (known.amount or ZERO)
            sums[cap.code] = replace(known or cap, amount=taken)
    return list(sums.values())
