"""Every kind of basis is applied for, claimed, verified and paid: each scheme by its own."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from applications.actions.applications import (
    choose_track,
    start_application,
    submit_application,
    update_draft,
)
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.leases import draft_lease
from applications.actions.projects import ProjectFields, update_project
from applications.payment_files import payment_workbook
from tests import casework
from tests.applications import kinds
from vouchers import dates
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.payments import create_batch
from vouchers.actions.register import end_connection
from vouchers.actions.vouchers import balance_of
from vouchers.context import acting
from vouchers.errors import DomainError, NotNow, Problems
from vouchers.models import Payment, PlatformConnection
from vouchers.policy.rules import TreasuryShare

TODAY = date(2025, 7, 15)


@pytest.fixture(autouse=True)
def mid_year():
    with dates.fixed(TODAY):
        yield


# -- the supplier's own settlements (NM-JS) --------------------------------------------------------------------------

SETTLED = ProjectFields(
    kind="settlement",
    name="2025年上半年平台结算",
    site="和林格尔集群算力监测调度平台",
    document_no="JS-2025-H1",
    period_from=date(2025, 1, 1),
    period_to=date(2025, 6, 30),
    counterparties="甲客户公司\n乙客户公司",
    amount=Decimal("8000000.00"),
)


def test_a_supplier_is_paid_a_tenth_of_its_own_settlements_without_a_voucher(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    application = kinds.project_application(cast, publication, SETTLED)
    assert application.assessment["outcome"] == "eligible"
    assert application.requested_amount == Decimal("800000.00")
    entitlement = kinds.granted(cast, application)
    application.refresh_from_db()
    assert entitlement.is_entitlement and entitlement.voucher_no.startswith("E-")
    assert entitlement.verification_code == ""
    assert application.get_state_display() == "已核定"
    item = ItemFields(
        kind="settlement_line",
        reference="JS-2025-H1",
        net_amount=Decimal("8000000.00"),
        period_from=date(2025, 1, 1),
        period_to=date(2025, 6, 30),
    )
    claim = kinds.claimed(cast, entitlement, [item])
    assert kinds.check_of(claim, "item.settlement_line").result == "waiting"
    claim = kinds.redeemed(cast, claim)
    assert (claim.state, claim.approved_amount) == ("approved", Decimal("800000.00"))
    payment = Payment.objects.get(claim_no=claim.claim_no)
    assert (payment.payee, payment.amount) == (cast.alpha, Decimal("800000.00"))
    assert balance_of(entitlement).used == Decimal("800000.00")


def test_the_caps_year_holds_for_the_entitlement_too(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    fields = ProjectFields(**{**vars(SETTLED), "amount": Decimal("30000000.00")})
    application = kinds.project_application(cast, publication, fields)
    assert application.assessment["amount"] == "2000000"


def test_who_is_not_recorded_as_connected_is_neither_refused_nor_believed(cast):
    publication = kinds.opened(cast, "NM-JS")
    application = kinds.project_application(cast, publication, SETTLED)
    assert application.assessment["outcome"] == "review"
    assert kinds.check_of(application, "connected").result == "waiting"


def test_who_was_connected_only_later_is_refused(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 1, 1), effective_to=date(2025, 6, 1))
    application = kinds.project_application(cast, publication, SETTLED)
    assert application.assessment["outcome"] == "refused"


def test_a_statement_of_settlements_is_claimed_once(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    entitlement = kinds.granted(cast, kinds.project_application(cast, publication, SETTLED))
    half = ItemFields(kind="settlement_line", reference="JS-2025-H1", net_amount=Decimal("4000000.00"))
    kinds.claimed(cast, entitlement, [half])
    again = kinds.claimed(cast, entitlement, [half])
    assert kinds.check_of(again, "item_unused").result == "failed"


def test_more_than_the_project_came_to_fails_the_check(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    entitlement = kinds.granted(cast, kinds.project_application(cast, publication, SETTLED))
    item = ItemFields(kind="settlement_line", reference="JS-2025-H1", net_amount=Decimal("8000000.01"))
    claim = kinds.claimed(cast, entitlement, [item])
    assert kinds.check_of(claim, "within_ground").result == "failed"


# -- an investment (QH-DDPT) -----------------------------------------------------------------------------------------


def test_the_builder_of_a_dispatch_platform_is_paid_by_its_investment(cast):
    publication = kinds.opened(cast, "QH-DDPT-DEMO")
    fields = ProjectFields(
        kind="investment",
        name="前海智能算力调度平台一期",
        document_no="深前海备〔2024〕18号",
        region_code="440305",
        completed_on=date(2025, 3, 31),
        dispatchable_since=date(2025, 4, 15),
        amount=Decimal("12000000.00"),
    )
    application = kinds.project_application(cast, publication, fields)
    assert kinds.check_of(application, "dispatches_compute").result == "waiting"
    entitlement = kinds.granted(cast, application)
    assert entitlement.face_value == Decimal("3600000.00")
    items = [
        ItemFields(kind="investment_document", reference="ZJ-001", net_amount=Decimal("7000000.00")),
        ItemFields(kind="investment_document", reference="ZJ-002", net_amount=Decimal("3000000.00")),
    ]
    claim = kinds.redeemed(cast, kinds.claimed(cast, entitlement, items))
    assert claim.approved_amount == Decimal("3000000.00")
    assert Payment.objects.get(claim_no=claim.claim_no).amount == Decimal("3000000.00")
    assert balance_of(entitlement).available == Decimal("600000.00")
    for line in claim.assessment["lines"]:
        assert "租" not in line["sentence"]


# -- deployed capacity (SH-BSJL) -------------------------------------------------------------------------------------

DEPLOYED = ProjectFields(
    kind="deployment",
    name="临港智算中心一期",
    region_code="310115",
    site="临港数据中心 A 栋",
    accelerator="H800",
    cards=1024,
    scale=Decimal("1012.7360"),
    precision="fp16",
    completed_on=date(2024, 11, 30),
    dispatchable_since=date(2024, 12, 20),
    amount=Decimal("150000000.00"),
)


def test_the_builder_of_compute_is_paid_for_its_verified_scale_as_experts_set_it(cast):
    publication = kinds.opened(cast, "SH-BSJL-DEMO")
    kinds.connect(cast, cast.alpha, publication, date(2024, 12, 20))
    application = kinds.project_application(cast, publication, DEPLOYED)
    assert kinds.check_of(application, "deployed_in_time").result == "waiting"  # stated, not attested
    entitlement = kinds.granted(
        cast,
        application,
        expert=True,
        rates={"deployment": Decimal("12000")},
        reason="集群规模千卡，已接受调度。",
    )
    application.refresh_from_db()
    assert entitlement.face_value == Decimal("12152832.00")  # 1,012.736 PFLOPS at 12,000 yuan each
    assert "评审确定" in str(application.assessment["lines"])
    assert application.facts["review"]["reason"] == "集群规模千卡，已接受调度。"
    item = ItemFields(
        kind="deployed_capacity",
        reference="HY-2025-001",
        accelerator="H800",
        net_amount=Decimal("0.00"),
        quantity=Decimal("1000.0000"),
        scale_unit="pflops",
        precision="fp16",
    )
    claim = kinds.redeemed(cast, kinds.claimed(cast, entitlement, [item]))
    assert claim.approved_amount == Decimal("12000000.00")


def test_what_was_deployed_too_late_is_refused_by_its_own_word(cast):
    publication = kinds.opened(cast, "SH-BSJL-DEMO")
    kinds.connect(cast, cast.alpha, publication, date(2024, 12, 20))
    late = ProjectFields(
        **{**vars(DEPLOYED), "completed_on": date(2025, 1, 1), "dispatchable_since": date(2025, 1, 10)}
    )
    application = kinds.project_application(cast, publication, late)
    assert application.assessment["outcome"] == "refused"


def test_a_deployment_without_scale_or_precision_is_not_taken(cast):
    publication = kinds.opened(cast, "SH-BSJL-DEMO")
    bare = ProjectFields(**{**vars(DEPLOYED), "scale": None, "precision": ""})
    with pytest.raises(Problems) as refusal:
        kinds.project_application(cast, publication, bare)
    assert [one.field for one in refusal.value.problems] == ["scale", "precision"]


# -- a data product (GZ-SLQ) -----------------------------------------------------------------------------------------


def test_a_data_product_counts_once_the_platforms_record_is_attested(cast):
    publication = kinds.opened(cast, "GZ-SLQ-DEMO")
    fields = casework.lease_fields(
        cast.provider,
        "600000.00",
        kind="data_product",
        product="气象与负荷训练数据集",
        contract_no="DD-2025-0007",
        accelerator="",
        form_factor="",
        cards=None,
        unit="",
        unit_price=None,
        quantity=None,
        purpose="",
        region_code="520000",
    )
    application = casework.submitted(cast, publication, fields, facts={"is_platform_traded": True})
    check = kinds.check_of(application, "platform_traded")
    assert (application.assessment["outcome"], check.result) == ("review", "waiting")
    voucher = kinds.granted(cast, application)
    application.refresh_from_db()
    assert application.assessment["outcome"] == "eligible"  # what staff found is a fact now
    assert not voucher.is_entitlement and voucher.face_value == Decimal("180000.00")
    item = ItemFields(
        kind="data_product_line",
        reference="DD-2025-0007",
        description="气象与负荷训练数据集",
        net_amount=Decimal("600000.00"),
    )
    claim = kinds.redeemed(cast, kinds.claimed(cast, voucher, [item], lease=application.lease))
    assert claim.approved_amount == Decimal("180000.00")


def test_an_enterprise_that_says_it_was_not_traded_on_the_platform_is_refused(cast):
    publication = kinds.opened(cast, "GZ-SLQ-DEMO")
    application = casework.submitted(
        cast,
        publication,
        casework.lease_fields(cast.provider, "600000.00"),
        facts={"is_platform_traded": False},
    )
    assert application.assessment["outcome"] == "refused"


# -- the purchase contract of a cloud provider (BDA-SLQ v2, second article) ------------------------------------------


def test_a_cloud_provider_is_paid_for_the_domestic_part_of_its_purchase(cast):
    publication = kinds.opened(cast, "BDA-SLQ-v2")
    casework.fit_for_beijing(cast.alpha)
    kinds.connect(cast, cast.alpha, publication, date(2025, 1, 1))
    fields = casework.lease_fields(
        cast.provider,
        "40000000.00",
        kind="purchase",
        accelerator="Ascend 910B",
        form_factor="",
        unit="",
        unit_price=None,
        quantity=None,
        purpose="",
    )
    with acting(cast.filer, "test"):
        application = start_application(publication.program, cast.alpha, by=cast.filer)
        choose_track(application, "cloud_purchase", by=cast.filer)
        lease = draft_lease(publication.program, cast.alpha, fields, by=cast.filer)
        update_draft(application, {}, by=cast.filer, lease=lease)
        kinds.file_papers(application, publication, cast.filer)
        submit_application(application, by=cast.filer)
    entitlement = kinds.granted(cast, application, expert=True, passed=True)
    assert entitlement.is_entitlement and entitlement.face_value == Decimal("4000000.00")
    lease.refresh_from_db()
    invoice = casework.invoice(lease, "10000000.00")
    item = ItemFields(kind="invoice_line", net_amount=invoice.net_amount, invoice=invoice)
    claim = kinds.claimed(cast, entitlement, [item], lease=lease)
    assert claim.payee == cast.alpha  # not the seller, as the other article would have it
    claim = kinds.redeemed(cast, claim)
    assert claim.approved_amount == Decimal("1000000.00")


# -- what nobody may do ----------------------------------------------------------------------------------------------


def test_a_project_stands_as_it_was_handed_in(cast):
    publication = kinds.opened(cast, "NM-JS")
    application = kinds.project_application(cast, publication, SETTLED)
    assert application.project is not None
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        update_project(application.project, SETTLED, by=cast.filer)
    assert refusal.value.code == "project.not_editable"


@pytest.mark.parametrize("name", ["GZ-SLQ", "CD-SLQ", "QH-DDPT", "SH-BSJL"])
def test_a_scheme_whose_rate_no_text_gives_takes_no_applications_and_says_so(cast, name):
    publication = kinds.opened(cast, name)
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        start_application(publication.program, cast.alpha, by=cast.filer)
    assert refusal.value.code == "program.closed"
    assert "未公布" in refusal.value.message


def test_a_connection_ends_with_a_reason_and_only_in_the_own_region(cast):
    publication = kinds.opened(cast, "BJ-AIQ")
    kinds.connect(cast, cast.provider, publication, date(2025, 1, 1))
    row = PlatformConnection.objects.get()
    with pytest.raises(DomainError) as refusal, acting(cast.other_handler, "test"):
        end_connection(row, on=date(2025, 6, 1), reason="平台下线", by=cast.other_handler)
    assert refusal.value.code == "access.role"
    with acting(cast.handler, "test"):
        end_connection(row, on=date(2025, 6, 1), reason="平台下线", by=cast.handler)
    row.refresh_from_db()
    assert row.effective_to == date(2025, 6, 1)


def test_items_of_a_submitted_claim_stay(cast):
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    entitlement = kinds.granted(cast, kinds.project_application(cast, publication, SETTLED))
    item = ItemFields(kind="settlement_line", reference="JS-1", net_amount=Decimal("1000000.00"))
    claim = kinds.claimed(cast, entitlement, [item])
    with pytest.raises(NotNow), acting(cast.filer, "test"):
        set_items(claim, [item], by=cast.filer)


# -- two treasuries --------------------------------------------------------------------------------------------------


def shared_by_two(scheme):
    """Sixty to forty, the city taking what truncation leaves."""
    cite = scheme.cite
    return replace(
        scheme,
        treasury_shares=(
            TreasuryShare(cite=cite, code="province", treasury="自治区财政", share=Decimal("0.6")),
            TreasuryShare(cite=cite, code="city", treasury="市财政", share=Decimal("0.4")),
        ),
    )


def test_the_payment_list_says_what_each_treasury_bears(cast):
    publication = kinds.opened(cast, "NM-JS", change=shared_by_two)
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    entitlement = kinds.granted(cast, kinds.project_application(cast, publication, SETTLED))
    item = ItemFields(kind="settlement_line", reference="JS-2025-H1", net_amount=Decimal("7999999.99"))
    claim = kinds.redeemed(cast, kinds.claimed(cast, entitlement, [item]))
    payment = Payment.objects.get(claim_no=claim.claim_no)
    assert payment.amount == Decimal("799999.99")
    with acting(cast.finance, "test"):
        batch = create_batch(publication.program, [payment], by=cast.finance)
    sheet = load_workbook(io.BytesIO(payment_workbook(batch, lines_of(batch)))).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(row for row in rows if row[0] == "序号")
    assert head[-2:] == ["自治区财政承担（元）", "市财政承担（元）"]
    line = rows[rows.index(head) + 1]
    assert [str(value) for value in line[-2:]] == ["479999.99", "320000"]
    assert ["自治区财政承担（元）", "479,999.99"] in [[row[0], row[2]] for row in rows]
