"""The ledger against a plain-Python oracle: random walks over every verb, the same answer and the same balances."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
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

from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount

ON = date(2025, 7, 15)
BUDGET = ledger.Budget("SZ-XLQ", 2025, "440300")
PAYEES = ("91350100M000100Y43", "91440300MA5EXAMPL3")
LIMIT = Decimal("150.00")

amounts = st.integers(1, 12_000).map(lambda fen: Decimal(fen) / 100)
payees = st.sampled_from(PAYEES)


@dataclass
class Reservation:
    voucher: str
    payee: str
    amount: Decimal
    claim: str
    capped: bool
    state: str = "open"
    confirmed: Decimal = Decimal(0)
    confirm_id: uuid.UUID | None = None


@dataclass
class Oracle:
    """What should be there, kept the simplest way: one number a thing."""

    budget: Decimal = Decimal(0)
    budget_closed: bool = False
    vouchers: dict[str, Decimal] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    cap_left: dict[str, Decimal] = field(default_factory=dict)
    reservations: dict[uuid.UUID, Reservation] = field(default_factory=dict)
    payable: dict[str, Decimal] = field(default_factory=dict)
    payments: dict[str, tuple[str, Decimal, Decimal]] = field(default_factory=dict)  # payee, in transit, paid
    returned_to_treasury: Decimal = Decimal(0)

    def give_back(self, voucher: str, amount: Decimal) -> None:
        """Back to the voucher; on to the budget when it is closed, on to the treasury when that is closed too."""
        if voucher not in self.closed:
            self.vouchers[voucher] += amount
        elif not self.budget_closed:
            self.budget += amount


class LedgerWalk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.oracle = Oracle()
        self.sent: list[tuple[Callable[..., Any], dict[str, Any], ledger.LedgerResult]] = []
        self.count = 0

    def teardown(self) -> None:
        assert check_ledger(business_rows=False) == []
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)

    def send(
        self, expected: str, verb: Callable[..., ledger.LedgerResult], **request: Any
    ) -> ledger.LedgerResult:
        request |= {"on": ON, "id": uuid.uuid4()}
        result = verb(**request)
        assert result.code == expected, (verb.__name__, request, result)
        self.sent.append((verb, request, result))
        return result

    def next(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.count}"

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
        code = "account_closed" if self.oracle.budget_closed else "accepted"
        self.send(code, ledger.appropriate, budget=BUDGET, amount=amount, document_no="指标")
        if code == "accepted":
            self.oracle.budget += amount

    @precondition(lambda self: self.count % 3 == 0)
    @rule(amount=amounts)
    def withdraw(self, amount: Decimal) -> None:
        oracle = self.oracle
        fits = amount <= oracle.budget
        code = "account_closed" if oracle.budget_closed else "accepted" if fits else "insufficient_funds"
        self.send(code, ledger.withdraw, budget=BUDGET, amount=amount, document_no="收回")
        if code == "accepted":
            oracle.budget -= amount

    @precondition(lambda self: self.count % 3 == 0)
    @rule(amount=amounts)
    def issue(self, amount: Decimal) -> None:
        oracle, no = self.oracle, self.next("V")
        fits = amount <= oracle.budget
        code = "account_closed" if oracle.budget_closed else "accepted" if fits else "insufficient_funds"
        self.send(code, ledger.issue, budget=BUDGET, voucher_no=no, amount=amount)
        if code == "accepted":
            oracle.budget -= amount
            oracle.vouchers[no] = amount

    @precondition(lambda self: self.count % 5 == 0)
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        oracle = self.oracle
        no = data.draw(st.sampled_from(sorted(oracle.vouchers)))
        self.send(
            "account_closed" if no in oracle.closed else "accepted", ledger.expire_voucher, voucher_no=no
        )
        if no not in oracle.closed:
            oracle.closed.add(no)
            left, oracle.vouchers[no] = oracle.vouchers[no], Decimal(0)
            oracle.give_back(no, left)

    @precondition(lambda self: self.oracle.vouchers and not self.oracle.budget_closed and self.count % 7 == 6)
    @rule()
    def close_year(self) -> None:
        self.send("accepted", ledger.close_budget, budget=BUDGET)
        self.oracle.budget_closed, self.oracle.budget = True, Decimal(0)

    # -- claims

    @precondition(lambda self: self.oracle.vouchers)
    @rule(data=st.data(), amount=amounts, payee=payees, capped=st.booleans())
    def reserve(self, data: st.DataObject, amount: Decimal, payee: str, capped: bool) -> None:
        oracle = self.oracle
        no = data.draw(
            st.sampled_from(sorted(oracle.vouchers.keys() - oracle.closed) or sorted(oracle.vouchers))
        )
        self.hold(no, amount, payee, capped)

    def hold(self, no: str, amount: Decimal, payee: str, capped: bool) -> uuid.UUID:
        oracle, claim = self.oracle, self.next("C")
        cap_left = oracle.cap_left.get(payee, LIMIT)
        if no in oracle.closed:
            code = "account_closed"
        elif amount > oracle.vouchers[no]:
            code = "insufficient_funds"
        else:
            code = "cap_exceeded" if capped and amount > cap_left else "accepted"
        caps = [ledger.Cap("cd" * 32, "enterprise_year", payee, "2025", LIMIT)] if capped else []
        result = self.send(
            code,
            ledger.reserve,
            budget=BUDGET,
            voucher_no=no,
            amount=amount,
            payee_uscc=payee,
            claim_no=claim,
            caps=caps,
        )
        if code == "accepted":
            oracle.vouchers[no] -= amount
            if capped:
                oracle.cap_left[payee] = cap_left - amount
            oracle.reservations[result.id] = Reservation(no, payee, amount, claim, capped)
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
            code = "exceeds_pending" if not let_go and part is not None and part > held.amount else "accepted"
        if let_go:
            self.send(code, ledger.release, reservation=id, claim_no=held.claim)
        else:
            result = self.send(code, ledger.confirm, reservation=id, claim_no=held.claim, amount=part)
            held.confirm_id = result.id if code == "accepted" else held.confirm_id
        if code != "accepted":
            return
        held.state = "released" if let_go else "confirmed"
        held.confirmed = Decimal(0) if let_go else held.amount if part is None else part
        rest = held.amount - held.confirmed
        oracle.give_back(held.voucher, rest)
        oracle.payable[held.payee] = oracle.payable.get(held.payee, Decimal(0)) + held.confirmed
        if held.capped:
            oracle.cap_left[held.payee] += rest

    @precondition(lambda self: any(held.state == "confirmed" for held in self.oracle.reservations.values()))
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        oracle = self.oracle
        confirmed = [held for held in oracle.reservations.values() if held.state in {"confirmed", "reversed"}]
        held = data.draw(st.sampled_from(confirmed))
        enough = oracle.payable[held.payee] >= held.confirmed
        code = (
            "not_reversible" if held.state == "reversed" else "accepted" if enough else "insufficient_funds"
        )
        self.send(code, ledger.reverse, chain_id=held.confirm_id, subject_kind="claim", subject_no=held.claim)
        if code == "accepted":
            held.state = "reversed"
            oracle.payable[held.payee] -= held.confirmed
            oracle.give_back(held.voucher, held.confirmed)
            if held.capped:
                oracle.cap_left[held.payee] += held.confirmed

    # -- payments

    @precondition(lambda self: self.oracle.payable)
    @rule(amount=amounts, data=st.data())
    def instruct(self, amount: Decimal, data: st.DataObject) -> None:
        oracle = self.oracle
        payee = data.draw(st.sampled_from(sorted(oracle.payable)))
        amount = min(amount, oracle.payable[payee]) or amount if data.draw(st.booleans()) else amount
        self.order(payee, amount)

    def order(self, payee: str, amount: Decimal) -> None:
        oracle, no = self.oracle, self.next("P")
        code = "accepted" if amount <= oracle.payable[payee] else "insufficient_funds"
        self.send(code, ledger.instruct, budget=BUDGET, payment_no=no, amount=amount, payee_uscc=payee)
        if code == "accepted":
            oracle.payable[payee] -= amount
            oracle.payments[no] = (payee, amount, Decimal(0))

    @precondition(lambda self: self.oracle.payments)
    @rule(data=st.data(), after_paid=st.booleans())
    def bank_answers(self, data: st.DataObject, after_paid: bool) -> None:
        oracle = self.oracle
        no = data.draw(st.sampled_from(sorted(oracle.payments)))
        payee, in_transit, paid = oracle.payments[no]
        if in_transit and not after_paid:
            self.send("accepted", ledger.mark_paid, budget=BUDGET, payment_no=no, amount=in_transit)
            oracle.payments[no] = (payee, Decimal(0), in_transit)
        elif in_transit or paid:
            self.send(
                "accepted",
                ledger.returned,
                budget=BUDGET,
                payment_no=no,
                amount=in_transit or paid,
                payee_uscc=payee,
                after_paid=not in_transit,
            )
            oracle.payable[payee] += in_transit or paid
            oracle.payments[no] = (payee, Decimal(0), Decimal(0))
        else:
            self.send(
                "insufficient_funds", ledger.mark_paid, budget=BUDGET, payment_no=no, amount=Decimal("0.01")
            )

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
        expected = {BUDGET.code: oracle.budget} if self.sent else {}
        expected |= {ledger.voucher_account(no): left for no, left in oracle.vouchers.items()}
        expected |= {BUDGET.payable(payee): owed for payee, owed in oracle.payable.items()}
        expected |= {
            ledger.payment_account(no): transit for no, (_payee, transit, _paid) in oracle.payments.items()
        }
        caps = {
            ledger.Cap("cd" * 32, "enterprise_year", p, "2025", LIMIT).code: v
            for p, v in oracle.cap_left.items()
        }
        there = {row.code: row.available for row in LedgerAccount.objects.filter(code__in=expected | caps)}
        if self.sent and BUDGET.code not in there:
            expected.pop(BUDGET.code)
        assert there == expected | caps


def walk(runs: int, steps: int) -> None:
    run_state_machine_as_test(
        LedgerWalk,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


@pytest.mark.django_db
def test_random_walks_agree_with_the_oracle():
    walk(runs=25, steps=30)


@pytest.mark.long
@pytest.mark.django_db
def test_many_random_walks_agree_with_the_oracle():
    walk(runs=200, steps=30)
