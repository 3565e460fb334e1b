"""What the enterprise sees of its payments: each step from the payable to the money's arrival, and what was asked back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from vouchers.actions.payment_caps import waits_for
from vouchers.models import Clawback, Payment, PaymentLine
from vouchers.models.payment_lines import PaymentLineState
from vouchers.models.payments import PaymentState
from vouchers.models.set_offs import SetOffState
from vouchers.policy.words import day_words


@dataclass(frozen=True)
class ShownPayment:
    """A payment, its steps as a time line, and the clawbacks of it that the payee knows of."""

    payment: Payment
    steps: list[dict[str, Any]]
    clawbacks: list[Clawback]
    may_offer: bool


def shown_payments(claim_no: str) -> list[ShownPayment]:
    """The payments of a claim, the first first."""
    rows = Payment.objects.filter(claim_no=claim_no).select_related("payee").order_by("pk")
    return [
        ShownPayment(
            payment,
            _steps(payment),
            list(Clawback.objects.told().filter(payment=payment).order_by("-pk")),
            payment.state in (PaymentState.CONFIRMED, PaymentState.OFFSET),
        )
        for payment in rows
    ]


def _done(title: str, at: date | None, note: str = "", tone: str = "") -> dict[str, Any]:
    """``at`` is an instant, or a day where only that is known."""
    return {"title": title, "state": "done", "tone": tone, "who": "", "at": at, "note": note}


def _steps(payment: Payment) -> list[dict[str, Any]]:
    steps = [_done(_("形成应付款项"), payment.payable_on)]
    lines = PaymentLine.objects.filter(payment=payment).exclude(state=PaymentLineState.REMOVED)
    for line in lines.select_related("batch").order_by("pk"):
        steps += _of_line(line)
    for set_off in (
        payment.set_offs.filter(state=SetOffState.BOOKED).select_related("clawback").order_by("pk")
    ):
        note = _("%(sum)s 元，追回 %(number)s") % {
            "sum": f"{set_off.amount:,.2f}",
            "number": set_off.clawback.clawback_no,
        }
        steps.append(_done(_("抵扣应退回款项"), set_off.decided_at, note))
    waiting = {
        PaymentState.PAYABLE: _("等待列入下一批拨付"),
        PaymentState.BATCHED: _("等待批准和报送"),
        PaymentState.INSTRUCTED: _("等待银行回执"),
        PaymentState.UNKNOWN: _("正在向银行查询结果"),
        PaymentState.RETURNED: _("请更正收款账户"),
    }.get(PaymentState(payment.state))
    if payment.set_offs.filter(state=SetOffState.PROPOSED).exists():
        waiting = _("正在办理抵扣应退回款项")
    if waiting:
        tone = "waiting" if payment.state == PaymentState.RETURNED else ""
        note = _held_by_a_cap(payment) if payment.state == PaymentState.PAYABLE else ""
        steps.append(
            {"title": waiting, "state": "current", "tone": tone, "who": "", "at": None, "note": note}
        )
    return steps


def _held_by_a_cap(payment: Payment) -> str:
    """Why a payable cannot be listed yet, where a cap of payments has no room for it, and from when it can."""
    room = waits_for(payment)
    if room is None:
        return ""
    if room.again_on is None:
        return _("“%(cap)s”的额度已不足，待额度恢复后拨付") % {"cap": room.term.cap.name}
    given = {"cap": room.term.cap.name, "day": day_words(room.again_on)}
    return _("“%(cap)s”本期额度已不足，%(day)s起可列入拨付") % given


def _of_line(line: PaymentLine) -> list[dict[str, Any]]:
    batch = line.batch
    tail = line.account_no[-4:]
    told = _("收款账户尾号 %(tail)s") % {"tail": tail} if tail else ""
    steps = [_done(_("列入拨付批次 %(number)s") % {"number": batch.batch_no}, batch.created_on, told)]
    if batch.approved_at is not None:
        steps.append(_done(_("批次已批准"), batch.approved_at))
    if line.state == PaymentLineState.LISTED:
        return steps
    steps.append(_done(_("已报送银行"), batch.exported_at))
    if line.state == PaymentLineState.CONFIRMED or (
        line.state == PaymentLineState.RETURNED and line.paid_on is not None
    ):
        note = _("流水号 %(number)s") % {"number": line.bank_reference} if line.bank_reference else ""
        steps.append(_done(_("银行确认到账"), line.paid_on, note, "granted"))
    if line.state == PaymentLineState.RETURNED:
        steps.append(_done(_("银行退票"), line.answered_at, line.returned_reason, "refused"))
    return steps
