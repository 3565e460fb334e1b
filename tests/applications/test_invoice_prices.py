"""What an invoice bills for a unit of compute: against its contract, and against the fair price of the signing date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions import cases
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import start_claim, verify_claim
from applications.invoice_prices import price_check_of_invoices, unit_of
from applications.models import Check, Invoice, InvoiceLine
from tests import casework
from tests.applications.test_lease_splits import PARTS, WHY, beijing, contract  # noqa: F401 - a fixture
from tests.vouchers.prices.feeds import row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.prices import verify_check
from vouchers.context import Actor, acting
from vouchers.errors import NotNow
from vouchers.models import PriceCheck
from vouchers.policy.terms import AboveBand

LATER = date(2025, 8, 1)


def billed(lease, *lines, number="25112000000000000001"):
    """An invoice of those lines: what, unit, quantity, net amount."""
    total = sum((Decimal(net) for *_rest, net in lines), Decimal(0))
    invoice = casework.invoice(lease, str(total), number=number)
    for place, (words, unit, quantity, net) in enumerate(lines, start=1):
        InvoiceLine.objects.create(
            invoice=invoice,
            line_no=place,
            description=f"*信息系统服务*{words}",
            unit=unit,
            quantity=Decimal(quantity) if quantity else None,
            unit_price=None,
            net_amount=Decimal(net),
            tax_rate=Decimal("0.06"),
            tax_amount=Decimal(net) * Decimal("0.06"),
        )
    return invoice


@pytest.fixture
def granted(cast, beijing):  # noqa: F811
    """A voucher on a contract at 20.00 元/卡时; the band is 17.10 to 20.90."""
    application = casework.submitted(cast, beijing, contract(cast, bundled=False))
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    return voucher, application.lease


def claim_on(cast, granted, invoice: Invoice):
    voucher, lease = granted
    item = ItemFields(
        kind="invoice_line", net_amount=invoice.net_amount, invoice=invoice, component="compute"
    )
    with dates.fixed(LATER):
        return casework.claimed(cast, voucher, lease, [item])


def found(claim) -> Check:
    return Check.objects.get(subject_kind="claim", subject_no=claim.claim_no, code="invoice_price")


def test_a_bill_at_the_contracts_price_passes_and_its_check_is_kept_with_all_it_rests_on(cast, granted):
    claim = claim_on(cast, granted, billed(granted[1], ("算力服务费", "卡时", "50000", "1000000.00")))
    assert found(claim).result == "passed"
    assert found(claim).sentence == "发票 25112000000000000001 第 1 行折算单价 20.00 元/卡时。"
    kept = PriceCheck.objects.get(subject_kind="invoice")
    assert (kept.subject_no, kept.unit_price, kept.as_of) == (
        "25112000000000000001/1",
        Decimal("20.000000"),
        date(2025, 6, 25),
    )
    assert kept.snapshot is not None and verify_check(kept)


def test_a_bill_above_the_band_is_refused_where_the_version_refuses(cast, granted):
    claim = claim_on(cast, granted, billed(granted[1], ("GPU算力租赁费", "卡·时", "40000", "1000000.00")))
    check = found(claim)
    assert check.result == "failed"
    assert (
        "折算单价 25.00 元/卡时（不含税），高于签订日公允价格区间上限 20.90 元/卡时，按本专项规定不予支持"
        in check.sentence
    )
    assert PriceCheck.objects.get(subject_kind="invoice").consequence == "refused"
    casework.answer_all(cast, claim)
    with acting(cast.handler, "test"), pytest.raises(NotNow) as refused:
        verify_claim(claim, by=cast.handler)
    assert refused.value.code == "check.failed"


@pytest.mark.parametrize(
    ("above_band", "told"),
    [(AboveBand.CUT, "按上限计入的金额为 836,000.00 元"), (AboveBand.REVIEW, "转人工复核")],
)
def test_where_the_version_cuts_or_reviews_a_person_looks(cast, granted, beijing, above_band, told):  # noqa: F811
    claim = claim_on(cast, granted, billed(granted[1], ("算力服务费", "卡时", "40000", "1000000.00")))
    scheme = replace(beijing.scheme, price=replace(beijing.scheme.price, above_band=above_band))
    check = price_check_of_invoices(claim, scheme)
    assert check.result == "waiting"
    assert told in check.sentence  # 1,000,000 × 20.90 ÷ 25.00
    free = replace(beijing.scheme, price=replace(beijing.scheme.price, above_band=AboveBand.NONE))
    assert price_check_of_invoices(claim, free) is None


def test_a_market_too_thin_to_decide_never_refuses_a_bill(cast, beijing):  # noqa: F811
    with acting(Actor.service("test"), "test"):
        for number in (2, 3, 4):
            prices.set_aside_observations(source=uscc(number), reason="withdrawn", by=None)
    with dates.fixed(date(2025, 7, 20)):
        fields = contract(cast, bundled=False, signed_on=date(2025, 7, 16), starts_on=date(2025, 7, 16))
        application = casework.submitted(cast, beijing, fields)
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    invoice = billed(application.lease, ("算力服务费", "卡时", "40000", "1000000.00"))
    claim = claim_on(cast, (voucher, application.lease), invoice)
    kept = PriceCheck.objects.get(subject_kind="invoice")
    assert (kept.grade in ("", "D", "E"), kept.consequence) == (True, "review")
    assert found(claim).result == "waiting"  # 25.00 is not the contract's 20.00


def test_a_bill_that_differs_from_the_contract_is_looked_at_by_a_person(cast, granted):
    claim = claim_on(cast, granted, billed(granted[1], ("算力服务费", "卡时", "51000", "999600.00")))
    check = found(claim)
    assert check.result == "waiting"
    assert "折算单价 19.60 元/卡时，与合同的 20.00 元/卡时不一致" in check.sentence
    casework.answer_all(cast, claim)
    with acting(cast.handler, "test"):
        assert cases.checks_of(claim)
    with acting(cast.second_handler, "test"):
        verify_claim(claim, by=cast.second_handler)


@pytest.mark.parametrize(
    ("unit", "quantity", "words"),
    [
        ("项", "1", "算力服务费"),
        ("小时", "50000", "算力服务费"),
        ("卡时", "50000", "服务费"),
        ("卡时", "", "算力服务费"),
    ],
)
def test_a_bill_that_does_not_say_what_a_unit_cost_is_not_testable_and_no_pass(
    cast, granted, unit, quantity, words
):
    claim = claim_on(cast, granted, billed(granted[1], (words, unit, quantity, "1000000.00")))
    assert found(claim).result == "not_testable"
    assert not PriceCheck.objects.filter(subject_kind="invoice").exists()


def test_other_units_are_brought_to_card_hours(cast, granted):
    # 8 cards a server, 730 hours a month: 116,800 元/台月 is 20.00 元/卡时
    claim = claim_on(cast, granted, billed(granted[1], ("算力租赁", "台·月", "10", "1168000.00")))
    assert found(claim).result == "passed"


def test_storage_on_the_bill_of_a_contract_said_to_be_for_compute_alone_is_looked_at(cast, granted):
    lines = (("算力服务费", "卡时", "45000", "900000.00"), ("云存储服务费", "TB", "100", "100000.00"))
    claim = claim_on(cast, granted, billed(granted[1], *lines))
    assert found(claim).result == "waiting"
    assert "发票另有存储，合同价款尚未按费用种类拆分" in found(claim).sentence


def test_a_contract_that_is_broken_down_is_held_against_its_compute_alone(cast, beijing):  # noqa: F811
    from applications.actions.lease_splitting import split_lease

    application = casework.submitted(
        cast, beijing, contract(cast, unit_price=Decimal("25"), quantity=Decimal("200000"))
    )
    for handler in (cast.handler, cast.second_handler):
        with acting(handler, "test"):
            split_lease(application.lease, PARTS, by=handler, reason=WHY)
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    lines = (("算力服务费", "卡时", "45000", "900000.00"), ("云存储服务费", "TB", "100", "100000.00"))
    claim = claim_on(cast, (voucher, application.lease), billed(application.lease, *lines))
    assert found(claim).result == "passed"


def test_the_enterprise_reads_the_sentence_of_its_bill_before_it_files(client, cast, granted):
    voucher, lease = granted
    invoice = billed(lease, ("算力服务费", "卡时", "40000", "1000000.00"))
    with dates.fixed(LATER), acting(cast.filer, "test"):
        claim = start_claim(voucher, lease, by=cast.filer)
        item = ItemFields(
            kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice, component="compute"
        )
        set_items(claim, [item], by=cast.filer)
    client.force_login(cast.filer)
    page = client.get(reverse("portal:claim_check", args=[claim.claim_no])).text
    assert "发票 25112000000000000001 第 1 行：合同签订价 25.00" not in page
    assert "发票单价 25.00 元/卡时（不含税），高于签订日公允价格区间上限 20.90 元/卡时，不予支持" in page
    assert "7 个互不关联的供应方" in page
    assert not PriceCheck.objects.filter(subject_kind="invoice").exists()


def test_what_becomes_known_later_does_not_change_a_bills_check(cast, granted):
    claim = claim_on(cast, granted, billed(granted[1], ("算力服务费", "卡时", "50000", "1000000.00")))
    kept = PriceCheck.objects.get(subject_kind="invoice")
    with acting(Actor.service("test"), "test"):
        prices.load_observations([row(uscc(60 + n), "9", date(2025, 6, 26)) for n in range(9)])
    assert price_check_of_invoices(claim, claim.publication.scheme).result == "passed"
    assert verify_check(kept)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("卡时", "card_hour"), ("卡·小时", "card_hour"), ("元/卡·时", "card_hour"), ("台月", "server_month"),
     ("P·天", "pflops_day"), ("月", None), ("", None), ("台", None), ("小时", None)],
)  # fmt: skip
def test_a_unit_is_read_only_where_it_leaves_no_doubt(text, unit):
    assert unit_of(text) == unit
