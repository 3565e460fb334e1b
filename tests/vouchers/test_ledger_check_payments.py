"""The check of the ledger holds payments, batches and demands to it: each is broken by a hand that no trigger stops, and named."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

import dataclasses
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests import banking
from tests.bank_exchange import payables, without_casework
from tests.vouchers.clawing import first, noticed, second, set_off  # noqa: F401 - fixtures
from tests.vouchers.test_payment_caps import term
from tests.vouchers.test_payments import claims  # noqa: F401
from vouchers.actions.ledger_check import check_ledger, invariants
from vouchers.context import acting
from vouchers.models import LedgerTransfer, PaymentLine

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


def test_a_cap_at_payment_that_was_not_held_not_used_or_used_twice_is_found_and_named(committed_db, cast):
    both = (
        term(),
        dataclasses.replace(term(), cap=dataclasses.replace(term().cap, code="second", name="另一限额")),
    )
    with without_casework():
        sent, listed, _waiting = payables(cast, 3, *both)
        with acting(cast.second_finance, "test"):
            banking.export(banking.approved(cast, banking.proposed(cast, sent)), cast.second_finance)
        banking.proposed(cast, listed)
        line = PaymentLine.objects.get(payment=listed)
        assert LedgerTransfer.objects.filter(chain_id=line.cap_chain).count() == 2 and check_ledger() == []
        held = "FROM vouchers_ledgertransfer WHERE kind = 'pending' AND subject_kind = 'payment'"
        breaks = [
            # one of the two reservations is gone, and the line that has none at all
            (f"UPDATE vouchers_ledgertransfer SET subject_kind = 'claim' WHERE id = (SELECT id {held} AND chain_id = '{line.cap_chain}' LIMIT 1)",
             f"UPDATE vouchers_ledgertransfer SET subject_kind = 'payment' WHERE chain_id = '{line.cap_chain}'", "a_list_holds_its_room", line.instruction_no),
            (f"UPDATE vouchers_paymentline SET cap_chain = NULL WHERE id = {line.pk}",
             f"UPDATE vouchers_paymentline SET cap_chain = '{line.cap_chain}' WHERE id = {line.pk}", "a_list_holds_its_room", line.instruction_no),
            # what was sent used one cap only, or more than it moved; what is only listed has used something
            (f"UPDATE vouchers_payment SET cap_terms = cap_terms - 1 WHERE id = {sent.pk}",
             f"UPDATE vouchers_payment SET cap_terms = cap_terms || (SELECT cap_terms -> 1 FROM vouchers_payment WHERE id = {listed.pk}) WHERE id = {sent.pk}",
             "a_payment_used_its_room", sent.payment_no),
            (f"UPDATE vouchers_ledgertransfer SET subject_no = '{listed.payment_no}' WHERE id = (SELECT id FROM vouchers_ledgertransfer WHERE kind = 'post' AND subject_no = '{sent.payment_no}' LIMIT 1)",
             f"UPDATE vouchers_ledgertransfer SET subject_no = '{sent.payment_no}' WHERE kind = 'post' AND subject_no = '{listed.payment_no}'",
             "a_payment_used_its_room", sent.payment_no),
        ]  # fmt: skip
        with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
            for table in TABLES:
                hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
            for deed, undo, invariant, row in breaks:
                assert hand.execute(deed).rowcount >= 1, deed
                assert row in [one.row for one in check_ledger() if one.invariant == invariant], deed
                hand.execute(undo)
                assert check_ledger() == [], undo


def test_every_invariant_has_a_test_that_breaks_it():
    here = Path(__file__).parents[1]
    told = "".join(path.read_text(encoding="utf-8") for path in sorted(here.rglob("test_*.py")))
    assert [one.name for one in invariants() if f'"{one.name}"' not in told] == []
