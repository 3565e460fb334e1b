"""The check of the ledger holds payments, batches and demands to it: each is broken by a hand that no trigger stops, and named."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.vouchers.clawing import first, noticed, second, set_off  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims  # noqa: F401
from vouchers.actions.ledger_check import check_ledger, invariants

TABLES = ("payment", "paymentline", "paymentbatch", "paymentapproval", "clawback", "clawbackreceipt", "setoff", "ledgertransfer", "ledgeraccount")  # fmt: skip

# deed, undoing it, the invariant, whose number is named
BREAKS = [
    ("UPDATE vouchers_paymentline SET amount = amount + 1", "UPDATE vouchers_paymentline SET amount = amount - 1", "a_payment_is_its_line", "first"),
    ("UPDATE vouchers_paymentbatch SET control_sum = control_sum + 1", "UPDATE vouchers_paymentbatch SET control_sum = control_sum - 1", "a_batch_keeps_its_totals", "batch"),
    ("UPDATE vouchers_paymentbatch SET approvals_needed = approvals_needed + 1", "UPDATE vouchers_paymentbatch SET approvals_needed = approvals_needed - 1", "a_batch_is_approved_by_enough", "batch"),
    ("UPDATE vouchers_clawback SET principal_amount = principal_amount + 1", "UPDATE vouchers_clawback SET principal_amount = principal_amount - 1", "receivables_are_demanded", "clawback"),
    ("UPDATE vouchers_payment SET amount = amount - 550000 WHERE state = 'confirmed'", "UPDATE vouchers_payment SET amount = amount + 550000 WHERE state = 'confirmed'", "no_more_is_clawed_back_than_was_paid", "first"),
    ("UPDATE vouchers_clawbackreceipt SET amount = amount - 1", "UPDATE vouchers_clawbackreceipt SET amount = amount + 1", "what_was_set_off_is_received", "second"),
    ("UPDATE vouchers_setoff SET amount = amount + 1", "UPDATE vouchers_setoff SET amount = amount - 1", "set_offs_are_booked", "clawback"),
    ("UPDATE vouchers_ledgertransfer SET amount = amount + 1 WHERE code = 'recover'", "UPDATE vouchers_ledgertransfer SET amount = amount - 1 WHERE code = 'recover'", "set_offs_are_booked", "clawback"),
    ("UPDATE vouchers_ledgertransfer SET amount = amount + 1 WHERE code = 'offset'", "UPDATE vouchers_ledgertransfer SET amount = amount - 1 WHERE code = 'offset'", "each_treasury_owes_its_parts", "payable"),
    ("UPDATE vouchers_ledgeraccount SET kind = 'refundable', code = 'refundable' || substr(code, 11) WHERE kind = 'receivable'", "UPDATE vouchers_ledgeraccount SET kind = 'receivable', code = 'receivable' || substr(code, 11) WHERE kind = 'refundable'", "refundables_are_owed", "clawback"),
]  # fmt: skip


def test_a_payment_or_demand_that_was_changed_by_hand_is_found_and_named(committed_db, cast, first, second):
    clawback = noticed(cast, first)
    set_off(cast, clawback, second, "50000.00")
    assert check_ledger() == []
    line = first.lines.get()
    named = {
        "first": first.payment_no,
        "second": second.payment_no,
        "batch": line.batch.batch_no,
        "clawback": clawback.clawback_no,
        "payable": f"payable:{first.program.code}:2025:{first.payee.uscc}",
    }
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in TABLES:
            hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
        for deed, undo, invariant, row in BREAKS:
            hand.execute(deed)
            found = [one.row for one in check_ledger() if one.invariant == invariant]
            assert found == [named[row]], (deed, found)
            err = StringIO()
            with pytest.raises(CommandError, match="处问题"):
                call_command("check_ledger", stdout=StringIO(), stderr=err)
            assert invariant in err.getvalue() or named[row] in err.getvalue()
            hand.execute(undo)
            assert check_ledger() == [], undo


def test_every_invariant_has_a_test_that_breaks_it():
    here = Path(__file__).parents[1]
    told = "".join(path.read_text(encoding="utf-8") for path in sorted(here.rglob("test_*.py")))
    assert [one.name for one in invariants() if f'"{one.name}"' not in told] == []
