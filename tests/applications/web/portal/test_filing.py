"""An enterprise's way through the portal: from choosing the scheme to the confirmation, and from the voucher to the claim."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.models import Application, Claim, Lease
from tests import casework
from tests.applications.web.portal import filing
from vouchers import dates
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting

pytestmark = pytest.mark.django_db


def test_an_application_is_filled_in_step_by_step_and_submitted(filer, cast, beijing):
    application = filing.fill_in(filer, cast)
    assert application.state == "draft"
    assert application.lease.lessor == cast.provider
    assert application.lease.devices.count() == 2
    page = filer.get(reverse("portal:application_estimate", args=[application.application_no]))
    assert "2,000,000.00" in page.text
    page = filer.get(reverse("portal:application_check", args=[application.application_no]))
    assert "未申请其他财政资金" in page.text
    answer = filing.submit(filer, application)
    assert answer.status_code == 302
    application.refresh_from_db()
    assert application.state == "submitted"
    assert application.filer_phone == "13800000000"
    page = filer.get(answer.url)
    assert application.application_no in page.text
    assert "5 个工作日" in page.text
    page = filer.get(reverse("portal:application", args=[application.application_no]))
    assert page.status_code == 200
    assert "本机关办理中" in page.text


def test_without_the_statement_nothing_is_submitted_and_the_page_says_so(filer, cast, beijing):
    application = filing.fill_in(filer, cast)
    page = filer.post(reverse("portal:application_check", args=[application.application_no]), {})
    assert page.status_code == 422
    assert "真实性承诺" in page.text
    application.refresh_from_db()
    assert (application.state, application.lease.state) == ("draft", "draft")


def test_a_draft_is_resumed_where_something_is_missing(filer, cast, beijing):
    filer.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    number = Application.objects.get().application_no
    page = filer.get(reverse("portal:application", args=[number]))
    assert reverse("portal:application_contract", args=[number]) in page.text
    filer.post(reverse("portal:application_contract", args=[number]), filing.contract(cast))
    page = filer.get(reverse("portal:application", args=[number]))
    assert reverse("portal:application_statements", args=[number]) in page.text
    page = filer.get(reverse("portal:application_contract", args=[number]))
    assert 'value="15,000,000.00"' in page.text


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("amount", "一千五百万", "不是金额"),
        ("signed_on", "2025-02-30", "日期无法识别"),
        ("lessor_uscc", "123", "应为 18 位"),
        ("ends_on", "2024-01-01", "早于开始日"),
        ("amount", "1", "单价 × 数量"),
        ("serials", "A" * 70, "超过 60 字"),
    ],
)
def test_wrong_contracts_are_explained_at_the_field_and_what_was_typed_stays(
    filer, cast, beijing, name, value, sentence
):
    filer.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    application = Application.objects.get()
    typed = filing.contract(cast, contract_no="我的合同号", **{name: value})
    page = filer.post(reverse("portal:application_contract", args=[application.application_no]), typed)
    assert page.status_code == 422
    assert sentence in page.text
    assert value in page.text
    assert "我的合同号" in page.text
    application.refresh_from_db()
    assert application.lease is None


def test_a_wrong_file_is_named_and_the_right_ones_are_kept(filer, cast, beijing):
    filer.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    application = Application.objects.get()
    here = reverse("portal:application_papers", args=[application.application_no])
    bad = filing.pdf("contract")
    bad.name, bad.file = "合同.exe", type(bad.file)(b"MZ\x90 not a paper")
    page = filer.post(here, {"truth_statement": filing.pdf("truth_statement"), "contract": bad})
    assert page.status_code == 422
    assert "无法识别该文件" in page.text
    page = filer.get(here)
    assert "truth_statement.pdf" in page.text


def test_a_closed_scheme_says_why_and_takes_no_application(filer, cast):
    casework.published(cast, "GZ-SLQ")
    page = filer.get(reverse("portal:application_new"), {"program": "GZ-SLQ"})
    assert "未公布" in page.text
    page = filer.post(reverse("portal:application_new"), {"program": "GZ-SLQ"})
    assert page.status_code == 422
    assert not Application.objects.exists()


def test_an_application_is_withdrawn_before_the_decision(filer, cast, beijing):
    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    filer.post(
        reverse("portal:application_withdraw", args=[application.application_no]), {"reason": "另行申领"}
    )
    application.refresh_from_db()
    assert application.state == "withdrawn"


def test_a_returned_application_can_be_corrected_with_its_contract(filer, cast, beijing):
    from applications.actions.applications import return_application

    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    application.refresh_from_db()
    with acting(cast.handler, "test"):
        return_application(application, by=cast.handler, reason="请更正合同编号。")
    page = filer.get(reverse("portal:application", args=[application.application_no]))
    assert "请更正合同编号" in page.text
    answer = filer.post(
        reverse("portal:application_contract", args=[application.application_no]),
        filing.contract(cast, contract_no="HT-更正"),
    )
    assert answer.status_code == 302
    application.refresh_from_db()
    assert application.lease.contract_no == "HT-更正"
    filing.submit(filer, application)
    application.refresh_from_db()
    assert application.state == "submitted"


def test_a_rejection_can_be_objected_to(filer, cast, beijing):
    from applications.actions.applications import reject_application
    from applications.models import Objection

    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    application.refresh_from_db()
    here = reverse("portal:application_object", args=[application.application_no])
    assert filer.post(here, {"text": "太早"}).status_code == 422
    with acting(cast.handler, "test"):
        reject_application(application, by=cast.handler, reason="合同签订价高于公允价格区间。")
    page = filer.post(here, {"text": "  "})
    assert page.status_code == 422
    answer = filer.post(here, {"text": "区间计算有误。"})
    objection = Objection.objects.get()
    assert answer.url == reverse("portal:objection", args=[objection.objection_no])
    assert "区间计算有误" in filer.get(answer.url).text


def test_an_account_counts_once_a_second_person_confirmed_it(filer, cast, client):
    before = cast.alpha.current_account
    form = {
        "enterprise": cast.alpha.uscc,
        "account_no": "6222 0000 1111 2222",
        "account_name": cast.alpha.name,
        "bank_name": "中国银行北京中关村支行",
    }
    page = filer.post(reverse("portal:unit"), form | {"account_name": "别的公司"})
    assert page.status_code == 422
    assert "户名须与单位名称一致" in page.text
    assert filer.post(reverse("portal:unit"), form).status_code == 302
    assert cast.alpha.current_account == before
    named = {"enterprise": cast.alpha.uscc, "account_no": "6222000011112222"}
    filer.post(reverse("portal:account_confirm"), named)
    assert cast.alpha.current_account == before
    client.force_login(cast.enterprise_approver)
    client.post(reverse("portal:account_confirm"), named)
    assert cast.alpha.current_account.account_no == "6222000011112222"


def test_shenzhen_asks_for_the_kind_of_applicant_and_takes_the_contract_as_basis(filer, cast):
    """50% of a contract of 3,000万, at most 1,000万; the statements are the scheme's own."""
    publication = casework.published(cast, "SZ-XLQ")
    casework.funded(cast, publication.program)
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    casework.admitted(cast.provider, "SZ-XLQ", "智能算力租赁")
    filer.post(reverse("portal:application_new"), {"program": "SZ-XLQ"})
    application = Application.objects.get()
    number = application.application_no
    filer.post(
        reverse("portal:application_contract", args=[number]),
        filing.contract(cast, amount="30000000", quantity="2000000", region_code="440300"),
    )
    page = filer.get(reverse("portal:application_statements", args=[number]))
    assert "主体类型" in page.text
    assert "other_money" not in page.text
    page = filer.post(reverse("portal:application_statements", args=[number]), {"classes": "newly_founded"})
    assert page.status_code == 422
    assert "请选择主体类型" in page.text
    assert "checked" in page.text
    answers = {"party_kind": "enterprise", "service_item": "智能算力租赁"}
    assert filer.post(reverse("portal:application_statements", args=[number]), answers).status_code == 302
    filer.post(
        reverse("portal:application_papers", args=[number]),
        {name: filing.pdf(name) for name in ("truth_statement", "contract")},
    )
    page = filer.get(reverse("portal:application_estimate", args=[number]))
    assert "10,000,000.00" in page.text
    assert filing.submit(filer, application).status_code == 302
    application.refresh_from_db()
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        page = filer.get(reverse("portal:claim_item", args=[claim.claim_no]), {"kind": "contract_amount"})
        assert 'value="30,000,000.00"' in page.text
        fields = {
            "kind": "contract_amount",
            "reference": "HT-2025-001",
            "net_amount": "30,000,000.00",
            "bank_ref": "ICBC-1",
            "paid_on": "2025-07-01",
            "paid_amount": "31,800,000.00",
            "proof": filing.pdf("proof"),
        }
        answer = filer.post(reverse("portal:claim_item", args=[claim.claim_no]), fields)
        assert answer.status_code == 302, answer.content.decode()
        filer.post(reverse("portal:claim_papers", args=[claim.claim_no]), {"invoice": filing.pdf("invoice")})
        answer = filer.post(reverse("portal:claim_check", args=[claim.claim_no]))
        assert answer.status_code == 302, answer.content.decode()
        claim.refresh_from_db()
        assert claim.claimed_amount == Decimal("10000000.00")


def test_a_data_product_is_filed_where_the_scheme_takes_it(filer, cast):
    publication = casework.published(cast, "GZ-SLQ-DEMO")
    casework.funded(cast, publication.program)
    filer.post(reverse("portal:application_new"), {"program": publication.program.code})
    number = Application.objects.get().application_no
    page = filer.get(reverse("portal:application_contract", args=[number]))
    assert "申领依据哪一种合同" in page.text
    typed = filing.contract(cast, kind="data_product", amount="1000000", product="气象与负荷训练数据集")
    contract = {
        name: value
        for name, value in typed.items()
        if name not in ("accelerator", "form_factor", "cards", "unit", "unit_price", "quantity", "serials")
    }
    answer = filer.post(reverse("portal:application_contract", args=[number]), contract)
    assert answer.status_code == 302, answer.content.decode()
    assert Application.objects.get().lease.kind == "data_product"
    answer = filer.post(
        reverse("portal:application_statements", args=[number]), {"is_platform_traded": "yes"}
    )
    assert answer.status_code == 302
    page = filer.get(reverse("portal:application_estimate", args=[number]))
    assert page.status_code == 200
    assert page.context["assessment"].amount > 0


def test_a_hold_is_told_with_its_sentence_and_can_be_objected_to(filer, cast, beijing):
    from applications.models import Objection
    from vouchers.actions.holds import place_hold

    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    number = application.application_no
    with acting(cast.investigator, "test"):
        place_hold(
            "application",
            number,
            ground="manual",
            sentence="同一设备已由另一单位承租，正在核查。",
            evidence=[],
            region_code="110000",
            party=cast.alpha,
            by=cast.investigator,
        )
        place_hold(
            "party",
            cast.provider.uscc,
            ground="manual",
            sentence="服务商内部事项。",
            evidence=[],
            region_code="110000",
            party=cast.provider,
            by=cast.investigator,
        )
    page = filer.get(reverse("portal:application", args=[number]))
    assert "同一设备已由另一单位承租" in page.text
    assert "服务商内部事项" not in page.text
    assert "其他单位正在核查" in page.text
    filer.post(reverse("portal:application_object", args=[number]), {"text": "序列号填写有误。"})
    assert Objection.objects.get().filed_by_party == cast.alpha


def test_text_that_no_database_keeps_is_refused_and_not_a_fault(filer, cast, beijing):
    assert filer.get(reverse("portal:application_new"), {"program": "BJ\x00"}).status_code == 400
    assert filer.get("/portal/applications/A%00/").status_code == 400
    assert filer.post(reverse("portal:application_new"), {"program": "BJ\x00"}).status_code == 400


def test_a_lease_is_asked_for_its_quantity_and_by_cards_for_these_too(filer, cast, beijing):
    filer.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    step = reverse("portal:application_contract", args=[Application.objects.get().application_no])
    page = filer.post(step, filing.contract(cast, quantity="", cards=""))
    assert page.status_code == 422
    assert "请填写合同约定的数量，用来核对单价与合同金额是否相符。" in page.text
    assert "请填写合同约定的卡数，用来核对数量。" in page.text
    by_power = filing.contract(cast, cards="", unit="pflops_day")
    assert filer.post(step, by_power).status_code == 302
    Lease.objects.update(quantity=None)  # as filed before it was asked for
    page = filer.get(step)
    assert page.status_code == 200
    assert page.context["form"].fields["cards"].required is False


def test_an_instant_scheme_gives_the_voucher_with_the_confirmation(filer, cast):
    """E-Town v1: no reviewer's step; what is asked is the contract alone."""
    with dates.fixed(date(2024, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v1")
        casework.funded(cast, publication.program)
        with acting(cast.price_publisher, "test"):
            load_price_tables()
        filer.post(reverse("portal:application_new"), {"program": publication.program.code})
        application = Application.objects.get()
        number = application.application_no
        fields = filing.contract(
            cast, signed_on="2024-05-06", starts_on="2024-05-06", ends_on="2024-11-05", amount="1000000",
            unit_price="15", quantity="66666.6667", region_code="110000",
        )  # fmt: skip
        answer = filer.post(reverse("portal:application_contract", args=[number]), fields)
        assert answer.status_code == 302, answer.content.decode()
        assert filer.post(reverse("portal:application_statements", args=[number])).status_code == 302
        assert filer.post(reverse("portal:application_papers", args=[number])).status_code == 302
        answer = filing.submit(filer, application)
        assert answer.status_code == 302, answer.content.decode()
        application.refresh_from_db()
        assert application.state == "issued"
        page = filer.get(answer.url)
        assert application.voucher_no in page.text
        assert "算力券已发放" in page.text


def test_an_instant_scheme_without_money_says_so(filer, cast):
    with dates.fixed(date(2024, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v1")
        casework.funded(cast, publication.program, "1000.00")
        with acting(cast.price_publisher, "test"):
            load_price_tables()
        filer.post(reverse("portal:application_new"), {"program": publication.program.code})
        application = Application.objects.get()
        number = application.application_no
        fields = filing.contract(
            cast, signed_on="2024-05-06", starts_on="2024-05-06", ends_on="2024-11-05", amount="1000000",
            quantity="66666.6667", region_code="110000",
        )  # fmt: skip
        filer.post(reverse("portal:application_contract", args=[number]), fields)
        page = filing.submit(filer, application)
        if page.status_code == 302:
            page = filer.get(page.url)
        assert "不足" in page.text
        application.refresh_from_db()
        assert application.state in ("draft", "submitted")
        assert not application.voucher_no
