"""数电票 XML: ``EInvoice`` with ``Header``, ``EInvoiceData``, ``TaxSupervisionInfo``, as the tax bureau issues it.

The date of issue is ``RequestTime`` (开票日期); ``IssueTime`` is when the file was made and serves when the former is missing.
``TotalTax-includedAmount`` of ``BasicInformation`` is the invoice's total; the line's ``TotaltaxIncludedAmount`` is not.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from applications.einvoice.document import EInvoice, EInvoiceLine, Source, Unread, missing_of
from vouchers.money import yuan

MOST_LINES = 10_000
_DATE = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})")
SPECIAL, ORDINARY = "digital_special", "digital_ordinary"


def read_xml(content: bytes, *, source: Source = Source.XML) -> EInvoice:
    """The invoice in an XML file. Raises ``Unread`` (``einvoice.xml_dtd``, ``einvoice.xml_broken``, ``einvoice.not_an_invoice``,
    ``einvoice.value``)."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise Unread(
            "einvoice.xml_dtd", "该 XML 文件含有 DTD 或实体声明，为安全起见不能读取。", field="file"
        ) from None
    except (ParseError, ValueError, LookupError):
        raise Unread(
            "einvoice.xml_broken",
            "该 XML 文件不完整或已被改动，无法读取。",
            field="file",
            hint="请从电子税务局重新下载数电票的 XML 文件。",
        ) from None
    _without_namespaces(root)
    invoice = root if root.tag == "EInvoice" else root.find(".//EInvoice")
    if invoice is None:
        raise Unread(
            "einvoice.not_an_invoice",
            "该 XML 文件不是数电票（没有 EInvoice 元素）。",
            field="file",
            hint="请在税务数字账户“发票查询”中下载格式为 XML 的发票文件。",
        )
    if root is not invoice and len(root.findall(".//EInvoice")) > 1:
        raise Unread("einvoice.several", "该文件中有多张发票，请逐张上传。", field="file")
    return _invoice(invoice, source)


def _without_namespaces(root: Element) -> None:
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]


def _text(element: Element | None, *paths: str) -> str:
    if element is not None:
        for path in paths:
            found = (element.findtext(path) or "").strip()
            if found:
                return found
    return ""


def amount_of(text: str, name: str) -> Decimal | None:
    """Yuan to the fen; None when nothing is there. Raises ``Unread`` for anything else."""
    plain = text.replace("¥", "").replace("￥", "").strip()
    if not plain or plain in ("-", "***"):
        return None
    try:
        return yuan(plain)
    except ValueError:
        raise Unread(
            "einvoice.value", f"文件中的{name}“{text[:40]}”不是金额，无法读取。", field="file"
        ) from None


def _number(text: str) -> Decimal | None:
    plain = text.replace(",", "").strip()
    if not plain:
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**14 else None


def rate_of(text: str) -> Decimal | None:
    """``0.06`` and ``6%`` are six per cent; 免税 and 不征税 are None."""
    value = _number(text.rstrip("%％ "))
    if value is None or value < 0:
        return None
    if text.rstrip().endswith(("%", "％")) or value >= 1:
        value /= 100
    return value if value < 1 else None


def date_of(text: str) -> date | None:
    """The date at the start of ``2025-03-01 10:11:12``, ``20250301…`` or ``2025年3月1日``."""
    found = _DATE.search(text)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _kind(header: Element | None) -> str:
    label = _text(header, "InherentLabel/GeneralOrSpecialVAT/LabelCode") or _text(
        header, "InherentLabel/EInvoiceType/LabelCode"
    )
    name = _text(header, "InherentLabel/GeneralOrSpecialVAT/LabelName") + _text(
        header, "InherentLabel/EInvoiceType/LabelName"
    )
    if "专用" in name or label == "01":
        return SPECIAL
    if "普通" in name or label == "02":
        return ORDINARY
    return ""


def _line(number: int, element: Element) -> EInvoiceLine:
    return EInvoiceLine(
        line_no=number,
        description=_text(element, "ItemName")[:300],
        unit=_text(element, "MeaUnits")[:20],
        specification=_text(element, "SpecMod")[:100],
        quantity=_number(_text(element, "Quantity")),
        unit_price=_number(_text(element, "UnPrice")),
        net_amount=amount_of(_text(element, "Amount"), "金额") or Decimal("0.00"),
        tax_rate=rate_of(_text(element, "TaxRate")),
        tax_amount=amount_of(_text(element, "ComTaxAm"), "税额") or Decimal("0.00"),
    )


def _invoice(root: Element, source: Source) -> EInvoice:
    header, content = root.find("Header"), root.find("EInvoiceData")
    basic = content.find("BasicInformation") if content is not None else None
    lines = content.findall("IssuItemInformation") if content is not None else []
    if len(lines) > MOST_LINES:
        raise Unread("einvoice.too_many_lines", f"发票明细超过 {MOST_LINES} 行，无法读取。", field="file")
    values: dict[str, object] = {
        "invoice_no": _text(root, "TaxSupervisionInfo/InvoiceNumber", "Header/EIid"),
        "issued_on": date_of(_text(basic, "RequestTime"))
        or date_of(_text(root, "TaxSupervisionInfo/IssueTime")),
        "seller_uscc": _text(content, "SellerInformation/SellerIdNum").upper(),
        "seller_name": _text(content, "SellerInformation/SellerName")[:200],
        "buyer_uscc": _text(content, "BuyerInformation/BuyerIdNum").upper(),
        "buyer_name": _text(content, "BuyerInformation/BuyerName")[:200],
        "net_amount": amount_of(_text(basic, "TotalAmWithoutTax"), "合计金额"),
        "tax_amount": amount_of(_text(basic, "TotalTaxAm"), "合计税额"),
        "gross_amount": amount_of(_text(basic, "TotalTax-includedAmount"), "价税合计"),
    }
    if not values["invoice_no"]:
        raise Unread(
            "einvoice.not_an_invoice",
            "文件中没有发票号码，不是完整的数电票。",
            field="file",
            hint="请在税务数字账户“发票查询”中下载格式为 XML 的发票文件。",
        )
    return EInvoice(
        **values,  # type: ignore[arg-type]
        source=source,
        kind=_kind(header),
        red_of=_text(root, ".//OriginalInvoiceNumber", ".//OriginalInvoiceCode"),
        remark=_text(content, "AdditionalInformation/Remark")[:500],
        lines=tuple(_line(number, line) for number, line in enumerate(lines, start=1)),
        missing=missing_of(values),
    )


__all__ = ["amount_of", "date_of", "rate_of", "read_xml"]
