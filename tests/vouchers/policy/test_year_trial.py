"""A year of several contracts tried by hand: what one took, the next finds used, and each keeps its own working."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.replayed import CITE, application, cap, claim, scheme_with
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.caps import cap_period_words
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.dry_run import replay
from vouchers.policy.examples import shipped_examples
from vouchers.policy.replay import ReplayCase
from vouchers.policy.year_trial import YearTrial, try_year

D = Decimal
MARCH, JUNE, SEPTEMBER = date(2025, 3, 1), date(2025, 6, 1), date(2025, 9, 1)
YEAR = t.CapPeriod.CALENDAR_YEAR


def got(year: YearTrial) -> dict[str, Decimal]:
    return {step.case.case_no: step.assessment.amount for step in year.steps}


def test_a_cap_of_the_year_is_used_up_by_one_contract_after_the_other():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 400_000, YEAR),))
    year = try_year(
        scheme,
        [
            application("A-3", SEPTEMBER, 1_000_000),
            application("A-1", MARCH, 1_000_000),
            application("A-2", JUNE, 1_000_000),
        ],
    )
    assert got(year) == {"A-1": D(300_000), "A-2": D(100_000), "A-3": D(0)}
    assert [step.case.case_no for step in year.steps] == ["A-1", "A-2", "A-3"]
    (first, second, third) = [step.caps[0] for step in year.steps]
    assert (first.before, first.taken, first.left) == (D(0), D(300_000), D(100_000))
    assert (second.before, second.taken, second.left) == (D(300_000), D(100_000), D(0))
    assert (third.before, third.taken, third.left) == (D(400_000), D(0), D(0))
    assert [step.capped_by for step in year.steps] == [(), ("enterprise",), ("enterprise",)]
    assert year.granted == D(400_000)


def test_the_years_turn_begins_the_cap_anew():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 300_000, YEAR),))
    year = try_year(
        scheme,
        [application("A-1", date(2025, 12, 31), 1_000_000), application("A-2", date(2026, 1, 1), 1_000_000)],
    )
    assert got(year) == {"A-1": D(300_000), "A-2": D(300_000)}
    assert [one.cap.period for one in year.caps_at_end] == ["2025", "2026"]


def test_bands_of_the_year_go_on_where_the_last_contract_ended():
    scheme = scheme_with()
    track = replace(scheme.tracks[0], tier_mode=t.TierMode.MARGINAL, tier_measure=t.TierMeasure.YEAR)
    low = r.Rate(cite=CITE, code="low", track="a", rate=D("0.3"), band_to=D(1_000_000))
    high = r.Rate(cite=CITE, code="high", track="a", rate=D("0.1"), band_from=D(1_000_000))
    scheme = replace(scheme, tracks=(track,), rates=(low, high))
    year = try_year(scheme, [application("A-1", MARCH, 800_000), application("A-2", JUNE, 800_000)])
    # 200,000 are left of the first band: 200,000 × 30 % + 600,000 × 10 %
    assert got(year) == {"A-1": D(240_000), "A-2": D(120_000)}
    (base,) = year.steps[1].bases
    assert (base.before, base.added, base.after) == (D(800_000), D(800_000), D(1_600_000))


def test_a_minimum_of_the_year_is_reached_by_contracts_together():
    floor = r.Floor(cite=CITE, code="f", name="年", measure=t.FloorMeasure.YEAR_BASIS, amount=D(500_000))
    year = try_year(
        scheme_with(floors=(floor,)),
        [application("A-1", MARCH, 600_000), application("A-2", JUNE, 100_000)],
    )
    assert got(year) == {"A-1": D(180_000), "A-2": D(30_000)}


def test_claims_draw_on_the_voucher_of_their_own_contract():
    year = try_year(
        scheme_with(),
        [
            application("A-1", MARCH, 1_000_000),
            application("A-2", MARCH, 100_000),
            claim("C-1", JUNE, 900_000, "A-1"),
            claim("C-2", JUNE, 900_000, "A-2"),
            claim("C-3", SEPTEMBER, 900_000, "A-1"),
        ],
    )
    assert got(year) == {
        "A-1": D(300_000),
        "A-2": D(30_000),
        "C-1": D(270_000),
        "C-2": D(30_000),
        "C-3": D(30_000),
    }
    assert (year.granted, year.paid) == (D(330_000), D(330_000))


def test_each_step_has_the_working_of_its_own_amount():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 400_000, YEAR),))
    year = try_year(scheme, [application("A-1", MARCH, 1_000_000), application("A-2", JUNE, 1_000_000)])
    for step in year.steps:
        assert step.assessment.lines[-1].result == step.assessment.amount


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_every_shipped_version_gives_what_a_replay_of_the_same_cases_gives(name: str):
    scheme = shipped_scheme(name)
    cases = [
        ReplayCase(case_no=f"{place:03d}", on=one.facts.on, facts=one.facts)
        for place, one in enumerate(shipped_examples(name))
    ]
    done = replay(scheme, sorted(cases, key=lambda case: (case.on, case.case_no)))
    by_batch = scheme.issue.shortage in (t.Shortage.PRO_RATA, t.Shortage.BY_SCORE)
    if not by_batch:
        assert got(try_year(scheme, cases)) == {one.case_no: one.amount for one in done.outcomes}


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("2025", "2025年"),
        ("2025-04-01", "2025年4月1日起的年度"),
        ("rolling", "连续十二个月"),
        ("total", "全期"),
    ],
)
def test_a_caps_period_is_told_in_words(period: str, words: str):
    assert cap_period_words(period) == words
