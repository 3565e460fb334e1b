"""退还: what came in beyond what was due, or on a withdrawn demand, goes back by two persons; the books say so at each step."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.vouchers.clawing import HUNDRED, approved, balance, first, noticed, second, set_off, told  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401 - fixtures
from vouchers import dates
from vouchers.actions.budgets import budget_sheet
from vouchers.actions.clawbacks import notice_clawback, withdraw_clawback
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.receiving_accounts import (
    account_of,
    confirm_receiving_account,
    enter_receiving_account,
)
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.refunds import approve_refund, pay_refund, send_back_refund
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import BankAccount, ClawbackReceipt, LedgerAccount, ReceivingAccount, Refund


def received(cast, clawback, amount: str, reference: str = "IN-1", *, keep_excess: bool = True):
    with acting(cast.finance, "test"):
        return record_receipt(
            clawback,
            amount=Decimal(amount),
            received_on=dates.today(),
            bank_reference=reference,
            keep_excess=keep_excess,
            by=cast.finance,
        )


def paid_back(cast, refund: Refund) -> Refund:
    with acting(cast.second_finance, "test"):
        approve_refund(refund, by=cast.second_finance)
    with acting(cast.finance, "test"):
        return pay_refund(refund, paid_on=dates.today(), bank_reference="OUT-1", by=cast.finance)


def refundable() -> Decimal:
    return sum((row.balance for row in LedgerAccount.objects.filter(kind="refundable")), Decimal(0))


def test_a_typing_error_makes_no_refund(cast, first):
    clawback = noticed(cast, first)
    with pytest.raises(Invalid) as refused:
        received(cast, clawback, "1000000.00", keep_excess=False)
    assert refused.value.code == "receipt.more_than_due"
    assert not Refund.objects.exists()


def test_what_came_in_beyond_what_was_due_is_kept_apart_and_goes_back(cast, first):
    clawback = noticed(cast, first)
    receipt = received(cast, clawback, "100000.50")
    assert (clawback.state, outstanding(clawback)) == ("settled", 0)
    assert (receipt.counted_amount, receipt.excess_amount) == (HUNDRED, Decimal("0.50"))
    refund = Refund.objects.get()
    assert (refund.amount, refund.kind, refundable()) == (Decimal("0.50"), "excess", Decimal("0.50"))
    assert check_ledger() == []
    with acting(cast.finance, "test"), pytest.raises(Forbidden):
        approve_refund(refund, by=cast.finance)  # who took it in
    paid_back(cast, refund)
    assert (refundable(), Refund.objects.get().state) == (0, "paid")
    assert balance(f"recovered:{first.program.code}:2025") == HUNDRED
    assert told("refunded")


def test_what_comes_in_after_all_is_settled_goes_back_whole(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "100000.00")
    with pytest.raises(NotNow):
        received(cast, clawback, "70.00", "IN-2", keep_excess=False)
    received(cast, clawback, "70.00", "IN-2")
    assert received(cast, clawback, "70.00", "IN-2") == ClawbackReceipt.objects.get(bank_reference="IN-2")
    assert Refund.objects.get().amount == Decimal("70.00")
    assert clawback.state == "settled"


def test_a_demand_that_is_withdrawn_after_part_came_in_gives_that_part_back(cast, first, second):
    clawback = noticed(cast, first)
    received(cast, clawback, "30000.00")
    set_off(cast, clawback, second, "20000.00")
    with acting(cast.approver, "test"):
        withdraw_clawback(clawback, by=cast.approver, reason="异议成立。")
    assert (clawback.state, outstanding(clawback)) == ("withdrawn", 0)
    refund = Refund.objects.get()
    assert (refund.amount, refund.kind) == (Decimal("50000.00"), "withdrawn")
    program = first.program
    assert balance(f"recovered:{program.code}:2025") == 0
    assert balance(f"paid:{program.code}:2025") == Decimal(
        "570000.00"
    )  # 600,000 paid, 20,000 set off, 50,000 due back
    assert check_ledger() == []
    paid_back(cast, refund)
    assert balance(f"paid:{program.code}:2025") == Decimal("620000.00")
    (line,) = [one for one in budget_sheet(program) if one.year == 2025]
    assert (line.clawed_back, line.accounted) == (0, line.came_in)


def test_the_refund_is_paid_by_another_than_who_approved_it_from_the_banks_slip(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "100001.00")
    refund = Refund.objects.get()
    with acting(cast.finance, "test"), pytest.raises(NotNow):
        pay_refund(refund, paid_on=dates.today(), bank_reference="OUT-1", by=cast.finance)
    with acting(cast.second_finance, "test"):
        approve_refund(refund, by=cast.second_finance)
        with pytest.raises(Forbidden):
            pay_refund(refund, paid_on=dates.today(), bank_reference="OUT-1", by=cast.second_finance)
    with acting(cast.finance, "test"):
        for wrong in (
            {"paid_on": dates.today() + timedelta(days=1), "bank_reference": "OUT-1"},
            {"paid_on": dates.today() - timedelta(days=1), "bank_reference": "OUT-1"},
            {"paid_on": dates.today(), "bank_reference": " "},
        ):
            with pytest.raises(Invalid):
                pay_refund(refund, by=cast.finance, **wrong)
        send_back_refund(refund, by=cast.finance, reason="账户有误。")
    assert (refund.state, refund.account) == ("due", None)


def test_nothing_goes_back_to_a_payee_without_an_account(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "100001.00")
    BankAccount.objects.filter(party=cast.alpha).update(superseded_at=dates.now())
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        approve_refund(Refund.objects.get(), by=cast.second_finance)
    assert refused.value.code == "refund.no_account"


# -- where it is paid to ---------------------------------------------------------------------------------------------


def entered(cast, number: str = "1100998877665544", by=None) -> ReceivingAccount:
    by = by or cast.finance
    with acting(by, "test"):
        return enter_receiving_account(
            cast.beijing,
            account_name="北京市财政局非税专户",
            account_no=number,
            bank_name="某某银行营业部",
            document_no="京财库〔2025〕9号",
            by=by,
        )


def test_no_notice_goes_out_before_the_office_has_an_account(cast, first):
    def notice():
        with acting(cast.finance, "test"):
            return notice_clawback(clawback, by=cast.finance)

    ReceivingAccount.objects.update(superseded_at=dates.now())
    clawback = approved(cast, first)
    with pytest.raises(NotNow) as refused:
        notice()
    assert refused.value.code == "clawback.no_receiving_account"
    account = entered(cast)
    with pytest.raises(NotNow):
        notice()
    with acting(cast.finance, "test"), pytest.raises(Forbidden):
        confirm_receiving_account(account, by=cast.finance)
    with acting(cast.second_finance, "test"):
        confirm_receiving_account(account, by=cast.second_finance)
    assert notice().receiving_account == account


def test_a_notice_keeps_the_account_that_it_named(cast, first, second):
    clawback = noticed(cast, first)
    named = clawback.receiving_account
    with acting(cast.second_finance, "test"):
        confirm_receiving_account(entered(cast), by=cast.second_finance)
    clawback.refresh_from_db()
    assert clawback.receiving_account == named
    assert account_of(cast.beijing) != named


def test_a_reference_is_known_by_its_account_not_over_all_banks(cast, first):
    one = noticed(cast, first)
    received(cast, one, "1.00", "20250804-1")
    with acting(cast.second_finance, "test"):
        confirm_receiving_account(entered(cast), by=cast.second_finance)
    other = noticed(cast, first, HUNDRED + HUNDRED, ground_no="K-2025-2")
    received(cast, other, "2.00", "20250804-1")
    with pytest.raises(NotNow) as refused:
        received(cast, other, "3.00", "20250804-1")
    assert refused.value.code == "receipt.known"


def test_all_faults_of_an_account_are_told_at_once(cast):
    with acting(cast.finance, "test"), pytest.raises(Problems) as refused:
        enter_receiving_account(
            cast.beijing, account_name=" ", account_no="12x", bank_name="", document_no="", by=cast.finance
        )
    assert {fault.code for fault in refused.value.problems} == {
        "receiving_account.name",
        "receiving_account.number",
        "receiving_account.bank",
        "receiving_account.document",
    }
    with pytest.raises(Forbidden):
        entered(cast, by=cast.other_finance)
    entered(cast)
    with pytest.raises(Problems):
        entered(cast, "1100998877665545")
