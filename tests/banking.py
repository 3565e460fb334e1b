"""Building blocks of payments for tests: batches through the actions themselves, and what a bank answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from applications.payment_files import export_files
from tests.cast import Cast
from vouchers.actions.bank_files import BankFile, BankLine
from vouchers.actions.bank_returns import settle_batch
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.payments import approve_batch, create_batch, mark_exported, propose_batch
from vouchers.context import acting
from vouchers.models import BankReturn, Payment, PaymentBatch, PaymentLine, User


def proposed(cast: Cast, *payments: Payment) -> PaymentBatch:
    """A batch of these payments, or of all, made and proposed by the finance officer."""
    chosen = list(payments) or list(Payment.objects.filter(state="payable"))
    with acting(cast.finance, "test"):
        batch = create_batch(chosen[0].program, chosen, by=cast.finance)
        return propose_batch(batch, by=cast.finance)


def approved(cast: Cast, batch: PaymentBatch) -> PaymentBatch:
    """Approved by the second one."""
    with acting(cast.second_finance, "test"):
        return approve_batch(batch, by=cast.second_finance)


def export(batch: PaymentBatch, by: User) -> PaymentBatch:
    """Sent to the bank, with the files that the desk makes."""
    return mark_exported(batch, by=by, files=export_files)


def exported(cast: Cast, *payments: Payment) -> PaymentBatch:
    """From payables to the bank."""
    batch = approved(cast, proposed(cast, *payments))
    with acting(cast.second_finance, "test"):
        return export(batch, cast.second_finance)


def line_of(batch: PaymentBatch, payment: Payment) -> PaymentLine:
    """The batch's line of the payment."""
    return next(line for line in lines_of(batch) if line.payment_id == payment.pk)


def said(line: PaymentLine, outcome: str = "confirmed", **more: Any) -> BankLine:
    """What the bank says of a line."""
    fields: dict[str, Any] = {"amount": line.amount, "bank_reference": "", "reason": ""}
    if outcome == "confirmed":
        fields["bank_reference"] = f"BANK-{line.instruction_no}"
    return BankLine(line.instruction_no, outcome, **(fields | more))


def answer(cast: Cast, batch: PaymentBatch, *lines: BankLine, total: Decimal | None = None) -> BankReturn:
    """A file of answers, taken in by the finance officer."""
    file = BankFile.of(*lines)
    if total is not None:
        file = BankFile(file.lines, file.count, total)
    with acting(cast.finance, "test"):
        return settle_batch(batch, file, by=cast.finance)


def paid(cast: Cast, *payments: Payment) -> PaymentBatch:
    """From payables to the money's arrival."""
    batch = exported(cast, *payments)
    answer(cast, batch, *(said(line) for line in lines_of(batch)))
    batch.refresh_from_db()
    return batch
