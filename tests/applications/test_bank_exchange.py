"""A bank at its worst: whatever it says, however often and in whatever order, each instruction has one effect."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from applications.bank_return_files import read_bank_return
from applications.bank_simulator import Bank, Behaviour
from tests.bank_exchange import exchange, payables, without_casework
from vouchers.models import LedgerAccount

ROUGH = Behaviour(
    timed_out=0.2, returned=0.1, timed_out_and_returned=0.1, returned_later=0.1, silent=0.2, duplicated=0.5
)


def test_two_hundred_instructions_have_one_effect_each(cast):
    with without_casework():
        told = exchange(cast, payables(cast, 200), batch_size=50, seed=11, behaviour=ROUGH)
    assert told.faults == []
    assert told.instructions == 200
    assert told.repeated > 20
    assert min(told.timed_out, told.returned_later, told.silent) > 5
    paid = LedgerAccount.objects.get(code="paid:BJ-AIQ:2025").balance
    owed = sum(account.balance for account in LedgerAccount.objects.filter(kind="payable"))
    appropriated = LedgerAccount.objects.get(code="budget:BJ-AIQ:2025")
    assert paid + owed == appropriated.debits_posted


INSTRUCTIONS = (
    b"instruction_no,payee_name,payee_uscc,account_name,account_no,bank_name,amount,amount_in_words,purpose\r\n"
    b"P-1-1,a,u,a,1,b,10.00,x,p\r\nP-2-1,b,u,b,2,b,20.00,x,p\r\nTOTAL,2,,,,,30.00,x,h\r\n"
)


def test_the_command_answers_and_keeps_its_book(tmp_path):
    sent = tmp_path / "list.csv"
    sent.write_bytes(INSTRUCTIONS)
    out = io.StringIO()
    call_command("simulate_bank", str(sent), out=tmp_path / "bank", silent=0.0, stdout=out)
    answers = sorted((tmp_path / "bank").glob("*-return-*.csv"))
    assert answers
    for answer in answers:
        assert read_bank_return(answer.read_bytes()).lines
    again = io.StringIO()
    call_command("simulate_bank", str(sent), out=tmp_path / "bank", stdout=again)
    assert "账簿：2 笔" in again.getvalue()


def test_a_file_that_was_cut_off_is_not_carried_out(tmp_path):
    sent = tmp_path / "list.csv"
    sent.write_bytes(INSTRUCTIONS.rsplit(b"TOTAL", 1)[0])
    with pytest.raises(CommandError):
        call_command("simulate_bank", str(sent), out=tmp_path / "bank", stdout=io.StringIO())


def test_the_same_seed_gives_the_same_answers():
    assert Bank(3).take(INSTRUCTIONS) == Bank(3).take(INSTRUCTIONS)
