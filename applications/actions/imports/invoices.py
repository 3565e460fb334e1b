"""invoices, invoice_lines, payments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from applications.actions.imports import cells
from applications.actions.imports.cells import NULL
from applications.actions.imports.formats import Column, Format, Surroundings, Values, WrongRow, in_order
from applications.einvoice.numbers import norm_inv
from applications.models.invoices import InvoiceKind, InvoiceStatus

LONGEST_NUMBER = 40

_invoices = (
    Column("invoice_code", cells.text(20), header=False),
    Column("invoice_no", cells.text(LONGEST_NUMBER, None)),
    Column("kind", cells.one_of(InvoiceKind.values)),
    Column("status", cells.one_of(InvoiceStatus.values, "normal"), header=False),
    Column("status_changed_on", cells.day(NULL), header=False),
    Column("red_of", cells.text(40), header=False),
    Column("issued_on", cells.day()),
    Column("seller_uscc", cells.uscc()),
    Column("seller_name", cells.name(200), header=False),
    Column("buyer_uscc", cells.uscc()),
    Column("buyer_name", cells.name(200), header=False),
    Column("net_amount", cells.money(lowest=None)),
    Column("tax_amount", cells.money(lowest=None)),
    Column("gross_amount", cells.money(lowest=None)),
    Column("lease_no", cells.business_no(absent=NULL), header=False),
    Column("period_from", cells.day(NULL), header=False),
    Column("period_to", cells.day(NULL), header=False),
    Column("file_sha256", cells.sha256(), header=False),
)
_AT = {column.name: i for i, column in enumerate(_invoices)}


def _amounts(values: Values) -> None:
    net, tax, gross = (values[_AT[name]] for name in ("net_amount", "tax_amount", "gross_amount"))
    if net.startswith("-") or gross.startswith("-"):
        if not values[_AT["red_of"]]:
            raise WrongRow("net_amount", "number.negative", "金额为负，但没有写明所冲的蓝字发票（red_of）")
    elif tax.startswith("-"):
        raise WrongRow("tax_amount", "number.negative", f"税额“{tax}”不能为负")
    if Decimal(net) + Decimal(tax) != Decimal(gross):
        raise WrongRow("gross_amount", "invoice.arithmetic", f"{net} + {tax} 不等于价税合计 {gross}")


def _number_key(values: Values, raw: Sequence[str], around: Surroundings) -> Sequence[str]:
    key = norm_inv(values[0], values[1])
    if not key or len(key) > LONGEST_NUMBER:
        raise WrongRow("invoice_no", "invoice.number", f"发票号码“{cells.shown(values[1])}”无法规范化")
    return (key,)


INVOICES = Format(
    name="invoices.csv",
    stage="import_invoices",
    columns=_invoices,
    checks=(
        _amounts,
        in_order(_invoices, "period_from", "period_to", "服务期结束日 {end} 早于开始日 {start}"),
    ),
    derived=("number_key",),
    derive=_number_key,
    refers_to={"lease_no": "leases.csv"},
)

INVOICE_LINES = Format(
    name="invoice_lines.csv",
    stage="import_invoice_lines",
    columns=(
        Column("invoice_code", cells.text(20), header=False),
        Column("invoice_no", cells.text(LONGEST_NUMBER, None)),
        Column("line_no", cells.count()),
        Column("description", cells.cached(cells.text(300))),
        Column("unit", cells.cached(cells.text(20)), header=False),
        Column("quantity", cells.number(14, 10, lowest=None, absent=NULL, what="数量"), header=False),
        Column("unit_price", cells.number(14, 10, absent=NULL, what="单价"), header=False),
        Column("net_amount", cells.money(lowest=None)),
        Column("tax_rate", cells.fraction(NULL), header=False),
        Column("tax_amount", cells.money(lowest=None)),
    ),
    refers_to={"invoice_no": "invoices.csv"},
)

PAYMENTS = Format(
    name="payments.csv",
    stage="import_payments",
    columns=(
        Column("bank_ref", cells.text(60, None)),
        Column("payer_uscc", cells.uscc(NULL)),
        Column("payer_account", cells.text(40), header=False),
        Column("payee_uscc", cells.uscc(NULL)),
        Column("payee_account", cells.text(40), header=False),
        Column("paid_on", cells.day()),
        Column("amount", cells.positive(cells.money(), "金额")),
        Column("receipt_sha256", cells.sha256(), header=False),
    ),
    refers_to={"payer_uscc": "parties.csv", "payee_uscc": "parties.csv"},
)
