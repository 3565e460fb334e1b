"""数电票 is read in full from XML, by its data from OFD, by its layout from PDF."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfWriter

from applications.einvoice import Unread, read_einvoice
from applications.einvoice.document import Source
from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from vouchers.errors import Invalid

SELLER, BUYER = "91110302MA0GAMMA0X", "91110108MA01ALPH0Y"


def sample(**changes) -> bytes:
    fields = {
        "invoice_no": invoice_number(date(2025, 6, 30), SELLER, 1234567),
        "issued_on": date(2025, 6, 30),
        "seller_uscc": SELLER,
        "seller_name": "丙算力服务有限公司",
        "buyer_uscc": BUYER,
        "buyer_name": "甲智能科技（北京）有限公司",
        "lines": [
            compute_line(Decimal("1500000.00"), quantity=Decimal(60000)),
            compute_line(Decimal("100.01"), line_no=2, description="*信息系统服务*存储服务费"),
        ],
    } | changes
    return sample_xml(**fields)


def test_every_field_of_the_xml_is_read():
    read = read_einvoice(io.BytesIO(sample()))
    assert read.source is Source.XML
    assert read.complete and not read.missing
    assert read.invoice_no == "25110000000001234567"
    assert read.kind == "digital_special"
    assert read.issued_on == date(2025, 6, 30)
    assert (read.seller_uscc, read.seller_name) == (SELLER, "丙算力服务有限公司")
    assert (read.buyer_uscc, read.buyer_name) == (BUYER, "甲智能科技（北京）有限公司")
    assert (read.net_amount, read.tax_amount, read.gross_amount) == (
        Decimal("1500100.01"),
        Decimal("90006.00"),
        Decimal("1590106.01"),
    )
    first, second = read.lines
    assert first.description == "*信息系统服务*算力服务费"
    assert (first.unit, first.quantity, first.unit_price) == (
        "卡时",
        Decimal(60000),
        Decimal("25.0000000000"),
    )
    assert (first.tax_rate, first.tax_amount) == (Decimal("0.06"), Decimal("90000.00"))
    assert (second.line_no, second.net_amount, second.tax_amount) == (2, Decimal("100.01"), Decimal("6.00"))


def test_an_ordinary_invoice_and_a_red_one_are_known_as_such():
    assert read_einvoice(io.BytesIO(sample(special=False))).kind == "digital_ordinary"
    red = read_einvoice(
        io.BytesIO(sample(red_of="25110000000000000001", lines=[compute_line(Decimal("-100.00"))]))
    )
    assert red.red_of == "25110000000000000001"
    assert red.gross_amount == Decimal("-106.00")


def test_a_namespace_and_a_byte_order_mark_do_no_harm():
    text = sample().replace(b"<EInvoice>", b'<EInvoice xmlns="http://www.chinatax.gov.cn/dp">')
    assert read_einvoice(io.BytesIO(b"\xef\xbb\xbf" + text)).invoice_no == "25110000000001234567"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<?xml version='1.0'?><Other/>", "einvoice.not_an_invoice"),
        (b"<?xml version='1.0'?><EInvoice/>", "einvoice.not_an_invoice"),
        (sample().replace(b"1500100.01", b"12,3x"), "einvoice.value"),
        (sample().replace(b"1500100.01", b"1.005"), "einvoice.value"),
        (b"<All>" + sample().split(b"?>", 1)[1] * 2 + b"</All>", "einvoice.several"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "einvoice.kind"),
    ],
)
def test_what_is_no_invoice_is_refused_with_a_cure(content, code):
    with pytest.raises(Unread) as refusal:
        read_einvoice(io.BytesIO(content))
    assert refusal.value.code == code


def test_a_dtd_is_never_read():
    with pytest.raises(Invalid) as refusal:
        read_einvoice(io.BytesIO(b'<!DOCTYPE x [<!ENTITY a "b">]><EInvoice>&a;</EInvoice>'))
    assert refusal.value.code == "paper.xml_dtd"


def test_what_is_missing_is_named_and_not_guessed():
    read = read_einvoice(io.BytesIO(sample().replace(b"<BuyerIdNum>91110108MA01ALPH0Y</BuyerIdNum>", b"")))
    assert read.missing == ("buyer_uscc",)
    assert read.buyer_uscc == ""
    assert not read.complete


def packed(parts: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def test_an_ofd_gives_the_invoice_attached_to_it():
    ofd = packed(
        {"OFD.xml": b"<OFD/>", "Doc_0/Document.xml": b"<a/>", "Doc_0/Attachs/einvoice.xml": sample()}
    )
    read = read_einvoice(ofd)
    assert read.source is Source.OFD and read.complete
    assert read.gross_amount == Decimal("1590106.01")


def test_an_older_ofd_gives_its_original_invoice():
    original = (
        "<fp:eInvoice xmlns:fp='http://www.edrm.org.cn/schema/e-invoice/2019'><fp:InvoiceCode>011002000111</fp:InvoiceCode>"
        "<fp:InvoiceNo>00123456</fp:InvoiceNo><fp:IssueDate>2021-05-06</fp:IssueDate>"
        "<fp:Buyer><fp:BuyerName>甲</fp:BuyerName><fp:BuyerTaxID>91110108MA01ALPH0Y</fp:BuyerTaxID></fp:Buyer>"
        "<fp:Seller><fp:SellerName>丙</fp:SellerName><fp:SellerTaxID>91110302MA0GAMMA0X</fp:SellerTaxID></fp:Seller>"
        "<fp:TaxInclusiveTotalAmount>106.00</fp:TaxInclusiveTotalAmount><fp:TaxTotalAmount>6.00</fp:TaxTotalAmount>"
        "<fp:TaxExclusiveTotalAmount>100.00</fp:TaxExclusiveTotalAmount></fp:eInvoice>"
    ).encode()
    read = read_einvoice(packed({"OFD.xml": b"<OFD/>", "Doc_0/Attachs/original_invoice.xml": original}))
    assert (read.invoice_code, read.invoice_no) == ("011002000111", "00123456")
    assert (read.seller_uscc, read.net_amount, read.complete) == (SELLER, Decimal("100.00"), True)


def test_an_ofd_with_custom_data_gives_what_they_say():
    data = (
        "<ofd:OFD xmlns:ofd='http://www.ofdspec.org/2016'><ofd:DocBody><ofd:DocInfo><ofd:CustomDatas>"
        "<ofd:CustomData Name='发票号码'>25112000000015301234</ofd:CustomData>"
        "<ofd:CustomData Name='开票日期'>2025年04月07日</ofd:CustomData>"
        "<ofd:CustomData Name='合计金额'>160.40</ofd:CustomData><ofd:CustomData Name='合计税额'>1.60</ofd:CustomData>"
        "</ofd:CustomDatas></ofd:DocInfo></ofd:DocBody></ofd:OFD>"
    ).encode()
    read = read_einvoice(packed({"OFD.xml": data}))
    assert (read.invoice_no, read.issued_on) == ("25112000000015301234", date(2025, 4, 7))
    assert "gross_amount" in read.missing and read.gross_amount is None


def test_an_ofd_of_layout_only_says_so():
    with pytest.raises(Unread) as refusal:
        read_einvoice(packed({"OFD.xml": b"<OFD/>", "Doc_0/Pages/Page_0/Content.xml": b"<Page/>"}))
    assert refusal.value.code == "einvoice.ofd_without_data"


def pdf(properties: dict[str, str] | None = None) -> io.BytesIO:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    if properties:
        writer.add_metadata(properties)
    writer.write(out)
    out.seek(0)
    return out


def test_a_pdf_is_marked_as_layout_and_never_complete():
    read = read_einvoice(
        pdf(
            {
                "/InvoiceNumber": "25110000000001234567",
                "/IssueTime": "2025年06月30日",
                "/TotalAmWithoutTax": "100.00",
                "/TotalTaxAm": "6.00",
                "/SellerIdNum": SELLER,
            }
        )
    )
    assert read.source is Source.PDF_LAYOUT and not read.complete
    assert (read.invoice_no, read.issued_on) == ("25110000000001234567", date(2025, 6, 30))
    assert (read.net_amount, read.gross_amount) == (Decimal("100.00"), Decimal("106.00"))
    assert "buyer_name" in read.missing


def test_the_printed_text_of_a_pdf_gives_number_date_and_amounts():
    from applications.einvoice.pdf import _values

    text = (
        "电子发票（增值税专用发票） 发票号码：25110000000001234567 开票日期：2025年06月30日 "
        f"名称：甲 统一社会信用代码/纳税人识别号：{BUYER} 名称：丙 统一社会信用代码/纳税人识别号：{SELLER} "
        "合 计 ¥1500100.01 ¥90006.00 价税合计（大写） （小写）¥1590106.01"
    )
    values = _values({}, text)
    assert values["invoice_no"] == "25110000000001234567"
    assert values["issued_on"] == date(2025, 6, 30)
    assert (values["net_amount"], values["tax_amount"], values["gross_amount"]) == (
        Decimal("1500100.01"),
        Decimal("90006.00"),
        Decimal("1590106.01"),
    )
    assert (values["buyer_uscc"], values["seller_uscc"]) == (BUYER, SELLER)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf().getvalue(), "einvoice.pdf_without_text"),
        (b"%PDF-1.7 nothing", "einvoice.pdf_broken"),
        (b"%PDF-1.7" + b"\0" * (2 * 1024 * 1024), "einvoice.pdf_too_large"),
    ],
)
def test_a_scan_or_a_broken_pdf_has_to_be_keyed(content, code):
    with pytest.raises(Unread) as refusal:
        read_einvoice(io.BytesIO(content))
    assert refusal.value.code == code


def test_a_damaged_file_is_refused_and_never_an_error_of_ours():
    seeds = [
        sample(),
        packed({"OFD.xml": b"<OFD/>", "Doc_0/Attachs/einvoice.xml": sample()}).getvalue(),
        pdf({"/InvoiceNumber": "25110000000001234567"}).getvalue(),
    ]
    chance = random.Random(20250715)
    for _ in range(600):
        content = bytearray(chance.choice(seeds))
        for _ in range(chance.choice([1, 2, 5, 20])):
            place = chance.randrange(len(content))
            if chance.random() < 0.5:
                content[place] = chance.randrange(256)
            else:
                del content[place : place + chance.randrange(1, 30)]
        with contextlib.suppress(Invalid):
            read_einvoice(io.BytesIO(bytes(content)))
