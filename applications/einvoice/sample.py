"""A 数电票 XML as the tax bureau would issue it, for the demonstration and the tests. It bears no signature and says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from applications.einvoice.document import EInvoiceLine
from vouchers.money import capital, round_fen


def invoice_number(issued_on: date, seller_uscc: str, sequence: int) -> str:
    """A number of 20 digits with the right year and the seller's province; ``sequence`` up to 15 digits, channel 0."""
    return f"{issued_on.year % 100:02d}{seller_uscc[2:4]}0{sequence:015d}"


def compute_line(
    net_amount: Decimal,
    *,
    tax_rate: Decimal = Decimal("0.06"),
    line_no: int = 1,
    description: str = "*信息系统服务*算力服务费",
    unit: str = "卡时",
    quantity: Decimal | None = None,
) -> EInvoiceLine:
    """A line of compute service whose tax is the rate of its net amount."""
    return EInvoiceLine(
        line_no=line_no,
        description=description,
        unit=unit if quantity else "项",
        quantity=quantity or Decimal(1),
        unit_price=(net_amount / (quantity or Decimal(1))).quantize(Decimal("0.0000000001")),
        net_amount=net_amount,
        tax_rate=tax_rate,
        tax_amount=round_fen(net_amount * tax_rate),
    )


def sample_xml(
    *,
    invoice_no: str,
    issued_on: date,
    seller_uscc: str,
    seller_name: str,
    buyer_uscc: str,
    buyer_name: str,
    lines: Sequence[EInvoiceLine],
    special: bool = True,
    red_of: str = "",
    remark: str = "",
    tax_amount: Decimal | None = None,
) -> bytes:
    """The file. Totals are the sums of the lines; ``tax_amount`` may say otherwise, to make an invoice that does not add up."""
    net = sum((line.net_amount for line in lines), Decimal("0.00"))
    tax = tax_amount if tax_amount is not None else sum((line.tax_amount for line in lines), Decimal("0.00"))
    root = Element("EInvoice")
    header = SubElement(root, "Header")
    _leaf(header, "EIid", invoice_no)
    _leaf(header, "EInvoiceTag", "SWEI3200")
    _leaf(header, "Version", "0.2")
    labels = SubElement(header, "InherentLabel")
    _label(labels, "InIssuType", "N" if red_of else "Y", "红字发票" if red_of else "蓝字发票")
    _label(labels, "EInvoiceType", "01", "数电发票")
    _label(
        labels, "GeneralOrSpecialVAT", "01" if special else "02", "增值税专用发票" if special else "普通发票"
    )
    content = SubElement(root, "EInvoiceData")
    seller = SubElement(content, "SellerInformation")
    _leaf(seller, "SellerIdNum", seller_uscc)
    _leaf(seller, "SellerName", seller_name)
    buyer = SubElement(content, "BuyerInformation")
    _leaf(buyer, "BuyerIdNum", buyer_uscc)
    _leaf(buyer, "BuyerName", buyer_name)
    basic = SubElement(content, "BasicInformation")
    _leaf(basic, "TotalAmWithoutTax", f"{net:.2f}")
    _leaf(basic, "TotalTaxAm", f"{tax:.2f}")
    _leaf(basic, "TotalTax-includedAmount", f"{net + tax:.2f}")
    _leaf(basic, "TotalTax-includedAmountInChinese", capital(net + tax).removeprefix("人民币"))
    _leaf(basic, "Drawer", "开票员")
    _leaf(basic, "RequestTime", f"{issued_on:%Y-%m-%d} 10:30:00")
    for line in lines:
        item = SubElement(content, "IssuItemInformation")
        _leaf(item, "ItemName", line.description)
        _leaf(item, "SpecMod", line.specification)
        _leaf(item, "MeaUnits", line.unit)
        _leaf(item, "Quantity", "" if line.quantity is None else f"{line.quantity.normalize():f}")
        _leaf(item, "UnPrice", "" if line.unit_price is None else f"{line.unit_price:f}")
        _leaf(item, "Amount", f"{line.net_amount:.2f}")
        _leaf(item, "TaxRate", "免税" if line.tax_rate is None else f"{line.tax_rate.normalize():f}")
        _leaf(item, "ComTaxAm", f"{line.tax_amount:.2f}")
        _leaf(item, "TotaltaxIncludedAmount", f"{line.net_amount + line.tax_amount:.2f}")
        _leaf(item, "TaxClassificationCode", "3040203000000000000")
    SubElement(content, "SpecificInformation")
    if red_of:
        _leaf(SubElement(content, "RedInvoiceInformation"), "OriginalInvoiceNumber", red_of)
    extra = SubElement(content, "AdditionalInformation")
    _leaf(extra, "Remark", remark or "演示用发票，未经税务机关签发")
    tax_info = SubElement(root, "TaxSupervisionInfo")
    _leaf(tax_info, "InvoiceNumber", invoice_no)
    _leaf(tax_info, "IssueTime", f"{issued_on:%Y-%m-%d} 10:30:05")
    _leaf(tax_info, "TaxBureauCode", f"1{seller_uscc[2:4]}00000000")
    indent(root)
    return tostring(root, encoding="UTF-8", xml_declaration=True)


def _leaf(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _label(parent: Element, name: str, code: str, label: str) -> None:
    element = SubElement(parent, name)
    _leaf(element, "LabelCode", code)
    _leaf(element, "LabelName", label)
