"""OFD: a zip of XML. The e-invoice rides along as an attachment; where it does not, the document's own data are read.

First the attached 数电票 XML (``…/Attachs/*.xml`` with an ``EInvoice``), then the older ``original_invoice.xml`` (``eInvoice`` with
``InvoiceNo``, ``TaxInclusiveTotalAmount`` …), then ``CustomData`` of ``OFD.xml``.
"""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from applications.actions.file_types import BROKEN_PACKED, LARGEST_XML, open_packed
from applications.einvoice.document import EInvoice, Source, Unread, missing_of
from applications.einvoice.xml import amount_of, date_of, read_xml

MOST_PARTS_READ = 200
_CUSTOM = {
    "发票号码": "invoice_no",
    "发票代码": "invoice_code",
    "开票日期": "issued_on",
    "销售方纳税人识别号": "seller_uscc",
    "销售方名称": "seller_name",
    "购买方纳税人识别号": "buyer_uscc",
    "购买方名称": "buyer_name",
    "合计金额": "net_amount",
    "合计税额": "tax_amount",
    "价税合计": "gross_amount",
}
_ORIGINAL = {
    "InvoiceNo": "invoice_no",
    "InvoiceCode": "invoice_code",
    "IssueDate": "issued_on",
    "Seller/SellerTaxID": "seller_uscc",
    "Seller/SellerName": "seller_name",
    "Buyer/BuyerTaxID": "buyer_uscc",
    "Buyer/BuyerName": "buyer_name",
    "TaxExclusiveTotalAmount": "net_amount",
    "TaxTotalAmount": "tax_amount",
    "TaxInclusiveTotalAmount": "gross_amount",
}


def read_ofd(content: bytes) -> EInvoice:
    """The invoice in an OFD file. Raises ``Unread`` (``einvoice.ofd_broken``, ``einvoice.ofd_without_data``) or what the
    limits of packed files raise."""
    try:
        with open_packed(io.BytesIO(content)) as packed:
            return _read(packed)
    except BROKEN_PACKED:
        raise Unread("einvoice.ofd_broken", "该 OFD 文件已损坏，无法读取。", field="file") from None


def _read(packed: zipfile.ZipFile) -> EInvoice:
    parts = [
        p for p in packed.infolist() if p.filename.lower().endswith(".xml") and p.file_size <= LARGEST_XML
    ]
    # Attachments first: that is where the signed data are.
    parts.sort(key=lambda p: ("attach" not in p.filename.lower(), p.filename))
    for part in parts[:MOST_PARTS_READ]:
        raw = packed.read(part)
        if b"EInvoice" in raw and b"InvoiceNumber" in raw:
            return read_xml(raw, source=Source.OFD)
        root = _parsed(raw)
        if root is None:
            continue
        if root.tag == "eInvoice":
            return _from_values(
                {name: (root.findtext(path) or "").strip() for path, name in _ORIGINAL.items()}
            )
        if part.filename.lower().rpartition("/")[2] == "ofd.xml":
            custom = {e.get("Name", ""): (e.text or "").strip() for e in root.iter("CustomData")}
            values = {name: custom.get(label, "") for label, name in _CUSTOM.items()}
            if values["invoice_no"]:
                return _from_values(values)
    raise Unread(
        "einvoice.ofd_without_data",
        "该 OFD 文件只有版面，没有发票数据，无法读取。",
        field="file",
        hint="请改为上传从电子税务局下载的 XML 格式发票，或手工填写。",
    )


def _parsed(raw: bytes) -> Element | None:
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, LookupError):
        return None
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


def _from_values(texts: dict[str, str]) -> EInvoice:
    if not texts["invoice_no"]:
        raise Unread("einvoice.ofd_without_data", "该 OFD 文件中没有发票号码。", field="file")
    values: dict[str, object] = {
        "invoice_no": texts["invoice_no"],
        "issued_on": date_of(texts["issued_on"]),
        "seller_uscc": texts["seller_uscc"].upper(),
        "seller_name": texts["seller_name"][:200],
        "buyer_uscc": texts["buyer_uscc"].upper(),
        "buyer_name": texts["buyer_name"][:200],
        "net_amount": amount_of(texts["net_amount"], "合计金额"),
        "tax_amount": amount_of(texts["tax_amount"], "合计税额"),
        "gross_amount": amount_of(texts["gross_amount"], "价税合计"),
    }
    return EInvoice(
        **values,  # type: ignore[arg-type]
        source=Source.OFD,
        invoice_code=texts["invoice_code"],
        missing=missing_of(values),
    )
