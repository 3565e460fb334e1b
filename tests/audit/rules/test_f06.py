"""F06 金额超合同."""

from __future__ import annotations

from datetime import date

from tests.audit.rules.rows import D, claim, flagged, invoice, item, lease, only, run

TWO_CLAIMS = [claim(1, on=date(2025, 6, 2)), claim(2, on=date(2025, 6, 3))]
SMALL = [lease(amount=D("100000"))]


def second(net: str, **more) -> list[dict]:
    return [invoice(1), invoice(2, net=D(net), **more)]


def test_the_claim_that_brings_the_invoice_over_the_contract_is_flagged():
    found = run("F06", leases=SMALL, invoices=second("100000"), claims=TWO_CLAIMS, items=[item(1), item(2)])
    assert flagged(found) == [2]
    assert (only(found).value, only(found).threshold) == ("200,000.00", "100,500.00")


def test_half_a_percent_is_tolerated_and_a_fen_more_is_not():
    given = {"leases": SMALL, "claims": TWO_CLAIMS, "items": [item(1), item(2)]}
    assert not run("F06", invoices=second("500.00"), **given).hits
    assert flagged(run("F06", invoices=second("500.01"), **given)) == [2]
    assert not run("F06", {"over_per_mille": 6}, invoices=second("500.01"), **given).hits


def test_an_invoice_that_nobody_claims_flags_the_lease():
    hit = only(run("F06", leases=SMALL, invoices=second("100000")))
    assert (hit.claim, hit.lease) == (None, 1)


def test_voided_and_red_lettered_invoices_do_not_count():
    assert not run("F06", leases=SMALL, invoices=second("100000", status=2)).hits
    red = [*second("100000", status=1), invoice(3, net=D("-100000"), red_of="no2")]
    assert not run("F06", leases=SMALL, invoices=red).hits
    assert not run(
        "F06", leases=SMALL, invoices=second("100000", status=1)
    ).hits  # the red letter is not on file


def test_what_a_red_letter_left_counts():
    part = [*second("100000", status=1), invoice(3, net=D("-40000"), red_of="no2")]
    assert only(run("F06", leases=SMALL, invoices=part)).value == "160,000.00"


def test_one_number_counts_once():
    assert not run("F06", leases=SMALL, invoices=second("100000", key="no1")).hits


def test_metered_use_on_the_platform_raises_the_limit_of_a_lease_by_the_hour():
    hourly = [lease(amount=D("100000"), by_card_hour=True, unit_price=D("10"))]
    metered = [{"id": 1, "lease": 1, "platform_hours": 20_000 * 10_000}]
    assert not run("F06", leases=hourly, invoices=second("100000"), metering=metered).hits
    less = [{"id": 1, "lease": 1, "platform_hours": 19_000 * 10_000}]
    assert run("F06", leases=hourly, invoices=second("100000"), metering=less).hits
    assert run("F06", leases=SMALL, invoices=second("100000"), metering=metered).hits


def test_without_lease_or_invoice_it_is_not_testable():
    assert run("F06", claims=[claim(lease=None)]).untestable_claims == {1}
    assert run("F06", items=[item(invoice=None)]).untestable_claims == {1}
