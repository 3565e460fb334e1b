"""The storms of the specification, whole: 64 client processes, 5,000 tries, room for exactly 1,000, twenty seeds; and the repeats.

A storm that does not end with exactly what there is fails the run; the tests have a short form of each. Those that are "drawn"
take from the scarce account's tills first, which must be seen in the tables; the last kind has drawers and gatherers at once.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time

import psycopg

from tests.benchmarks.figures import Figure
from tests.vouchers.gathering import draw_first, gathering_storm, judged, set_out
from tests.vouchers.scarcity import DRAWN, SCARCE, drawn_storm, naive_storm, overspend_storm, repeated
from tests.vouchers.storm import dealt, storm

SEEDS = 20
ROOM, TRIES, CLIENTS = 1000, 5000, 64
IDS, SENDS = 2000, 5
MIXED = 1500  # claims of a mixed storm; of everything that gathers a tenth of that beside


def run() -> list[Figure]:
    """Tries a second of each storm, the naive control's overspending, and the repeats."""
    from vouchers.actions.ledger_check import check_ledger

    dsn = os.environ["DATABASE_URL"]
    figures = []
    for scarce in SCARCE:
        took = []
        for seed in range(SEEDS):
            started = time.perf_counter()
            outcome, expected = overspend_storm(
                dsn, scarce, room=ROOM, tries=TRIES, clients=CLIENTS, seed=seed
            )
            took.append(time.perf_counter() - started)
            if outcome.errors or outcome.codes != expected:
                raise RuntimeError(f"{scarce}, seed {seed}: {outcome.codes} {outcome.errors[:1]}")
        figures.append(
            Figure(f"storm on one {scarce}, {SEEDS} seeds exact", TRIES / statistics.median(took), "tries/s")
        )
    for scarce in DRAWN:
        took = []
        for seed in range(SEEDS):
            started = time.perf_counter()
            outcome, expected, drawn = drawn_storm(
                dsn, scarce, room=ROOM, tries=TRIES, clients=CLIENTS, seed=seed
            )
            took.append(time.perf_counter() - started)
            if outcome.errors or outcome.codes != expected or not drawn:
                raise RuntimeError(
                    f"tills of a {scarce}, seed {seed}: {outcome.codes} {drawn} {outcome.errors[:1]}"
                )
        figures.append(
            Figure(
                f"storm on one {scarce} whose tills are drawn, {SEEDS} seeds exact",
                TRIES / statistics.median(took),
                "tries/s",
            )
        )
    figures.append(_mixed(dsn))
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute("SET ROLE voucher_owner")
        naive = naive_storm(dsn, owner, room=ROOM, tries=TRIES, clients=CLIENTS)
    if naive.errors or naive.codes["accepted"] <= ROOM:
        raise RuntimeError(f"the control did not overspend: {naive.codes} {naive.errors[:1]}")
    figures.append(
        Figure("naive sum check, accepted", naive.codes["accepted"], "tries", "what there was", ROOM)
    )
    figures.append(_repeats(dsn))
    findings = check_ledger(business_rows=False)
    if findings:
        raise RuntimeError(f"the ledger does not hold after the storms: {findings[0]}")
    return figures


def _mixed(dsn: str) -> Figure:
    """Those who draw from tills beside those who gather them: no error, each reservation resolved once."""
    rates = []
    for seed in range(SEEDS):
        scene = set_out(seed, size=MIXED)
        drawn = draw_first(dsn, scene, CLIENTS)
        started = time.perf_counter()
        codes, wrong = judged(scene, gathering_storm(dsn, scene, CLIENTS))
        rates.append(codes.total() / (time.perf_counter() - started))
        if wrong or not all(drawn):
            raise RuntimeError(f"drawing and gathering, seed {seed}: {wrong[:3]} {drawn}")
    return Figure(f"drawing and gathering at once, {SEEDS} seeds", statistics.median(rates), "chains/s")


def _repeats(dsn: str) -> Figure:
    """2,000 ids five times at once, a tenth of the sends with another body: one effect each, the same answer to the byte."""
    from vouchers.models import LedgerTransfer

    bodies = repeated(IDS, random.Random(IDS), "IDS")
    started = time.perf_counter()
    outcome = storm(dsn, dealt(bodies, CLIENTS))
    took = time.perf_counter() - started
    answers: dict[str, set[str]] = {}
    for answer in outcome.answers:
        if answer["code"] != "id_reused":
            answers.setdefault(answer["id"], set()).add(json.dumps(answer))
    effects = LedgerTransfer.objects.filter(code="issue", debit__code="budget:IDS:2025").count()
    right = len(answers) == effects == IDS and all(len(same) == 1 for same in answers.values())
    if outcome.errors or not right or not outcome.codes["id_reused"]:
        raise RuntimeError(f"{effects} effects, {outcome.codes} {outcome.errors[:1]}")
    return Figure(f"{IDS:,} ids sent {SENDS} times at once, one effect each", len(bodies) / took, "sends/s")
