"""A payment list: its lines in order, what the bank is told of each, the control totals over them, and who waits for whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers.models import Party, Payment, PaymentBatch, PaymentFile, PaymentLine
from vouchers.models.payment_lines import PaymentLineState
from vouchers.money import ZERO, capital


@dataclass(frozen=True)
class ControlTotals:
    """Count, sum and hash of a batch: what two systems compare."""

    count: int
    total: Decimal
    sha256: str

    @property
    def in_words(self) -> str:
        """The sum in financial capitals."""
        return capital(self.total)


def control_totals(lines: Sequence[PaymentLine]) -> ControlTotals:
    """The totals over the lines in their order. The hash is over what the bank is sent of each (``instruction_cells``), so that
    whoever has the file can compute it: SHA-256 of the JSON list of lists, UTF-8, without spaces.

    A batch that was proposed before the account's name and bank were part of it keeps the form that it was approved with."""
    if lines and lines[0].batch.control_version < 2:
        told = [
            [line.payment.payment_no, line.payee_uscc, line.account_no, f"{line.amount:.2f}"]
            for line in lines
        ]
    else:
        told = [instruction_cells(line) for line in lines]
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    return ControlTotals(len(lines), sum((line.amount for line in lines), ZERO), digest)


def instruction_cells(line: PaymentLine) -> list[str]:
    """What a line tells the bank: instruction, payee and its code, the account's name, number and bank, the amount."""
    return [
        line.instruction_no,
        plain_cell(line.payee_name),
        line.payee_uscc,
        plain_cell(line.account_name),
        line.account_no,
        plain_cell(line.bank_name),
        f"{line.amount:.2f}",
    ]


def plain_cell(text: str) -> str:
    """The text as it stands in a file: a spreadsheet that opens it takes no name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def lines_of(batch: PaymentBatch) -> list[PaymentLine]:
    """The batch's lines in the order of the list, without those that were taken out of it."""
    rows = batch.lines.exclude(state=PaymentLineState.REMOVED)
    return list(
        rows.select_related("batch", "payment__payee", "payment__program__region", "account").order_by(
            "line_no"
        )
    )


def lock_payments(lines: Sequence[PaymentLine]) -> None:
    """Payees, then payments, each in the order of their keys: nobody changes an account, demands back, sets off or answers for
    any of them until this transaction ends. Everybody who takes several takes them in this order, after the batch."""
    lock_payees(lines)
    rows = Payment.objects.select_for_update(no_key=True).filter(pk__in={line.payment_id for line in lines})
    list(rows.order_by("pk").values_list("pk"))


def lock_payees(lines: Sequence[PaymentLine]) -> None:
    """Nobody changes the account of a payee until this transaction ends."""
    payees = {line.payment.payee_id for line in lines}
    list(Party.objects.select_for_update(no_key=True).filter(pk__in=payees).order_by("pk").values_list("pk"))


def exported_file(batch: PaymentBatch, form: str) -> PaymentFile | None:
    """The bytes that the batch was exported with; None for a batch that was exported before they were kept."""
    kept: PaymentFile | None = batch.files.filter(form=form).first()
    return kept
