"""The replay and the dry run, on cases small enough to be worked out by hand."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from tests.vouchers.policy.replayed import CITE, D, amounts, application, cap, claim, of, party, scheme_with
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import replay
from vouchers.policy.replay import Cancelled, OutOfOrder


def test_a_cap_of_the_calendar_year_begins_again_at_the_years_turn():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 500, t.CapPeriod.CALENDAR_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 12, 30), 1000),  # 300
            application("A2", date(2024, 12, 31), 1000),  # 300, of which 200 are left
            application("A3", date(2025, 1, 1), 1000),  # a new year
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(200), "A3": D(300)}
    assert of(done, "A2").capped_by == ("enterprise",)


def test_a_rolling_year_frees_what_was_used_a_year_and_a_day_ago():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 300, t.CapPeriod.ROLLING_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 3, 1), 500),  # 150
            application("A2", date(2024, 9, 1), 500),  # 150: full
            application("A3", date(2025, 2, 28), 1000),  # A1 still counts: nothing left
            application("A4", date(2025, 3, 1), 1000),  # A1 was twelve months ago: 150 free
        ],
    )
    assert amounts(done) == {"A1": D(150), "A2": D(150), "A3": D(0), "A4": D(150)}
    assert of(done, "A3").failed == ("cap.enterprise",)


def test_a_rolling_year_counts_by_the_days_of_the_cases_though_they_are_decided_in_another_order():
    """What a later day's case looked past still counts for one of an earlier day that is decided after it."""
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 300, t.CapPeriod.ROLLING_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 12, 10), 900),  # 270
            dataclasses.replace(application("A2", date(2025, 12, 20), 10), on=date(2026, 1, 1)),  # 3, A1 left
            dataclasses.replace(application("A3", date(2025, 12, 1), 900), on=date(2026, 1, 5)),  # A1 counts
        ],
    )
    assert amounts(done) == {"A1": D(270), "A2": D(3), "A3": D(30)}


def test_the_group_shares_its_cap_and_another_enterprise_does_not():
    scheme = scheme_with(caps=(cap(t.CapSubject.GROUP, 400, t.CapPeriod.TOTAL),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 3, 1), 1000, applicant=party("U1", group_no="G")),
            application("A2", date(2024, 3, 2), 1000, applicant=party("U2", group_no="G")),
            application("A3", date(2024, 3, 3), 1000, applicant=party("U3")),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(100), "A3": D(300)}


def test_issue_and_claim_are_counted_apart():
    pool = cap(t.CapSubject.POOL, 300, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    done = replay(
        scheme_with(caps=(pool,)),
        [application("A1", date(2024, 3, 1), 1000), claim("C1", date(2024, 4, 1), 1000, "A1")],
    )
    assert amounts(done) == {"A1": D(300), "C1": D(300)}


def test_a_pool_goes_first_come_first_served_and_the_day_it_is_spent_is_told():
    pool = cap(t.CapSubject.POOL, 700, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    done = replay(
        scheme_with(caps=(pool,)),
        [
            application("A4", date(2024, 5, 1), 1000, "U4"),
            application("A3", date(2024, 4, 2), 1000, "U3"),
            application("A2", date(2024, 4, 1), 1000, "U2"),
            application("A1", date(2024, 4, 1), 1000, "U1"),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(300), "A3": D(100), "A4": D(0)}
    (spent,) = done.pools
    assert (spent.used, spent.spent_on, spent.refused, spent.cut) == (D(700), date(2024, 4, 2), 1, 1)


def test_the_years_budget_limits_beside_the_schemes_own_pools():
    cases = [application("A1", date(2024, 4, 1), 1000), application("A2", date(2025, 4, 1), 1000)]
    done = replay(scheme_with(), cases, budgets={2024: D(250)})
    assert amounts(done) == {"A1": D(250), "A2": D(300)}
    assert [(pool.code, pool.spent_on) for pool in done.pools] == [("budget", date(2024, 4, 1))]


def test_what_was_used_before_the_first_case_counts():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 500, t.CapPeriod.CALENDAR_YEAR),))
    done = replay(
        scheme, [application("A1", date(2024, 4, 1), 1000)], opening={"T:enterprise:issue:U1:2024": D(400)}
    )
    assert amounts(done) == {"A1": D(100)}


def test_claims_draw_on_what_the_replay_granted_until_it_is_used_up():
    done = replay(
        scheme_with(),
        [
            application("A1", date(2024, 3, 1), 1000),  # a voucher of 300
            claim("C1", date(2024, 4, 1), 800, "A1"),  # 240
            claim("C2", date(2024, 5, 1), 800, "A1"),  # 60 are left
            claim("C3", date(2024, 6, 1), 800, "A1"),  # nothing
        ],
    )
    assert amounts(done) == {"A1": D(300), "C1": D(240), "C2": D(60), "C3": D(0)}
    assert of(done, "C3").failed == ("voucher",)


def test_without_a_voucher_claims_draw_on_what_was_granted_and_the_budget_is_bound_by_the_grant():
    """A subsidy that is paid without a voucher is an entitlement: set apart when granted, drawn on like a voucher."""
    direct = scheme_with(voucher=r.VoucherKind(cite=CITE, issues_voucher=False))
    before = f.VoucherFacts(voucher_no="E-2023-1", face_value=D(90), balance=D(40))
    done = replay(
        direct,
        [
            application("A1", date(2024, 3, 1), 1000),  # 300
            application("A2", date(2024, 3, 2), 1000, "U2"),  # 250 are left of the budget
            claim("C1", date(2024, 4, 1), 800, "A1"),  # 240
            claim("C2", date(2024, 5, 1), 800, "A1"),  # 60 are left
            claim("C3", date(2024, 6, 1), 1000, "A2", "U2"),
            claim("C4", date(2024, 7, 1), 1000, "A-2023-1", voucher=before),  # granted before the period
        ],
        budgets={2024: D(550)},
    )
    assert amounts(done) == {"A1": D(300), "A2": D(250), "C1": D(240), "C2": D(60), "C3": D(250), "C4": D(40)}
    assert [(pool.code, pool.used) for pool in done.pools] == [("budget", D(550))]


def test_a_voucher_expires_as_the_replayed_scheme_says():
    cases = [application("A1", date(2024, 3, 1), 1000), claim("C1", date(2024, 9, 1), 100, "A1")]
    short = scheme_with(voucher=r.VoucherKind(cite=CITE, validity_months=6))
    assert amounts(replay(scheme_with(), cases))["C1"] == D(30)
    assert amounts(replay(short, cases))["C1"] == D(0)


def test_a_claim_on_a_voucher_from_before_has_what_it_was_worth_then():
    voucher = f.VoucherFacts(voucher_no="V1", face_value=D(500), balance=D(40), expires_on=date(2025, 1, 1))
    done = replay(
        scheme_with(),
        [claim(f"C{n}", date(2024, 4, n), 100, "A-2023-000001", voucher=voucher) for n in (1, 2)],
    )
    assert amounts(done) == {"C1": D(30), "C2": D(10)}


def test_bands_of_the_year_go_on_from_the_base_so_far():
    track = dataclasses.replace(
        scheme_with().tracks[0], tier_mode=t.TierMode.MARGINAL, tier_measure=t.TierMeasure.YEAR
    )
    rates = (
        r.Rate(cite=CITE, code="low", track="a", rate=D("0.1"), band_to=D(1000)),
        r.Rate(cite=CITE, code="high", track="a", rate=D("0.2"), band_from=D(1000)),
    )
    done = replay(
        scheme_with(tracks=(track,), rates=rates),
        [application("A1", date(2024, 3, 1), 800), application("A2", date(2024, 4, 1), 400)],
    )
    assert amounts(done) == {"A1": D(80), "A2": D(60)}  # 200 at 10 %, 200 at 20 %


def test_a_stream_must_come_in_order_and_can_be_cancelled():
    cases = [application("A2", date(2024, 3, 2), 1), application("A1", date(2024, 3, 1), 1)]
    with pytest.raises(OutOfOrder):
        replay(scheme_with(), iter(cases))
    with pytest.raises(Cancelled):
        replay(scheme_with(), cases, cancelled=lambda: True)
