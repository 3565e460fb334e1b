"""What becomes of a claim's payment: looked at again before it is paid, and told to the enterprise at each step."""

from __future__ import annotations

from applications.actions import cases
from applications.models import Claim, Message
from applications.models.claims import ClaimState
from applications.models.invoices import InvoiceStatus
from vouchers import dates
from vouchers.actions.payment_grounds import require_unlisted
from vouchers.context import announce
from vouchers.errors import NotNow
from vouchers.models import Party, Payment
from vouchers.models.payments import PaymentState
from vouchers.money import thousands

_PAID = (PaymentState.CONFIRMED, PaymentState.OFFSET)


def look_again(claim_no: str) -> None:
    """Before each step to the bank: the claim still stands, its invoices are in order, and none of its parties is listed.

    The port of ``vouchers.actions.payments``. Raises ``NotNow`` (``payment.claim_state``, ``payment.invoice_status``, ``payment.listed``)."""
    claim = Claim.objects.select_related("enterprise", "provider", "lease__lessor").get(claim_no=claim_no)
    if claim.state not in (ClaimState.APPROVED, ClaimState.PAID):
        raise NotNow(
            "payment.claim_state", f"兑付申请 {claim_no} 目前为“{claim.get_state_display()}”，不能拨付。"
        )
    for item in claim.items.select_related("invoice"):
        if item.invoice is not None and item.invoice.status != InvoiceStatus.NORMAL:
            raise NotNow(
                "payment.invoice_status",
                f"兑付申请 {claim_no} 所依据的发票 {item.invoice.invoice_no} 目前为“{item.invoice.get_status_display()}”，不能拨付。",
                hint="请将该笔移出批次；企业重新开具发票并经核验后再列入。",
            )
    parties = {claim.enterprise, claim.provider, claim.lease.lessor if claim.lease else None} - {None}
    for party in sorted(parties, key=lambda one: one.uscc):
        assert party is not None
        require_unlisted(party, claim_no)


def is_paid(payment_no: str) -> bool:
    """Whether the payment has arrived, and has not come back since: what an older message says may be over."""
    return Payment.objects.filter(payment_no=payment_no, state__in=_PAID).exists()


def tell_of_return(claim_no: str, payment_no: str, reason: str, *, after_paid: bool) -> Claim:
    """退票: the claim waits for its money again, and whoever is paid learns what to mend."""
    announce("claim.pay_back", reason)
    claim = Claim.objects.get(claim_no=claim_no)
    payment = Payment.objects.select_related("payee", "account").get(payment_no=payment_no)
    if after_paid and claim.state == ClaimState.PAID and payment.state not in _PAID:
        cases.move(
            claim,
            "pay_back",
            by=None,
            reason=reason,
            acting_as_staff=False,
            amount=claim.approved_amount,
            update={"paid_on": None},
        )
    else:
        cases.record(
            claim,
            "payment_returned",
            by=None,
            before=claim.state,
            after=claim.state,
            reason=reason,
            amount=payment.bank_amount,
        )
    why = f"，银行注明：{reason.rstrip('。')}" if reason.strip() else ""
    what_next = "原账户已停用。请在“单位信息”中重新登记收款账户并由本单位另一人确认，确认后将列入下一批拨付。"
    if payment.state != PaymentState.RETURNED and payment.account is not None:
        tail = payment.account.account_no[-4:]
        what_next = f"贵单位已确认新的收款账户（尾号 {tail}），将按新账户列入下一批拨付，无需另行办理。"
    for party in dict.fromkeys((payment.payee, claim.enterprise)):
        _tell(
            party,
            claim_no,
            "拨付被银行退回",
            f"兑付申请 {claim_no} 的拨付 {thousands(payment.bank_amount)} 元（{payment_no}）被银行退回{why}。{what_next}",
        )
    return claim


def _tell(party: Party, claim_no: str, title: str, text: str) -> Message:
    return Message.objects.create(
        party=party,
        subject_kind="claim",
        subject_no=claim_no,
        title=title,
        text=text,
        sent_at=dates.now(),
    )
