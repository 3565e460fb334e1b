"""收回预算: at most what is free, by two persons on a document, with the ledger and the trail."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from audit.models import AuditEvent
from tests import casework
from tests.cast import build
from vouchers.actions.budget_withdrawals import (
    approve_withdrawal,
    propose_withdrawal,
    refuse_withdrawal,
    take_back_withdrawal,
)
from vouchers.actions.budgets import budget_sheet
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import LedgerAccount, ProgramBudget


@pytest.fixture
def budget(cast) -> ProgramBudget:
    """1,000,000 yuan of this year."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program, "1000000.00")
    return ProgramBudget.objects.get(program=publication.program)


def proposed(cast, budget, amount: str = "400000.00", document: str = "财预〔2025〕9号", by=None):
    by = by or cast.finance
    with acting(by, "test"):
        return propose_withdrawal(
            budget, amount=Decimal(amount), document_no=document, reason="财政统筹收回。", by=by
        )


def test_what_is_free_goes_back_once_another_approved_it(cast, budget):
    row = proposed(cast, budget)
    code = f"budget:{budget.program.code}:2025"
    assert LedgerAccount.objects.get(code=code).available == Decimal("1000000.00")
    with acting(cast.finance, "test"), pytest.raises(Forbidden):
        approve_withdrawal(row, by=cast.finance)
    with acting(cast.second_finance, "test"):
        approve_withdrawal(row, by=cast.second_finance)
    assert LedgerAccount.objects.get(code=code).available == Decimal("600000.00")
    (line,) = budget_sheet(budget.program)
    assert (line.appropriated, line.available) == (Decimal("600000.00"), Decimal("600000.00"))
    told = AuditEvent.objects.filter(subject_no=row.budget_withdrawal_no)
    assert {event.verb for event in told} == {"budget_withdrawal.propose", "budget_withdrawal.approve"}
    assert check_ledger() == []


def test_no_more_is_taken_back_than_is_free_then(cast, budget):
    with pytest.raises(NotNow) as refused:
        proposed(cast, budget, "1000000.01")
    assert refused.value.code == "budget_withdrawal.too_much"
    first, second = (
        proposed(cast, budget, "600000.00"),
        proposed(cast, budget, "400000.00", "财预〔2025〕10号"),
    )
    with pytest.raises(NotNow):
        proposed(cast, budget, "0.01", "财预〔2025〕11号")
    with acting(cast.second_finance, "test"):
        approve_withdrawal(first, by=cast.second_finance)
        approve_withdrawal(second, by=cast.second_finance)
        with pytest.raises(NotNow):
            approve_withdrawal(second, by=cast.second_finance)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "0.00"}, "budget.amount"),
        ({"amount": "-1.00"}, "budget.amount"),
        ({"amount": "1.001"}, "budget.amount"),
        ({"document": " "}, "budget.document_missing"),
    ],
)
def test_what_is_not_valid_is_refused_with_its_code(cast, budget, change, code):
    with pytest.raises(Invalid) as refused:
        proposed(cast, budget, **change)
    assert refused.value.code == code


def test_one_document_takes_back_once_and_strangers_nothing(cast, budget):
    row = proposed(cast, budget)
    with pytest.raises(Invalid) as refused:
        proposed(cast, budget)
    assert refused.value.code == "budget_withdrawal.document_reused"
    with pytest.raises(Forbidden):
        proposed(cast, budget, "1.00", "财预〔2025〕12号", cast.other_finance)
    with acting(cast.second_finance, "test"):
        with pytest.raises(Forbidden):
            take_back_withdrawal(row, by=cast.second_finance)
        with pytest.raises(Invalid):
            refuse_withdrawal(row, by=cast.second_finance, reason=" ")
        refuse_withdrawal(row, by=cast.second_finance, reason="文号有误。")
    again = proposed(cast, budget)
    with acting(cast.finance, "test"):
        take_back_withdrawal(again, by=cast.finance)
    assert LedgerAccount.objects.get(code=f"budget:{budget.program.code}:2025").available == Decimal(
        "1000000.00"
    )


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE vouchers_budgetwithdrawal SET amount = amount + 1",
        "UPDATE vouchers_ledgertransfer SET amount = amount - 1 WHERE code = 'withdraw'",
        "DELETE FROM vouchers_budgetwithdrawal",
    ],
)
def test_a_withdrawal_that_was_changed_by_hand_is_found_and_named(committed_db, deed):
    cast = build()
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program, "1000000.00")
    row = proposed(cast, ProgramBudget.objects.get(program=publication.program))
    with acting(cast.second_finance, "test"):
        approve_withdrawal(row, by=cast.second_finance)
    assert check_ledger() == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in ("budgetwithdrawal", "ledgertransfer"):
            hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
        hand.execute(deed)
    found = [one.row for one in check_ledger() if one.invariant == "withdrawals_are_booked"]
    assert found == ["budget:BJ-AIQ:2025"]
