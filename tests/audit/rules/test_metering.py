"""F20: use that looks made up; and what every rule over the whole cannot test."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from audit.rules.base import Found
from tests.audit.rules.rows import (
    answer,
    claim,
    facts,
    flagged,
    lease,
    only,
    run,
)

DAY = timedelta(days=1)
SIGNED = date(2025, 2, 20)


# ---- F20 用量造假

START = date(2025, 3, 3)  # a Monday


def metered(values: list[float], lease_id: int = 1, start: date = START) -> list[dict[str, Any]]:
    return [
        {"id": lease_id * 1000 + n, "lease": lease_id, "day": start + n * DAY, "hours": round(value * 10_000)}
        for n, value in enumerate(values)
    ]


def use(*series: list[dict[str, Any]], parameters: dict[str, Any] | None = None, **more: Any) -> Found:
    leases = [lease(n, cards=8, lessee=n, **more) for n in range(1, len(series) + 1)]
    claims = [claim(n, lease=n) for n in range(1, len(series) + 1)]
    return run(
        "F20", parameters, leases=leases, claims=claims, daily=[row for some in series for row in some]
    )


def worked(days: int, seed: int = 1) -> list[float]:
    """Honest use of eight cards: less at weekends, never twice the same."""
    drawn = np.random.default_rng(seed).uniform(0.5, 0.9, days)
    return [round(192 * u * (0.6 if n % 7 >= 5 else 1), 4) for n, u in enumerate(drawn)]


def test_f20_honest_use_shows_no_sign():
    assert not use(metered(worked(60)), parameters={"least_signs": 1}).hits


def test_f20_ten_days_alike_are_one_sign_and_nine_are_none():
    one = {"least_signs": 1}
    assert only(use(metered([*worked(30), *[101.1234] * 10]), parameters=one)).value == "1 种"
    assert not use(metered([*worked(30), *[101.1234] * 9]), parameters=one).hits
    assert not use(metered([*worked(30), *[101.1234] * 10])).hits  # one sign is not enough


def test_f20_another_lessees_curve_shifted_in_time():
    copied = metered(worked(40), 2, START + 17 * DAY)
    assert flagged(use(metered(worked(40)), copied, parameters={"least_signs": 1}), "soft") == [1, 2]
    assert not use(metered(worked(40)), metered(worked(40, 2), 2), parameters={"least_signs": 1}).hits
    own = [lease(1, cards=8), lease(2, cards=8)]
    again = [*metered(worked(40)), *copied]
    assert not run("F20", {"least_signs": 1}, leases=own, daily=again).hits  # a renewal of one's own


def test_f20_two_signs_flag():
    flat = [101.1234] * 40  # all alike, and no weekend
    hit = only(use(metered(flat)))
    assert hit.claim == 1
    assert hit.value == "2 种"
    assert not use(metered(flat), parameters={"least_signs": 3}).hits


def test_f20_a_saturated_training_job_shows_one_sign_only():
    busy = [round(192 * (0.992 + (n * 7 % 11) / 5000), 4) for n in range(60)]
    assert not use(metered(busy)).hits
    assert only(use(metered(busy), parameters={"least_signs": 1})).value == "1 种"


def test_f20_metering_by_allocation_is_no_use():
    assert not use(metered([192.0] * 60), parameters={"least_signs": 1}).hits


def test_f20_use_before_the_lease_begins():
    early = metered(worked(30), start=date(2025, 2, 28))
    assert only(use(early, parameters={"least_signs": 1})).value == "1 种"
    assert not use(metered(worked(30), start=date(2025, 3, 1)), parameters={"least_signs": 1}).hits


def test_f20_ten_days_are_needed():
    assert use(metered([101.1234] * 9)).untestable_claims == {1}
    assert not use(metered([101.1234] * 10)).untestable_claims
    assert run("F20").untestable_claims == {1}


# ---- all of them


@pytest.mark.parametrize("rule", ["F11", "F16", "F20", "F22", "F23", "F25", "F29"])
def test_a_contract_that_is_no_lease_of_computing_power_is_not_testable(rule: str):
    """A data product, a deployment or an investment is claimed without a lease, as the facts have it."""
    found = run(rule, claims=[claim(lease=None)], leases=[], invoices=[])
    assert found.untestable_claims == {1}
    assert not found.hits


@pytest.mark.parametrize("rule", ["F11", "F16", "F20", "F23", "F25", "F29"])
def test_what_needs_everything_is_not_testable_beside_one_case(rule: str):
    near = facts()
    near.whole = False
    assert answer(rule, near).untestable_claims == {1}


def test_f20_among_many_curves_the_copies_are_those_that_each_beside_each_would_find():
    from audit.rules.f20_implausible_metering import BLOCK, SAME, _near

    drawn = np.random.default_rng(7)
    count, copies, days = 3 * BLOCK, BLOCK // 5, 90
    shape = drawn.standard_normal(days)  # what all have in common: the week, the season
    curves = np.sqrt(0.9) * shape + np.sqrt(0.1) * drawn.standard_normal((count, days))
    noise = 0.044 * drawn.uniform(0, 1, (copies, 1)) * drawn.standard_normal((copies, days))
    curves[-copies:] = curves[:copies] + noise * curves[:copies].std(axis=1, keepdims=True)
    curves -= curves.mean(axis=1, keepdims=True)
    curves = (curves / np.linalg.norm(curves, axis=1, keepdims=True)).astype(np.float32)

    def pairs(rows: np.ndarray) -> set[tuple[int, int]]:
        one, other = np.nonzero(curves[rows] @ curves[rows].T > SAME)
        return {(a, b) for a, b in zip(rows[one].tolist(), rows[other].tolist(), strict=True) if a < b}

    each_beside_each = pairs(np.arange(count))
    assert len(each_beside_each) > copies * 0.9
    assert set().union(*(pairs(rows) for rows in _near(curves))) == each_beside_each
    compared = sum(len(rows) ** 2 for rows in _near(curves))
    assert compared < count**2 / 2
