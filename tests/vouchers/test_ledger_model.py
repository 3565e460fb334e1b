"""The ledger against a plain-Python oracle: random walks over every verb, the same answer and the same balances.

The same walk goes over a budget that one treasury bears and over one that two share. Every amount of the oracle is a list, one
number for each treasury.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.vouchers.ledger_oracle import (
    Oracle,
    Parts,
    Payment,
    Reservation,
    claw_back,
    minus,
    plus,
    recovered_of,
    set_off,
    shares,
)
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.ledger_days import close_day
from vouchers.models import LedgerAccount

ON = date(2025, 7, 15)
LATER = date(2025, 8, 1)
PAYEES = ("91350100M000100Y43", "91440300MA5EXAMPL3")
LIMIT = Decimal("150.00")
CENT = Decimal("0.01")

amounts = st.integers(1, 12_000).map(lambda fen: Decimal(fen) / 100)
payees = st.sampled_from(PAYEES)


class LedgerWalk(RuleBasedStateMachine):
    bearers: tuple[str, ...] = ()
    limit = LIMIT

    def __init__(self) -> None:
        super().__init__()
        self.begin_alone()
        self.budget = ledger.Budget(self.program, 2025, "440300", self.bearers)
        self.next_year = ledger.Budget(self.program, 2026, "440300", self.bearers)
        none = tuple(Decimal(0) for _part in self.budget.parts)
        self.oracle = Oracle(none, none, none, none, none)
        self.sent: list[tuple[Callable[..., Any], dict[str, Any], ledger.LedgerResult]] = []
        self.count = 0

    def begin_alone(self) -> None:
        """Nothing of another walk is seen by this one."""
        self.program, self.day = "SZ-XLQ", ON
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()

    def teardown(self) -> None:
        assert check_ledger(business_rows=False) == []
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)

    def cap_of(self, payee: str) -> ledger.Cap:
        """What a company may be granted in the year."""
        publication = hashlib.sha256(self.program.encode()).hexdigest()
        return ledger.Cap(publication, "enterprise_year", payee, "2025", self.limit)

    def send(
        self, expected: str, verb: Callable[..., ledger.LedgerResult], **request: Any
    ) -> ledger.LedgerResult:
        request = {"on": ON, "id": uuid.uuid4()} | request
        result = verb(**request)
        assert result.code == expected, (verb.__name__, request, result)
        self.sent.append((verb, request, result))
        return result

    def next(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.program}-{self.count}"

    def borne(self, parts: Parts) -> dict[str, Decimal] | None:
        return dict(zip(self.bearers, parts, strict=True)) if self.bearers else None

    # -- budget and vouchers

    @initialize()
    def begin(self) -> None:
        self.fund(amount=Decimal(1000))
        for payee in PAYEES:
            self.issue(amount=Decimal(300))
            for capped in (True, False):
                held = self.hold(list(self.oracle.vouchers)[-1], Decimal(50), payee, capped)
                self.settle(held, None, let_go=False)
            self.order(payee, Decimal(40))

    @precondition(lambda self: self.count % 4 == 0)
    @rule(amount=amounts)
    def fund(self, amount: Decimal) -> None:
        oracle = self.oracle
        code = "account_closed" if oracle.budget_closed else "accepted"
        for part in self.budget.parts:
            self.send(code, ledger.appropriate, budget=part, amount=amount, document_no="指标")
        if code == "accepted":
            oracle.budget = plus(oracle.budget, tuple(amount for _part in oracle.none))

    @precondition(lambda self: self.count % 3 == 0)
    @rule(amount=amounts, place=st.integers(0, 1))
    def withdraw(self, amount: Decimal, place: int) -> None:
        oracle, place = self.oracle, min(place, len(self.oracle.none) - 1)
        fits = amount <= oracle.budget[place]
        code = "account_closed" if oracle.budget_closed else "accepted" if fits else "insufficient_funds"
        part = self.budget.parts[place]
        self.send(code, ledger.withdraw, budget=part, amount=amount, document_no="收回")
        if code == "accepted":
            oracle.budget = minus(oracle.budget, self.only(place, amount))

    def only(self, place: int, amount: Decimal) -> Parts:
        return tuple(amount if n == place else Decimal(0) for n in range(len(self.oracle.none)))

    @precondition(lambda self: self.count % 3 == 0)
    @rule(amount=amounts)
    def issue(self, amount: Decimal) -> None:
        oracle, no = self.oracle, self.next("V")
        first = (amount * Decimal("0.6")).quantize(CENT, "ROUND_DOWN")
        parts = (first, amount - first) if self.bearers else (amount,)
        fits = all(one <= has for one, has in zip(parts, oracle.budget, strict=True))
        code = "account_closed" if oracle.budget_closed else "accepted" if fits else "insufficient_funds"
        request = {"budget": self.budget, "voucher_no": no, "amount": amount, "borne": self.borne(parts)}
        self.send(code, ledger.issue, **request)
        if code == "accepted":
            oracle.budget = minus(oracle.budget, parts)
            oracle.vouchers[no] = parts

    @precondition(lambda self: self.count % 5 == 0)
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        oracle = self.oracle
        no = data.draw(st.sampled_from(sorted(oracle.vouchers)))
        code = "account_closed" if no in oracle.closed else "accepted"
        self.send(code, ledger.expire_voucher, voucher_no=no, bearers=self.bearers)
        if no not in oracle.closed:
            oracle.closed.add(no)
            left, oracle.vouchers[no] = oracle.vouchers[no], oracle.none
            oracle.give_back(no, left)

    @precondition(lambda self: self.oracle.vouchers and not self.oracle.budget_closed and self.count % 7 == 6)
    @rule()
    def close_year(self) -> None:
        oracle = self.oracle
        self.send("accepted", ledger.close_budget, budget=self.budget)
        oracle.budget_closed, oracle.surplus, oracle.budget = True, oracle.budget, oracle.none

    @precondition(lambda self: self.oracle.budget_closed)
    @rule(amount=amounts, place=st.integers(0, 1))
    def carry_over(self, amount: Decimal, place: int) -> None:
        oracle, place = self.oracle, min(place, len(self.oracle.none) - 1)
        code = "accepted" if amount <= oracle.surplus[place] else "insufficient_funds"
        parts = {"closed": self.budget.parts[place], "to": self.next_year.parts[place]}
        self.send(code, ledger.carry_over, amount=amount, document_no="结转", **parts)
        if code == "accepted":
            oracle.surplus = minus(oracle.surplus, self.only(place, amount))
            oracle.next_year = plus(oracle.next_year, self.only(place, amount))

    @precondition(lambda self: self.count % 6 == 0)
    @rule()
    def close_the_day(self) -> None:
        """Every transfer so far is in a day, and the days add up to what stands."""
        self.day += timedelta(days=1)
        row = close_day(self.day, timezone.now())
        assert row is not None and row.balanced
        standing = {line.kind: line.credits_posted for line in row.lines.filter(ledger="money")}
        assert standing["voucher"] >= sum((sum(parts) for parts in self.oracle.vouchers.values()), Decimal(0))

    # -- claims

    @precondition(lambda self: self.oracle.vouchers)
    @rule(data=st.data(), amount=amounts, payee=payees, capped=st.booleans(), ends=st.booleans())
    def reserve(self, data: st.DataObject, amount: Decimal, payee: str, capped: bool, ends: bool) -> None:
        oracle = self.oracle
        no = data.draw(
            st.sampled_from(sorted(oracle.vouchers.keys() - oracle.closed) or sorted(oracle.vouchers))
        )
        self.hold(no, amount, payee, capped, ends)

    def hold(self, no: str, amount: Decimal, payee: str, capped: bool, ends: bool = False) -> uuid.UUID:
        oracle, claim = self.oracle, self.next("C")
        cap_left = oracle.cap_left.get(payee, self.limit)
        if no in oracle.closed:
            code = "account_closed"
        elif amount > sum(oracle.vouchers[no]):
            code = "insufficient_funds"
        else:
            code = "cap_exceeded" if capped and amount > cap_left else "accepted"
        caps = [self.cap_of(payee)] if capped else []
        result = self.send(
            code,
            ledger.reserve,
            budget=self.budget,
            voucher_no=no,
            amount=amount,
            payee_uscc=payee,
            claim_no=claim,
            caps=caps,
            expires_on=LATER if ends else None,
        )
        if code == "accepted":
            parts = shares(amount, oracle.vouchers[no])
            oracle.vouchers[no] = minus(oracle.vouchers[no], parts)
            if capped:
                oracle.cap_left[payee] = cap_left - amount
            oracle.reservations[result.id] = Reservation(no, payee, parts, claim, capped, ends)
        return result.id

    @precondition(lambda self: self.oracle.reservations)
    @rule(data=st.data(), part=st.one_of(st.none(), amounts), let_go=st.sampled_from([False, False, True]))
    def resolve(self, data: st.DataObject, part: Decimal | None, let_go: bool) -> None:
        oracle = self.oracle
        waiting = [id for id, held in oracle.reservations.items() if held.state == "open"]
        self.settle(data.draw(st.sampled_from(waiting or list(oracle.reservations))), part, let_go)

    def settle(self, id: uuid.UUID, part: Decimal | None, let_go: bool) -> None:
        oracle = self.oracle
        held = oracle.reservations[id]
        if held.state != "open":
            code = "pending_resolved"
        else:
            too_much = not let_go and part is not None and part > sum(held.parts)
            code = "exceeds_pending" if too_much else "accepted"
        if let_go:
            self.send(code, ledger.release, reservation=id, claim_no=held.claim)
        else:
            result = self.send(code, ledger.confirm, reservation=id, claim_no=held.claim, amount=part)
            held.confirm_id = result.id if code == "accepted" else held.confirm_id
        if code != "accepted":
            return
        held.state = "released" if let_go else "confirmed"
        held.confirmed = oracle.none if let_go else held.parts if part is None else shares(part, held.parts)
        rest = minus(held.parts, held.confirmed)
        oracle.give_back(held.voucher, rest)
        oracle.payable[held.payee] = plus(oracle.payable.get(held.payee, oracle.none), held.confirmed)
        if held.capped:
            oracle.cap_left[held.payee] += sum(rest)

    @precondition(lambda self: self.oracle.reservations)
    @rule(data=st.data(), late=st.booleans(), confirming=st.booleans())
    def time_out(self, data: st.DataObject, late: bool, confirming: bool) -> None:
        """From its day on a reservation is confirmed no more, and given back by its time; before it, and without one, not."""
        oracle = self.oracle
        waiting = [id for id, held in oracle.reservations.items() if held.state == "open"]
        id = data.draw(st.sampled_from(waiting or list(oracle.reservations)))
        held = oracle.reservations[id]
        over = late and held.ends
        if confirming and not over:
            return  # as in ``resolve``
        code = "pending_expired" if confirming else "accepted" if over else "not_yet_expired"
        verb = ledger.confirm if confirming else ledger.time_out
        if held.state != "open":
            code = "pending_resolved"
        self.send(code, verb, reservation=id, claim_no=held.claim, on=LATER if late else ON)
        if code == "accepted":
            held.state = "released"
            oracle.give_back(held.voucher, held.parts)
            oracle.payable[held.payee] = oracle.payable.get(held.payee, oracle.none)
            if held.capped:
                oracle.cap_left[held.payee] += sum(held.parts)

    @precondition(lambda self: any(held.state == "confirmed" for held in self.oracle.reservations.values()))
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        oracle = self.oracle
        confirmed = [held for held in oracle.reservations.values() if held.state in {"confirmed", "reversed"}]
        held = data.draw(st.sampled_from(confirmed))
        enough = all(a >= b for a, b in zip(oracle.payable[held.payee], held.confirmed, strict=True))
        code = (
            "not_reversible" if held.state == "reversed" else "accepted" if enough else "insufficient_funds"
        )
        self.send(code, ledger.reverse, chain_id=held.confirm_id, subject_kind="claim", subject_no=held.claim)
        if code == "accepted":
            held.state = "reversed"
            oracle.payable[held.payee] = minus(oracle.payable[held.payee], held.confirmed)
            oracle.give_back(held.voucher, held.confirmed)
            if held.capped:
                oracle.cap_left[held.payee] += sum(held.confirmed)

    # -- payments

    @precondition(lambda self: self.oracle.payable)
    @rule(amount=amounts, data=st.data())
    def instruct(self, amount: Decimal, data: st.DataObject) -> None:
        oracle = self.oracle
        payee = data.draw(st.sampled_from(sorted(oracle.payable)))
        owed = sum(oracle.payable[payee], Decimal(0))
        self.order(payee, min(amount, owed) or amount if data.draw(st.booleans()) else amount)

    def order(self, payee: str, amount: Decimal) -> None:
        oracle, no = self.oracle, self.next("P")
        code = "accepted" if amount <= sum(oracle.payable[payee]) else "insufficient_funds"
        self.send(code, ledger.instruct, budget=self.budget, payment_no=no, amount=amount, payee_uscc=payee)
        if code == "accepted":
            parts = shares(amount, oracle.payable[payee])
            oracle.payable[payee] = minus(oracle.payable[payee], parts)
            oracle.payments[no] = Payment(payee, parts, oracle.none)

    @precondition(lambda self: self.oracle.payments)
    @rule(data=st.data(), after_paid=st.booleans())
    def bank_answers(self, data: st.DataObject, after_paid: bool) -> None:
        oracle = self.oracle
        no = data.draw(st.sampled_from(sorted(oracle.payments)))
        payment = oracle.payments[no]
        amount = sum(payment.in_transit) or sum(payment.paid)
        if sum(payment.in_transit) and not after_paid:
            self.send("accepted", ledger.mark_paid, budget=self.budget, payment_no=no, amount=amount)
            oracle.paid = plus(oracle.paid, payment.in_transit)
            payment.paid, payment.in_transit = payment.in_transit, oracle.none
        elif amount:
            came_back = payment.paid if not sum(payment.in_transit) else payment.in_transit
            from_paid = not sum(payment.in_transit)
            there = not from_paid or all(a >= b for a, b in zip(oracle.paid, came_back, strict=True))
            self.send(
                "accepted" if there else "insufficient_funds",
                ledger.returned,
                budget=self.budget,
                payment_no=no,
                amount=amount,
                payee_uscc=payment.payee,
                after_paid=from_paid,
                borne=self.borne(came_back),
            )
            if there:
                oracle.payable[payment.payee] = plus(oracle.payable[payment.payee], came_back)
                oracle.paid = minus(oracle.paid, came_back) if from_paid else oracle.paid
                payment.in_transit = payment.paid = oracle.none
        else:
            self.send("insufficient_funds", ledger.mark_paid, budget=self.budget, payment_no=no, amount=CENT)

    @precondition(lambda self: any(sum(one.paid) for one in self.oracle.payments.values()))
    @rule(data=st.data(), amount=amounts)
    def claw_back(self, data: st.DataObject, amount: Decimal) -> None:
        """Part of what was paid becomes a receivable; never more than lies on the account of what was paid."""
        oracle, place = self.oracle, data.draw(st.integers(0, len(self.oracle.none) - 1))
        part, no = self.budget.parts[place], self.next("R")
        code = "accepted" if amount <= oracle.paid[place] else "insufficient_funds"
        self.send(code, claw_back, part=part, clawback_no=no, amount=amount)
        if code == "accepted":
            oracle.paid = minus(oracle.paid, self.only(place, amount))
            oracle.receivables[no] = (place, amount)

    @precondition(lambda self: self.oracle.receivables and self.oracle.payable)
    @rule(data=st.data(), amount=amounts, fitting=st.booleans())
    def set_off(self, data: st.DataObject, amount: Decimal, fitting: bool) -> None:
        """Never more than is due to the payee from that treasury, nor more than that treasury demands."""
        oracle = self.oracle
        no = data.draw(st.sampled_from(sorted(oracle.receivables)))
        payee = data.draw(st.sampled_from(sorted(oracle.payable)))
        place, due = oracle.receivables[no]
        most = min(due, oracle.payable[payee][place])
        amount = most if fitting and most else amount
        code = "accepted" if amount <= most else "insufficient_funds"
        names = {"clawback_no": no, "payment_no": self.next("P"), "payee_uscc": payee}
        self.send(code, set_off, part=self.budget.parts[place], amount=amount, **names)
        if code == "accepted":
            oracle.receivables[no] = (place, due - amount)
            oracle.payable[payee] = minus(oracle.payable[payee], self.only(place, amount))
            oracle.paid = plus(oracle.paid, self.only(place, amount))
            oracle.recovered += amount

    # -- sending again

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        verb, request, first = self.sent[data.draw(st.integers(0, len(self.sent) - 1))]
        assert verb(**request) == first

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay_changed(self, data: st.DataObject) -> None:
        verb, request, _first = self.sent[data.draw(st.integers(0, len(self.sent) - 1))]
        assert verb(**request | {"on": date(2025, 7, 16)}).code == "id_reused"

    @invariant()
    def balances_agree(self) -> None:
        oracle = self.oracle
        expected: dict[str, Decimal] = {}

        def told(names: Sequence[str], parts: Parts) -> None:
            expected.update(zip(names, parts, strict=True))

        parts = self.budget.parts
        if self.sent:
            told([part.code for part in parts], oracle.budget)
            told([part.surplus for part in parts], oracle.surplus)
        for no, left in oracle.vouchers.items():
            told([part.voucher(no) for part in parts], left)
        for payee, owed in oracle.payable.items():
            told([part.payable(payee) for part in parts], owed)
        for no, payment in oracle.payments.items():
            told([part.payment(no) for part in parts], payment.in_transit)
        caps = {self.cap_of(p).code: v for p, v in oracle.cap_left.items()}
        there = {row.code: row.available for row in LedgerAccount.objects.filter(code__in=expected | caps)}
        assert there == expected | caps
        for no, (_place, due) in oracle.receivables.items():
            assert LedgerAccount.objects.get(code=f"receivable:{no}").available == due
        for accounts, amount in (
            ([part.paid for part in parts], sum(oracle.paid)),
            ([recovered_of(part) for part in parts], oracle.recovered),
            ([part.code for part in self.next_year.parts], sum(oracle.next_year)),
        ):
            rows = LedgerAccount.objects.filter(code__in=accounts)
            assert sum((row.available for row in rows), Decimal(0)) == amount


class SharedWalk(LedgerWalk):
    """The same over a budget whose cost two treasuries share."""

    bearers = ("province", "city")


def walk(machine: type[LedgerWalk], runs: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("machine", [LedgerWalk, SharedWalk])
def test_random_walks_agree_with_the_oracle(machine):
    walk(machine, runs=12, steps=30)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("machine", [LedgerWalk, SharedWalk])
def test_many_random_walks_agree_with_the_oracle(machine):
    walk(machine, runs=200, steps=30)
