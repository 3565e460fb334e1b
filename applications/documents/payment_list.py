"""拨付清单: the payments of a batch with their control totals, for signature and for the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from applications.documents.rendering import render_pdf
from vouchers.errors import Invalid
from vouchers.money import thousands


@dataclass(frozen=True)
class PaymentLine:
    """One payment. ``amount`` in yuan; the account as confirmed when the batch was proposed."""

    line_no: int
    payment_no: str
    claim_no: str
    payee_name: str
    payee_uscc: str
    account_name: str
    account_no: str
    bank_name: str
    amount: Decimal


@dataclass(frozen=True)
class PaymentListContent:
    """A batch as it is signed. The control figures are those of the batch, not counted again here: they are held against the lines."""

    batch_no: str
    title: str
    office: str
    program_name: str
    prepared_on: date
    prepared_by: str
    lines: tuple[PaymentLine, ...]
    control_count: int
    control_sum: Decimal
    control_hash: str
    approved_by: str = ""
    approved_at: datetime | None = None
    demo_date: date | None = None


def payment_list_pdf(content: PaymentListContent) -> bytes:
    """The list as PDF.

    Raises ``Invalid`` (``payment_list.totals``) when the lines do not add up to the batch's control figures.
    """
    count, total = len(content.lines), sum((line.amount for line in content.lines), Decimal("0.00"))
    if count != content.control_count or total != content.control_sum:
        raise Invalid(
            "payment_list.totals",
            _(
                "批次 %(batch)s 的明细为 %(count)s 笔、%(total)s 元，与控制数 %(control)s 笔、%(sum)s 元不一致，清单未生成。"
            )
            % {
                "batch": content.batch_no,
                "count": count,
                "total": thousands(total),
                "control": content.control_count,
                "sum": thousands(content.control_sum),
            },
            hint=_("请退回编制，核对明细后重新提交审批。"),
        )
    return render_pdf("documents/payment_list.html", {"c": content})
