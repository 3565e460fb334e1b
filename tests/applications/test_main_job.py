"""The main job, by the actions alone: what each scheme pays, to the fen, from the application to the bank's confirmation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, mark_claim_paid, verify_claim
from tests import banking, casework
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.payments import approve_batch, create_batch, propose_batch
from vouchers.actions.vouchers import balance_of
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import Payment


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast):
    yield
    assert check_ledger() == []


@pytest.fixture
def beijing(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return publication


def test_beijing_pays_a_fifth_of_the_rent_up_to_two_million(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "15000000.00"))
    assert application.state == "submitted"
    voucher = casework.issued(cast, application)
    assert voucher.face_value == Decimal("2000000.00")
    lease = application.lease
    casework.with_account(cast, cast.alpha)
    with dates.fixed(date(2025, 8, 1)):
        item = ItemFields(
            kind="invoice_line",
            net_amount=Decimal("15000000.00"),
            invoice=casework.invoice(lease, "15000000.00"),
        )
        claim = casework.claimed(cast, voucher, lease, [item])
        assert claim.claimed_amount == Decimal("2000000.00")
        assert balance_of(voucher).available == 0
        with acting(cast.handler, "test"):
            casework.answer_all(cast, claim)
            verify_claim(claim, by=cast.handler)
        with acting(cast.handler, "test"), pytest.raises(Forbidden):
            approve_claim(claim, by=cast.handler)
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver)
        payment = Payment.objects.get(claim_no=claim.claim_no)
        assert payment.amount == Decimal("2000000.00")
        with acting(cast.finance, "test"):
            batch = create_batch(voucher.program, [payment], by=cast.finance)
            propose_batch(batch, by=cast.finance)
        with acting(cast.finance, "test"), pytest.raises(Forbidden):
            approve_batch(batch, by=cast.finance)
        with acting(cast.second_finance, "test"):
            approve_batch(batch, by=cast.second_finance)
            banking.export(batch, cast.second_finance)
            banking.answer(cast, batch, *(banking.said(line) for line in lines_of(batch)))
            mark_claim_paid(claim.claim_no, dates.today())
        claim.refresh_from_db()
        batch.refresh_from_db()
        assert (claim.state, batch.state) == ("paid", "settled")


def test_the_ceiling_of_the_voucher_holds_over_two_claims(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    assert voucher.face_value == Decimal("1000000.00")
    lease = application.lease
    with dates.fixed(date(2025, 8, 1)):
        for number, net, expected in (
            ("25112000000000000011", "3000000.00", "600000.00"),
            ("25112000000000000012", "2000000.00", "400000.00"),
        ):
            item = ItemFields(
                kind="invoice_line",
                net_amount=Decimal(net),
                invoice=casework.invoice(lease, net, number=number),
            )
            claim = casework.claimed(cast, voucher, lease, [item])
            assert claim.claimed_amount == Decimal(expected)
        assert balance_of(voucher).available == 0
        item = ItemFields(
            kind="invoice_line",
            net_amount=Decimal("100.00"),
            invoice=casework.invoice(lease, "100.00", number="25112000000000000013"),
        )
        with pytest.raises(NotNow) as refusal:
            casework.claimed(cast, voucher, lease, [item])
        assert refusal.value.code == "voucher.used_up"


def test_the_one_who_accepted_may_neither_recommend_nor_approve(cast, beijing):
    from applications.actions.applications import accept_application, recommend_application

    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        with pytest.raises(Forbidden):
            recommend_application(application, by=cast.handler)


def test_no_voucher_is_issued_while_the_notice_runs(cast, beijing):
    from applications.actions.issuing import issue_application

    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    assert voucher.issued_on > application.submitted_at.date()
    other = casework.submitted(
        cast, beijing, casework.lease_fields(cast.provider, "4000000.00", contract_no="HT-2")
    )
    from applications.actions.applications import (
        accept_application,
        approve_application,
        recommend_application,
    )
    from applications.actions.issuing import publish_notice

    with acting(cast.handler, "test"):
        accept_application(other, by=cast.handler)
        casework.answer_all(cast, other)
    with acting(cast.second_handler, "test"):
        recommend_application(other, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(other, by=cast.approver)
        publish_notice(other, by=cast.approver)
        with pytest.raises(NotNow) as refused:
            issue_application(other, by=cast.approver)
    assert refused.value.code == "notice.running"


def test_shenzhen_pays_half_of_a_contract_up_to_ten_million(cast):
    publication = casework.published(cast, "SZ-XLQ")
    casework.funded(cast, publication.program, "500000000.00")
    casework.admitted(cast.provider, "SZ-XLQ", "训练算力服务")
    application = casework.submitted(
        cast,
        publication,
        casework.lease_fields(cast.provider, "30000000.00", region_code="440300", signed_on=date(2025, 5, 1)),
        party=cast.beta,
        by=cast.other_filer,
        facts={"service_item": "训练算力服务"},
    )
    voucher = casework.issued(cast, application)
    assert voucher.face_value == Decimal("10000000.00")


@pytest.mark.parametrize(("accelerator", "expected"), [("H800", "300000.00"), ("Ascend 910B", "400000.00")])
def test_etown_deducts_at_each_settlement_by_the_origin_of_the_chip(cast, api, accelerator, expected):
    with dates.fixed(date(2024, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v1")
        casework.funded(cast, publication.program)
        fields = casework.lease_fields(
            cast.provider,
            "2000000.00",
            region_code="110115",
            accelerator=accelerator,
            signed_on=date(2024, 5, 1),
            starts_on=date(2024, 5, 1),
            ends_on=date(2025, 4, 30),
        )
        application = casework.submitted(cast, publication, fields)
        assert application.state == "issued"
        body = {
            "voucher_no": application.voucher_no,
            "lease_no": application.lease.lease_no,
            "reference": "ST-2024-05-0001",
            "net_amount": "1000000.00",
            "period_from": "2024-05-01",
            "period_to": "2024-05-31",
        }
        caller = api(token=cast.platform_token)
        first = caller.post("/api/v1/settlements", body, headers={"Idempotency-Key": "key-000001"})
        assert (first.status_code, first.json()["deducted_amount"]) == (201, expected)
        again = caller.post("/api/v1/settlements", body, headers={"Idempotency-Key": "key-000001"})
        assert (again.status_code, again.content) == (200, first.content)
        changed = caller.post(
            "/api/v1/settlements", {**body, "net_amount": "1.00"}, headers={"Idempotency-Key": "key-000001"}
        )
        assert (changed.status_code, changed.json()["code"]) == (422, "settlement.key_reused")
        number = first.json()["settlement_no"]
        confirmed = caller.post(f"/api/v1/settlements/{number}/confirm")
        assert (confirmed.status_code, confirmed.json()["state"]) == (200, "approved")
        payment = Payment.objects.get(claim_no=number)
        assert (payment.amount, payment.payee) == (Decimal(expected), cast.provider)


def test_etown_v2_pays_thirty_percent_after_expert_review(cast, api):
    with dates.fixed(date(2025, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v2")
        casework.funded(cast, publication.program)
        fields = casework.lease_fields(
            cast.provider, "2000000.00", region_code="110115", accelerator="Ascend 910B"
        )
        application = casework.submitted(cast, publication, fields)
        assert application.state == "submitted"
        voucher = casework.issued(cast, application, expert=True)
        assert voucher.face_value == Decimal("600000.00")
        body = {
            "voucher_no": voucher.voucher_no,
            "lease_no": application.lease.lease_no,
            "reference": "ST-2025-05-0001",
            "net_amount": "1000000.00",
            "period_from": "2025-05-01",
            "period_to": "2025-05-31",
        }
        answer = api(token=cast.platform_token).post(
            "/api/v1/settlements", body, headers={"Idempotency-Key": "key-000002"}
        )
        assert (answer.status_code, answer.json()["deducted_amount"]) == (201, "300000.00")


@pytest.mark.parametrize(("line", "result"), [("999999.99", "passed"), ("999999.98", "failed")])
def test_an_invoices_lines_may_differ_from_its_face_by_a_fen_a_line(cast, beijing, line, result):
    from applications.models import Check, InvoiceLine

    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        invoice = casework.invoice(application.lease, "1000000.00")
        InvoiceLine.objects.create(
            invoice=invoice,
            line_no=1,
            description="*信息系统服务*算力服务费",
            net_amount=Decimal(line),
            tax_rate=Decimal("0.06"),
            tax_amount=invoice.tax_amount,
        )
        item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice)
        claim = casework.claimed(cast, voucher, application.lease, [item])
    assert Check.objects.get(subject_no=claim.claim_no, code="invoice_arithmetic").result == result
