"""发票: filed from an e-invoice file or keyed by hand.

An invoice may lawfully be used in part by several claims, so a second use is not refused here (``invoice_uses`` tells of it);
whether it goes too far is the fraud rules' business (F01), as are parties (F03) and dates (F04): ``invoice_findings`` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from applications.einvoice.document import SIGNED, EInvoice, Source
from applications.einvoice.numbers import norm_inv, number_faults
from applications.einvoice.xml import date_of
from applications.models import Invoice, InvoiceLine, Lease, Paper
from applications.models.invoices import InvoiceKind
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Party, User
from vouchers.money import FEN, ZERO, thousands, yuan

LABELS = {
    "invoice_no": "发票号码",
    "issued_on": "开票日期",
    "seller_uscc": "销售方统一社会信用代码",
    "seller_name": "销售方名称",
    "buyer_uscc": "购买方统一社会信用代码",
    "buyer_name": "购买方名称",
    "net_amount": "不含税金额",
    "tax_amount": "税额",
    "gross_amount": "价税合计",
}
LONGEST = {
    "invoice_no": ("发票号码", 40),
    "invoice_code": ("发票代码", 20),
    "seller_name": ("销售方名称", 200),
    "buyer_name": ("购买方名称", 200),
}
KEYED_TEXTS = ("invoice_no", "invoice_code", "kind", "seller_uscc", "seller_name", "buyer_uscc", "buyer_name")
KEYED_AMOUNTS = ("net_amount", "tax_amount", "gross_amount")


def keyed(fields: Mapping[str, Any], read: EInvoice | None = None) -> EInvoice:
    """An invoice from what a person keyed, over what was read from a file. What the tax bureau signed wins over what was keyed;
    a PDF's layout does not. Raises ``Problems`` with one fault a field (``invoice.date``, ``invoice.amount``)."""
    problems: list[Invalid] = []
    values: dict[str, Any] = {}
    for name in KEYED_TEXTS:
        values[name] = str(fields.get(name) or "").strip()
    for name in ("seller_uscc", "buyer_uscc"):
        values[name] = values[name].replace(" ", "").upper()
    day = fields.get("issued_on")
    values["issued_on"] = day if isinstance(day, date) else date_of(str(day or ""))
    if day and values["issued_on"] is None:
        problems.append(
            Invalid(
                "invoice.date", f"开票日期“{day}”不是日期，请按 2025-07-01 的格式填写。", field="issued_on"
            )
        )
    for name in KEYED_AMOUNTS:
        text = fields.get(name)
        values[name] = None
        if text not in (None, ""):
            try:
                values[name] = yuan(text)
            except ValueError as fault:
                problems.append(Invalid("invoice.amount", f"{LABELS[name]}：{fault}。", field=name))
    if problems:
        raise Problems(problems)
    if read is None:
        return EInvoice(source=Source.KEYED, **values)
    given = {name: value for name, value in values.items() if value not in (None, "")}
    if read.source in SIGNED:
        given = {name: value for name, value in given.items() if getattr(read, name) in (None, "")}
    return replace(read, missing=(), **given)


def record_invoice(
    einvoice: EInvoice,
    *,
    owner: Party,
    lease: Lease | None,
    by: User,
    paper: Paper | None = None,
    period_from: date | None = None,
    period_to: date | None = None,
) -> Invoice:
    """File an invoice of ``owner`` under a lease. The period is half-open. The same invoice filed again is the same row.

    Raises ``Forbidden`` (``access.role``, ``invoice.lease_not_yours``), ``NotNow`` (``invoice.already_filed``) and ``Problems``
    whose parts have the codes ``invoice.missing``, ``invoice.no_length``, ``invoice.no_digits``, ``invoice.code_length``,
    ``invoice.arithmetic``, ``invoice.lines``, ``invoice.not_positive``, ``invoice.red``, ``invoice.future``, ``invoice.period``,
    ``invoice.uscc``, ``invoice.too_long``, ``invoice.kind``.
    """
    announce("record_invoice")
    require_role(by, Role.FILER, Role.PLATFORM, party=owner)
    if lease is not None and owner.pk not in (lease.lessee_id, lease.lessor_id):
        raise Forbidden(
            "invoice.lease_not_yours",
            "该合同的承租方和出租方都不是贵单位，不能在其名下提交发票。",
            hint="请选择贵单位的合同。",
        )
    problems = _problems(einvoice, period_from, period_to)
    if problems:
        raise Problems(problems)
    assert einvoice.issued_on is not None and einvoice.gross_amount is not None  # by _problems
    assert einvoice.net_amount is not None and einvoice.tax_amount is not None
    key = norm_inv(einvoice.invoice_code, einvoice.invoice_no)
    known = Invoice.objects.filter(owner=owner, number_key=key, origin="live").first()
    if known is not None:
        return _same_or_refuse(known, einvoice, lease)
    digital = not einvoice.invoice_code
    try:
        with transaction.atomic():
            invoice = Invoice.objects.create(
                invoice_code=einvoice.invoice_code,
                invoice_no=einvoice.invoice_no,
                number_key=key,
                kind=einvoice.kind or ("digital_ordinary" if digital else "vat_ordinary"),
                issued_on=einvoice.issued_on,
                seller_uscc=einvoice.seller_uscc,
                seller_name=einvoice.seller_name,
                buyer_uscc=einvoice.buyer_uscc,
                buyer_name=einvoice.buyer_name,
                net_amount=einvoice.net_amount,
                tax_amount=einvoice.tax_amount,
                gross_amount=einvoice.gross_amount,
                lease=lease,
                period_from=period_from,
                period_to=period_to,
                file_sha256=paper.sha256 if paper else "",
                paper=paper,
                owner=owner,
                program_region_code=lease.program_region_code
                if lease
                else (paper.region_code if paper else ""),
                filer=by,
            )
            InvoiceLine.objects.bulk_create(
                InvoiceLine(
                    invoice=invoice,
                    line_no=line.line_no,
                    description=line.description,
                    unit=line.unit,
                    quantity=_ten_places(line.quantity),
                    unit_price=_ten_places(line.unit_price),
                    net_amount=line.net_amount,
                    tax_rate=None if line.tax_rate is None else line.tax_rate.quantize(Decimal("0.000001")),
                    tax_amount=line.tax_amount,
                )
                for line in einvoice.lines
            )
    except IntegrityError:  # the same file was sent twice at once: the other one was faster
        known = Invoice.objects.filter(owner=owner, number_key=key, origin="live").first()
        if known is None:
            raise
        return _same_or_refuse(known, einvoice, lease)
    return invoice


def _ten_places(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("1E-10"))


def _same_or_refuse(known: Invoice, einvoice: EInvoice, lease: Lease | None) -> Invoice:
    same = (known.net_amount, known.gross_amount, known.issued_on, known.lease_id) == (
        einvoice.net_amount,
        einvoice.gross_amount,
        einvoice.issued_on,
        lease.pk if lease else None,
    )
    if same:
        return known
    where = f"（合同 {known.lease.lease_no}）" if known.lease else ""
    raise NotNow(
        "invoice.already_filed",
        f"贵单位已提交过发票 {known.invoice_no}{where}，金额 {thousands(known.gross_amount)} 元，不必重复提交。",
        hint="如需分次兑付，请在兑付申请中选择这张已提交的发票并填写本次计入金额。",
        detail={"invoice_no": known.invoice_no},
    )


def _problems(e: EInvoice, period_from: date | None, period_to: date | None) -> list[Invalid]:
    problems = [
        Invalid("invoice.missing", f"请填写{label}。", field=name, hint="请对照发票票面填写。")
        for name, label in LABELS.items()
        if getattr(e, name) in (None, "")
    ]
    if e.invoice_no:
        problems += [
            Invalid(fault.code, fault.message + fault.hint, field=fault.field)
            for fault in number_faults(e.invoice_code, e.invoice_no, issued_on=e.issued_on)
            # Year and province are findings: the evidence of a forged number has to be storable.
            if fault.code not in ("invoice.no_year", "invoice.no_province")
        ]
    for name in ("seller_uscc", "buyer_uscc"):
        code = getattr(e, name)
        if code and (len(code) != 18 or not code.isalnum() or not code.isascii()):
            problems.append(
                Invalid(
                    "invoice.uscc",
                    f"{LABELS[name]}应为 18 位，您填写了 {len(code)} 位。请对照发票票面核对。",
                    field=name,
                )
            )
    problems += [
        Invalid("invoice.too_long", f"{label}最多 {longest} 个字符，请核对。", field=name)
        for name, (label, longest) in LONGEST.items()
        if len(getattr(e, name)) > longest
    ]
    if e.kind and e.kind not in InvoiceKind.values:
        problems.append(Invalid("invoice.kind", "请选择发票的种类。", field="kind"))
    problems += _amount_problems(e)
    if e.issued_on is not None and e.issued_on > dates.today():
        problems.append(
            Invalid(
                "invoice.future",
                f"开票日期 {e.issued_on} 晚于今天（{dates.today()}），请核对。",
                field="issued_on",
            )
        )
    if period_from and period_to and period_to <= period_from:
        problems.append(
            Invalid("invoice.period", "服务期的结束日不能早于开始日，请核对。", field="period_to")
        )
    return problems


def _amount_problems(e: EInvoice) -> list[Invalid]:
    net, tax, gross = e.net_amount, e.tax_amount, e.gross_amount
    if net is None or tax is None or gross is None:
        return []
    if e.red_of or gross < 0:
        return [
            Invalid(
                "invoice.red",
                "这是红字发票（冲减此前的发票），不能作为兑付依据。",
                field="invoice_no",
                hint="请提交对应业务的蓝字发票；原发票已全额红冲的，请提交重新开具的发票。",
            )
        ]
    problems = []
    if net <= 0 or tax < 0:
        problems.append(
            Invalid("invoice.not_positive", "发票金额须大于零，税额不能为负。", field="net_amount")
        )
    if net + tax != gross:
        problems.append(
            Invalid(
                "invoice.arithmetic",
                f"不含税金额 {thousands(net)} 元与税额 {thousands(tax)} 元之和为 {thousands(net + tax)} 元，"
                f"与价税合计 {thousands(gross)} 元不符，请对照发票核对。",
                field="gross_amount",
            )
        )
    if e.lines:
        total = sum((line.net_amount for line in e.lines), ZERO)
        if abs(total - net) > FEN * len(e.lines):
            problems.append(
                Invalid(
                    "invoice.lines",
                    f"各项目金额之和 {thousands(total)} 元与合计金额 {thousands(net)} 元不符，该文件可能已被改动。",
                    field="file",
                    hint="请从电子税务局重新下载发票文件。",
                )
            )
    return problems
