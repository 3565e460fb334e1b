"""追回: drafted with its working, approved by another, noticed with its days. What comes in afterwards: ``recoveries``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Sum

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger_recoveries
from vouchers.actions.clawback_reckoning import Reassessed, amount_in, line, reckon, taken_before
from vouchers.actions.outbox import enqueue
from vouchers.actions.receiving_accounts import require_account
from vouchers.actions.refunds import open_refund
from vouchers.actions.vouchers import budget_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Clawback, CreditRecord, Payment, User, Voucher
from vouchers.models.clawbacks import OFFICE, ClawbackGround, ClawbackState
from vouchers.models.payments import PaymentState
from vouchers.models.refunds import RefundKind
from vouchers.money import ZERO, thousands
from vouchers.numbers import next_no
from vouchers.states import advance, not_now

PAY_WITHIN = 15
LONGEST_TERM = 120
_PAID = (PaymentState.CONFIRMED, PaymentState.OFFSET)
#: those that rest on money that is, or was, demanded
DEMANDED = (
    ClawbackState.NOTICED,
    ClawbackState.WRITE_OFF_PROPOSED,
    ClawbackState.SETTLED,
    ClawbackState.WRITTEN_OFF,
)


def draft_clawback(
    payment: Payment,
    reassessed: Reassessed,
    *,
    ground: str,
    by: User | None,
    ground_no: str = "",
    reason: str = "",
) -> Clawback:
    """A draft of what is due back of a payment that arrived. By the office, or by a service when a fact arises (``by`` None).

    The same fact gives the same clawback again. Raises ``Forbidden`` (``access.role``), ``NotNow`` (``clawback.not_paid``) and
    ``Invalid`` (``clawback.ground``, ``.founded``, ``.nothing``)."""
    announce("clawback.draft", reason)
    region = payment.program.region
    if by is not None:
        require_role(by, *OFFICE, region=region)
    return _draft(payment, reassessed, ground=ground, by=by, ground_no=ground_no, reason=reason)


def offer_return(payment: Payment, amount: Decimal, *, reason: str, by: User) -> Clawback:
    """主动退回: the payee itself offers an amount back; the office takes it from there.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``clawback.not_paid``, ``clawback.offered``) and ``Invalid``
    (``clawback.amount``, ``clawback.reason``)."""
    announce("clawback.offer", reason)
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=payment.payee)
    _require_reason(reason, "请写明退回的原因。")
    amount = amount_in(amount, "amount")
    left = payment.amount - taken_before(payment)
    if amount <= 0 or amount > left:
        raise Invalid("clawback.amount", f"退回金额应大于 0 且不超过 {thousands(left)} 元。", field="amount")
    open_offer = payment.clawbacks.filter(
        ground=ClawbackGround.VOLUNTARY, state__in=(ClawbackState.DRAFTED, ClawbackState.PROPOSED)
    ).first()
    if open_offer is not None:
        raise NotNow("clawback.offered", f"您已申请退回（{open_offer.clawback_no}），正在办理。")
    told = line("企业主动退回", amount, reason.strip()[:200])
    return _draft(
        payment,
        Reassessed(left - amount + taken_before(payment), (told,)),
        ground=ClawbackGround.VOLUNTARY,
        by=by,
        ground_no="",
        reason=reason,
    )


def _require_reason(reason: str, message: str) -> None:
    if not reason.strip():
        raise Invalid("clawback.reason", message, field="reason")


def _draft(
    payment: Payment, reassessed: Reassessed, *, ground: str, by: User | None, ground_no: str, reason: str
) -> Clawback:
    if ground not in ClawbackGround.values:
        raise Invalid("clawback.ground", "请选择追回的事由。", field="ground")
    payment = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("program__region", "payee")
        .get(pk=payment.pk)
    )
    number = ground_no.strip()[:60]
    known: Clawback | None = (
        payment.clawbacks.filter(ground=ground, ground_no=number)
        .exclude(state=ClawbackState.WITHDRAWN)
        .first()
        if number
        else None
    )
    if known is not None:
        return known
    if payment.state not in _PAID:
        raise NotNow(
            "clawback.not_paid",
            f"{payment.payment_no} 目前为“{payment.get_state_display()}”，尚未到账，不需追回。",
            hint="未拨付的款项可以暂缓或移出批次。",
        )
    on = dates.today()
    clawback = Clawback(
        clawback_no=next_no("R", on),
        region=payment.program.region,
        program=payment.program,
        payment=payment,
        claim_no=payment.claim_no,
        party=payment.payee,
        ground=ground,
        ground_no=number,
        reason=reason.strip(),
        paid_amount=payment.amount,
        pay_within_days=PAY_WITHIN,
        drafted_by=by,
        drafted_on=on,
    )
    reckon(clawback, reassessed, penalty_rate=None)
    clawback.save()
    return clawback


def revise_clawback(
    clawback: Clawback,
    *,
    founded_amount: Decimal,
    reason: str,
    by: User,
    ground_no: str | None = None,
    penalty_rate: Decimal | None = None,
    pay_within_days: int = PAY_WITHIN,
) -> Clawback:
    """修改草稿: amounts, reason and days of a draft. What was re-assessed stays in the working while its result stands.

    Raises ``NotNow`` (``clawback.not_now``) and ``Invalid`` (``clawback.founded``, ``.nothing``, ``.penalty``, ``.days``)."""
    announce("clawback.revise", reason)
    require_role(by, *OFFICE, region=clawback.region)
    _as_it_stands(clawback)
    if clawback.state != ClawbackState.DRAFTED:
        raise not_now(clawback, "propose")
    if not 1 <= pay_within_days <= LONGEST_TERM:
        raise Invalid(
            "clawback.days", f"退回期限应为 1 至 {LONGEST_TERM} 个工作日。", field="pay_within_days"
        )
    founded = amount_in(founded_amount, "founded")
    known = {"已拨付", "重新核定应拨付", "此前已要求退回", "应退回补贴", "资金占用费", "罚款", "合计"}
    kept = [one for one in clawback.working if one["label"] not in known]
    if founded != clawback.founded_amount:
        kept.append(
            line(
                "人工核定",
                founded,
                f"由 {thousands(clawback.founded_amount)} 元改为 {thousands(founded)} 元。",
            )
        )
    reckon(clawback, Reassessed(founded, kept), penalty_rate=penalty_rate)
    clawback.reason = reason.strip()
    if ground_no is not None:
        clawback.ground_no = ground_no.strip()[:60]
    clawback.pay_within_days = pay_within_days
    clawback.save()
    return clawback


def _as_it_stands(clawback: Clawback) -> None:
    """Wait for whoever else acts on it, and go on with it as it stands then."""
    clawback.refresh_from_db(from_queryset=Clawback.objects.select_for_update(no_key=True))


def hands(clawback: Clawback) -> set[int]:
    """Who had a hand in it so far."""
    named = (
        clawback.drafted_by_id,
        clawback.proposed_by_id,
        clawback.approved_by_id,
        clawback.noticed_by_id,
        clawback.write_off_by_id,
    )
    return {one for one in named if one is not None}


def propose_clawback(clawback: Clawback, *, by: User) -> Clawback:
    """提交审批. Raises ``Invalid`` (``clawback.reason``) when facts and reasons are not written."""
    announce("clawback.propose")
    require_role(by, *OFFICE, region=clawback.region)
    _require_reason(clawback.reason, "请先写明事实和理由，企业将在通知书上看到。")
    advance(clawback, "propose", by=by, region=clawback.region, update={"proposed_by": by})
    return clawback


def send_back(clawback: Clawback, *, by: User, reason: str) -> Clawback:
    """退回修改."""
    announce("clawback.send_back", reason)
    _require_reason(reason, "请写明需要修改的内容。")
    advance(clawback, "send_back", by=by, region=clawback.region, update={"proposed_by": None})
    return clawback


def approve_clawback(clawback: Clawback, *, by: User) -> Clawback:
    """批准: by one without a hand in it, nor in the claim that it takes back."""
    announce("clawback.approve")
    require_role(by, Role.APPROVER, region=clawback.region)
    _as_it_stands(clawback)
    require_other_person(by, hands(clawback) | set(clawback.payment.participants), "批准追回")
    advance(
        clawback,
        "approve",
        by=by,
        region=clawback.region,
        update={"approved_by": by, "approved_at": dates.now()},
    )
    return clawback


def notice_clawback(clawback: Clawback, *, by: User) -> Clawback:
    """发出通知: the days run, and the demand is booked; the ledger last.

    Raises ``NotNow`` (``clawback.not_paid``, ``clawback.more_than_paid``, ``clawback.no_receiving_account``)."""
    announce("clawback.notice")
    require_role(by, Role.FINANCE, Role.HANDLER, region=clawback.region)
    account = require_account(clawback.region)
    payment = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("payee", "program__region")
        .get(pk=clawback.payment_id)
    )
    _as_it_stands(
        clawback
    )  # the payment's row first, as everybody who takes both; what is booked is what stands then
    if payment.state not in _PAID:
        raise NotNow("clawback.not_paid", f"{payment.payment_no} 已被银行退回，不需追回。")
    others = payment.clawbacks.filter(state__in=DEMANDED).aggregate(total=Sum("principal_amount"))["total"]
    if (others or ZERO) + clawback.principal_amount > payment.amount:
        raise NotNow("clawback.more_than_paid", "加上此前的追回已超过拨付金额，请退回修改。")
    on = dates.today()
    advance(
        clawback,
        "notice",
        by=by,
        region=clawback.region,
        update={
            "noticed_by": by,
            "noticed_at": dates.now(),
            "due_on": dates.add_working_days(on, clawback.pay_within_days),
            "receiving_account": account,
        },
    )
    enqueue("applications.clawback_told", {"clawback_no": clawback.clawback_no, "message": "noticed"})
    clawback.payment = payment
    ledger_recoveries.demand(clawback, budget_for(payment), on=on).demand()
    return clawback


def budget_for(payment: Payment) -> Any:
    """The budget that the payment came from."""
    voucher = Voucher.objects.select_related("program__region").get(voucher_no=payment.voucher_no)
    return budget_of(voucher)


def withdraw_clawback(clawback: Clawback, *, by: User, reason: str) -> Clawback:
    """撤销: a draft by whoever works on it; after the notice only by an approver without a hand in it. The demand is reversed, the
    credit repaired. What has come in on it, by transfer or set-off, is to be refunded (``Refund``), the rest is waived."""
    announce("clawback.withdraw", reason)
    _require_reason(reason, "请写明撤销的理由。")
    _as_it_stands(clawback)
    noticed = clawback.state == ClawbackState.NOTICED
    if noticed:
        require_role(by, Role.APPROVER, region=clawback.region)
        require_other_person(by, hands(clawback), "撤销追回")
    on = dates.today()
    advance(
        clawback,
        "withdraw",
        by=by,
        region=clawback.region,
        update={"withdrawn_reason": reason.strip(), "closed_on": on},
    )
    if noticed:
        repair_credit(clawback)
        enqueue("applications.clawback_told", {"clawback_no": clawback.clawback_no, "message": "withdrawn"})
        came = sum(ledger_recoveries.received_of(clawback).values(), ZERO)
        if came:
            open_refund(clawback, came, RefundKind.WITHDRAWN, by=by, reason=reason)
            ledger_recoveries.waive(clawback, budget_for(clawback.payment), on=on).demand()
        else:
            ledger_recoveries.withdraw(clawback, on=on).demand()
    return clawback


def repair_credit(clawback: Clawback) -> None:
    """信用修复: what was recorded because of it is over."""
    CreditRecord.objects.filter(clawback=clawback, repaired_on=None).update(repaired_on=dates.today())
