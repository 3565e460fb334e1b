"""抵扣: what a payee owes makes a later payment to it. Proposed by one person, confirmed by another, looked at like a payment."""

from __future__ import annotations

from decimal import Decimal

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger_recoveries
from vouchers.actions.clawbacks import budget_for
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.outbox import enqueue
from vouchers.actions.payment_caps import EXCEEDED, refusal
from vouchers.actions.payment_grounds import require_grounds
from vouchers.actions.recoveries import amount_received, close_when_done, locked, within
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Clawback, ClawbackReceipt, Payment, SetOff, User
from vouchers.models.clawbacks import ClawbackState, ReceiptKind
from vouchers.models.payments import PaymentState
from vouchers.models.set_offs import SetOffState
from vouchers.money import ZERO, thousands
from vouchers.numbers import next_no
from vouchers.states import advance, not_now


def propose_set_off(
    clawback: Clawback, payment: Payment, *, by: User, amount: Decimal | None = None
) -> SetOff:
    """提请抵扣: of a payment to the same payee that is in no batch, at most what is due; by default as much as both allow. Until it
    is decided the payment is put in no batch.

    Raises ``NotNow`` (``clawback.not_now``, ``offset.not_payable``, ``offset.waits``, and what a payment is refused for) and ``Invalid``
    (``offset.other_party``, ``receipt.amount``, ``receipt.more_than_due``, ``offset.more_than_payment``)."""
    announce("set_off.propose")
    require_role(by, Role.FINANCE, region=clawback.region)
    payment, row = _both(payment, clawback)
    _require_fit(row, payment)
    waiting = payment.set_offs.filter(state=SetOffState.PROPOSED).first()
    if waiting is not None:
        raise NotNow(
            "offset.waits", f"{payment.payment_no} 已提请抵扣（{waiting.set_off_no}），尚待另一人确认。"
        )
    promised = sum((one.amount for one in row.set_offs.filter(state=SetOffState.PROPOSED)), ZERO)
    due = outstanding(row) - promised
    if amount is None and due <= 0:
        raise NotNow("offset.promised", f"尚应退回的金额已全部提请抵扣（{thousands(promised)} 元），待确认。")
    taken = min(due, payment.bank_amount) if amount is None else amount_received(amount)
    within(taken, due)
    _within_payment(taken, payment)
    require_grounds(payment)
    on = dates.today()
    return SetOff.objects.create(
        set_off_no=next_no("SO", on),
        clawback=row,
        payment=payment,
        amount=taken,
        proposed_by=by,
        proposed_at=dates.now(),
    )


def confirm_set_off(set_off: SetOff, *, by: User) -> ClawbackReceipt:
    """确认抵扣: by another finance officer without a hand in the claim that is paid by it. Everything is looked at again.

    Raises ``NotNow`` (``set_off.not_now``, ``clawback.not_now``, ``offset.not_payable``, ``payment.cap_exceeded``, and what a payment is refused for), ``Invalid``
    (``receipt.more_than_due``, ``offset.more_than_payment``) and ``Forbidden`` (``access.same_person``)."""
    announce("set_off.confirm")
    require_role(by, Role.FINANCE, region=set_off.clawback.region)
    payment, row = _both(set_off.payment, set_off.clawback)
    require_other_person(by, {set_off.proposed_by_id, *payment.participants}, "确认抵扣")
    set_off.refresh_from_db(fields=["state"])
    if set_off.lifecycle.find("confirm", set_off.state) is None:
        raise not_now(set_off, "confirm")
    _require_fit(row, payment)
    due, taken = outstanding(row), set_off.amount
    within(taken, due)
    _within_payment(taken, payment)
    require_grounds(payment)
    on = dates.today()
    advance(
        set_off, "confirm", by=by, region=row.region, update={"decided_by": by, "decided_at": dates.now()}
    )
    receipt = ClawbackReceipt.objects.create(
        clawback=row,
        kind=ReceiptKind.OFFSET,
        amount=taken,
        received_on=on,
        payment=payment,
        recorded_by=by,
    )
    _pay_part(payment, taken, by)
    close_when_done(row, due - taken)
    enqueue("applications.clawback_told", {"clawback_no": row.clawback_no, "message": "set_off"})
    result = ledger_recoveries.offset(
        row,
        budget_for(row.payment),
        payment,
        budget_for(payment),
        taken,
        event=set_off.set_off_no,
        on=on,
    )
    if result.code == EXCEEDED:
        raise refusal([(payment, taken, result)], on)
    result.demand()
    return receipt


def _both(payment: Payment, clawback: Clawback) -> tuple[Payment, Clawback]:
    """The rows as they stand, the payment's first: the order of everybody who takes both."""
    held = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("payee", "program__region")
        .get(pk=payment.pk)
    )
    return held, locked(clawback)


def _require_fit(row: Clawback, payment: Payment) -> None:
    if payment.payee_id != row.party_id or payment.program.region_id != row.region_id:
        raise Invalid("offset.other_party", f"{payment.payment_no} 不是同一地区同一单位的应付款，不能抵扣。")
    if row.state != ClawbackState.NOTICED:
        raise not_now(row, "settle")
    if payment.state != PaymentState.PAYABLE:
        raise NotNow(
            "offset.not_payable",
            f"{payment.payment_no} 目前为“{payment.get_state_display()}”，不能抵扣。",
            hint="已列入批次的，请先移出批次。",
        )


def _within_payment(taken: Decimal, payment: Payment) -> None:
    if taken > payment.bank_amount:
        raise Invalid(
            "offset.more_than_payment",
            f"抵扣金额超过该笔应付的 {thousands(payment.bank_amount)} 元。",
            field="amount",
        )


def _pay_part(payment: Payment, taken: Decimal, by: User) -> None:
    on, set_off_now = dates.today(), payment.offset_amount + taken
    if set_off_now < payment.amount:
        payment.offset_amount = set_off_now
        payment.save(update_fields=["offset_amount"])
        return
    paid = {"offset_amount": set_off_now, "paid_on": on}
    advance(payment, "offset", by=by, region=payment.program.region, update=paid)
    enqueue(
        "applications.payment_confirmed",
        {"claim_no": payment.claim_no, "payment_no": payment.payment_no, "paid_on": on.isoformat()},
        key=payment.payment_no,
    )


def refuse_set_off(set_off: SetOff, *, by: User, answer: str) -> SetOff:
    """不同意抵扣: by another person, with the reason; the payment goes by the bank. Raises ``Invalid`` (``set_off.answer``)."""
    announce("set_off.refuse", answer)
    require_other_person(by, {set_off.proposed_by_id}, "答复抵扣")
    if not answer.strip():
        raise Invalid("set_off.answer", "请写明不同意的理由。", field="reason")
    advance(
        set_off,
        "refuse",
        by=by,
        region=set_off.clawback.region,
        update={"decided_by": by, "decided_at": dates.now(), "answer": answer.strip()[:500]},
    )
    return set_off


def withdraw_set_off(set_off: SetOff, *, by: User) -> SetOff:
    """撤回: by who proposed it. Raises ``Forbidden`` (``set_off.not_yours``)."""
    announce("set_off.withdraw")
    if by.pk != set_off.proposed_by_id:
        raise Forbidden("set_off.not_yours", "只有提请人可以撤回；其他财务人员可以不同意。")
    advance(set_off, "withdraw", by=by, region=set_off.clawback.region)
    return set_off
