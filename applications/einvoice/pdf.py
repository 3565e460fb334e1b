"""PDF: a picture of an invoice. The document's own properties are read where the tax bureau filled them, else the text.

What is read here is a help for keying, never evidence: anybody can make such a text. It is marked ``pdf_layout``.
"""

from __future__ import annotations

import io
import re
import unicodedata
from decimal import Decimal

from pypdf import PdfReader

from applications.einvoice.document import EInvoice, Source, Unread, missing_of
from applications.einvoice.xml import amount_of, date_of
from vouchers.money import ZERO

PAGES_READ = 3
# An e-invoice as PDF is 50 to 200 KB; parsing a large file would hold up a request.
LARGEST_READ = 2 * 1024 * 1024
LONGEST_TEXT = 50_000
_NUMBER = re.compile(r"发票号码[:：]?\s*(\d{20}|\d{8})")
_BARE_NUMBER = re.compile(r"(?<!\d)(\d{20})(?!\d)")
_CODE = re.compile(r"发票代码[:：]?\s*(\d{12}|\d{10})")
_DATE = re.compile(r"开票日期[:：]?\s*(\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)")
_BARE_DATE = re.compile(r"(\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)")
_USCC = re.compile(r"(?<![0-9A-Z])([0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10})(?![0-9A-Z])")
_MONEY = re.compile(r"[¥￥]\s*(-?[\d,]+\.\d{2})")


def read_pdf(content: bytes) -> EInvoice:
    """What can be read from a PDF. Raises ``Unread`` (``einvoice.pdf_broken``, ``einvoice.pdf_too_large``,
    ``einvoice.pdf_without_text``, ``einvoice.not_an_invoice``)."""
    if len(content) > LARGEST_READ:
        raise Unread(
            "einvoice.pdf_too_large",
            f"该 PDF 超过 {LARGEST_READ // 1024 // 1024} MB，不像是电子发票，未读取。",
            field="file",
            hint="请改为上传 XML 格式的数电票，或手工填写。",
        )
    try:
        reader = PdfReader(io.BytesIO(content))
        properties = {str(k).lstrip("/"): str(v) for k, v in (reader.metadata or {}).items()}
        text = "\n".join(page.extract_text() for page in reader.pages[:PAGES_READ])[:LONGEST_TEXT]
    except Exception:  # a hostile file makes the parser fail in any way there is; none of them is ours
        raise Unread(
            "einvoice.pdf_broken",
            "该 PDF 文件无法读取，可能已损坏或设有密码。",
            field="file",
            hint="请改为上传 XML 格式的数电票，或手工填写。",
        ) from None
    text = unicodedata.normalize("NFKC", text)
    if not text.strip() and "InvoiceNumber" not in properties:
        raise Unread(
            "einvoice.pdf_without_text",
            "该 PDF 是扫描件，没有可读取的文字。",
            field="file",
            hint="请改为上传 XML 格式的数电票，或手工填写。",
        )
    values = _values(properties, text)
    if not values["invoice_no"]:
        raise Unread(
            "einvoice.not_an_invoice", "该 PDF 中没有找到发票号码。", field="file", hint="请手工填写。"
        )
    code = _CODE.search(text)
    return EInvoice(
        **values,  # type: ignore[arg-type]
        source=Source.PDF_LAYOUT,
        invoice_code=code[1] if code else "",
        kind="digital_special" if "专用发票" in text else "digital_ordinary" if "普通发票" in text else "",
        missing=missing_of(values),
    )


def _values(properties: dict[str, str], text: str) -> dict[str, object]:
    number = properties.get("InvoiceNumber", "")
    if not number:
        found = _NUMBER.search(text) or _BARE_NUMBER.search(text)
        number = found[1] if found else ""
    day = _DATE.search(text) or _BARE_DATE.search(text)
    issued_on = date_of(properties.get("IssueTime", "")) or date_of(re.sub(r"\s", "", day[1]) if day else "")
    codes = list(dict.fromkeys(_USCC.findall(text)))
    seller = properties.get("SellerIdNum", "").upper()
    others = [code for code in codes if code != seller]
    # On the layout the buyer stands to the left of the seller, so its code is read first.
    buyer = others[0] if others else ""
    if not seller and len(codes) > 1:
        seller = codes[1]
    net = amount_of(properties.get("TotalAmWithoutTax", ""), "合计金额")
    tax = amount_of(properties.get("TotalTaxAm", ""), "合计税额")
    gross = net + tax if net is not None and tax is not None else None
    if gross is None:
        net, tax, gross = _totals([Decimal(m.replace(",", "")) for m in _MONEY.findall(text)])
    return {
        "invoice_no": number,
        "issued_on": issued_on,
        "seller_uscc": seller,
        "seller_name": "",
        "buyer_uscc": buyer,
        "buyer_name": "",
        "net_amount": net,
        "tax_amount": tax,
        "gross_amount": gross,
    }


def _totals(amounts: list[Decimal]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Net, tax and total among the amounts with a ¥: the total is the sum of two others, or nothing is said."""
    for gross in sorted(set(amounts), key=abs, reverse=True):
        for net in sorted(set(amounts), key=abs, reverse=True):
            tax = gross - net
            if net != gross and tax in amounts and abs(net) > abs(tax):
                return net, tax, gross
    if len(set(amounts)) == 1:
        return amounts[0], ZERO, amounts[0]
    return None, None, None
