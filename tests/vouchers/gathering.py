"""A storm in which those who draw from tills meet those who gather them: releases, time-outs, closings, limits, withdrawals, batches.

One budget and one pool, both hot, and a budget that two treasuries share and that counts to the same pool. Used by
``test_ledger_gathering.py`` and by ``bin/bench storm``.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from tests.vouchers.scarcity import FEN, ON, SLICE, SPREAD, claimed, fund, holding, new, spread, voucher_of
from tests.vouchers.storm import Outcome, dealt, storm
from vouchers.actions import ledger
from vouchers.models import LedgerTill

LATER = date(2025, 8, 1)
ENDS = date(2025, 12, 31)
#: what a move may be answered in this storm; anything else, and any error of the database, is a fault
EXPECTED = {"accepted", "insufficient_funds", "cap_exceeded", "account_closed", "pending_resolved"}


@dataclass(frozen=True)
class Scene:
    """What is there before the storm, and what each client sends."""

    budget: ledger.Budget
    pool: ledger.Cap
    vouchers: list[str]
    payees: list[str]
    bodies: list[Any]
    #: the two ids that fight for each reservation
    rivals: list[tuple[uuid.UUID, uuid.UUID]]


def set_out(seed: int, *, size: int) -> Scene:
    """``size`` claims, and a tenth of that of everything that gathers."""
    chance = random.Random(seed)
    budget = ledger.Budget(f"MIX-{seed}", 2025, "110115")
    shared = ledger.Budget(f"MIXS-{seed}", 2025, "110115", ("province", "city"))
    tenth = size // 10
    pool = ledger.Cap(f"{seed:02x}" * 32, "claimed_in_year", "pool", "2025", SLICE * size * 3, shared=True)
    fund(budget, SLICE * size * SPREAD / 4 + SLICE * size * 3)
    for part in shared.parts:
        fund(part, SLICE * size)
    vouchers, payees = spread(budget, SLICE * size / 4, [pool])
    borne = {"province": SLICE * size * Decimal("0.6"), "city": SLICE * size * Decimal("0.4")}
    ledger.issue(shared, f"V-S-{seed}", SLICE * size, on=ON, id=new(), borne=borne).demand()

    def claim(
        name: str, *, topped_up: bool = False, expires_on: date | None = None, amount: Decimal = SLICE
    ) -> ledger.Chain:
        place = chance.randrange(SPREAD)
        no = f"C-{seed}-{name}"
        return claimed(
            budget,
            vouchers[place],
            payees[place],
            no,
            amount,
            [pool],
            topped_up=topped_up,
            expires_on=expires_on,
        )

    def resolving(kind: str, code: str, held: ledger.Chain, on: date = ON) -> ledger.Chain:
        return ledger.Chain(new(), on, "claim", held.subject_no).resolve(
            kind, code, held.id, SLICE - FEN if kind == "post" else None
        )

    bodies: list[Any] = [claim(f"now-{n}", topped_up=True).body() for n in range(size)]
    rivals = []
    for n in range(tenth):
        for code, kind, on in (("release", "void", ON), ("time_out", "expire", LATER)):
            held = claim(f"{code}-{n}", expires_on=LATER if kind == "expire" else None)
            held.post().demand()
            pair = resolving(kind, code, held, on), resolving("post", "confirm", held)
            rivals.append((pair[0].id, pair[1].id))
            bodies += [one.body() for one in pair]
    lapsing = [voucher_of(budget, f"lapse-{n}", SLICE) for n in range(tenth)]
    bodies += [ledger.expire_chain(no, on=ON, id=new()).body() for no in lapsing]
    for n in range(tenth):
        treasury = ledger.Chain(new(), ON, "budget", f"收回 {n}")
        bodies.append(treasury.single("withdraw", budget.code, budget.treasury, SLICE).body())
        treasury = ledger.Chain(new(), ON, "budget", f"下达 {n}")
        bodies.append(treasury.single("appropriate", budget.treasury, budget.code, SLICE).body())
        limit = SLICE * size * 3 + n * chance.choice((-1, 1))
        bodies.append(ledger.Chain(new(), ON, "publication", f"限额 {n}").set_limit(pool.code, limit).body())
        bodies.append(
            ledger.reserve_chain(
                shared,
                f"V-S-{seed}",
                SLICE,
                payee_uscc=payees[n % 7],
                claim_no=f"C-{seed}-shared-{n}",
                on=ON,
                id=new(),
                caps=[pool],
            ).body()
        )
        issued = [ledger.issue_chain(budget, f"V-{seed}-{n}-{k}", SLICE, on=ON, id=new()) for k in range(4)]
        bodies.append([chain.body() for chain in issued])
        mixed = [claim(f"batch-{n}-{k}", topped_up=k % 2 == 0) for k in range(4)]
        bodies.append([chain.body() for chain in mixed])
    chance.shuffle(bodies)
    closing = ledger.Chain(new(), ENDS, "budget", budget.code).close(budget.code).body()
    bodies.insert(len(bodies) * 4 // 5, closing)
    return Scene(budget, pool, vouchers, payees, bodies, rivals)


def draw_first(dsn: str, scene: Scene, clients: int) -> tuple[Decimal, Decimal]:
    """Lends tills of the budget and of the pool and has them drawn from; what stands drawn of each."""
    for name in (scene.budget.code, scene.pool.code):
        topped = name == scene.budget.code
        caps = [] if topped else [scene.pool]
        sent = [
            json.dumps(
                claimed(
                    scene.budget,
                    scene.vouchers[n],
                    scene.payees[n],
                    f"{name} {n}",
                    FEN,
                    caps,
                    topped_up=topped,
                ).body()
            )
            for n in range(clients)
        ]
        lending = storm(dsn, [[[name, "queued", sent[0]]], [[name, "waiting", sent[1]]]], holding)
        taking = storm(dsn, [[[name, "drawn", sent[2]]], *[[[name, "", one]] for one in sent[3:]]], holding)
        assert not (lending.errors or taking.errors), [*lending.errors, *taking.errors][0]
    return drawn(scene.budget.code), drawn(scene.pool.code)


def drawn(code: str) -> Decimal:
    """What was drawn from the account's tills and has not been gathered."""
    tills = LedgerTill.objects.filter(account__code=code)
    return sum((till.posted + till.pending for till in tills), Decimal(0))


def gathering_storm(dsn: str, scene: Scene, clients: int) -> Outcome:
    return storm(dsn, dealt([json.dumps(body) for body in scene.bodies], clients), post_each)


def post_each(connection: psycopg.Connection, body: str) -> dict[str, Any]:
    """A chain, or a batch; the answers of a batch come as a list of their own. A ring of locks is a fault like any other."""
    function = "ledger_post_batch" if body.startswith("[") else "ledger_post"
    row = connection.execute(f"SELECT {function}(%s::jsonb)", [body]).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return {"answers": row[0] if isinstance(row[0], list) else [row[0]]}


def judged(scene: Scene, outcome: Outcome) -> tuple[Counter[str], list[str]]:
    """How many chains had which answer, and what is wrong with them."""
    answers: Sequence[dict[str, Any]] = [one for answer in outcome.answers for one in answer["answers"]]
    codes = Counter(answer["code"] for answer in answers)
    by_id = {answer["id"]: answer["code"] for answer in answers}
    wrong = [*outcome.errors, *(f"nobody should be told {code}" for code in codes.keys() - EXPECTED)]
    for pair in () if outcome.errors else scene.rivals:
        told = sorted(by_id[str(id)] for id in pair)
        if told != ["accepted", "pending_resolved"]:
            wrong.append(f"a reservation was resolved by {told}")
    return codes, wrong
