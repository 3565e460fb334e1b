"""The walk of test_ledger_model where many queue: each step commits while somebody stands at every hot account, so that what it
takes comes from tills; account and tills together are what the oracle says, after each step.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.vouchers.ledger_oracle import minus, plus
from tests.vouchers.test_ledger_model import ON, PAYEES, LedgerWalk, walk
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount, LedgerTill

FEN = Decimal("0.01")


def top_up(
    part: ledger.Budget, voucher_no: str, amount: Decimal, *, on: date, id: uuid.UUID
) -> ledger.LedgerResult:
    """As an instant scheme commits its budget, again and again."""
    chain = ledger.Chain(id, on, "settlement", voucher_no)
    return chain.single("issue", part.code, part.voucher(voucher_no), amount).post()


class Crowd:
    """Somebody else's session, who stands in the queues of accounts and leaves as soon as he is waited for."""

    def __init__(self, dsn: str) -> None:
        self.session = psycopg.connect(dsn, autocommit=True)
        self.looking = psycopg.connect(dsn, autocommit=True)
        (self.pid,) = self.session.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]

    def close(self) -> None:
        self.session.close()
        self.looking.close()

    @contextmanager
    def at(self, accounts: list[str]) -> Iterator[None]:
        lock = "SELECT pg_advisory_lock(hashtextextended(a, 2)) FROM unnest(%s::text[]) AS a"
        self.session.execute(lock, [accounts])
        over = threading.Event()
        leaving = threading.Thread(target=self._leave_when_waited_for, args=(over,))
        leaving.start()
        try:
            yield
        finally:
            over.set()
            leaving.join()

    def _leave_when_waited_for(self, over: threading.Event) -> None:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND %s = ANY (pg_blocking_pids(pid)))"
        while not over.wait(0.002):
            if self.looking.execute(waiting, [self.pid]).fetchone() == (True,):
                break
        self.session.execute("SELECT pg_advisory_unlock_all()")


class CrowdedWalk(LedgerWalk):
    limit = Decimal("600.00")
    """Enough that a pool lends to tills."""
    crowd: ClassVar[Crowd]
    names: ClassVar[Iterator[int]] = itertools.count(1)
    last_day: ClassVar[date] = ON
    lend: ClassVar[tuple[str, ...]] = ("budget", "cap")
    #: after how many steps something stood drawn from a till: of the budget, of a pool's cap
    drawn: ClassVar[dict[str, int]]

    def begin_alone(self) -> None:
        """What is committed stays: each walk has a program of its own, and the days go on."""
        self.program, self.day = f"SZ-W{next(type(self).names)}", type(self).last_day

    def teardown(self) -> None:
        type(self).last_day = self.day
        assert check_ledger(business_rows=False) == []

    def cap_of(self, payee: str) -> ledger.Cap:
        """A pool's: many use it at once."""
        return replace(super().cap_of(payee), shared=True)

    def hot(self) -> list[str]:
        """The accounts of the walk that queue."""
        named = [part.code for part in (*self.budget.parts, *self.next_year.parts)]
        named += [self.cap_of(payee).code for payee in self.oracle.cap_left]
        return [
            str(key)
            for key in LedgerAccount.objects.filter(code__in=named, hot=True).values_list("pk", flat=True)
        ]

    def send(
        self, expected: str, verb: Callable[..., ledger.LedgerResult], **request: Any
    ) -> ledger.LedgerResult:
        hot = self.hot()
        with self.crowd.at(hot):
            result = super().send(expected, verb, **request)
        tills = LedgerTill.objects.filter(account_id__in=hot)
        for kind in {till.account.kind for till in tills.select_related(None) if till.posted or till.pending}:
            type(self).drawn[kind] += 1
        return result

    @initialize()
    def begin(self) -> None:
        super().begin()
        no = max(self.oracle.vouchers)
        self.top_up_again(no, 50 * FEN, 3)
        for _turn in range(3):
            self.hold(no, 20 * FEN, PAYEES[0], capped=True)

    @precondition(lambda self: self.oracle.vouchers.keys() - self.oracle.closed)
    @rule(data=st.data(), fen=st.integers(1, 100), times=st.integers(1, 3))
    def top_up(self, data: st.DataObject, fen: int, times: int) -> None:
        """Who comes first fills the tills, the next draw from them."""
        no = data.draw(st.sampled_from(sorted(self.oracle.vouchers.keys() - self.oracle.closed)))
        self.top_up_again(no, fen * FEN, times)

    def top_up_again(self, no: str, amount: Decimal, times: int) -> None:
        oracle, part = self.oracle, self.budget.parts[0]
        for _turn in range(times):
            fits = amount <= oracle.budget[0]
            code = "account_closed" if oracle.budget_closed else "accepted" if fits else "insufficient_funds"
            self.send(code, top_up, part=part, voucher_no=no, amount=amount)
            if code == "accepted":
                oracle.budget = minus(oracle.budget, self.only(0, amount))
                oracle.vouchers[no] = plus(oracle.vouchers[no], self.only(0, amount))

    @precondition(lambda self: self.oracle.vouchers.keys() - self.oracle.closed)
    @rule(data=st.data(), fen=st.integers(1, 40))
    def reserve_little(self, data: st.DataObject, fen: int) -> None:
        """Of a pool that many use: small beside what it has, as a till gives it."""
        no = data.draw(st.sampled_from(sorted(self.oracle.vouchers.keys() - self.oracle.closed)))
        payee = data.draw(st.sampled_from(sorted(self.oracle.payable)))
        self.hold(no, fen * FEN, payee, capped=True)


class SharedCrowdedWalk(CrowdedWalk):
    """The same over a budget whose cost two treasuries share."""

    bearers = ("province", "city")
    lend = ("budget",)  # what several bear is split under all its locks, and its caps are used there


def crowded(dsn: str, machine: type[CrowdedWalk], runs: int, steps: int) -> None:
    machine.crowd, machine.drawn, machine.last_day = Crowd(dsn), {"budget": 0, "cap": 0}, ON
    try:
        walk(machine, runs, steps)
    finally:
        machine.crowd.close()
    for kind in machine.lend:
        assert machine.drawn[kind] > 0, f"no walk drew from a till of a {kind}"


@pytest.mark.parametrize("machine", [CrowdedWalk, SharedCrowdedWalk])
def test_random_walks_in_a_crowd_agree_with_the_oracle(committed_db: Any, machine: type[CrowdedWalk]):
    crowded(committed_db.dsn, machine, runs=4, steps=20)


@pytest.mark.long
@pytest.mark.parametrize("machine", [CrowdedWalk, SharedCrowdedWalk])
def test_many_random_walks_in_a_crowd_agree_with_the_oracle(committed_db: Any, machine: type[CrowdedWalk]):
    crowded(committed_db.dsn, machine, runs=100, steps=30)
