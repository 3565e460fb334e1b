"""No interleaving of real processes takes more than there is; the naive way of checking, beside it, does."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from tests.vouchers.storm import dealt, storm
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount, LedgerTransfer

ON = date(2025, 7, 15)
BUDGET = ledger.Budget("BDA-SLQ", 2025, "110115")
PAYEE = "91350100M000100Y43"
SLICE = Decimal("30.00")


def new() -> uuid.UUID:
    return uuid.uuid4()


def fund(amount: Decimal) -> None:
    ledger.appropriate(BUDGET, amount, document_no="指标", on=ON, id=new()).demand()


def claim_chain(
    voucher_no: str, claim_no: str, *, caps: list[ledger.Cap] = (), id: uuid.UUID | None = None
) -> ledger.Chain:
    """What ``reserve`` sends, kept for a client to send."""
    payable = BUDGET.payable(PAYEE)
    chain = ledger.Chain(id or new(), ON, "claim", claim_no).open(payable, "payable", returns_to=BUDGET.code)
    chain.pending("reserve", ledger.voucher_account(voucher_no), payable, SLICE)
    return chain.use(caps, BUDGET.region_code, SLICE, reserved=True)


def sent(chains: list[ledger.Chain], clients: int) -> list[list[str]]:
    return dealt([json.dumps(chain.body()) for chain in chains], clients)


def budget_chains(room: int, tries: int) -> list[ledger.Chain]:
    """Everybody wants a voucher of the same budget."""
    fund(SLICE * room)
    return [ledger.issue_chain(BUDGET, f"V-{n}", SLICE, on=ON, id=new()) for n in range(tries)]


def voucher_chains(room: int, tries: int) -> list[ledger.Chain]:
    """Every claim draws on the same voucher."""
    fund(SLICE * room * 2)
    ledger.issue(BUDGET, "V-0", SLICE * room, on=ON, id=new()).demand()
    return [claim_chain("V-0", f"C-{n}") for n in range(tries)]


def enterprise_year_chains(room: int, tries: int) -> list[ledger.Chain]:
    """One enterprise, ten vouchers with plenty on them, one cap for its year, which nobody has opened yet."""
    fund(SLICE * tries * 10)
    cap = ledger.Cap("ab" * 32, "enterprise_year", PAYEE, "2025", SLICE * room)
    for n in range(10):
        ledger.issue(BUDGET, f"V-{n}", SLICE * tries, on=ON, id=new()).demand()
    return [claim_chain(f"V-{n % 10}", f"C-{n}", caps=[cap]) for n in range(tries)]


def pool_chains(room: int, tries: int) -> list[ledger.Chain]:
    """The budget would do, the pool of the year (consumed at issue) does not."""
    fund(SLICE * tries)
    pool = ledger.Cap("ab" * 32, "issued_in_year", "pool", "2025", SLICE * room, shared=True)
    return [ledger.issue_chain(BUDGET, f"V-{n}", SLICE, on=ON, id=new(), caps=[pool]) for n in range(tries)]


SCARCE = {
    "budget": (budget_chains, "insufficient_funds"),
    "voucher": (voucher_chains, "insufficient_funds"),
    "enterprise_year": (enterprise_year_chains, "cap_exceeded"),
    "pool": (pool_chains, "cap_exceeded"),
}


def overspend_storm(dsn: str, scarce: str, *, room: int, tries: int, clients: int) -> None:
    make, refusal = SCARCE[scarce]
    outcome = storm(dsn, sent(make(room, tries), clients))
    assert outcome.errors == []
    assert outcome.codes == Counter({"accepted": room, refusal: tries - room})
    assert check_ledger(business_rows=False) == []


@pytest.mark.parametrize("scarce", SCARCE)
def test_32_clients_take_exactly_what_there_is(committed_db, scarce):
    overspend_storm(committed_db.dsn, scarce, room=100, tries=320, clients=32)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scarce", SCARCE)
def test_64_clients_take_exactly_what_there_is(committed_db, scarce, seed):
    overspend_storm(committed_db.dsn, scarce, room=1000, tries=5000, clients=64)


def test_cases_of_two_versions_at_once_keep_each_to_its_own_limit(committed_db):
    """One cap, which nobody has opened yet; half of the claims are under a version that allows less of it."""
    less, more, tries = 40, 100, 320
    fund(SLICE * tries * 10)
    for n in range(10):
        ledger.issue(BUDGET, f"V-{n}", SLICE * tries, on=ON, id=new()).demand()
    caps = [ledger.Cap("ab" * 32, "enterprise_year", PAYEE, "2025", SLICE * room) for room in (less, more)]
    chains = [claim_chain(f"V-{n % 10}", f"C-{n % 2}-{n}", caps=[caps[n % 2]]) for n in range(tries)]
    outcome = storm(committed_db.dsn, sent(chains, 32))
    assert outcome.errors == []
    assert outcome.codes == Counter({"accepted": more, "cap_exceeded": tries - more})
    taken = LedgerTransfer.objects.filter(kind="pending", debit__kind="cap")
    assert taken.filter(subject_no__startswith="C-0-").count() <= less
    account = LedgerAccount.objects.get(kind="cap")
    assert (account.used, account.limit_amount) == (SLICE * more, SLICE * more)
    assert check_ledger(business_rows=False) == []


def naive_spend(connection: psycopg.Connection, amount: str) -> dict[str, str]:
    """What the systems that overspent do: add up what is spent, then spend, in one transaction."""
    with connection.transaction():
        row = connection.execute(
            "SELECT coalesce(sum(amount), 0) + %s <= 3000 FROM naive_spending", [amount]
        ).fetchone()
        if row is None or not row[0]:
            return {"code": "insufficient_funds"}
        connection.execute("INSERT INTO naive_spending (amount) VALUES (%s)", [amount])
    return {"code": "accepted"}


def test_the_control_a_naive_sum_check_overspends_under_the_same_storm(committed_db):
    with psycopg.connect(committed_db.migrator_dsn, autocommit=True) as owner:
        owner.execute("SET ROLE voucher_owner")
        owner.execute("CREATE TABLE naive_spending (amount numeric(18, 2) NOT NULL)")
        owner.execute("GRANT SELECT, INSERT ON naive_spending TO voucher_app")
        most = 0
        for _round in range(5):
            owner.execute("TRUNCATE naive_spending")
            outcome = storm(committed_db.dsn, dealt([str(SLICE)] * 320, 32), naive_spend)
            assert outcome.errors == []
            most = max(most, outcome.codes["accepted"])
            if most > 100:
                break
        assert most > 100, "the storm is too weak to show anything"


def idempotency_storm(dsn: str, ids: int, clients: int) -> None:
    fund(SLICE * ids)
    chance = random.Random(ids)
    bodies, changed = [], set()
    for n in range(ids):
        chain = ledger.issue_chain(BUDGET, f"V-{n}", SLICE, on=ON, id=new())
        other = ledger.issue_chain(BUDGET, f"V-{n}", SLICE - 1, on=ON, id=chain.id)
        for _send in range(5):
            another = chance.random() < 0.1
            bodies.append(json.dumps((other if another else chain).body()))
    chance.shuffle(bodies)
    outcome = storm(dsn, dealt(bodies, clients))
    assert outcome.errors == []
    answers: dict[str, list[str]] = {}
    for answer in outcome.answers:
        if answer["code"] == "id_reused":
            changed.add(answer["id"])
        else:
            answers.setdefault(answer["id"], []).append(json.dumps(answer, sort_keys=True))
    assert len(answers) == ids and all(len(set(same)) == 1 for same in answers.values())
    assert LedgerTransfer.objects.filter(code="issue").count() == ids
    assert changed, "no id was sent with another body"
    assert check_ledger(business_rows=False) == []


def test_an_id_sent_five_times_at_once_has_one_effect_and_one_answer(committed_db):
    idempotency_storm(committed_db.dsn, ids=60, clients=16)


@pytest.mark.long
def test_2000_ids_sent_five_times_at_once_have_one_effect_each(committed_db):
    idempotency_storm(committed_db.dsn, ids=2000, clients=32)


def test_opposite_orders_and_batches_never_wait_in_a_ring(committed_db):
    """Chains that name the same accounts in any order, alone and in batches, beside expiries: no deadlock, no loss."""
    fund(SLICE * 1000)
    for n in range(8):
        ledger.issue(BUDGET, f"V-{n}", SLICE * 50, on=ON, id=new()).demand()
    chance = random.Random(7)
    bodies = []
    for n in range(160):
        names = chance.sample(range(8), 3)
        payable = BUDGET.payable(PAYEE)
        chain = ledger.Chain(new(), ON, "claim", f"C-{n}").open(payable, "payable", returns_to=BUDGET.code)
        for name in names:
            chain.pending("reserve", f"voucher:V-{name}", payable, SLICE)
        bodies.append(chain.body())
    requests = [json.dumps(body) for body in bodies[:80]]
    requests += [json.dumps(bodies[start : start + 8]) for start in range(80, 160, 8)]
    requests += [
        json.dumps(ledger.Chain(new(), ON, "voucher", f"V-{n}").close(f"voucher:V-{n}").body())
        for n in (0, 3)
    ]
    chance.shuffle(requests)
    outcome = storm(committed_db.dsn, dealt(requests, 12), post_either)
    assert outcome.errors == []
    assert set(outcome.codes) <= {"accepted", "insufficient_funds", "account_closed"}
    assert LedgerAccount.objects.filter(closed_on=ON).count() == 2
    assert check_ledger(business_rows=False) == []


def post_either(connection: psycopg.Connection, body: str) -> dict[str, str]:
    """A chain, or a batch of which the last answer counts."""
    function = "ledger_post_batch" if body.startswith("[") else "ledger_post"
    row = connection.execute(f"SELECT {function}(%s::jsonb)", [body]).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0][-1] if isinstance(row[0], list) else row[0]
