"""Vouchers and payments agree with the ledger, and the check says where they do not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from tests import casework
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import freed_by_voiding, freeze_voucher, void_voucher
from vouchers.context import acting
from vouchers.models import Payment, Voucher


@pytest.fixture
def payment(cast) -> Payment:
    """A claim of 60 wan on a voucher of 100 wan, approved and waiting to be paid."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    casework.with_account(cast, cast.alpha)
    with dates.fixed(date(2025, 8, 1)):
        invoice = casework.invoice(application.lease, "3000000.00")
        item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=invoice)
        claim = casework.claimed(cast, voucher, application.lease, [item])
        with acting(cast.handler, "test"):
            casework.answer_all(cast, claim)
            verify_claim(claim, by=cast.handler)
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver)
    assert check_ledger() == []
    return Payment.objects.get(claim_no=claim.claim_no)


def findings() -> set[tuple[str, str]]:
    return {(finding.invariant, finding.row) for finding in check_ledger()}


def test_a_face_value_that_was_not_issued_is_found(payment):
    Voucher.objects.update(face_value=Decimal("1000000.01"))
    assert findings() == {("a_voucher_is_what_was_issued", payment.voucher_no)}


def test_a_payable_that_no_claim_made_is_found(payment):
    Payment.objects.create(
        payment_no="P-2025-999999",
        claim_no="C-2025-999999",
        voucher_no=payment.voucher_no,
        region=payment.region,
        program=payment.program,
        payee=payment.payee,
        amount=payment.amount,
        payable_on=payment.payable_on,
    )
    assert {invariant for invariant, _row in findings()} == {"payables_are_owed"}


def test_a_voucher_taken_back_returns_to_the_budget_what_is_left_of_it(cast, payment):
    voucher = Voucher.objects.get()
    with acting(cast.handler, "test"):
        freeze_voucher(voucher, by=cast.handler, reason="企业申请放弃")
    with acting(cast.approver, "test"):
        step = void_voucher(voucher, by=cast.approver, reason="企业主动放弃")
    assert freed_by_voiding(step.voucher) == Decimal("400000.00")
    assert check_ledger() == []
