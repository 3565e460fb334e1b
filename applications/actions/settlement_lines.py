"""A line of an 抵扣批次 in words, as the request that it stands for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from applications.actions.settlement_invoices import InvoiceCited
from applications.actions.settlements import SettlementRequest
from vouchers.errors import Invalid
from vouchers.money import is_written_plainly


def request_of(sent: dict[str, str]) -> SettlementRequest:
    """A line's words as a request. Raises ``Invalid`` (``input.…``) with the field that is wrong."""
    for name in ("voucher_no", "lease_no"):
        _text(sent, name, 24, required=True)
    invoice = invoice_of(sent)
    reference = _text(sent, "reference", 60, required=invoice is None)
    return SettlementRequest(
        voucher_no=sent["voucher_no"],
        lease_no=sent["lease_no"],
        reference=reference,
        net_amount=_amount(sent, "net_amount", least=Decimal("0.01")),
        tax_amount=_amount(sent, "tax_amount", least=Decimal(0), otherwise=Decimal("0.00")),
        period_from=_day(sent, "period_from"),
        period_to=_day(sent, "period_to"),
        accelerator=_text(sent, "accelerator", 60),
        invoice=invoice,
    )


def _text(sent: dict[str, str], name: str, longest: int, *, required: bool = False) -> str:
    value = sent.get(name, "")
    if required and not value:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    if len(value) > longest:
        raise Invalid("input.max_length", f"不能超过 {longest} 个字符。", field=name)
    return value


def _amount(sent: dict[str, str], name: str, *, least: Decimal, otherwise: Decimal | None = None) -> Decimal:
    text = sent.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    if not text:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or len(text) > 40 or not is_written_plainly(text):
        raise Invalid("input.invalid", "请填写金额，如 1000.00。", field=name)
    if value < least:
        raise Invalid("input.min_value", f"不能小于 {least}。", field=name)
    if value >= Decimal(10) ** 16:
        raise Invalid("input.max_digits", "金额过大。", field=name)
    if value != value.quantize(Decimal("0.01")):
        raise Invalid("input.max_decimal_places", "金额至多两位小数。", field=name)
    return value.quantize(Decimal("0.01"))


def _day(sent: dict[str, str], name: str) -> date:
    text = sent.get(name, "")
    if not text:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    try:
        return date.fromisoformat(text[:10] if text[10:] in ("", " 00:00:00", "T00:00:00") else text)
    except ValueError:
        raise Invalid("input.invalid", "请填写日期，如 2025-06-30。", field=name) from None


def invoice_of(sent: dict[str, str]) -> InvoiceCited | None:
    """The invoice that the line cites, if it cites one. Raises ``Invalid`` (``input.…``)."""
    if not sent.get("invoice_no"):
        return None
    return InvoiceCited(
        invoice_no=_text(sent, "invoice_no", 40),
        invoice_code=_text(sent, "invoice_code", 20),
        issued_on=_day(sent, "invoice_issued_on"),
        net_amount=_amount(sent, "invoice_net_amount", least=Decimal("0.01")),
    )
