"""收回: transfers, instalments, overdue and credit, write-off. The clawback itself: ``clawbacks``; set-off: ``set_offs``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger_recoveries
from vouchers.actions.clawbacks import budget_for, hands, repair_credit
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.outbox import enqueue
from vouchers.actions.refunds import open_refund
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import (
    Clawback,
    ClawbackReceipt,
    CreditRecord,
    Instalment,
    InstalmentPlan,
    User,
)
from vouchers.models.clawbacks import ClawbackState, InstalmentPlanState, ReceiptKind
from vouchers.models.refunds import RefundKind
from vouchers.money import ZERO, thousands, yuan
from vouchers.states import advance, not_now

MOST_INSTALMENTS = 24


def locked(clawback: Clawback) -> Clawback:
    """The row as it stands, held until the transaction ends."""
    row: Clawback = (
        Clawback.objects.select_for_update(of=("self",), no_key=True)
        .select_related("region", "program__region", "party", "payment__payee", "payment__program__region")
        .get(pk=clawback.pk)
    )
    return row


def amount_received(amount: Any) -> Decimal:
    """The amount to the fen, above zero. Raises ``Invalid`` (``receipt.amount``)."""
    try:
        value = yuan(amount)
    except ValueError as error:
        raise Invalid("receipt.amount", f"{error}。", field="amount") from error
    if value <= 0:
        raise Invalid("receipt.amount", "金额应大于 0。", field="amount")
    return value


def within(amount: Decimal, due: Decimal) -> None:
    """Raise ``Invalid`` (``receipt.more_than_due``) when it is more than is due."""
    if amount > due:
        raise Invalid(
            "receipt.more_than_due",
            f"金额 {thousands(amount)} 元超过尚应退回的 {thousands(due)} 元。",
            field="amount",
            hint="登记收款时确实多收的，请勾选“多收部分列为应退还”；抵扣不能超过尚应退回的金额。",
        )


def record_receipt(
    clawback: Clawback,
    *,
    amount: Decimal,
    received_on: date,
    bank_reference: str,
    by: User,
    keep_excess: bool = False,
) -> ClawbackReceipt:
    """登记收款. The same reference again on the same account with the same amount is the same receipt: a bank's references are its
    own. With ``keep_excess``, what is beyond what is due, or comes when nothing is due any more, is to be refunded.

    Raises ``NotNow`` (``clawback.not_now``, ``receipt.known``) and ``Invalid`` (``receipt.amount``, ``.more_than_due``, ``.reference``,
    ``.later``)."""
    announce("clawback.receive")
    require_role(by, Role.FINANCE, region=clawback.region)
    amount = amount_received(amount)
    reference = "".join(bank_reference.split())
    if not reference or len(reference) > 60:
        raise Invalid("receipt.reference", "请填写银行流水号（不超过 60 字）。", field="bank_reference")
    if received_on > dates.today():
        raise Invalid("receipt.later", "入账日不能晚于今天。", field="received_on")
    row = locked(clawback)
    _one_at_a_time(row, reference)
    known: ClawbackReceipt | None = ClawbackReceipt.objects.filter(
        kind=ReceiptKind.TRANSFER, bank_reference=reference, receiving_account=row.receiving_account
    ).first()
    if known is not None:
        if (known.clawback_id, known.amount) == (row.pk, amount):
            return known
        raise NotNow("receipt.known", f"流水号 {reference} 已登记为另一笔收款，请核对。")
    over = row.state in (ClawbackState.SETTLED, ClawbackState.WITHDRAWN)
    if row.state != ClawbackState.NOTICED and not (keep_excess and over and row.noticed_at is not None):
        raise not_now(row, "settle")
    due = outstanding(row) if row.state == ClawbackState.NOTICED else ZERO
    excess = max(amount - due, ZERO)
    if not keep_excess:
        within(amount, due)
    receipt = ClawbackReceipt.objects.create(
        clawback=row,
        kind=ReceiptKind.TRANSFER,
        amount=amount,
        excess_amount=excess,
        received_on=received_on,
        bank_reference=reference,
        receiving_account=row.receiving_account,
        recorded_by=by,
    )
    if excess:
        open_refund(row, excess, RefundKind.EXCESS, by=by, receipt=receipt)
    if row.state == ClawbackState.NOTICED:
        close_when_done(row, due - (amount - excess))
    ledger_recoveries.recover(
        row,
        budget_for(row.payment),
        amount - excess,
        event=f"{row.receiving_account_id or ''}/{reference}",
        on=received_on,
        excess=excess,
    ).demand()
    clawback.refresh_from_db()
    return receipt


def _one_at_a_time(row: Clawback, reference: str) -> None:
    """Whoever records the same line of the bank, on whichever demand, waits here until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"receipt:{row.receiving_account_id or ''}:{reference}"],
        )


def close_when_done(clawback: Clawback, left: Decimal) -> None:
    """Settled once nothing is due; the credit is repaired as soon as nothing is overdue."""
    if left == 0:
        advance(clawback, "settle", by=None, update={"closed_on": dates.today()})
        repair_credit(clawback)
        enqueue("applications.clawback_told", {"clawback_no": clawback.clawback_no, "message": "settled"})
    elif overdue_of(clawback, dates.today(), left) == 0:
        repair_credit(clawback)


# -- instalments -----------------------------------------------------------------------------------------------------


def agreed_plan(clawback: Clawback) -> InstalmentPlan | None:
    """The plan that stands in place of the notice's day."""
    plan: InstalmentPlan | None = clawback.plans.filter(state=InstalmentPlanState.AGREED).first()
    return plan


def ask_instalments(
    clawback: Clawback, parts: Sequence[tuple[date, Decimal]], *, reason: str, by: User
) -> InstalmentPlan:
    """申请分期: so much until each day, together what is due.

    Raises ``NotNow`` (``clawback.not_now``, ``instalments.asked``) and ``Problems`` (``instalments.reason``, ``.count``, ``.dates``,
    ``.amount``, ``.sum``)."""
    announce("clawback.ask_instalments", reason)
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=clawback.party)
    row = locked(clawback)
    if row.state != ClawbackState.NOTICED:
        raise not_now(row, "settle")
    if row.plans.filter(state=InstalmentPlanState.ASKED).exists():
        raise NotNow("instalments.asked", "您的分期申请正在办理，请等待答复。")
    due, faults = outstanding(row), []
    if not reason.strip():
        faults.append(Invalid("instalments.reason", "请写明申请分期的理由。", field="reason"))
    if not 2 <= len(parts) <= MOST_INSTALMENTS:
        faults.append(Invalid("instalments.count", f"分期应为 2 至 {MOST_INSTALMENTS} 期。", field="parts"))
    days = [day for day, _amount in parts]
    if any(day <= dates.today() for day in days) or sorted(set(days)) != days:
        faults.append(Invalid("instalments.dates", "各期日期应晚于今天，且逐期推后。", field="parts"))
    if any(amount <= 0 for _day, amount in parts):
        faults.append(Invalid("instalments.amount", "每期金额应大于 0。", field="parts"))
    elif sum((amount for _day, amount in parts), ZERO) != due:
        faults.append(
            Invalid("instalments.sum", f"各期合计应等于尚应退回的 {thousands(due)} 元。", field="parts")
        )
    if faults:
        raise Problems(faults)
    plan = InstalmentPlan.objects.create(
        clawback=row, reason=reason.strip(), asked_by=by, asked_at=dates.now()
    )
    Instalment.objects.bulk_create(
        Instalment(plan=plan, position=position, due_on=day, amount=yuan(amount))
        for position, (day, amount) in enumerate(parts, start=1)
    )
    return plan


def decide_instalments(plan: InstalmentPlan, *, agree: bool, answer: str, by: User) -> InstalmentPlan:
    """答复: once agreed, the plan's days stand, and an earlier plan's no longer.

    Raises ``Invalid`` (``instalments.answer``) and ``NotNow`` (``clawback.not_now``, ``instalments.sum``) when what is due has changed since."""
    announce("clawback.decide_instalments", answer)
    row = locked(plan.clawback)
    require_role(by, Role.FINANCE, Role.APPROVER, region=row.region)
    if row.state != ClawbackState.NOTICED:
        raise not_now(row, "settle")
    if not agree and not answer.strip():
        raise Invalid("instalments.answer", "请写明不同意的理由，企业将看到这段话。", field="answer")
    decided = {"decided_by": by, "decided_at": dates.now(), "answer": answer.strip()}
    if not agree:
        advance(plan, "refuse", by=by, region=row.region, update=decided)
    else:
        parts = list(plan.instalments.all())
        if sum((one.amount for one in parts), ZERO) != outstanding(row):
            raise NotNow(
                "instalments.sum", "申请之后已有收款，各期合计与尚应退回的金额不符，请企业重新申请。"
            )
        earlier = agreed_plan(row)
        if earlier is not None:
            advance(earlier, "replace", by=by, region=row.region)
        advance(plan, "agree", by=by, region=row.region, update=decided)
        Clawback.objects.filter(pk=row.pk).update(due_on=parts[-1].due_on)
        if overdue_of(row, dates.today(), outstanding(row)) == 0:
            repair_credit(row)
    enqueue("applications.clawback_told", {"clawback_no": row.clawback_no, "message": "plan_decided"})
    return plan


# -- overdue ---------------------------------------------------------------------------------------------------------


def overdue_of(clawback: Clawback, on: date, left: Decimal) -> Decimal:
    """What of ``left`` should have come in before a day, in yuan."""
    plan = agreed_plan(clawback)
    if plan is not None:
        later = sum((one.amount for one in plan.instalments.all() if one.due_on >= on), ZERO)
        return max(left - later, ZERO)
    return left if clawback.due_on is not None and clawback.due_on < on else ZERO


def record_overdue(on: date) -> list[str]:
    """逾期: each clawback of which something is overdue is in its party's credit record, once. For the clock.

    Answers the numbers of those that were recorded now."""
    announce("clawback.record_overdue")
    recorded = []
    waiting = Clawback.objects.filter(
        state__in=(ClawbackState.NOTICED, ClawbackState.WRITE_OFF_PROPOSED)
    ).exclude(credit_records__repaired_on__isnull=True, credit_records__isnull=False)
    for clawback in waiting.order_by("pk"):
        row = locked(clawback)
        if CreditRecord.objects.open().filter(clawback=row).exists():
            continue
        overdue = overdue_of(row, on, outstanding(row))
        if overdue == 0:
            continue
        CreditRecord.objects.create(
            party=row.party,
            region_code=row.region.code,
            clawback=row,
            opened_on=on,
            sentence=f"追回 {row.clawback_no} 逾期未退回 {thousands(overdue)} 元",
        )
        enqueue("applications.clawback_told", {"clawback_no": row.clawback_no, "message": "overdue"})
        recorded.append(row.clawback_no)
    return recorded


# -- write-off -------------------------------------------------------------------------------------------------------


def propose_write_off(clawback: Clawback, *, reason: str, document_no: str, by: User) -> Clawback:
    """提请核销: with the grounds and the document that they rest on. Raises ``Invalid`` (``write_off.reason``, ``.document``)."""
    announce("clawback.propose_write_off", reason)
    require_role(by, Role.FINANCE, region=clawback.region)
    if not reason.strip():
        raise Invalid("write_off.reason", "请写明不能收回的事实和核销的理由。", field="reason")
    if not document_no.strip():
        raise Invalid("write_off.document", "请填写核销所依据的文书编号。", field="document_no")
    advance(
        clawback,
        "propose_write_off",
        by=by,
        region=clawback.region,
        update={
            "write_off_reason": reason.strip(),
            "write_off_document": document_no.strip()[:100],
            "write_off_by": by,
        },
    )
    return clawback


def refuse_write_off(clawback: Clawback, *, reason: str, by: User) -> Clawback:
    """不同意核销: it stays due."""
    announce("clawback.refuse_write_off", reason)
    if not reason.strip():
        raise Invalid("write_off.reason", "请写明不同意的理由。", field="reason")
    advance(clawback, "refuse_write_off", by=by, region=clawback.region)
    return clawback


def write_off(clawback: Clawback, *, by: User) -> Clawback:
    """核销坏账: by another person; what is still due is booked as lost. The credit record stays."""
    announce("clawback.write_off", clawback.write_off_reason)
    row = locked(clawback)
    require_role(by, Role.APPROVER, region=row.region)
    require_other_person(by, hands(row), "核销坏账")
    advance(
        row,
        "write_off",
        by=by,
        region=row.region,
        update={"written_off_by": by, "closed_on": dates.today()},
    )
    ledger_recoveries.write_off(row, budget_for(row.payment), on=dates.today()).demand()
    clawback.refresh_from_db()
    return row
