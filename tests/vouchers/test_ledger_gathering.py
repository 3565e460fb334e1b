"""Those who draw from tills beside those who gather them, in real processes: nothing is lost or found."""

from __future__ import annotations

from datetime import date

import pytest

from tests.vouchers.gathering import draw_first, drawn, gathering_storm, judged, set_out
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount

YEAR_ENDS = date(2025, 12, 31)


def stormed(dsn: str, *, seed: int, size: int, clients: int) -> None:
    scene = set_out(seed, size=size)
    of_budget, of_pool = draw_first(dsn, scene, clients)
    assert of_budget > 0 and of_pool > 0, "nobody drew from a till"
    codes, wrong = judged(scene, gathering_storm(dsn, scene, clients))
    assert wrong == [], wrong[0]
    assert codes["account_closed"] > 0, "the year closed behind the last of them"
    assert codes["accepted"] > size
    budget = LedgerAccount.objects.get(code=scene.budget.code)
    assert budget.closed_on == YEAR_ENDS
    assert budget.available == 0
    assert drawn(scene.budget.code) == 0
    pool = LedgerAccount.objects.get(code=scene.pool.code)
    assert 0 < pool.used <= pool.limit_amount
    assert check_ledger(business_rows=False) == []


def test_drawing_and_gathering_at_once_loses_nothing(committed_db):
    stormed(committed_db.dsn, seed=1, size=240, clients=16)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_drawing_and_gathering_by_64_clients(committed_db, seed):
    stormed(committed_db.dsn, seed=seed, size=1500, clients=64)
