"""No interleaving of real processes takes more than there is; the naive way of checking, beside it, does."""

from __future__ import annotations

import json
import random
from collections import Counter

import psycopg
import pytest

from tests.vouchers.scarcity import (
    DRAWN,
    LENT_FROM,
    ON,
    PAYEE,
    SCARCE,
    SLICE,
    claim_chain,
    drawn_storm,
    fund,
    naive_storm,
    new,
    overspend_storm,
    repeated,
    sent,
)
from tests.vouchers.storm import dealt, storm
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount, LedgerTill, LedgerTransfer

BUDGET = ledger.Budget("BDA-SLQ", 2025, "110115")


@pytest.mark.parametrize("scarce", SCARCE)
def test_32_clients_take_exactly_what_there_is(committed_db, scarce):
    outcome, expected = overspend_storm(committed_db.dsn, scarce, room=100, tries=320, clients=32)
    assert outcome.errors == []
    assert outcome.codes == expected
    assert check_ledger(business_rows=False) == []


@pytest.mark.parametrize("scarce", DRAWN)
def test_32_clients_take_exactly_what_there_is_when_tills_are_drawn(committed_db, scarce):
    """A third is taken while one of them holds the account, from its tills; then the rest of account and tills, to the last."""
    outcome, expected, drawn = drawn_storm(
        committed_db.dsn, scarce, room=LENT_FROM, tries=LENT_FROM * 3 // 2, clients=32
    )
    assert outcome.errors == []
    assert drawn > 0, "nobody drew from a till"
    assert outcome.codes == expected
    tills = LedgerTill.objects.all()
    assert len(tills) == 8
    assert not any(till.allotted for till in tills), "something stayed in a till though somebody was refused"
    assert check_ledger(business_rows=False) == []


@pytest.mark.long
@pytest.mark.parametrize("scarce", SCARCE)
def test_64_clients_take_exactly_what_there_is(committed_db, scarce):
    """One seed of each; ``bin/bench storm`` goes over twenty."""
    outcome, expected = overspend_storm(committed_db.dsn, scarce, room=1000, tries=5000, clients=64)
    assert outcome.errors == []
    assert outcome.codes == expected
    assert check_ledger(business_rows=False) == []


def test_cases_of_two_versions_at_once_keep_each_to_its_own_limit(committed_db):
    """One cap, which nobody has opened yet; half of the claims are under a version that allows less of it."""
    less, more, tries = 40, 100, 320
    fund(BUDGET, SLICE * tries * 10)
    for n in range(10):
        ledger.issue(BUDGET, f"V-{n}", SLICE * tries, on=ON, id=new()).demand()
    caps = [ledger.Cap("ab" * 32, "enterprise_year", PAYEE, "2025", SLICE * room) for room in (less, more)]
    chains = [claim_chain(BUDGET, f"V-{n % 10}", f"C-{n % 2}-{n}", caps=[caps[n % 2]]) for n in range(tries)]
    outcome = storm(committed_db.dsn, sent(chains, 32, 7))
    assert outcome.errors == []
    assert outcome.codes == Counter({"accepted": more, "cap_exceeded": tries - more})
    taken = LedgerTransfer.objects.filter(kind="pending", debit__kind="cap")
    assert taken.filter(subject_no__startswith="C-0-").count() <= less
    account = LedgerAccount.objects.get(kind="cap")
    assert (account.used, account.limit_amount) == (SLICE * more, SLICE * more)
    assert check_ledger(business_rows=False) == []


def test_the_control_a_naive_sum_check_overspends_under_the_same_storm(committed_db):
    with psycopg.connect(committed_db.migrator_dsn, autocommit=True) as owner:
        owner.execute("SET ROLE voucher_owner")
        most = 0
        for _round in range(5):
            outcome = naive_storm(committed_db.dsn, owner, room=100, tries=320, clients=32)
            assert outcome.errors == []
            most = max(most, outcome.codes["accepted"])
            if most > 100:
                break
        assert most > 100, "the storm is too weak to show anything"


def idempotency_storm(dsn: str, ids: int, clients: int) -> None:
    bodies = repeated(ids, random.Random(ids), "IDS")
    outcome = storm(dsn, dealt(bodies, clients))
    assert outcome.errors == []
    answers: dict[str, list[str]] = {}
    for answer in outcome.answers:
        if answer["code"] != "id_reused":
            answers.setdefault(answer["id"], []).append(json.dumps(answer))
    assert len(answers) == ids and all(len(set(same)) == 1 for same in answers.values())
    assert LedgerTransfer.objects.filter(code="issue").count() == ids
    # Every send got the answer of the first, or was another body than the first; an id has two bodies at most.
    assert outcome.codes["accepted"] + outcome.codes["id_reused"] == 5 * ids
    assert outcome.codes["id_reused"] > 0, "no id was sent with another body"
    assert check_ledger(business_rows=False) == []


def test_an_id_sent_five_times_at_once_has_one_effect_and_one_answer(committed_db):
    idempotency_storm(committed_db.dsn, ids=60, clients=16)


@pytest.mark.long
def test_2000_ids_sent_five_times_at_once_have_one_effect_each(committed_db):
    idempotency_storm(committed_db.dsn, ids=2000, clients=32)


def test_opposite_orders_and_batches_never_wait_in_a_ring(committed_db):
    """Chains that name the same accounts in any order, alone and in batches, beside expiries: no deadlock, no loss."""
    fund(BUDGET, SLICE * 1000)
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
