"""The check of the ledger holds the business rows to it: a case that somebody changed by hand is found, and named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from tests import casework
from tests.cast import build
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting

DEEDS = (
    ("UPDATE vouchers_voucher SET face_value = face_value {} 1", "a_voucher_is_what_was_issued", "V-"),
    ("UPDATE vouchers_payment SET amount = amount {} 1", "payables_are_owed", "payable:BJ-AIQ:2025:"),
    (
        "UPDATE vouchers_appropriation SET amount = amount {} 1",
        "appropriations_are_booked",
        "budget:BJ-AIQ:2025",
    ),
)
STATES = (
    ("vouchers_voucher", "state", "'expired'", "a_voucher_state_follows_the_ledger", "V-"),
    ("vouchers_voucher", "state", "'exhausted'", "a_voucher_state_follows_the_ledger", "V-"),
    ("vouchers_voucher", "bearers", "'{province,city}'", "a_voucher_has_a_part_for_each_treasury", "V-"),
    ("vouchers_payment", "state", "'confirmed'", "payments_are_bank_lines", "P-"),
    ("vouchers_payment", "state", "'instructed'", "payments_are_bank_lines", "P-"),
    ("vouchers_programbudget", "closed_on", "'2025-07-15'", "a_closed_year_is_closed", "budget:BJ-AIQ:2025"),
)  # fmt: skip


def found(invariant: str) -> list[str]:
    return [one.row for one in check_ledger() if one.invariant == invariant]


def test_a_case_that_was_changed_by_hand_is_found_and_named(committed_db):
    cast = build()
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    casework.with_account(cast, cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        bill = casework.invoice(application.lease, "1000000.00")
        item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=bill)
        claim = casework.claimed(cast, voucher, application.lease, [item])
        with acting(cast.handler, "test"):
            casework.answer_all(cast, claim)
            verify_claim(claim, by=cast.handler)
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver)
    assert check_ledger() == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in ("voucher", "payment", "appropriation", "programbudget", "ledgeraccount"):
            hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
        for deed, invariant, row in DEEDS:
            hand.execute(deed.format("+"))
            assert any(name.startswith(row) for name in found(invariant)), deed
            hand.execute(deed.format("-"))
        for table, column, value, invariant, row in STATES:
            hand.execute(f"ALTER TABLE {table} ADD COLUMN kept text")
            hand.execute(f"UPDATE {table} SET kept = {column}, {column} = {value}")
            assert any(name.startswith(row) for name in found(invariant)), (table, column)
            kind = {"closed_on": "date", "bearers": "varchar[]"}.get(column, "text")
            hand.execute(f"UPDATE {table} SET {column} = kept::{kind}")
            hand.execute(f"ALTER TABLE {table} DROP COLUMN kept")
        assert check_ledger() == []
        hand.execute("DELETE FROM vouchers_payment")
        gone = {one.invariant for one in check_ledger()}
        assert gone == {"payables_are_owed", "each_treasury_owes_its_parts"}
        hand.execute(
            "ALTER TABLE vouchers_ledgeraccount DROP CONSTRAINT ledger_account_debits_within_credits"
        )
        hand.execute(
            "UPDATE vouchers_ledgeraccount SET debits_posted = credits_posted + 1 WHERE kind = 'budget'"
        )
        assert found("no_limit_broken") == ["budget:BJ-AIQ:2025"]
