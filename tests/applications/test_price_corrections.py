"""A published price is corrected: the new version stands beside the old one, and what was decided stays as it was."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.assessments import kept, reassess, recompute
from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from applications.facts import latest_price_check
from tests import casework
from tests.applications.test_lease_splits import beijing, contract  # noqa: F401 - a fixture
from tests.vouchers.prices.feeds import row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import PriceCheck

JULY = date(2025, 7, 1)
SIGNED = date(2025, 7, 5)


def publish(cast, on=JULY):
    """July's index, published on that day."""
    with dates.fixed(on):
        with acting(cast.policy_editor, "test"):
            issue = prices.compute_index(JULY, by=cast.policy_editor)
            prices.propose_index(issue, by=cast.policy_editor, jump_text="更正数据。")
        with acting(cast.price_publisher, "test"):
            return prices.publish_index(issue, by=cast.price_publisher)


@pytest.fixture
def decided(cast, beijing):  # noqa: F811
    """A claim on a contract at 20.00 of 2025-07-05, approved while July's first version stood (17.10 to 20.90)."""
    first = publish(cast)
    fields = contract(cast, bundled=False, signed_on=SIGNED, starts_on=SIGNED, ends_on=date(2025, 10, 4))
    application = casework.submitted(cast, beijing, fields)
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    invoice = casework.invoice(application.lease, "1000000.00", on=date(2025, 7, 14))
    with dates.fixed(date(2025, 8, 1)):
        item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice)
        claim = casework.claimed(cast, voucher, application.lease, [item])
        casework.answer_all(cast, claim)
        with acting(cast.second_handler, "test"):
            verify_claim(claim, by=cast.second_handler)
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver)
    claim.refresh_from_db()
    return first, application, claim


def test_a_correction_is_a_new_version_and_changes_no_decision(cast, decided):
    first, application, claim = decided
    before = (claim.assessment, claim.approved_amount, claim.price_check_id)
    assert claim.price_check.index_row.issue == first
    with acting(Actor.service("test"), "test"):
        for number in (4, 5, 6):  # the three dearest of June turn out to be false
            prices.set_aside_observations(source=uscc(number), reason="report.false", by=None)
        prices.load_observations([row(uscc(40 + n), "12", date(2025, 6, 20)) for n in range(4)])
    second = publish(cast, on=date(2025, 7, 15))
    first.refresh_from_db()
    assert (first.state, second.state, second.revision) == ("superseded", "published", 2)
    cell = claim.price_check.cell
    assert second.rows.get(cell=cell).base < first.rows.get(cell=cell).base
    assert prices.verify_issue(first) and prices.verify_issue(second)

    claim.refresh_from_db()
    application.refresh_from_db()
    assert (claim.assessment, claim.approved_amount, claim.price_check_id) == before
    assert recompute(claim) == kept(claim)  # years later, from what is stored: the same fen
    assert prices.verify_check(claim.price_check)
    assert (
        claim.price_check.index_row.issue == first
    )  # the version that was decided on, not the one that stands


def test_a_case_that_is_still_open_rests_on_what_was_known_on_its_signing_date_too(cast, beijing):  # noqa: F811
    publish(cast)
    fields = contract(cast, bundled=False, signed_on=SIGNED, starts_on=SIGNED, ends_on=date(2025, 10, 4))
    application = casework.submitted(cast, beijing, fields)
    check = latest_price_check(application.lease)
    with acting(Actor.service("test"), "test"):
        prices.set_aside_observations(source=uscc(6), reason="withdrawn", by=None)
    with acting(cast.handler, "test"):
        reassess(application)
    assert latest_price_check(application.lease) == check
    again = prices.price_finding(prices.contract_of_lease(application.lease), above_band="refuse")
    assert (again.row.base, again.row.n_groups, again.sentence) == (
        check.base,
        check.row["n_groups"],
        check.sentence,
    )
    assert PriceCheck.objects.filter(subject_kind="lease").count() == 1
