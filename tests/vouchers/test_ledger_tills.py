"""Who takes from a hot account while another holds it draws from a till, and nobody can tell by what is left, refused or told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from django.db import connection

from tests.vouchers.ledger_moves import BUDGET, ON, account, available, fund, new, yuan
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger, trial_balance
from vouchers.models import LedgerTill, LedgerTransfer
from vouchers.models.ledger import TillsNotRead

pytestmark = pytest.mark.usefixtures("committed_db")
POOL = "pool"


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(committed_db) -> Iterator[None]:
    yield
    assert check_ledger(business_rows=False) == []


def pool(limit: int) -> ledger.Cap:
    return ledger.Cap("0f" * 32, "issued_in_year", POOL, "2025", yuan(limit), shared=True)


def other_pool(limit: int) -> ledger.Cap:
    return ledger.Cap("1f" * 32, "issued_in_year", POOL, "2025", yuan(limit), shared=True)


def limit_of(cap: ledger.Cap, limit: int) -> ledger.Chain:
    return ledger.Chain(new(), ON, "publication", "限额").set_limit(cap.code, yuan(limit))


def queue_key(cap: ledger.Cap) -> int:
    """Where the account stands in the order of queues."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hashtextextended(id::text, 2) FROM vouchers_ledgeraccount WHERE code = %s", [cap.code]
        )
        return cursor.fetchone()[0]


def counted(amount: int, *caps: ledger.Cap) -> ledger.Chain:
    """What counts to caps and to nothing else."""
    chain = ledger.Chain(new(), ON, "settlement", "S-0")
    return chain.use(list(caps), BUDGET.region_code, yuan(amount), reserved=True)


class Sent(threading.Thread):
    """A chain that is sent and comes to wait for somebody."""

    def __init__(self, connection: psycopg.Connection, chain: ledger.Chain) -> None:
        super().__init__(daemon=True)
        self.connection, self.chain, self.code = connection, chain, ""
        self.start()
        with psycopg.connect(
            connection.info.dsn, password=connection.info.password, autocommit=True
        ) as watching:
            while not watching.execute(
                "SELECT cardinality(pg_blocking_pids(%s)) > 0", [connection.info.backend_pid]
            ).fetchone()[0]:
                assert self.is_alive(), f"it waited for nobody: {self.code}"

    def run(self) -> None:
        try:
            self.code = send(self.connection, self.chain)["code"]
        except psycopg.Error as error:
            self.code = type(error).__name__

    def told(self) -> str:
        self.join(30)
        return self.code


def top_up(voucher: int, amount: int | str, *caps: ledger.Cap, reserved: bool = False) -> ledger.Chain:
    """As an instant scheme does: the voucher gets more from the budget, within the pool."""
    chain = ledger.Chain(new(), ON, "settlement", f"S-{voucher}")
    chain.single("issue", BUDGET.code, f"voucher:V-{voucher}", yuan(amount))
    return chain.use(list(caps), BUDGET.region_code, yuan(amount), reserved=reserved)


def send(connection: psycopg.Connection, chain: ledger.Chain) -> dict:
    (answer,) = connection.execute("SELECT ledger_post(%s)", [json.dumps(chain.body())]).fetchone()
    return answer


@contextmanager
def somebody(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection that waits for nobody longer than two seconds."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '2s'")
        yield connection


def vouchers(count: int, *caps: ledger.Cap) -> None:
    for number in range(count):
        ledger.issue_chain(BUDGET, f"V-{number}", yuan(1), on=ON, id=new(), caps=caps).post().demand()


def until_waited_for(first: psycopg.Connection, waiting: threading.Thread) -> None:
    asked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')"
    while not first.execute(asked).fetchone()[0]:
        assert waiting.is_alive(), "it waited for nobody"


@contextmanager
def held(dsn: str, *caps: ledger.Cap) -> Iterator[None]:
    """The tills are filled, and somebody holds the budget (and the pool) until this ends; three units are taken by that, with a pool five."""
    with somebody(dsn) as first, somebody(dsn) as second:
        # Who waited for an account fills its tills; with those of the one filled, he waits for the next. He may come to wait for
        # both at once, as the locks of who commits are let go of one after the other: then nobody needs to wait again.
        codes = {BUDGET.code, *(cap.code for cap in caps)}
        for _account in codes:
            filled = set(LedgerTill.objects.values_list("account__code", flat=True)) == codes
            first.execute("BEGIN")
            assert send(first, top_up(0, 1, *caps))["accepted"]
            waiting = threading.Thread(target=send, args=(second, top_up(1, 1, *caps)))
            if not filled:
                waiting.start()
                until_waited_for(first, waiting)
            first.execute("COMMIT")
            if filled:
                waiting.start()
            waiting.join()
        assert set(LedgerTill.objects.values_list("account__code", flat=True)) == codes
        first.execute("BEGIN")
        assert send(first, top_up(0, 1, *caps))["accepted"]
        yield
        first.execute("COMMIT")


def drawn() -> Decimal:
    return sum((till.posted + till.pending for till in LedgerTill.objects.all()), Decimal(0))


def test_nobody_waits_for_who_holds_the_budget_and_what_is_left_is_told_to_the_fen(committed_db):
    fund(10_000)
    vouchers(6)
    before = available(BUDGET.code)
    with held(committed_db.dsn), somebody(committed_db.dsn) as other:
        for number in (2, 3, 4):
            assert send(other, top_up(number, "10.01"))["accepted"]
        assert drawn() == Decimal("30.03")
        assert available(BUDGET.code) == before - 2 - Decimal(
            "30.03"
        )  # what is not committed yet is not told
        assert account("voucher:V-2").available == Decimal("11.01")
    assert available(BUDGET.code) == account(BUDGET.code).balance == before - 3 - Decimal("30.03")
    (line,) = [line for line in trial_balance() if line.kind == "budget"]
    assert line.credits_posted - line.debits_posted == available(BUDGET.code)
    assert {line.debits_pending for line in trial_balance()} == {Decimal("0.00")}


def test_an_account_tells_what_its_tills_gave_however_it_was_come_by_or_refuses(committed_db):
    fund(10_000)
    vouchers(6)
    early = account(BUDGET.code)
    with held(committed_db.dsn), somebody(committed_db.dsn) as other:
        assert send(other, top_up(2, 10))["accepted"]
    left = available(BUDGET.code)
    assert drawn() > 0
    transfer = LedgerTransfer.objects.filter(debit__code=BUDGET.code).first()
    assert transfer.debit.available == left
    early.refresh_from_db()
    assert early.available == left
    early.refresh_from_db(fields=["debits_posted"])
    for read in (early, LedgerTransfer.objects.select_related("debit").get(pk=transfer.pk).debit):
        with pytest.raises(TillsNotRead, match=BUDGET.code):
            _ = read.available
    cool = LedgerTransfer.objects.select_related("credit").get(pk=transfer.pk).credit
    assert cool.available == account(cool.code).available


def test_the_last_fen_can_be_taken_though_tills_hold_a_part_of_it(committed_db):
    fund(10_000)
    vouchers(6)
    with held(committed_db.dsn), somebody(committed_db.dsn) as other:
        assert send(other, top_up(2, 10))["accepted"]
    left = available(BUDGET.code)
    assert top_up(3, left + Decimal("0.01")).post().code == "insufficient_funds"
    assert top_up(3, left).post().code == "accepted"
    assert available(BUDGET.code) == Decimal("0.00") == drawn()
    refused = top_up(4, "0.01").post()
    assert (refused.code, refused.available) == ("insufficient_funds", Decimal("0.00"))


def test_what_a_refusal_says_is_left_counts_the_tills(committed_db):
    fund(10_000)
    vouchers(6)
    with held(committed_db.dsn):
        pass
    left = available(BUDGET.code)
    refused = top_up(2, 20_000).post()
    assert (refused.code, refused.available, refused.needed) == ("insufficient_funds", left, yuan(20_000))


def test_a_budget_closes_with_all_that_its_tills_had(committed_db):
    fund(10_000)
    vouchers(6)
    with held(committed_db.dsn), somebody(committed_db.dsn) as other:
        assert send(other, top_up(2, 10))["accepted"]
    left = available(BUDGET.code)
    ledger.close_budget(BUDGET, on=date(2025, 12, 31), id=new()).demand()
    assert available(BUDGET.surplus) == left
    assert top_up(3, 1).post().code == "account_closed"
    assert drawn() == Decimal(0)


@pytest.mark.parametrize("reserved", [False, True])
def test_a_shared_cap_has_tills_too_and_a_reservation_at_one_is_released_to_the_cap(committed_db, reserved):
    fund(10_000)
    cap = pool(5_000)
    vouchers(6, cap)
    with held(committed_db.dsn, cap), somebody(committed_db.dsn) as other:
        chain = top_up(2, 10, cap, reserved=reserved)
        chain.transfers[-1].update({"expires_on": "2025-08-01"} if reserved else {})
        assert send(other, chain)["accepted"]
        assert account(cap.code).used == 6 + 4 + 10
    assert account(cap.code).used == 6 + 5 + 10
    if reserved:
        back = ledger.Chain(new(), ON, "settlement", "S-2")
        back.transfers.append({"kind": "void", "code": "release", "pending_chain": str(chain.id)})
        back.post().demand()
        assert account(cap.code).used == 6 + 5


def test_a_limit_that_is_changed_binds_who_drew_from_a_till_before(committed_db):
    fund(10_000)
    cap = pool(5_000)
    vouchers(6, cap)
    with held(committed_db.dsn, cap):
        pass
    assert (
        top_up(2, 1, pool(400)).post().code == "accepted"
    )  # its own version's limit, which more is free under
    assert top_up(2, 400, pool(400)).post().code == "cap_exceeded"
    assert account(cap.code).used == 6 + 5 + 1
    assert account(cap.code).limit_amount == yuan(5_000)


def test_tills_can_be_written_by_the_functions_of_the_ledger_alone(committed_db):
    fund(10_000)
    vouchers(6)
    with held(committed_db.dsn):
        pass
    with psycopg.connect(committed_db.dsn, autocommit=True) as application:
        for statement in ("UPDATE vouchers_ledgertill SET allotted = 0", "DELETE FROM vouchers_ledgertill"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)
    with psycopg.connect(committed_db.migrator_dsn, autocommit=True) as owner:
        owner.execute("SET ROLE voucher_owner")
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("UPDATE vouchers_ledgertill SET posted = allotted + 0.01")
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute("DELETE FROM vouchers_ledgertill")
        owner.execute("UPDATE vouchers_ledgertill SET allotted = allotted + 1 WHERE place = 1")
        assert {finding.invariant for finding in check_ledger(business_rows=False)} == {
            "counters_are_sums",
            "debits_are_credits",
        }
        owner.execute("UPDATE vouchers_ledgertill SET allotted = allotted - 1 WHERE place = 1")


def test_who_drew_from_a_till_and_has_to_begin_anew_keeps_nobody_waiting_who_gathers(committed_db):
    """A till drawn on a way that was undone is free at once, though its drawer goes on and comes to wait for the gatherer."""
    fund(10_000)
    caps = (pool(5_000), other_pool(5_000))
    vouchers(6, *caps)
    first, second = sorted(caps, key=queue_key)
    with ExitStack() as leaving:
        holder, limiting, drawing, gathering = (
            leaving.enter_context(psycopg.connect(committed_db.dsn, autocommit=True)) for _ in range(4)
        )
        holder.execute("BEGIN")
        assert send(holder, counted(1, first))["accepted"]
        lender = Sent(drawing, counted(1, first))
        holder.execute("COMMIT")
        assert lender.told() == "accepted"
        holder.execute("BEGIN")
        assert send(holder, counted(1, first))["accepted"]
        limiting.execute("BEGIN")
        assert send(limiting, limit_of(second, 6_000))["accepted"]
        drawer = Sent(drawing, counted(10, first, second))  # a till of the first; the second has none
        holder.execute("COMMIT")
        gatherer = Sent(gathering, limit_of(first, 6_000))  # waits for the till
        limiting.execute(
            "COMMIT"
        )  # the second is not as it was: the drawer begins anew, and wants the first whole
        assert [drawer.told(), gatherer.told()] == ["accepted", "accepted"]
    assert (account(first.code).used, account(second.code).used) == (6 + 3 + 10, 6 + 10)
