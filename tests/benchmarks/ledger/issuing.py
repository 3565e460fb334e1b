"""A whole year's vouchers issued from one budget, in chunks of one round trip and one transaction each, as issue runs are.

Two workers share the chunks, one for each core: a run books its accounts, transfers and events first and joins the queue of the
budget last, so that two of them are at work at once and only their commits wait for each other.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

from tests.benchmarks.figures import Figure

VOUCHERS = 100_000
CHUNK = 1_000
WORKERS = 2
SECONDS = 10.0
ON = date(2025, 7, 15)


def figures() -> list[Figure]:
    """Seconds for all of them, from the first chain in Python to the last answer; each an account, a transfer, an attempt and two events."""
    from django.db import connection

    from vouchers.actions import ledger
    from vouchers.actions.ledger_check import check_ledger

    budget = ledger.Budget("ISSUE", 2025, "110115")
    ledger.appropriate(budget, Decimal(10**12), document_no="bench", on=ON, id=uuid.uuid4()).demand()
    shares = [range(first * CHUNK, VOUCHERS, WORKERS * CHUNK) for first in range(WORKERS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as workers:
        for done in workers.map(lambda share: _issue(budget, share), shares):
            assert done is None
    took = time.perf_counter() - started
    findings = check_ledger(business_rows=False)
    if findings:
        raise RuntimeError(f"the ledger does not hold after the benchmark: {findings[0]}")
    with connection.cursor() as cursor:
        # Compared here: the planner knows nothing yet of rows that are seconds old, and joins them one by one.
        cursor.execute("SELECT id::text FROM vouchers_ledgeraccount WHERE code LIKE 'voucher:I-%'")
        made = {key for (key,) in cursor.fetchall()}
        cursor.execute(
            "SELECT subject_pk FROM audit_auditevent WHERE subject_kind = 'ledger_account' AND operation = 'insert'"
        )
        told = [key for (key,) in cursor.fetchall() if key in made]
    if not len(made) == len(told) == len(set(told)) == VOUCHERS:
        raise RuntimeError(f"{len(made)} vouchers were issued and {len(told)} told, not {VOUCHERS}")
    return [Figure(f"issue of {VOUCHERS:,} vouchers from one budget", took, "s", goal=SECONDS, better="less")]


def _issue(budget: object, share: range) -> None:
    """One worker's chunks, on a connection of its own."""
    from django.db import connection, transaction

    from vouchers.actions import ledger

    assert isinstance(budget, ledger.Budget)
    try:
        for first in share:
            chains = [
                ledger.issue_chain(budget, f"I-{n}", Decimal("100.00"), on=ON, id=uuid.uuid4())
                for n in range(first, min(first + CHUNK, VOUCHERS))
            ]
            with transaction.atomic():
                for result in ledger.post_all(chains):
                    result.demand()
    finally:
        connection.close()
