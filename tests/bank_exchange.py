"""Payables by the thousand, and their exchange with the simulated bank: for the test and the benchmark of one effect each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from applications.bank_return_files import read_bank_return
from applications.bank_simulator import Bank, Behaviour
from applications.payment_files import export_files, inquiry_list, payment_instructions
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.actions import holds, ledger, payment_grounds, payment_lists, payments
from vouchers.actions.bank_inquiries import inquire
from vouchers.actions.bank_returns import settle_batch
from vouchers.actions.holds import Screener, ScreeningResult
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import Actor, acting
from vouchers.models import (
    BankAccount,
    Party,
    Payment,
    PaymentBatch,
    PaymentLine,
    Publication,
    User,
    Voucher,
)
from vouchers.policy.payment_caps import PaymentTerm

PAYEES = 50
AT_ONCE = 500


@contextmanager
def without_casework() -> Iterator[None]:
    """The ports of this floor filled by screeners that find nothing: there is no casework beneath these payables."""
    kept = holds._screener, holds._beneath.get("claim"), payment_grounds._check
    clear = ScreeningResult("same", {}, "clear", "110000")
    holds.register_screener(Screener(lambda kind, number, moment: clear, lambda kind, number: "same"))
    holds.register_beneath("claim", lambda number: ())
    payment_grounds.register_payment_check(lambda claim_no: None)
    try:
        yield
    finally:
        holds._screener, payment_grounds._check = kept[0], kept[2]
        if kept[1] is not None:
            holds.register_beneath("claim", kept[1])


def payables(cast: Cast, count: int, *terms: PaymentTerm) -> list[Payment]:
    """So many payables of one published program, each with its voucher, reservation and confirmation in the ledger, and bound by
    the ``terms``, each for its own payee."""
    publication = casework.published(cast, "BJ-AIQ")
    program, region = publication.program, publication.program.region
    budget = ledger.Budget(program.code, dates.today().year, region.code)
    payees = [
        Party.objects.create(uscc=f"9111010800{number:08d}", name=f"测试企业{number}", region_code="110108")
        for number in range(PAYEES)
    ]
    BankAccount.objects.bulk_create(_account(cast, payee) for payee in payees)
    BankAccount.objects.filter(party__in=payees).update(confirmed_by=cast.enterprise_approver)
    casework.funded(cast, program, f"{count}000.00")
    made: list[Payment] = []
    for first in range(1, count + 1, AT_ONCE):
        with acting(Actor.service("test"), "test"):
            numbers = range(first, min(first + AT_ONCE, count + 1))
            made += _made(publication, budget, payees, numbers, terms)
    return made


def payable_beside(first: Payment, place: int, *terms: PaymentTerm) -> Payment:
    """One more of the same program and budget, for the payee of that place, bound by other ``terms``."""
    program = first.program
    budget = ledger.Budget(program.code, dates.today().year, program.region.code)
    payees = [Party.objects.get(uscc=f"9111010800{number:08d}") for number in range(PAYEES)]
    publication = Voucher.objects.get(voucher_no=first.voucher_no).publication
    assert publication is not None
    with acting(Actor.service("test"), "test"):
        (made,) = _made(publication, budget, payees, [place], terms)
    return made


def claim_of(voucher_no: str) -> str:
    """The claim on a voucher: each has one."""
    return voucher_no.replace("V-", "C-")


def _made(
    publication: Publication,
    budget: ledger.Budget,
    payees: list[Party],
    places: Sequence[int],
    terms: tuple[PaymentTerm, ...],
) -> list[Payment]:
    on = dates.today()
    vouchers = [
        Voucher(
            voucher_no=f"V-TEST-{place:08d}",
            program=publication.program,
            publication=publication,
            enterprise=payees[place % PAYEES],
            application_no=f"A-TEST-{place:08d}",
            face_value=_amount(place),
            issued_on=on,
            expires_on=date(on.year + 1, on.month, on.day),
            budget_year=on.year,
        )
        for place in places
    ]
    issue, reserve, confirm = [], [], []
    for voucher in vouchers:
        number, uscc = voucher.voucher_no, voucher.enterprise.uscc
        issued = ledger.issue_chain(
            budget,
            number,
            voucher.face_value,
            on=on,
            id=ledger.event_id("issue", number),
            account_id=voucher.account_id,
        )
        issue.append(issued)
        held = ledger.event_id("reserve", number)
        reserve.append(
            ledger.Chain(held, on, "claim", claim_of(number))
            .open(budget.payable(uscc), "payable", returns_to=budget.code)
            .pending("reserve", ledger.voucher_account(number), budget.payable(uscc), voucher.face_value)
        )
        confirm.append(
            ledger.Chain(ledger.event_id("confirm", number), on, "claim", claim_of(number)).resolve(
                "post", "confirm", held
            )
        )
    Voucher.objects.bulk_create(vouchers)
    made = [
        payments.add_payable(
            claim_no=claim_of(voucher.voucher_no),
            voucher=voucher,
            payee=voucher.enterprise,
            amount=voucher.face_value,
            participants=(),
            on=on,
            terms=[_for(term, voucher.enterprise) for term in terms],
        )
        for voucher in vouchers
    ]
    for chains in (issue, reserve, confirm):
        for result in ledger.post_all(chains):
            result.demand()
    return made


def _for(term: PaymentTerm, payee: Party) -> PaymentTerm:
    return term if term.subject == "*" else dataclasses.replace(term, subject=payee.uscc)


def _amount(place: int) -> Decimal:
    return Decimal(10000 + place * 37 % 80000) / 100


@dataclass
class Told:
    """What came of an exchange."""

    instructions: int = 0
    answers: int = 0
    repeated: int = 0
    #: what the bank did: a time-out although it moved the money, a return after it had arrived, silence until it was asked
    timed_out: int = 0
    returned_later: int = 0
    silent: int = 0
    faults: list[str] = field(default_factory=list)


def exchange(
    cast: Cast, owed: list[Payment], *, batch_size: int, seed: int, behaviour: Behaviour | None = None
) -> Told:
    """Send all of them in batches, twice each, take every answer in as it comes, ask after what is left, and compare with the
    bank's book: every instruction has exactly the effect that the bank says it had."""
    maker, checker = cast.finance, cast.second_finance
    bank, told = Bank(seed, behaviour), Told()
    for first in range(0, len(owed), batch_size):
        chosen = owed[first : first + batch_size]
        with acting(maker, "test"):
            _mend_accounts(cast, chosen)
            batch = payments.create_batch(chosen[0].program, chosen, by=maker)
            payments.propose_batch(batch, by=maker)
        with acting(checker, "test"):
            payments.approve_batch(batch, by=checker)
            payments.mark_exported(batch, by=checker, files=export_files)
        sent = payment_instructions(payment_lists.lines_of(batch))
        answers = bank.take(sent)
        assert bank.take(sent) == []  # the file went out twice: the bank carries each instruction out once
        for answer in answers:
            _take_in(batch, answer, maker, told)
        with acting(maker, "test"):
            batch.refresh_from_db()
            if batch.state == "exported":
                _take_in(batch, bank.ask(inquiry_list(inquire(batch, by=maker))), maker, told)
    _compare(bank, told)
    return told


def _account(cast: Cast, payee: Party) -> BankAccount:
    return BankAccount(
        party=payee,
        account_no=f"62220000{payee.pk:08d}",
        account_name=payee.name,
        bank_name="某某银行",
        entered_by=cast.filer,
    )


def _mend_accounts(cast: Cast, owed: list[Payment]) -> None:
    """A returned payment puts its account out of use: it is registered anew, so that the others can be paid."""
    for payee in {payment.payee for payment in owed}:
        if payee.current_account is None:
            account = _account(cast, payee)
            account.save()
            account.confirmed_by = cast.enterprise_approver
            account.save(update_fields=["confirmed_by"])


def _take_in(batch: PaymentBatch, answer: bytes, by: User, told: Told) -> None:
    with acting(by, "test"):
        kept = settle_batch(batch, read_bank_return(answer, "simulated.csv"), by=by)
    told.answers += kept.line_count
    told.repeated += kept.repeated_count


def _compare(bank: Bank, told: Told) -> None:
    told.instructions = len(bank.book)
    kinds = [tuple(answer for answer, _when in entry.answers) for entry in bank.book.values()]
    told.timed_out = sum(kind[:2] == ("unknown", "confirmed") for kind in kinds)
    told.returned_later = sum(kind[:2] == ("confirmed", "returned") for kind in kinds)
    told.silent = sum(entry.asked > 0 for entry in bank.book.values())
    for number, entry in bank.book.items():
        if entry.times_sent != 2:
            told.faults.append(f"{number}: sent {entry.times_sent} times, in a file that went out twice")
    lines = {line.instruction_no: line for line in PaymentLine.objects.select_related("payment")}
    for number, entry in bank.book.items():
        line = lines[number]
        if (line.state, line.payment.state) != (entry.outcome, entry.outcome):
            told.faults.append(f"{number}: the bank says {entry.outcome}, here it is {line.state}")
    told.faults += [str(finding) for finding in check_ledger()]
