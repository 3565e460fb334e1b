"""Every scheme by its own kind of basis, page by page: applied for on the portal, decided at the desk, claimed, payable."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from applications.models import Application, Check, Claim
from tests import casework
from tests.applications import kinds
from tests.applications.web.portal import filing
from tests.applications.web.portal.walks import WALKS, Walk
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting
from vouchers.models import Party, Payment, Publication, Voucher

TODAY, LATER = date(2025, 7, 15), date(2025, 8, 1)


@pytest.fixture(autouse=True)
def mid_year():
    with dates.fixed(TODAY):
        yield


def prepared(cast: Cast, walk: Walk) -> Publication:
    """The scheme with its money, and who has to be somewhere, on a list or on the platform."""
    publication = kinds.opened(cast, walk.scheme)
    casework.fit_for_beijing(cast.alpha)
    kinds.placed(cast.alpha, walk.region)
    if walk.connected:
        party: Party = getattr(cast, walk.connected)
        kinds.connect(cast, party, publication, date(2024, 1, 1))
    if walk.admitted:
        casework.admitted(cast.provider, publication.program.code, walk.admitted)
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    return publication


def typed_ground(cast: Cast, walk: Walk) -> dict[str, Any]:
    """What is typed into the step: a lease's usual fields where it is a contract."""
    kind = walk.ground["kind"]
    if kind in ("investment", "deployment", "settlement"):
        return walk.ground
    usual = filing.contract(cast)
    if kind in ("data_product", "purchase"):
        usual = {
            name: usual[name]
            for name in ("lessor_uscc", "contract_no", "signed_on", "starts_on", "ends_on", "vat_rate")
        } | {"region_code": "110000"}
    return usual | walk.ground


def applied(client, cast: Cast, walk: Walk, publication: Publication) -> Application:
    """From the choice of the scheme to the submission."""
    client.force_login(cast.filer)
    fields = {"program": publication.program.code} | ({"track": walk.track} if walk.track else {})
    assert client.post(reverse("portal:application_new"), fields).status_code == 302
    application = Application.objects.latest("pk")

    def place(step: str) -> str:
        return reverse(f"portal:application_{step}", args=[application.application_no])

    page = client.get(place("contract"), {"kind": walk.ground["kind"]})
    for words in walk.asked:
        assert words in page.text, words
    for words in walk.never:
        assert words not in page.text, words
    answer = client.post(place("contract"), typed_ground(cast, walk))
    assert answer.status_code == 302, answer.context["form"].errors
    answer = client.post(place("statements"), walk.statements)
    assert answer.status_code == 302, answer.context["form"].errors
    names = re.findall(
        r'type="file" name="([a-z_]+)"|name="([a-z_]+)"[^>]*type="file"', client.get(place("papers")).text
    )
    papers = {name: filing.pdf(name) for pair in names for name in pair if name}
    assert client.post(place("papers"), papers).status_code == 302
    page = client.get(place("estimate"))
    assert page.context["assessment"].amount > 0
    assert client.get(place("check")).status_code == 200
    answer = client.post(place("check"), {"statement_accepted": "on"})
    assert answer.status_code == 302, [one["message"] for one in answer.context["refusals"]]
    page = client.get(answer.url)
    assert ("核定补贴金额" in page.text) == walk.direct
    application.refresh_from_db()
    return application


def decided(client, cast: Cast, case: Application | Claim, verb: str, who: str, **typed: str) -> None:
    """One deed at the desk; the page that follows says that it was done."""
    client.force_login(getattr(cast, who))
    kind, number = (
        ("application", case.application_no) if isinstance(case, Application) else ("claim", case.claim_no)
    )
    page = client.post(reverse(f"desk:decide_{kind}", args=[number, verb]), typed, follow=True)
    before = case.state
    case.refresh_from_db()
    assert case.state != before, re.findall(r"notice[^>]*>\s*([^<]{4,200})", page.text)


def answered(client, cast: Cast, number: str, kind: str) -> None:
    """The handler answers what waits, each by its form on the page."""
    client.force_login(cast.handler)
    for check in Check.objects.filter(subject_no=number, result="waiting"):
        if check.is_for_reviewers or check.code.startswith("expert_review"):
            continue
        client.post(
            reverse("desk:answer_check", args=[kind, number, check.code]),
            {"result": "passed", "sentence": "已对照平台记录和原件。"},
        )


def voucher_of(client, cast: Cast, walk: Walk, application: Application) -> Voucher:
    """Accepted, recommended, approved, noticed, issued or granted."""
    decided(client, cast, application, "accept", "handler")
    answered(client, cast, application.application_no, "application")
    reviewer = "expert" if walk.expert else "second_handler"
    decided(client, cast, application, "recommend", reviewer, **walk.opinion)
    decided(client, cast, application, "approve", "approver")
    decided(client, cast, application, "publish_notice", "approver")
    with dates.fixed(LATER):
        decided(client, cast, application, "issue", "approver")
        page = client.get(reverse("desk:application", args=[application.application_no]))
    assert ("额度编号" in page.text) == walk.direct
    return Voucher.objects.get(voucher_no=application.voucher_no)


def claimed(client, cast: Cast, walk: Walk, voucher: Voucher) -> Claim:
    """The basis listed, the papers filed, submitted."""
    client.force_login(cast.filer)
    page = client.get(reverse("portal:voucher", args=[voucher.voucher_no]))
    assert ("开始申请拨付" in page.text) == walk.direct
    client.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
    claim = Claim.objects.latest("pk")
    place: Callable[[str], str] = lambda step: reverse(f"portal:claim_{step}", args=[claim.claim_no])  # noqa: E731
    if "invoice" in walk.item:
        answer = filing.add_invoice(client, cast, claim, walk.item["invoice"])
    else:
        page = client.get(place("item"), {"kind": walk.item["kind"]})
        for words in walk.never:
            assert words not in page.text, words
        answer = client.post(place("item"), walk.item | {"document": filing.pdf("document")})
    assert answer.status_code == 302, answer.context["form"].errors
    names = re.findall(
        r'type="file" name="([a-z_]+)"|name="([a-z_]+)"[^>]*type="file"', client.get(place("papers")).text
    )
    client.post(place("papers"), {name: filing.pdf(name) for pair in names for name in pair if name})
    assert client.get(place("check")).status_code == 200
    answer = client.post(place("check"))
    assert answer.status_code == 302, answer.context["refusals"]
    claim.refresh_from_db()
    return claim


@pytest.mark.parametrize("name", WALKS)
def test_each_scheme_is_applied_for_and_paid_by_its_own_kind_of_basis(client, cast, name):
    walk = WALKS[name]
    application = applied(client, cast, walk, prepared(cast, walk))
    voucher = voucher_of(client, cast, walk, application)
    assert voucher.face_value == Decimal(walk.granted)
    assert voucher.is_entitlement == walk.direct
    with dates.fixed(LATER):
        claim = claimed(client, cast, walk, voucher)
        answered(client, cast, claim.claim_no, "claim")
        decided(client, cast, claim, "verify", "second_handler")
        decided(client, cast, claim, "approve", "approver")
        payment = Payment.objects.get(claim_no=claim.claim_no)
        assert (payment.payee, payment.amount) == (cast.alpha, Decimal(walk.paid))
        client.force_login(cast.filer)
        page = client.get(reverse("portal:claim", args=[claim.claim_no]))
        assert ("拨付申请" in page.text) == walk.direct
        for words in walk.never:
            assert words not in page.text, words
        client.force_login(cast.handler)
        page = client.get(reverse("desk:claim", args=[claim.claim_no]))
        for words in walk.never:
            assert words not in page.text, words


def test_an_entitlement_is_no_voucher_to_anybody(client, cast):
    walk = WALKS["own settlements"]
    voucher = voucher_of(client, cast, walk, applied(client, cast, walk, prepared(cast, walk)))
    client.force_login(cast.filer)
    assert voucher.voucher_no not in client.get(reverse("portal:vouchers")).text
    certificate = client.get(reverse("portal:certificate", args=[voucher.voucher_no]))
    assert certificate.status_code == 302
    page = client.get(reverse("public:verify"), {"voucher_no": voucher.voucher_no, "code": ""})
    assert "800,000" not in page.text


def test_a_way_of_support_is_chosen_before_its_contract(client, cast):
    publication = kinds.opened(cast, "BDA-SLQ-v2")
    client.force_login(cast.filer)
    answer = client.post(reverse("portal:application_new"), {"program": publication.program.code})
    application = Application.objects.get()
    here = reverse("portal:application_track", args=[application.application_no])
    assert answer.url == here
    contract = reverse("portal:application_contract", args=[application.application_no])
    assert client.get(contract).url == here
    page = client.get(here)
    assert "云服务商采购国产芯片算力补贴" in page.text
    assert client.post(here, {}).status_code == 422
    assert client.post(here, {"track": "settlement"}).url == contract
    assert "出租方" in client.get(contract).text
    client.post(here, {"track": "cloud_purchase"})
    assert "供应商" in client.get(contract).text


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("deployed capacity", {"scale": ""}, "请填写算力规模"),
        ("deployed capacity", {"precision": ""}, "请选择规模所按的精度"),
        ("deployed capacity", {"dispatchable_since": "2024-11-01"}, "早于部署完成日"),
        (
            "deployed capacity",
            {"completed_on": "2025-09-01", "dispatchable_since": "2025-09-02"},
            "不能晚于今天",
        ),
        ("investment", {"amount": "0"}, "金额应不少于 0.01 元"),
        ("investment", {"name": ""}, "请填写项目名称"),
        ("own settlements", {"period_to": "2024-12-31"}, "截止日早于起始日"),
        ("own settlements", {"period_to": "2025-12-31"}, "结算期间应已结束"),
        ("own settlements", {"document_no": ""}, "请填写平台结算单号"),
        ("data product", {"product": ""}, "请填写所购数据产品的名称"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(client, cast, name, typed, message):
    walk = WALKS[name]
    publication = prepared(cast, walk)
    client.force_login(cast.filer)
    client.post(reverse("portal:application_new"), {"program": publication.program.code})
    number = Application.objects.latest("pk").application_no
    fields = typed_ground(cast, walk) | typed
    page = client.post(reverse("portal:application_contract", args=[number]), fields)
    assert page.status_code == 422
    assert message in page.text
    kept = next(
        str(value)
        for key, value in fields.items()
        if key in ("name", "document_no", "site", "contract_no") and value
    )
    assert kept in page.text


def test_a_document_has_to_show_what_is_claimed(client, cast):
    walk = WALKS["investment"]
    voucher = voucher_of(client, cast, walk, applied(client, cast, walk, prepared(cast, walk)))
    with dates.fixed(LATER):
        client.force_login(cast.filer)
        client.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        here = reverse("portal:claim_item", args=[claim.claim_no])
        page = client.post(here, walk.item)
        assert page.status_code == 422
        assert "请选择凭证文件" in page.text
        assert client.get(here, {"kind": "settlement_line"}).status_code in (200, 302)


def test_storage_on_an_invoice_is_told_apart_from_compute_and_left_out(client, cast):
    walk = WALKS["rent"]
    voucher = voucher_of(client, cast, walk, applied(client, cast, walk, prepared(cast, walk)))
    with dates.fixed(LATER):
        client.force_login(cast.filer)
        client.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        here = reverse("portal:claim_invoice", args=[claim.claim_no])
        xml = sample_xml(
            invoice_no=invoice_number(date(2025, 6, 30), cast.provider.uscc, 7),
            issued_on=date(2025, 6, 30),
            seller_uscc=cast.provider.uscc,
            seller_name=cast.provider.name,
            buyer_uscc=cast.alpha.uscc,
            buyer_name=cast.alpha.name,
            lines=[
                compute_line(Decimal("800000.00")),
                compute_line(Decimal("200000.00"), line_no=2, description="*信息系统服务*云存储服务费"),
            ],
        )
        answer = client.post(here, {"file": SimpleUploadedFile("invoice.xml", xml, "text/xml")})
        page = client.get(answer.url)
        assert "云存储服务费，税率 6%（存储）" in page.text
        assert 'value="800,000.00"' in page.text  # the compute alone is proposed
        fields = {
            "paper": answer.url.partition("paper=")[2],
            "period_from": "2025-03-01",
            "period_to": "2025-06-30",
        }
        client.post(here, fields | {"component": "compute", "net_amount": "800000.00"})
        filed = claim.items.get().invoice
        storage = {"component": "storage", "net_amount": "200000.00", "invoice": filed.number_key}
        assert client.post(here, fields | storage | {"paper": ""}).status_code == 302
        page = client.get(reverse("portal:claim_items", args=[claim.claim_no]))
        assert page.context["assessment"].amount == Decimal("160000.00")
        assert "存储" in page.text


@pytest.mark.parametrize("name", ["GZ-SLQ", "CD-SLQ", "QH-DDPT", "SH-BSJL"])
def test_a_scheme_whose_rate_no_text_gives_stays_closed_and_says_why_everywhere(client, cast, name):
    publication = kinds.opened(cast, name)
    code = publication.program.code
    page = client.get(reverse("public:program", args=[code]))
    assert "未公布" in page.text
    answer = client.get(f"/api/v1/programs/{code}").json()
    assert answer["open_for_applications"] is False
    assert "未公布" in answer["closed_reasons"][0]
    client.force_login(cast.filer)
    page = client.get(reverse("portal:application_new"), {"program": code})
    assert "未公布" in page.text and "开始填写" not in page.text
    page = client.post(reverse("portal:application_new"), {"program": code})
    assert page.status_code == 422
    assert "未公布" in page.text
    assert not Application.objects.exists()
