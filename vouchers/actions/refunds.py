"""退还: what came in beyond what was due, or on a demand that was withdrawn, is approved by one and paid back by another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger_recoveries
from vouchers.actions.outbox import enqueue
from vouchers.actions.vouchers import budgets_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Clawback, ClawbackReceipt, Party, Refund, User
from vouchers.models.refunds import RefundKind
from vouchers.numbers import next_no
from vouchers.states import advance, not_now


def open_refund(
    clawback: Clawback,
    amount: Decimal,
    kind: RefundKind,
    *,
    by: User,
    receipt: ClawbackReceipt | None = None,
    reason: str = "",
) -> Refund:
    """应退还: the row of what the same transaction books as refundable."""
    on = dates.today()
    return Refund.objects.create(
        refund_no=next_no("RF", on),
        clawback=clawback,
        receipt=receipt,
        kind=kind,
        amount=amount,
        reason=reason.strip()[:500],
        opened_on=on,
        opened_by=by,
    )


def approve_refund(refund: Refund, *, by: User) -> Refund:
    """批准退还: to the payee's account in use, by one who neither opened it nor wrote that account down.

    Raises ``NotNow`` (``refund.not_now``, ``refund.no_account``) and ``Forbidden`` (``access.role``, ``access.same_person``)."""
    announce("refund.approve")
    region = refund.clawback.region
    require_role(by, Role.FINANCE, region=region)
    party = Party.objects.select_for_update(no_key=True).get(pk=refund.clawback.party_id)
    account = party.current_account
    if account is None:
        raise NotNow(
            "refund.no_account",
            f"{party.name} 尚无已确认的收款账户，不能退还。",
            hint="请企业在“单位信息”中登记并由另一人确认。",
        )
    require_other_person(
        by, {refund.opened_by_id, account.entered_by_id, account.confirmed_by_id}, "批准退还"
    )
    advance(
        refund,
        "approve",
        by=by,
        region=region,
        update={"account": account, "approved_by": by, "approved_at": dates.now()},
    )
    return refund


def send_back_refund(refund: Refund, *, by: User, reason: str) -> Refund:
    """退回: the account has changed or was wrong; it is approved anew. Raises ``Invalid`` (``refund.reason``)."""
    announce("refund.send_back", reason)
    if not reason.strip():
        raise Invalid("refund.reason", "请写明退回的理由。", field="reason")
    cleared = {"account": None, "approved_by": None, "approved_at": None}
    advance(refund, "send_back", by=by, region=refund.clawback.region, update=cleared)
    return refund


def pay_refund(refund: Refund, *, paid_on: date, bank_reference: str, by: User) -> Refund:
    """登记已退还: by another than who approved it, from the bank's slip; the ledger last.

    Raises ``NotNow`` (``refund.not_now``, ``refund.account_changed``) and ``Invalid`` (``refund.reference``, ``refund.date``)."""
    announce("refund.pay", bank_reference)
    clawback = refund.clawback
    require_role(by, Role.FINANCE, region=clawback.region)
    reference = "".join(bank_reference.split())
    if not reference or len(reference) > 60:
        raise Invalid("refund.reference", "请填写银行流水号（不超过 60 字）。", field="bank_reference")
    if not refund.opened_on <= paid_on <= dates.today():
        raise Invalid("refund.date", f"付款日应在 {refund.opened_on} 与今天之间。", field="paid_on")
    refund = (
        Refund.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "clawback__party", "clawback__region", "clawback__payment", "clawback__program__region"
        )
        .get(pk=refund.pk)
    )
    if refund.lifecycle.find("pay", refund.state) is None:
        raise not_now(refund, "pay")
    require_other_person(by, {refund.approved_by_id}, "登记已退还")
    closed_at = refund.account.superseded_at if refund.account else None
    if closed_at is not None and timezone.localtime(closed_at).date() < paid_on:
        raise NotNow(
            "refund.account_changed",
            f"{refund.clawback.party.name} 的账户在批准之后已停用，不能登记为此后退还到该账户。",
            hint="尚未付款的，请退回后重新批准；已付到原账户的，请先与银行核实。",
        )
    paid = {"paid_by": by, "paid_on": paid_on, "bank_reference": reference}
    advance(refund, "pay", by=by, region=clawback.region, update=paid)
    enqueue("applications.clawback_told", {"clawback_no": clawback.clawback_no, "message": "refunded"})
    payment = refund.clawback.payment
    ledger_recoveries.refund(refund, budgets_of([payment])[payment.voucher_no], on=paid_on).demand()
    return refund
