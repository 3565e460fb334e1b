"""F04 时间不符."""

from __future__ import annotations

from datetime import date, timedelta

from tests.audit.rules.rows import claim, flagged, invoice, lease, only, run

SIGNED = date(2025, 2, 20)
LAST = date(2025, 5, 31)
DAY = timedelta(days=1)


def issued(on: date) -> list[dict]:
    return [invoice(issued_on=on)]


def test_an_invoice_older_than_its_contract_is_hard():
    hit = only(run("F04", invoices=issued(SIGNED - DAY)))
    assert hit.severity == "hard" and "共 1 天" in hit.sentence
    assert not run("F04", invoices=issued(SIGNED)).hits


def test_a_programme_with_framework_contracts_allows_days():
    framework = {"days_before_signing": 30}
    assert not run("F04", framework, invoices=issued(SIGNED - 30 * DAY)).hits
    assert flagged(run("F04", framework, invoices=issued(SIGNED - 31 * DAY))) == [1]


def test_billing_in_arrears_has_180_days():
    assert not run("F04", invoices=issued(LAST + 180 * DAY)).hits
    found = run("F04", invoices=issued(LAST + 181 * DAY))
    assert (flagged(found), flagged(found, "soft")) == ([], [1])
    assert only(found).points == 3


def test_a_service_period_beside_the_lease_is_soft():
    def period(start: date, last: date) -> list[dict]:
        return [invoice(period_from=start, period_to=last + DAY)]

    assert flagged(run("F04", invoices=period(date(2025, 6, 1), date(2025, 6, 30))), "soft") == [1]
    assert flagged(run("F04", invoices=period(date(2025, 2, 1), date(2025, 2, 28))), "soft") == [1]
    assert not run("F04", invoices=period(date(2025, 5, 31), date(2025, 6, 30))).hits
    assert not run("F04", invoices=period(date(2025, 2, 1), date(2025, 3, 1))).hits


def test_without_lease_or_invoice_it_is_not_testable():
    assert run("F04", claims=[claim(lease=None)]).untestable_claims == {1}
    assert run("F04", invoices=[]).untestable_claims == {1}
    assert not run("F04", leases=[lease()]).untestable_claims
