"""The check of the ledger finds what a hand with the superuser's rights did around it, and names the row."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.cast import build
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger, trial_balance
from vouchers.actions.programs import appropriate_budget
from vouchers.context import acting
from vouchers.models import Program

ON = date(2025, 7, 15)
BUDGET = ledger.Budget("BJ-AIQ", 2025, "110000")
PAYEE = "91350100M000100Y43"
RESERVATION = uuid.UUID(int=7)


@pytest.fixture
def tampering(committed_db):
    """A ledger with a bit of everything in it, and a hand that no trigger stops."""
    ledger.appropriate(BUDGET, Decimal("1000"), document_no="指标", on=ON, id=uuid.uuid4()).demand()
    ledger.issue(BUDGET, "V-1", Decimal("600"), on=ON, id=uuid.uuid4()).demand()
    cap = ledger.Cap("ef" * 32, "enterprise_year", PAYEE, "2025", Decimal("500"))
    ledger.reserve(
        BUDGET, "V-1", Decimal("400"), payee_uscc=PAYEE, claim_no="C-1", on=ON, id=RESERVATION, caps=[cap]
    ).demand()
    confirmed = ledger.confirm(RESERVATION, claim_no="C-1", on=ON, id=uuid.uuid4()).demand()
    ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-1", on=ON, id=uuid.uuid4()).demand()
    assert check_ledger(business_rows=False) == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in ("account", "transfer", "attempt"):
            hand.execute(f"ALTER TABLE vouchers_ledger{table} DISABLE TRIGGER USER")
        yield hand


@pytest.mark.parametrize(
    ("deed", "invariant"),
    [
        ("UPDATE vouchers_ledgeraccount SET credits_posted = credits_posted + 1 WHERE kind = 'budget'", "counters_are_sums"),
        ("UPDATE vouchers_ledgeraccount SET debits_posted = 1001 WHERE kind = 'treasury'", "debits_are_credits"),
        ("UPDATE vouchers_ledgeraccount SET debits_must_not_exceed_credits = false WHERE kind = 'voucher'", "accounts_are_of_their_kind"),
        ("UPDATE vouchers_ledgeraccount SET limit_amount = 900 WHERE kind = 'cap'", "a_limit_is_what_was_granted"),
        ("UPDATE vouchers_ledgertransfer SET amount = amount + 1 WHERE kind = 'post'", "a_post_has_one_pending"),
        ("UPDATE vouchers_ledgertransfer SET amount = amount - 1 WHERE reverses_id IS NOT NULL", "a_reversal_is_the_opposite"),
        ("UPDATE vouchers_ledgertransfer SET code = 'pay' WHERE code = 'issue'", "transfers_follow_the_map"),
        ("DELETE FROM vouchers_ledgertransfer WHERE code = 'issue'", "chains_are_whole"),
        ("DELETE FROM vouchers_ledgertransfer WHERE kind = 'pending'", "a_post_has_one_pending"),
        ("UPDATE vouchers_ledgertransfer SET expires_on = booked_on WHERE kind = 'pending'", "a_post_has_one_pending"),
        ("DELETE FROM vouchers_ledgerattempt WHERE accepted", "chains_are_whole"),
        (
            "UPDATE vouchers_ledgertransfer SET credit_id = (SELECT id FROM vouchers_ledgeraccount WHERE kind = 'cap') WHERE code = 'issue'",
            "one_ledger_per_transfer",
        ),
    ],
)  # fmt: skip
def test_a_forgery_is_found(tampering, deed, invariant):
    tampering.execute(deed)
    found = [one.row for one in check_ledger(business_rows=False) if one.invariant == invariant]
    assert found and all(found), "the row is not named"
    err = StringIO()
    with pytest.raises(CommandError, match="处问题"):
        call_command("check_ledger", stdout=StringIO(), stderr=err)
    assert all(row in err.getvalue() for row in found)


def test_the_finding_names_the_account_and_both_figures(tampering):
    tampering.execute("UPDATE vouchers_ledgeraccount SET credits_posted = 1001 WHERE kind = 'budget'")
    finding = next(f for f in check_ledger() if f.invariant == "counters_are_sums")
    assert finding.row == "budget:BJ-AIQ:2025"
    assert "1001.00" in finding.sentence and "1000.00" in finding.sentence


def test_an_overdrawn_balance_cannot_even_be_forged(tampering):
    with pytest.raises(psycopg.errors.CheckViolation):
        tampering.execute("UPDATE vouchers_ledgeraccount SET debits_posted = 1001 WHERE kind = 'budget'")


@pytest.mark.parametrize("deed", ["UPDATE vouchers_ledgertransfer SET amount = 1", "DELETE FROM vouchers_ledgertransfer", "TRUNCATE vouchers_ledgertransfer"])  # fmt: skip
def test_not_even_the_owner_changes_what_is_booked(committed_db, deed):
    ledger.appropriate(BUDGET, Decimal("1000"), document_no="指标", on=ON, id=uuid.uuid4()).demand()
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        with pytest.raises(psycopg.errors.RestrictViolation, match="台账只增不改"):
            owner.execute(deed)


def test_nor_does_the_superuser_by_silencing_triggers(committed_db):
    ledger.appropriate(BUDGET, Decimal("1000"), document_no="指标", on=ON, id=uuid.uuid4()).demand()
    with psycopg.connect(committed_db.superuser_dsn) as superuser:
        superuser.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RestrictViolation):
            superuser.execute("UPDATE vouchers_ledgertransfer SET amount = 1")


def test_the_command_says_nothing_found_and_prints_the_trial_balance(committed_db):
    people = build()
    program = Program.objects.create(code="BJ-AIQ", name="北京算力券", region=people.beijing)
    with acting(people.finance, "test"):
        appropriate_budget(program, 2025, Decimal("1000"), document_no="指标", by=people.finance, on=ON)
    out = StringIO()
    call_command("check_ledger", stdout=out)
    assert "0 处问题" in out.getvalue()
    assert "预算指标\t1 户\t借方 0.00（预占 0.00）\t贷方 1,000.00（预占 0.00）" in out.getvalue()


def test_the_command_fails_and_names_the_row(tampering):
    tampering.execute("UPDATE vouchers_ledgeraccount SET credits_posted = 1001 WHERE kind = 'budget'")
    err = StringIO()
    with pytest.raises(CommandError, match="处问题"):
        call_command("check_ledger", stdout=StringIO(), stderr=err)
    assert "budget:BJ-AIQ:2025" in err.getvalue()


def test_the_trial_balance_balances(tampering):
    lines = trial_balance()
    assert [line.kind for line in lines] == ["treasury", "surplus", "budget", "voucher", "payable"]
    assert sum(line.debits_posted for line in lines) == sum(line.credits_posted for line in lines)
