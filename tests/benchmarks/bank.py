"""bin/bench bank: 5,000 instructions through a bank at its worst (time-outs after success, duplicates, receipts out of order, returns,
silence), each with one effect.

Everything below the claims is real: vouchers, reservations and payables are booked in the ledger, batches are approved and
exported by two persons, files are read and taken in. The casework is left out: what a claim says of itself is tested beside.
"""

from __future__ import annotations

import time
from datetime import date

from tests.benchmarks.figures import Figure

INSTRUCTIONS, BATCH = 5000, 500
ON = date(2025, 7, 15)


def run() -> list[Figure]:
    """Lines a second to and from the bank; fails when any instruction had another effect than the bank's book says."""
    from tests.bank_exchange import exchange, payables, without_casework
    from tests.cast import build
    from vouchers import dates

    with dates.fixed(ON), without_casework():
        cast = build()
        began = time.perf_counter()
        payments = payables(cast, INSTRUCTIONS)
        made = time.perf_counter()
        told = exchange(cast, payments, batch_size=BATCH, seed=20250715)
        ended = time.perf_counter()
    if told.faults:
        raise RuntimeError(f"{len(told.faults)} instructions had another effect: {told.faults[:3]}")
    return [
        Figure("instructions, one effect each", told.instructions, "instructions", goal=INSTRUCTIONS),
        Figure("answers taken in, repeated ones included", told.answers, "answers"),
        Figure("answers that told nothing new", told.repeated, "answers"),
        Figure("timed out although the money moved", told.timed_out, "instructions"),
        Figure("returned after they had arrived", told.returned_later, "instructions"),
        Figure("silent or unknown until the bank was asked", told.silent, "instructions"),
        Figure("payables made", INSTRUCTIONS / (made - began), "1/s"),
        Figure("lines to the bank and back", told.instructions / (ended - made), "1/s"),
    ]
