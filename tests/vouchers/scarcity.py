"""What many claim at once and only some can have: a voucher, an enterprise's year, a group, a pool, a budget.

Each makes the chains of a storm: room for exactly ``room`` of ``tries``. Used by the storm tests and by ``bin/bench storm``.

Of two of them many clients draw from one hot account as an instant scheme does (即领即享), from vouchers that are there: there
the storm comes in two waves, and after the first it must be seen in the tables that tills of that account were drawn.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from tests.vouchers.storm import Outcome, dealt, post, storm
from vouchers.actions import ledger
from vouchers.models import LedgerTill

ON = date(2025, 7, 15)
PAYEE = "91350100M000100Y43"
SLICE = Decimal("30.00")
FEN = Decimal("0.01")
SPREAD = 64


def new() -> uuid.UUID:
    return uuid.uuid4()


def fund(budget: ledger.Budget, amount: Decimal) -> None:
    ledger.appropriate(budget, amount, document_no="指标", on=ON, id=new()).demand()


def voucher_of(budget: ledger.Budget, name: str, amount: Decimal) -> str:
    """A voucher of the budget; its number says whose it is."""
    number = f"V-{budget.program_code}-{name}"
    ledger.issue(budget, number, amount, on=ON, id=new()).demand()
    return number


def claim_chain(
    budget: ledger.Budget, voucher_no: str, claim_no: str, *, caps: list[ledger.Cap] | None = None
) -> ledger.Chain:
    """What ``reserve`` sends, kept for a client to send."""
    payable = budget.payable(PAYEE)
    chain = ledger.Chain(new(), ON, "claim", claim_no).open(payable, "payable", returns_to=budget.code)
    chain.pending("reserve", ledger.voucher_account(voucher_no), payable, SLICE)
    return chain.use(caps or [], budget.region_code, SLICE, reserved=True)


def budget_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """Everybody wants a voucher of the same budget."""
    fund(budget, SLICE * room)
    return [
        ledger.issue_chain(budget, f"V-{budget.program_code}-{n}", SLICE, on=ON, id=new())
        for n in range(tries)
    ]


def voucher_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """Every claim draws on the same voucher."""
    fund(budget, SLICE * room * 2)
    voucher_no = voucher_of(budget, "0", SLICE * room)
    return [claim_chain(budget, voucher_no, f"C-{n}") for n in range(tries)]


def enterprise_year_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """One enterprise, ten vouchers with plenty on them, one cap for its year, which nobody has opened yet."""
    fund(budget, SLICE * tries * 10)
    cap = ledger.Cap(_hash(budget), "enterprise_year", PAYEE, "2025", SLICE * room)
    vouchers = [voucher_of(budget, str(n), SLICE * tries) for n in range(10)]
    return [claim_chain(budget, vouchers[n % 10], f"C-{n}", caps=[cap]) for n in range(tries)]


def group_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """Eight companies of one group, each with a voucher and an account of its own; the limit is on their sum."""
    fund(budget, SLICE * tries * 8)
    members = tuple(f"M-{n}" for n in range(8))
    vouchers = [voucher_of(budget, member, SLICE * tries) for member in members]
    caps = [
        ledger.Cap(
            _hash(budget), "group_year", member, "2025", SLICE * room, group="group:G", together=members
        )
        for member in members
    ]
    return [claim_chain(budget, vouchers[n % 8], f"C-{n}", caps=[caps[n % 8]]) for n in range(tries)]


def pool_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """The budget would do, the pool of the year (consumed at issue) does not."""
    fund(budget, SLICE * tries)
    pool = ledger.Cap(_hash(budget), "issued_in_year", "pool", "2025", SLICE * room, shared=True)
    return [
        ledger.issue_chain(budget, f"V-{budget.program_code}-{n}", SLICE, on=ON, id=new(), caps=[pool])
        for n in range(tries)
    ]


def spread(budget: ledger.Budget, each: Decimal, caps: list[ledger.Cap]) -> tuple[list[str], list[str]]:
    """Vouchers of ``each`` yuan and as many payees, all there already, so that clients meet at the hot account and nowhere before."""
    vouchers = [voucher_of(budget, str(n), each) for n in range(SPREAD)]
    payees = [f"{PAYEE[:-3]}{n:03}" for n in range(SPREAD)]
    used = [replace(cap, amount=FEN) for cap in caps]
    for place, voucher_no in enumerate(vouchers):
        no = f"C-{budget.program_code}-open-{place}"
        claimed(budget, voucher_no, payees[place], no, FEN, used).post().demand()
    return vouchers, payees


def claimed(
    budget: ledger.Budget,
    voucher_no: str,
    payee: str,
    claim_no: str,
    amount: Decimal,
    caps: list[ledger.Cap],
    *,
    topped_up: bool = False,
    expires_on: date | None = None,
) -> ledger.Chain:
    """A claim on a voucher that is there; ``topped_up`` from the budget by the same amount, as an instant scheme does."""
    payable, voucher = budget.payable(payee), ledger.voucher_account(voucher_no)
    chain = ledger.Chain(new(), ON, "claim", claim_no).open(payable, "payable", returns_to=budget.code)
    if topped_up:
        chain.single("issue", budget.code, voucher, amount)
    chain.pending("reserve", voucher, payable, amount, expires_on)
    return chain.use(caps, budget.region_code, amount, expires_on=expires_on, reserved=True)


def drawn_budget_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """Everybody tops up his own voucher from the same budget."""
    fund(budget, SLICE * room + SPREAD)
    vouchers, payees = spread(budget, Decimal("1.00"), [])
    return [
        claimed(
            budget,
            vouchers[n % SPREAD],
            payees[n % SPREAD],
            f"C-{budget.program_code}-{n}",
            SLICE,
            [],
            topped_up=True,
        )
        for n in range(tries)
    ]


def drawn_pool_chains(budget: ledger.Budget, room: int, tries: int) -> list[ledger.Chain]:
    """Everybody claims from his own voucher, which has plenty, and all claims count to one pool."""
    pool, plenty = drawn_pool(budget, room), SLICE * tries
    fund(budget, plenty * SPREAD)
    vouchers, payees = spread(budget, plenty, [pool])
    return [
        claimed(
            budget, vouchers[n % SPREAD], payees[n % SPREAD], f"C-{budget.program_code}-{n}", SLICE, [pool]
        )
        for n in range(tries)
    ]


def drawn_pool(budget: ledger.Budget, room: int) -> ledger.Cap:
    """Room for the storm, and for the fen that opening each payee's account used."""
    limit = SLICE * room + SPREAD * FEN
    return ledger.Cap(_hash(budget), "claimed_in_year", "pool", "2025", limit, shared=True)


def _hash(budget: ledger.Budget) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, budget.code).hex * 2


Maker = Callable[[ledger.Budget, int, int], list[ledger.Chain]]
#: what is scarce → who makes the chains, and how those are refused that come too late
SCARCE: dict[str, tuple[Maker, str]] = {
    "budget": (budget_chains, "insufficient_funds"),
    "voucher": (voucher_chains, "insufficient_funds"),
    "enterprise_year": (enterprise_year_chains, "cap_exceeded"),
    "group": (group_chains, "cap_exceeded"),
    "pool": (pool_chains, "cap_exceeded"),
}
#: the same of accounts of which tills are drawn, with the name of that account: each till is lent a 32nd of what is free, and
#: that must be eight amounts at least
DRAWN: dict[str, tuple[Maker, str, Callable[[ledger.Budget, int], str]]] = {
    "budget": (drawn_budget_chains, "insufficient_funds", lambda budget, _room: budget.code),
    "pool": (drawn_pool_chains, "cap_exceeded", lambda budget, room: drawn_pool(budget, room).code),
}
LENT_FROM = 600


def sent(chains: list[ledger.Chain], clients: int, seed: int) -> list[list[str]]:
    """The bodies in an order that the seed gives, dealt out to the clients."""
    bodies = [json.dumps(chain.body()) for chain in chains]
    random.Random(seed).shuffle(bodies)
    return dealt(bodies, clients)


def overspend_storm(
    dsn: str, scarce: str, *, room: int, tries: int, clients: int, seed: int = 0
) -> tuple[Outcome, Counter[str]]:
    """What the clients saw, and what they should have seen."""
    make, refusal = SCARCE[scarce]
    budget = ledger.Budget(f"{scarce.upper()[:6]}-{seed}", 2025, "110115")
    outcome = storm(dsn, sent(make(budget, room, tries), clients, seed))
    return outcome, Counter({"accepted": room, refusal: tries - room})


def drawn_storm(
    dsn: str, scarce: str, *, room: int, tries: int, clients: int, seed: int = 0
) -> tuple[Outcome, Counter[str], Decimal]:
    """What the clients saw, what they should have seen, and what stood drawn from the scarce account's tills between two waves.

    In the first wave, of a third of the room, one client lends the tills by waiting, and another holds the account until somebody
    has drawn; the second takes all that is left, the tills' rests included, to the last.
    """
    if room < LENT_FROM or clients < 4:
        raise ValueError(f"room for {LENT_FROM} at least, or nothing is lent")
    make, refusal, name = DRAWN[scarce]
    budget = ledger.Budget(f"D{scarce.upper()}-{seed}", 2025, "110115")
    bodies = [json.dumps(chain.body()) for chain in make(budget, room, tries)]
    # The first three meet at the scarce account and nowhere before: each has a voucher of its own.
    beginning, others = bodies[:3], bodies[3:]
    random.Random(seed).shuffle(others)
    bodies = beginning + others
    first, code = room // 3, name(budget, room)
    lending = storm(dsn, [[[code, "queued", bodies[0]]], [[code, "waiting", bodies[1]]]], holding)
    wave = [[[code, "", body] for body in mine] for mine in dealt(bodies[3:first], clients - 1)]
    taking = storm(dsn, [[[code, "drawn", bodies[2]]], *wave], holding)
    tills = LedgerTill.objects.filter(account__code=code)
    drawn = sum((till.posted + till.pending for till in tills), Decimal(0))
    rest = storm(dsn, dealt(bodies[first:], clients))
    together = Outcome(
        [*lending.answers, *taking.answers, *rest.answers], [*lending.errors, *taking.errors, *rest.errors]
    )
    return together, Counter({"accepted": room, refusal: tries - room}), drawn


def holding(connection: psycopg.Connection, request: list[str]) -> dict[str, Any]:
    """One chain of the account ``code``. ``queued`` keeps what it locked until somebody waits for it, ``drawn`` until somebody has
    drawn from a till beside it; ``waiting`` comes when somebody holds the account."""
    code, until, body = request
    looks = {
        "queued": "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN vouchers_ledgeraccount AS a ON a.code = %s"
        " JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()"
        " WHERE l.locktype = 'advisory' AND NOT l.granted)",
        "drawn": "SELECT EXISTS (SELECT FROM vouchers_ledgertill AS t JOIN vouchers_ledgeraccount AS a ON a.id = t.account_id"
        " WHERE a.code = %s AND t.posted + t.pending > 0)",
        "waiting": "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN vouchers_ledgeraccount AS a ON a.code = %s"
        " WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid() AND l.granted"
        " AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(a.id::text, 2))",
    }
    if until == "waiting":
        _see(connection, looks[until], code)
        return post(connection, body)
    with connection.transaction():
        answer = post(connection, body)
        if until:
            _see(connection, looks[until], code)
    return answer


def _see(connection: psycopg.Connection, question: str, code: str) -> None:
    for _look in range(3000):
        row = connection.execute(question, [code]).fetchone()  # type: ignore[arg-type]
        if row is not None and row[0]:
            return
        time.sleep(0.01)
    raise AssertionError(f"nobody did within 30 s: {question}")


def naive_spend(connection: psycopg.Connection, amount: str) -> dict[str, str]:
    """What the systems that overspend do: add up what is spent, then spend, in one transaction."""
    with connection.transaction():
        row = connection.execute(
            "SELECT coalesce(sum(amount), 0) + %s <= room FROM naive_spending RIGHT JOIN naive_room ON true GROUP BY room",
            [amount],
        ).fetchone()
        if row is None or not row[0]:
            return {"code": "insufficient_funds"}
        connection.execute("INSERT INTO naive_spending (amount) VALUES (%s)", [amount])
    return {"code": "accepted"}


def naive_storm(dsn: str, owner: psycopg.Connection, *, room: int, tries: int, clients: int) -> Outcome:
    """The same storm on the naive way, on a table of its own; ``owner`` may create one."""
    owner.execute("DROP TABLE IF EXISTS naive_spending, naive_room")
    owner.execute("CREATE TABLE naive_spending (amount numeric(18, 2) NOT NULL)")
    owner.execute("CREATE TABLE naive_room (room numeric(18, 2) NOT NULL)")
    owner.execute("INSERT INTO naive_room VALUES (%s)", [SLICE * room])
    owner.execute("GRANT SELECT, INSERT ON naive_spending TO voucher_app")
    owner.execute("GRANT SELECT ON naive_room TO voucher_app")
    return storm(dsn, dealt([str(SLICE)] * tries, clients), naive_spend)


def repeated(ids: int, chance: random.Random, code: str) -> list[str]:
    """Bodies in random order, five sends of each id, a tenth of them with another body."""
    budget = ledger.Budget(code, 2025, "110115")
    fund(budget, SLICE * ids)
    bodies: list[str] = []
    for n in range(ids):
        chain = ledger.issue_chain(budget, f"V-{code}-{n}", SLICE, on=ON, id=new())
        other = ledger.issue_chain(budget, f"V-{code}-{n}", SLICE - 1, on=ON, id=chain.id)
        for _send in range(5):
            another = chance.random() < 0.1
            bodies.append(json.dumps((other if another else chain).body()))
    chance.shuffle(bodies)
    return bodies
