"""Breadth of the rule model (6): a limit's own number, inside (以上、不超过、满) or outside (超过、不满), at its edge."""

from __future__ import annotations

from datetime import date

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import CITE, D, claim, floor, gate, party, rate, scheme, track
from vouchers.policy import assess
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.checks import check
from vouchers.policy.prose import describe

INCLUDED, EXCLUDED = t.Border.INCLUDED, t.Border.EXCLUDED
OF_CLASS = (rate("0.6", "young", classes=("young",)), rate("0.5"))


def startup(border: t.Border) -> r.Scheme:
    """60 % for enterprises of 36 months, 50 % for the others."""
    young = r.ApplicantClass(
        cite=CITE, code="young", name="初创企业", registered_within_months=36, border=border
    )
    return scheme(classes=(young,), rates=OF_CLASS)


# The case is of 3 March 2025.
@pytest.mark.parametrize(
    ("border", "founded", "amount"),
    [
        (INCLUDED, date(2022, 3, 4), "600"),
        (INCLUDED, date(2022, 3, 3), "600"),  # exactly 36 months: 不超过 36 个月
        (INCLUDED, date(2022, 3, 2), "500"),
        (EXCLUDED, date(2022, 3, 4), "600"),
        (EXCLUDED, date(2022, 3, 3), "500"),  # 不满 36 个月
    ],
)
def test_a_class_by_age_ends_where_its_words_say(border: t.Border, founded: date, amount: str):
    answer = assess(startup(border), claim("1000", applicant=party(registered_on=founded)))
    assert answer.amount == D(amount)


def test_an_age_is_held_on_the_day_of_the_application_and_a_month_without_that_day_ends_with_its_last():
    young = r.ApplicantClass(cite=CITE, code="young", name="初创企业", registered_within_months=1)
    month = scheme(classes=(young,), rates=OF_CLASS)
    founded = party(registered_on=date(2025, 1, 31))  # a month later: 28 February
    on_the_last = claim("1000", applicant=founded, applied_on=date(2025, 2, 28))
    assert assess(month, on_the_last).amount == D(600)
    day_after = claim("1000", applicant=founded, applied_on=date(2025, 3, 1))
    assert assess(month, day_after).amount == D(500)


@pytest.mark.parametrize(
    ("kind", "border", "founded", "met"),
    [
        (t.GateKind.AGE_AT_MOST, INCLUDED, date(2024, 3, 3), True),  # 不超过 12 个月
        (t.GateKind.AGE_AT_MOST, INCLUDED, date(2024, 3, 2), False),
        (t.GateKind.AGE_AT_MOST, EXCLUDED, date(2024, 3, 3), False),  # 不满 12 个月
        (t.GateKind.AGE_AT_MOST, EXCLUDED, date(2024, 3, 4), True),
        (t.GateKind.AGE_AT_LEAST, INCLUDED, date(2024, 3, 3), True),  # 满 12 个月
        (t.GateKind.AGE_AT_LEAST, INCLUDED, date(2024, 3, 4), False),
        (t.GateKind.AGE_AT_LEAST, EXCLUDED, date(2024, 3, 3), False),  # 超过 12 个月
        (t.GateKind.AGE_AT_LEAST, EXCLUDED, date(2024, 3, 2), True),
    ],
)
def test_a_condition_of_age_ends_where_its_words_say(
    kind: t.GateKind, border: t.Border, founded: date, met: bool
):
    old = scheme(gates=(gate(kind, months=12, border=border),))
    answer = assess(old, claim("1000", applicant=party(registered_on=founded)))
    assert answer.outcome is (t.Outcome.ELIGIBLE if met else t.Outcome.REFUSED)


@pytest.mark.parametrize(
    ("border", "base", "granted"),
    [(INCLUDED, "500000", True), (EXCLUDED, "500000", False), (EXCLUDED, "500000.01", True)],
)
def test_a_minimum_is_reached_or_must_be_exceeded(border: t.Border, base: str, granted: bool):
    answer = assess(scheme(floors=(floor("500000", border=border),)), claim(base))
    assert (answer.amount > 0) is granted
    finding = answer.finding("floor.floor")
    assert finding is not None
    assert ("超过" in finding.sentence) is (border is EXCLUDED)


@pytest.mark.parametrize(
    ("border", "base", "amount"),
    [
        (INCLUDED, "999999.99", "99999.99"),
        (INCLUDED, "1000000", "200000"),  # 100 万元以上的，按 20%
        (EXCLUDED, "1000000", "100000"),  # 超过 100 万元的，按 20%
        (EXCLUDED, "1000000.01", "200000"),
        (EXCLUDED, "0", "0"),
    ],
)
def test_a_base_of_just_a_bands_start_lies_in_the_band_or_below_it(border: t.Border, base: str, amount: str):
    banded = scheme(
        tracks=(track(tier_mode=t.TierMode.WHOLE, band_border=border),),
        rates=(rate("0.1", "low", band_to=D(1000000)), rate("0.2", "high", band_from=D(1000000))),
    )
    answer = assess(banded, claim(base))
    assert answer.computed_amount == D(amount)
    assert re_add(answer) == D(amount)


@pytest.mark.parametrize("border", list(t.Border))
def test_a_band_that_is_ahead_by_nothing_is_told_only_where_it_is_not_reached(border: t.Border):
    banded = scheme(
        tracks=(track(tier_mode=t.TierMode.WHOLE, band_border=border),),
        rates=(rate("0.1", "low", band_to=D(100)), rate("0.2", "high", band_from=D(100))),
    )
    told = [one.code for one in assess(banded, claim("100")).counterfactuals]
    assert told == (["band.high"] if border is EXCLUDED else [])


@pytest.mark.parametrize(("border", "word"), [(INCLUDED, "不超过 36 个月"), (EXCLUDED, "不满 36 个月")])
def test_the_policy_in_prose_uses_the_texts_own_word(border: t.Border, word: str):
    said = "".join(one.text for section in describe(startup(border)) for one in section.sentences)
    assert word in said


@pytest.mark.parametrize(
    ("young", "old", "impossible"),
    [(INCLUDED, INCLUDED, False), (EXCLUDED, INCLUDED, True), (INCLUDED, EXCLUDED, True)],
)
def test_ages_that_leave_no_day_between_them_are_a_contradiction(
    young: t.Border, old: t.Border, impossible: bool
):
    both = (
        gate(t.GateKind.AGE_AT_MOST, code="young", months=36, border=young),
        gate(t.GateKind.AGE_AT_LEAST, code="old", months=36, border=old),
    )
    paths = {problem.path for problem in check(scheme(gates=both))}
    assert ("gates.young.months" in paths) is impossible


def test_a_border_belongs_to_an_age():
    wrong = scheme(gates=(gate(t.GateKind.NON_AFFILIATED, border=EXCLUDED),))
    assert "gates.gate.border" in {problem.path for problem in check(wrong)}
