"""The bank says that money came back while the office demands it back, in processes of their own: one of the two, never both."""

from __future__ import annotations

import json
import multiprocessing
import os
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import connections

from tests import banking
from tests.bank_exchange import payables, without_casework
from tests.cast import Cast
from tests.conftest import TODAY
from vouchers import dates
from vouchers.actions.bank_files import BankFile
from vouchers.actions.bank_returns import settle_batch
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import approve_clawback, draft_clawback, notice_clawback, propose_clawback
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.set_offs import confirm_set_off, propose_set_off
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import Clawback, Payment, PaymentBatch, PaymentLine, SetOff, User

COUNT = 12


def _child(deeds: list[Callable[[], Any]], barrier: Any, sending: Any) -> None:
    answers = []
    try:
        with dates.fixed(TODAY):
            barrier.wait(30)
            for deed in deeds:
                try:
                    deed()
                    answers.append("done")
                except DomainError as refusal:
                    answers.append(refusal.code)
    except BaseException:
        answers.append(traceback.format_exc())
    sending.send_bytes(json.dumps(answers).encode())
    sending.close()
    connections.close_all()
    os._exit(0)


def at_once(*sides: list[Callable[[], Any]]) -> list[list[str]]:
    """What each side's deeds came to, one process a side."""
    connections.close_all()  # a child must not share its parent's connection
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(sides))
    running = []
    for deeds in sides:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(deeds, barrier, sending), daemon=True)
        process.start()
        sending.close()
        running.append((process, receiving))
    answers = []
    for process, receiving in running:
        assert receiving.poll(90), "a process said nothing"
        answers.append(json.loads(receiving.recv_bytes()))
        process.join(10)
    return answers


def demanded(cast: Cast, payment: Payment) -> Clawback:
    """Approved; only the notice is missing."""
    with acting(cast.handler, "test"):
        clawback = draft_clawback(
            payment,
            Reassessed(payment.amount - Decimal("1.00")),
            ground="finding",
            ground_no="K-1",
            reason="核查认定。",
            by=cast.handler,
        )
        propose_clawback(clawback, by=cast.handler)
    with acting(cast.second_approver, "test"):
        return approve_clawback(clawback, by=cast.second_approver)


def notice(clawback_no: str) -> None:
    by = User.objects.get(username="finance")
    with acting(by, "test"):
        notice_clawback(Clawback.objects.get(clawback_no=clawback_no), by=by)


def answer_return(batch_no: str, instruction_no: str) -> None:
    by = User.objects.get(username="second-finance")
    line = PaymentLine.objects.get(instruction_no=instruction_no)
    with acting(by, "test"):
        batch = PaymentBatch.objects.get(batch_no=batch_no)
        settle_batch(batch, BankFile.of(banking.said(line, "returned", reason="已销户")), by=by)


def test_what_the_bank_brings_back_is_not_demanded_back_as_well(committed_db: Any, cast: Cast):
    with without_casework():
        payments = payables(cast, COUNT)
        batch = banking.paid(cast, *payments)
        clawbacks = [demanded(cast, Payment.objects.get(pk=payment.pk)) for payment in payments]
        numbers = [line.instruction_no for line in lines_of(batch)]
        answers = at_once(
            [lambda number=number: answer_return(batch.batch_no, number) for number in numbers],
            [lambda one=one: notice(one.clawback_no) for one in clawbacks],
        )
    states = [
        (one.payment.state in ("returned", "payable"), one.state == "noticed")
        for one in Clawback.objects.select_related("payment")
    ]
    assert all(back != due for back, due in states), (states, answers)
    assert set(answers[0]) <= {"done", "payment.clawed_back"}
    assert set(answers[1]) <= {"done", "clawback.not_paid"}
    assert check_ledger() == []


def test_a_whole_file_and_the_notices_of_the_same_payments_wait_for_each_other_without_a_deadlock(
    committed_db: Any, cast: Cast
):
    def whole_file() -> None:
        by = User.objects.get(username="second-finance")
        with acting(by, "test"):
            row = PaymentBatch.objects.get(batch_no=batch.batch_no)
            said = [banking.said(line, "returned") for line in reversed(lines_of(row))]
            settle_batch(row, BankFile.of(*said), by=by)

    with without_casework():
        payments = payables(cast, COUNT)
        batch = banking.paid(cast, *payments)
        clawbacks = [demanded(cast, Payment.objects.get(pk=payment.pk)) for payment in payments]
        answers = at_once(
            [whole_file], [lambda one=one: notice(one.clawback_no) for one in reversed(clawbacks)]
        )
    assert set(answers[0] + answers[1]) <= {"done", "payment.clawed_back", "clawback.not_paid"}, answers
    for one in Clawback.objects.select_related("payment"):
        assert (one.payment.state in ("returned", "payable")) != (one.state == "noticed")
    assert check_ledger() == []


def test_one_line_of_the_bank_is_one_receipt_on_whichever_demand(committed_db: Any, cast: Cast):
    def record(clawback_no: str) -> None:
        by = User.objects.get(username="finance")
        with acting(by, "test"):
            record_receipt(
                Clawback.objects.get(clawback_no=clawback_no),
                amount=Decimal("1.00"),
                received_on=dates.today(),
                bank_reference="IN-1",
                by=by,
            )

    with without_casework():
        payments = payables(cast, 4)
        banking.paid(cast, *payments)
        clawbacks = [demanded(cast, Payment.objects.get(pk=payment.pk)) for payment in payments]
        for one in clawbacks:
            notice(one.clawback_no)
        answers = at_once(*([lambda one=one: record(one.clawback_no)] for one in clawbacks))
    (told,) = zip(*answers, strict=True)
    assert sorted(told) == ["done", "receipt.known", "receipt.known", "receipt.known"]
    assert check_ledger() == []


def test_one_payment_is_set_off_once_or_sent_to_the_bank_never_both(committed_db: Any, cast: Cast):
    with without_casework():
        payments = payables(cast, 51)
        owner = payments[0].payee
        mine = [payment for payment in payments if payment.payee_id == owner.pk]
        banking.paid(cast, mine[0])
        clawback = demanded(cast, Payment.objects.get(pk=mine[0].pk))
        notice(clawback.clawback_no)
        clawback.refresh_from_db()
        with acting(cast.finance, "test"):
            waiting = propose_set_off(clawback, mine[1], by=cast.finance, amount=Decimal("1.00"))

        def book() -> None:
            by = User.objects.get(username="second-finance")
            row = SetOff.objects.select_related("clawback__region", "payment").get(pk=waiting.pk)
            with acting(by, "test"):
                confirm_set_off(row, by=by)

        answers = at_once(
            [book], [book], [lambda: banking.proposed(cast, Payment.objects.get(pk=mine[1].pk))]
        )
    booked = SetOff.objects.get(pk=waiting.pk).state == "booked"
    assert booked
    assert sorted(answers[0] + answers[1]) == ["done", "set_off.not_now"]
    assert set(answers[2]) <= {"done", "payment.set_off_waits"}
    mine[1].refresh_from_db()
    assert mine[1].offset_amount == Decimal("1.00")
    assert check_ledger() == []
