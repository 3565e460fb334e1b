"""What was proposed and sent stays in the database, whoever writes: asked by raw SQL as the application's own role."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

import csv
import hashlib
import io
import json

import pytest
from django.db import DatabaseError, connection, transaction

from applications.payment_files import payment_instructions
from tests import banking
from tests.bank_exchange import payables, without_casework
from tests.cast import bank_account
from tests.vouchers.test_payment_caps import term
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401 - fixtures
from vouchers.actions.payment_lists import control_totals, lines_of
from vouchers.actions.payments import cancel_batch
from vouchers.context import acting
from vouchers.models import PaymentApproval, PaymentBatch, PaymentLine
from vouchers.policy import terms as t


def refused(sql: str, *values: object) -> bool:
    """Whether the database refuses the statement; it would have changed a row."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("voucher_app",)
            cursor.execute(sql, values)
            assert cursor.rowcount > 0, "no row was meant"
    except DatabaseError:
        return True
    return False


FROZEN = (
    "account_name = 'x'",
    "bank_name = 'x'",
    "account_no = '1'",
    "amount = amount + 1",
    "payee_name = 'x'",
    "line_no = 9",
)


@pytest.mark.parametrize("change", FROZEN)
def test_a_proposed_list_is_not_rewritten(cast, claims, change):
    batch = banking.proposed(cast)
    line = lines_of(batch)[0]
    assert refused(f"UPDATE vouchers_paymentline SET {change} WHERE id = %s", line.pk)
    banking.approved(cast, batch)
    assert refused(f"UPDATE vouchers_paymentline SET {change} WHERE id = %s", line.pk)


@pytest.mark.parametrize(
    "change",
    ["cap_chain = gen_random_uuid()", "cap_chain = NULL", "cap_members = '[\"x\"]'", "cap_register = 'x'"],
)
def test_the_room_that_a_proposed_list_holds_is_put_to_nobody_else(cast, change):
    with without_casework():
        payments = payables(cast, 2, term(t.CapSubject.GROUP))
        batch = banking.proposed(cast, payments[0])
        line = lines_of(batch)[0]
        assert refused(f"UPDATE vouchers_paymentline SET {change} WHERE id = %s", line.pk)
        with acting(cast.second_finance, "test"):
            banking.export(banking.approved(cast, batch), cast.second_finance)
        assert refused(f"UPDATE vouchers_paymentline SET {change} WHERE id = %s", line.pk)


def test_the_room_of_a_cancelled_list_is_let_go_and_not_taken_again(cast):
    with without_casework():
        payments = payables(cast, 1, term(t.CapSubject.GROUP))
        batch = banking.proposed(cast, *payments)
        line = PaymentLine.objects.get()
        with acting(cast.finance, "test"):
            cancel_batch(batch, by=cast.finance, reason="改期。")
        assert PaymentLine.objects.get().cap_chain is None
        held = f"UPDATE vouchers_paymentline SET cap_chain = '{line.cap_chain}' WHERE id = %s"
        assert refused(held, line.pk)
        assert refused("UPDATE vouchers_paymentline SET cap_members = '[]' WHERE id = %s", line.pk)


def test_no_line_is_deleted_at_any_time_nor_added_to_a_proposed_batch(cast, claims):
    batch = banking.proposed(cast)
    line = lines_of(batch)[0]
    assert refused("DELETE FROM vouchers_paymentline WHERE id = %s", line.pk)
    assert refused("DELETE FROM vouchers_paymentbatch WHERE id = %s", batch.pk)
    columns = [field.column for field in PaymentLine._meta.local_fields if field.column != "id"]
    other = {"line_no": "99", "instruction_no": "'P-X-1'", "state": "'removed'"}
    chosen = ", ".join(other.get(name, name) for name in columns)
    copy = f"INSERT INTO vouchers_paymentline ({', '.join(columns)}) SELECT {chosen} FROM vouchers_paymentline WHERE id = %s"
    assert refused(copy, line.pk)


@pytest.mark.parametrize(
    "change",
    [
        "control_sum = 1",
        "control_hash = 'x'",
        "control_count = 1",
        "approvals_needed = 0",
        "control_version = 1",
    ],
)
def test_the_totals_of_a_proposed_batch_are_not_rewritten(cast, claims, change):
    batch = banking.proposed(cast)
    assert refused(f"UPDATE vouchers_paymentbatch SET {change} WHERE id = %s", batch.pk)


def test_an_approval_is_withdrawn_and_never_rewritten_or_deleted(cast, claims):
    batch = banking.approved(cast, banking.proposed(cast))
    approval = PaymentApproval.objects.get(batch=batch)
    assert refused("UPDATE vouchers_paymentapproval SET control_hash = 'x' WHERE id = %s", approval.pk)
    assert refused("DELETE FROM vouchers_paymentapproval WHERE id = %s", approval.pk)


def test_what_the_bank_answered_is_not_rewritten(cast, claims):
    batch = banking.paid(cast)
    line = lines_of(batch)[0]
    for change in ("paid_on = '2020-01-01'", "bank_reference = 'x'", "bank_return_id = NULL"):
        assert refused(f"UPDATE vouchers_paymentline SET {change} WHERE id = %s", line.pk)
    assert refused("UPDATE vouchers_paymentline SET state = 'sent' WHERE id = %s", line.pk)
    assert refused("UPDATE vouchers_paymentbatch SET export_sha256 = 'x' WHERE id = %s", batch.pk)


def test_whoever_has_the_file_computes_the_control_hash(cast, claims):
    cast.alpha.name = "=甲智能科技（北京）有限公司"
    cast.alpha.save(update_fields=["name"])
    bank_account(cast.alpha, "6222777788889999", entered_by=cast.filer, confirmed_by=cast.enterprise_approver)
    batch = banking.approved(cast, banking.proposed(cast))
    lines = lines_of(batch)
    rows = list(csv.reader(io.StringIO(payment_instructions(lines).decode("utf-8-sig"), newline="")))
    told = [row[:7] for row in rows[1:-1]]
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    assert digest == rows[-1][-1] == batch.control_hash
    assert rows[1][1].startswith("'=")


@pytest.mark.parametrize(
    "name", ["account_name", "bank_name", "payee_name", "payee_uscc", "account_no", "instruction_no"]
)
def test_the_control_hash_is_over_all_that_the_bank_is_told(cast, claims, name):
    lines = lines_of(banking.proposed(cast))
    before = control_totals(lines).sha256
    setattr(lines[0], name, "另")
    assert control_totals(lines).sha256 != before


def test_a_batch_from_before_keeps_the_hash_that_it_was_approved_with(cast, claims):
    lines = lines_of(banking.proposed(cast))
    for line in lines:
        line.batch.control_version = 1
    before = control_totals(lines).sha256
    lines[0].bank_name = "另"
    assert control_totals(lines).sha256 == before
    assert PaymentBatch._meta.get_field("control_version").default == 2
