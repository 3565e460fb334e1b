"""收回: by transfer, instalments or set-off, never more than is due; overdue is on record, a bad debt is written off by two persons."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from applications.actions.clawback_cases import (
    file_clawback_objection,
)
from applications.actions.objections import answer_objection
from applications.models import Claim, Message, Objection
from applications.tasks import clawback_told, payment_confirmed
from tests import banking
from tests.vouchers.clawing import HUNDRED, balance, drafted, first, noticed, received, second, set_off, told  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers import dates
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.recoveries import (
    ask_instalments,
    decide_instalments,
    propose_write_off,
    record_overdue,
    refuse_write_off,
    write_off,
)
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Clawback, CreditRecord, OutboxMessage

# -- coming in -------------------------------------------------------------------------------------------------------


def test_a_notice_books_the_demand_and_sets_the_day(cast, first):
    clawback = noticed(cast, first)
    assert clawback.due_on == dates.add_working_days(dates.today(), 15)
    assert balance(f"receivable:{clawback.clawback_no}") == HUNDRED
    assert balance(f"paid:{first.program.code}:2025") == Decimal("500000.00")
    assert Clawback.objects.told().visible_to(cast.filer).get() == clawback
    assert told("noticed")
    clawback_told(clawback_no=clawback.clawback_no, message="noticed")
    assert "100,000.00 元" in Message.objects.get(title="请退回已拨付的补贴").text


def test_what_came_in_in_full_settles_it(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "40000.00")
    assert clawback.state == "noticed"
    received(cast, clawback, "60000.00", "IN-2")
    assert (clawback.state, clawback.closed_on) == ("settled", dates.today())
    assert balance(f"recovered:{first.program.code}:2025") == HUNDRED


def test_a_receipt_counts_once_and_never_beyond_what_is_due(cast, first):
    clawback = noticed(cast, first)
    once = received(cast, clawback, "40000.00")
    assert received(cast, clawback, "40000.00") == once
    with pytest.raises(NotNow):
        received(cast, clawback, "10.00")  # the same reference, another amount
    with pytest.raises(Invalid) as refused:
        received(cast, clawback, "60000.01", "IN-2")
    assert refused.value.code == "receipt.more_than_due"
    for amount in ("0", "-1", "0.001", "1e30"):
        with pytest.raises(Invalid):
            received(cast, clawback, amount, "IN-3")
    assert outstanding(clawback) == Decimal("60000.00")


def test_a_later_payment_is_made_by_what_its_payee_owes(cast, first, second):
    clawback = noticed(cast, first)
    set_off(cast, clawback, second)
    assert (clawback.state, second.state) == ("settled", "payable")
    assert (second.offset_amount, second.bank_amount) == (HUNDRED, Decimal("500000.00"))
    batch = banking.paid(cast, second)
    assert batch.control_sum == Decimal("500000.00")
    assert balance(f"paid:{first.program.code}:2025") == Decimal("1100000.00")


def test_a_payment_that_is_set_off_in_full_needs_no_bank(cast, first, second):
    clawback = noticed(cast, first, Decimal("600000.00"))
    set_off(cast, clawback, second)
    assert (second.state, clawback.state) == ("offset", "settled")
    message = OutboxMessage.objects.get(
        task="applications.payment_confirmed", payload__payment_no=second.payment_no
    )
    payment_confirmed(**message.payload)
    assert Claim.objects.get(claim_no=second.claim_no).state == "paid"


def test_a_payment_in_a_batch_is_not_set_off(cast, first, second):
    clawback = noticed(cast, first)
    banking.proposed(cast, second)
    with pytest.raises(NotNow) as refused:
        set_off(cast, clawback, second)
    assert refused.value.code == "offset.not_payable"
    assert outstanding(clawback) == HUNDRED


def test_money_that_was_demanded_back_is_not_returned_by_the_bank_as_well(cast, first):
    clawback = noticed(cast, first)
    batch = first.lines.get().batch
    with pytest.raises(Invalid) as refused:
        banking.answer(cast, batch, banking.said(first.lines.get(), "returned"))
    assert refused.value.code == "payment.clawed_back"
    assert outstanding(clawback) == HUNDRED


# -- instalments, overdue, credit ------------------------------------------------------------------------------------


def plan(cast, clawback: Clawback, *parts: tuple[date, str]):
    with acting(cast.filer, "test"):
        return ask_instalments(
            clawback,
            [(day, Decimal(amount)) for day, amount in parts],
            reason="资金周转困难。",
            by=cast.filer,
        )


SEPTEMBER, OCTOBER = date(2025, 9, 1), date(2025, 10, 1)


def test_agreed_instalments_stand_in_place_of_the_notices_day(cast, first):
    clawback = noticed(cast, first)
    asked = plan(cast, clawback, (SEPTEMBER, "50000.00"), (OCTOBER, "50000.00"))
    with acting(cast.finance, "test"):
        decide_instalments(asked, agree=True, answer="", by=cast.finance)
    clawback.refresh_from_db()
    assert clawback.due_on == OCTOBER
    with acting(cast.finance, "test"):
        assert record_overdue(SEPTEMBER) == []
        assert record_overdue(date(2025, 9, 2)) == [clawback.clawback_no]
        assert record_overdue(date(2025, 9, 3)) == []
    assert "50,000.00" in CreditRecord.objects.get().sentence
    received(cast, clawback, "50000.00")
    assert CreditRecord.objects.get().repaired_on == dates.today()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (((SEPTEMBER, "50000.00"), (OCTOBER, "49999.99")), "instalments.sum"),
        (((OCTOBER, "50000.00"), (SEPTEMBER, "50000.00")), "instalments.dates"),
        (((date(2025, 8, 4), "50000.00"), (OCTOBER, "50000.00")), "instalments.dates"),
        (((OCTOBER, "100000.00"),), "instalments.count"),
        (((SEPTEMBER, "110000.00"), (OCTOBER, "-10000.00")), "instalments.amount"),
    ],
)
def test_a_plan_that_does_not_add_up_is_refused(cast, first, parts, code):
    clawback = noticed(cast, first)
    with pytest.raises(Problems) as refused:
        plan(cast, clawback, *parts)
    assert code in {one.code for one in refused.value.problems}


def test_only_the_partys_own_people_ask_for_instalments(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.other_filer, "test"), pytest.raises(Forbidden):
        ask_instalments(
            clawback,
            [(SEPTEMBER, Decimal("50000")), (OCTOBER, Decimal("50000"))],
            reason="x",
            by=cast.other_filer,
        )


def test_what_is_overdue_is_in_the_credit_record_until_it_is_settled(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        assert record_overdue(clawback.due_on) == []
        late = dates.add_working_days(clawback.due_on, 1)
        assert record_overdue(late) == [clawback.clawback_no]
    assert CreditRecord.objects.open().get().party == cast.alpha
    assert told("overdue")
    with dates.fixed(late):
        received(cast, clawback, "100000.00")
    assert CreditRecord.objects.get().repaired_on == late


# -- withdrawing and writing off -------------------------------------------------------------------------------------


def test_an_upheld_objection_withdraws_the_demand_and_reverses_it(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.filer, "test"):
        objection = file_clawback_objection(clawback, text="租金已实际发生，附补充协议。", by=cast.filer)
        with pytest.raises(NotNow):
            file_clawback_objection(clawback, text="再次", by=cast.filer)
    with acting(cast.second_approver, "test"), pytest.raises(Forbidden):
        answer_objection(objection, uphold=True, answer="成立。", by=cast.second_approver)
    with acting(cast.approver, "test"):
        answer_objection(objection, uphold=True, answer="经核实租金已发生。", by=cast.approver)
    clawback.refresh_from_db()
    assert (clawback.state, Objection.objects.get().state) == ("withdrawn", "upheld")
    assert outstanding(clawback) == 0
    assert balance(f"paid:{first.program.code}:2025") == Decimal("600000.00")


def test_a_bad_debt_is_written_off_by_two_persons_on_grounds(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "30000.00")
    with acting(cast.finance, "test"):
        with pytest.raises(Invalid):
            propose_write_off(clawback, reason=" ", document_no="裁定1号", by=cast.finance)
        propose_write_off(clawback, reason="企业破产终结。", document_no="（2025）京01破1号", by=cast.finance)
        with pytest.raises(Forbidden):
            write_off(clawback, by=cast.finance)
    with acting(cast.approver, "test"):
        refuse_write_off(clawback, reason="尚有财产可供执行。", by=cast.approver)
    with acting(cast.finance, "test"):
        propose_write_off(clawback, reason="企业破产终结。", document_no="（2025）京01破1号", by=cast.finance)
    with acting(cast.approver, "test"):
        write_off(clawback, by=cast.approver)
    assert clawback.state == "written_off"
    assert balance(f"written_off:{first.program.code}:2025") == Decimal("70000.00")
    with pytest.raises(NotNow):
        received(cast, clawback, "1.00", "IN-9")


def test_the_database_holds_the_two_persons_too(cast, first):
    clawback = drafted(cast, first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clawback.objects.filter(pk=clawback.pk).update(proposed_by=cast.handler, approved_by=cast.handler)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clawback.objects.filter(pk=clawback.pk).update(principal_amount=Decimal("600000.01"))
