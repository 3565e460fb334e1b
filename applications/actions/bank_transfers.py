"""银行回单: a lessee's own payment to its lessor, by the bank's reference."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal

from applications.models import BankTransfer, Paper
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Party, User
from vouchers.money import thousands


def record_bank_transfer(
    *,
    bank_ref: str,
    paid_on: date,
    amount: Decimal,
    payer: Party,
    payee: Party | None,
    by: User,
    paper: Paper | None = None,
) -> BankTransfer:
    """Keep a transfer. The same one again is the same row; the same reference with another amount, day or payer is refused
    (``bank_transfer.differs``). ``amount`` in yuan with tax, as the bank moved it."""
    announce("bank_transfer.record")
    require_role(by, Role.FILER, party=payer)
    reference = "".join(unicodedata.normalize("NFKC", bank_ref).split())
    problems = []
    if not reference or len(reference) > 60:
        problems.append(
            Invalid("bank_transfer.reference", "请填写银行回单上的流水号（不超过 60 字）。", field="bank_ref")
        )
    if amount <= 0:
        problems.append(Invalid("bank_transfer.amount", "付款金额应大于 0。", field="paid_amount"))
    if paid_on > dates.today():
        problems.append(Invalid("bank_transfer.later", "付款日不能晚于今天。", field="paid_on"))
    if problems:
        raise Problems(problems)
    known, made = BankTransfer.objects.get_or_create(
        bank_ref=reference,
        defaults={
            "payer": payer,
            "payee": payee,
            "paid_on": paid_on,
            "amount": amount,
            "receipt_sha256": paper.sha256 if paper else "",
            "paper": paper,
        },
    )
    if not made and (known.payer_id, known.amount, known.paid_on) != (payer.pk, amount, paid_on):
        detail = f"登记的金额为 {thousands(known.amount)} 元。" if known.payer_id == payer.pk else ""
        raise NotNow(
            "bank_transfer.differs",
            f"银行流水号 {reference} 已经登记，与您填写的付款信息不一致。{detail}",
            hint="请对照银行回单核对流水号、付款日和金额。",
        )
    transfer: BankTransfer = known
    return transfer
