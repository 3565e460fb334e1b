"""The documents: right to the letter, no blank boxes, no way to files or the network, the same bytes again."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from applications.documents import (
    CertificateContent,
    DecisionLetterContent,
    PaymentLine,
    PaymentListContent,
    certificate_pdf,
    decision_letter_pdf,
    payment_list_pdf,
)
from applications.documents.typeface import lacking, needs_full, only_data
from vouchers.errors import Invalid

DAY = date(2025, 10, 21)
CERTIFICATE = CertificateContent(
    voucher_no="V-2025-000123",
    program_name="北京市人工智能算力券",
    policy_title="北京市人工智能算力券实施方案",
    policy_document_no="京经信发〔2023〕82号",
    office="北京市经济和信息化局",
    holder_name="北京示例智算科技有限公司",
    holder_uscc="91110108MA01EXAMPLE",
    face_value=Decimal("2000000.00"),
    issued_on=DAY,
    expires_on=date(2026, 10, 21),
    application_no="A-2025-000123",
    verification_url="https://vouchers.example.gov.cn/verify/V-2025-000123/",
    verification_code="7K3M-9QXA",
    publication_hash="a" * 64,
)
LINE = PaymentLine(
    1,
    "P-2025-000001",
    "C-2025-000001",
    "甲公司",
    "91110108MA01EXAMPLE",
    "甲公司",
    "1105016",
    "某银行",
    Decimal("16409.02"),
)
LIST = PaymentListContent(
    batch_no="B-2025-000007",
    title="算力券拨付清单",
    office="北京市经济和信息化局",
    program_name="北京市人工智能算力券",
    prepared_on=DAY,
    prepared_by="赵会计",
    lines=(LINE,),
    control_count=1,
    control_sum=Decimal("16409.02"),
    control_hash="c" * 64,
)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")


def test_the_certificate_is_one_page_with_number_holder_and_amount_in_figures_and_capitals():
    pdf = certificate_pdf(CERTIFICATE)
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    text = text_of(pdf)
    for part in (
        "V-2025-000123",
        "北京示例智算科技有限公司",
        "2,000,000.00",
        "人民币贰佰万元整",
        "2026年10月21日前有效",
    ):
        assert part in text
    assert "演示" not in text


def test_a_certificate_with_the_longest_name_still_fits_one_page_and_says_when_it_is_a_demonstration():
    pdf = certificate_pdf(
        replace(CERTIFICATE, holder_name="北京市海淀区人工智能协同创新中心" * 5, demo_date=DAY)
    )
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    assert "不具法律效力" in text_of(pdf)


def test_the_same_content_gives_the_same_bytes():
    assert certificate_pdf(CERTIFICATE) == certificate_pdf(CERTIFICATE)


def test_a_refusal_names_the_condition_the_fact_and_the_cure_and_the_remedies():
    sentence = "本次申请不予支持：合同签订价 31.20 元/卡时，高于签订日公允价格区间上限 25.31 元/卡时。"
    letter = DecisionLetterContent(
        letter_no="D-2025-000045",
        office="北京市经济和信息化局",
        recipient_name="北京示例智算科技有限公司",
        recipient_uscc="91110108MA01EXAMPLE",
        subject="关于算力券申领不予支持的决定",
        case_no="A-2025-000123",
        program_name="北京市人工智能算力券",
        outcome="refused",
        sentence=sentence,
        decided_on=DAY,
        findings=(
            {
                "outcome": "not_met",
                "title": "价格",
                "fact": "高于上限",
                "article": "《方案》二",
                "cure": "提交说明",
            },
        ),
    )
    text = text_of(decision_letter_pdf(letter))
    for part in (sentence, "不符合", "如何补正：提交说明", "行政复议", "2025年10月21日"):
        assert part.replace(" ", "") in text.replace(" ", "")


def test_the_payment_list_carries_control_totals_and_the_amount_in_capitals():
    text = text_of(payment_list_pdf(LIST))
    for part in ("16,409.02", "人民币壹万陆仟肆佰零玖元零贰分", "1 笔", "c" * 20):
        assert part in text


@pytest.mark.parametrize("change", [{"control_count": 2}, {"control_sum": Decimal("16409.03")}])
def test_a_list_whose_lines_do_not_add_up_to_the_control_figures_is_not_made(change):
    with pytest.raises(Invalid) as refusal:
        payment_list_pdf(replace(LIST, **change))
    assert refusal.value.code == "payment_list.totals"


def test_the_committed_typeface_has_all_of_gb_2312_and_rare_names():
    gb2312 = "".join(
        bytes([row, cell]).decode("gb2312", "ignore")
        for row in range(0xA1, 0xF8)
        for cell in range(0xA1, 0xFF)
    )
    assert len(gb2312) == 7445
    assert lacking(gb2312) == set()
    assert lacking("刘玥、王珺、张喆、李翀、陈𬱖、①②③✓") == set()


def test_a_character_beyond_it_is_set_with_the_full_typeface():
    assert needs_full("漢字") is True
    pdf = certificate_pdf(replace(CERTIFICATE, holder_name="漢龍智算有限公司"))
    assert "漢龍智算有限公司" in text_of(pdf)


def test_a_character_in_no_typeface_is_refused_by_name_and_never_printed_as_a_box():
    with pytest.raises(Invalid) as refusal:
        certificate_pdf(replace(CERTIFICATE, holder_name="示例\U0003134a公司"))
    assert refusal.value.code == "document.character"
    assert "U+3134A" in refusal.value.message


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:1/x", "https://example.com/x"])
def test_a_document_can_neither_read_files_nor_ask_the_network(address):
    with pytest.raises(ValueError, match="disallowed"):
        only_data().fetch(address)


def test_markup_in_a_name_is_printed_and_not_obeyed():
    pdf = certificate_pdf(replace(CERTIFICATE, holder_name='<img src="file:///etc/passwd">公司'))
    assert '<img src="file' in text_of(pdf)
