"""What two persons decide on is the same row from the first to the second of them: asked by raw SQL as the application's role."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from tests import casework
from tests.vouchers.clawing import drafted, first, noticed, second  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401 - fixtures
from vouchers import dates
from vouchers.actions.accounts import confirm_account, enter_account
from vouchers.actions.budget_withdrawals import approve_withdrawal, propose_withdrawal
from vouchers.actions.clawbacks import approve_clawback, propose_clawback, revise_clawback
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.refunds import approve_refund, pay_refund, send_back_refund
from vouchers.actions.set_offs import confirm_set_off, propose_set_off
from vouchers.context import acting
from vouchers.models import BankAccount, Party, ProgramBudget, Refund


def kept(row, *changes: str) -> None:
    """The application's role is refused each change of the row, whichever it is."""
    table = row._meta.db_table
    for change in changes:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("voucher_app",)
            with pytest.raises(DatabaseError) as refused, transaction.atomic():
                cursor.execute(f"UPDATE {table} SET {change} WHERE id = %s", [row.pk])
                pytest.fail(f"{table}: {change}")
            assert "不得改写" in str(refused.value), (change, refused.value)
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row.pk])


def test_a_set_off_is_confirmed_as_it_was_proposed(cast, first, second):
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        row = propose_set_off(clawback, second, by=cast.finance, amount=Decimal("10.00"))
    asked = (
        "set_off_no = 'SO-X'",
        "amount = 20",
        f"proposed_by_id = {cast.second_finance.pk}",
        "proposed_at = now()",
        f"payment_id = {first.pk}",
        f"clawback_id = {clawback.pk + 1}",
    )
    decided = (f"decided_by_id = {cast.handler.pk}", "decided_at = '2020-01-01'", "answer = 'x'")
    kept(row, *asked, *decided)
    with acting(cast.second_finance, "test"):
        confirm_set_off(row, by=cast.second_finance)
    kept(row, *asked, *decided, "decided_by_id = NULL")


def test_a_budget_goes_back_as_it_was_proposed(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program, "1000000.00")
    budget = ProgramBudget.objects.get(program=publication.program)
    with acting(cast.finance, "test"):
        row = propose_withdrawal(
            budget, amount=Decimal("5.00"), document_no="财预〔2025〕9号", reason="统筹。", by=cast.finance
        )
    asked = (
        "budget_withdrawal_no = 'BW-X'",
        "amount = 1",
        "document_no = 'x'",
        "treasury_code = 'x'",
        "reason = 'x'",
        f"budget_id = {budget.pk + 1}",
        f"proposed_by_id = {cast.second_finance.pk}",
    )
    decided = (
        f"decided_by_id = {cast.handler.pk}",
        "decided_on = '2020-01-01'",
        "decision_reason = 'x'",
    )
    kept(row, *asked, *decided)
    with acting(cast.second_finance, "test"):
        approve_withdrawal(row, by=cast.second_finance)
    kept(row, *asked, *decided)


def test_a_refund_is_approved_as_it_was_opened_and_paid_as_it_was_approved(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        record_receipt(
            clawback,
            amount=Decimal("100050.00"),
            received_on=dates.today(),
            bank_reference="IN-1",
            by=cast.finance,
            keep_excess=True,
        )
    row = Refund.objects.get()
    opened = (
        "refund_no = 'RF-X'",
        "amount = 10",
        "kind = 'withdrawn'",
        "reason = 'x'",
        "receipt_id = NULL",
        f"clawback_id = {clawback.pk + 1}",
        f"opened_by_id = {cast.handler.pk}",
        "opened_on = '2020-01-01'",
    )
    other = BankAccount.objects.create(
        party=cast.provider, account_no="99999999", account_name="另", entered_by=cast.platform
    )
    approval = (
        f"account_id = {other.pk}",
        f"approved_by_id = {cast.handler.pk}, account_id = {other.pk}",
        "approved_at = '2020-01-01'",
    )
    payment = (f"paid_by_id = {cast.handler.pk}", "paid_on = '2020-01-01'", "bank_reference = 'x'")
    kept(row, *opened, *approval, *payment)
    with acting(cast.second_finance, "test"):
        approve_refund(row, by=cast.second_finance)
    kept(row, *opened, *approval, *payment)
    with acting(cast.finance, "test"):
        send_back_refund(row, by=cast.finance, reason="另批。")
    with acting(cast.second_finance, "test"):
        approve_refund(row, by=cast.second_finance)
    kept(row, f"state = 'paid', account_id = {other.pk}")
    with acting(cast.finance, "test"):
        pay_refund(row, paid_on=dates.today(), bank_reference="OUT-1", by=cast.finance)
    kept(row, *opened, *approval, *payment)


def test_a_payable_stays_what_the_claim_made_it_and_remembers_every_hand(cast, claims, first, second):
    fixed = (
        "payment_no = 'P-X'",
        "claim_no = 'C-X'",
        "voucher_no = 'V-X'",
        "amount = 1",
        f"payee_id = {Party.objects.exclude(pk=second.payee_id).latest('pk').pk}",
        "payable_on = '2020-01-01'",
        "participants = '{}'",
        "participants = participants[2:]",
        "region_id = region_id + 1",
        "program_id = program_id + 1",
    )
    kept(second, *fixed)
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        row = propose_set_off(clawback, second, by=cast.finance, amount=Decimal("10.00"))
    with acting(cast.second_finance, "test"):
        confirm_set_off(row, by=cast.second_finance)
    kept(second, *fixed, "offset_amount = 0", "offset_amount = offset_amount - 1")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vouchers_payment SET participants = participants || %s::bigint WHERE id = %s",
            [cast.finance.pk, second.pk],
        )
    kept(first, *fixed, "offset_amount = 1", "account_id = NULL", "bank_reference = 'x'", "paid_on = NULL")


def test_a_demand_is_revised_while_it_is_a_draft_and_by_nobody_afterwards(cast, first):
    clawback = drafted(cast, first)
    always = (
        "clawback_no = 'R-X'",
        "paid_amount = 1000000",
        "claim_no = 'x'",
        "ground = 'voluntary'",
        f"payment_id = {first.pk + 1}",
        f"party_id = {cast.provider.pk}",
        f"drafted_by_id = {cast.finance.pk}",
    )
    signed = (
        f"approved_by_id = {cast.finance.pk}, proposed_by_id = {cast.handler.pk}",
        "noticed_at = now()",
        "closed_on = now()",
        f"written_off_by_id = {cast.finance.pk}",
        "write_off_reason = 'x'",
        "withdrawn_reason = 'x'",
    )
    kept(clawback, *always, *signed)
    with acting(cast.handler, "test"):
        revise_clawback(clawback, founded_amount=Decimal("400000.00"), reason="另计。", by=cast.handler)
        propose_clawback(clawback, by=cast.handler)
    amounts = (
        "principal_amount = 1",
        "interest_amount = 1",
        "penalty_amount = 1",
        "founded_amount = 1",
        "working = '[]'",
        "reason = 'x'",
        "ground_no = 'x'",
        "pay_within_days = 1",
    )
    kept(clawback, *always, *signed, *amounts)
    with acting(cast.second_approver, "test"):
        approve_clawback(clawback, by=cast.second_approver)
    kept(clawback, *always, *signed, *amounts, f"state = 'noticed', approved_by_id = {cast.approver.pk}")


def test_an_account_is_replaced_never_rewritten(cast):
    def entered(number: str) -> BankAccount:
        with acting(cast.filer, "test"):
            return enter_account(
                cast.alpha, account_no=number, account_name=cast.alpha.name, bank_name="某行", by=cast.filer
            )

    account = entered("6222000011112222")
    text = (
        "account_no = '99999999999'",
        "account_name = 'x'",
        "bank_name = 'x'",
        "office_reason = 'x'",
        f"party_id = {cast.provider.pk}",
        "entered_by_id = NULL",
        "origin = 'imported'",
    )
    kept(account, *text, f"confirmed_by_id = {cast.filer.pk}")
    with acting(cast.enterprise_approver, "test"):
        confirm_account(account, by=cast.enterprise_approver)
    kept(account, *text, "confirmed_by_id = NULL", f"confirmed_by_id = {cast.finance.pk}")
    later = entered("6222000033334444")
    with acting(cast.enterprise_approver, "test"):
        confirm_account(later, by=cast.enterprise_approver)
    kept(account, *text, "superseded_at = NULL", "superseded_at = now()")
    withdrawn = entered("6222000055556666")
    BankAccount.objects.filter(pk=withdrawn.pk).update(superseded_at=dates.now())
    kept(withdrawn, f"confirmed_by_id = {cast.enterprise_approver.pk}")


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("setoff", "set_off_kept"),
        ("budgetwithdrawal", "budget_withdrawal_kept"),
        ("refund", "refund_kept"),
        ("clawback", "clawback_kept"),
        ("payment", "payment_kept"),
        ("bankaccount", "bank_account_kept"),
    ],
)
def test_no_setting_of_a_session_switches_it_off(db, table, trigger):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass",
            [trigger, f"vouchers_{table}"],
        )
        assert cursor.fetchone() == ("A",)
