"""Breadth of the rule model (9): bands of the year that differ by chip within one track, each with a base of its own or all
with the track's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import D, claim, item, rate, scheme, track
from vouchers.policy import ENGINE_VERSION, assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assessment import Assessment
from vouchers.policy.checks import check
from vouchers.policy.example_columns import layout_of
from vouchers.policy.ladders import ladder_key
from vouchers.policy.plain import from_plain, to_plain

DOMESTIC, FOREIGN = t.ChipOrigin.DOMESTIC, t.ChipOrigin.FOREIGN
RATES = (
    rate("0.2", "domestic_low", chip_origins=(DOMESTIC,), band_to=D(1000)),
    rate("0.4", "domestic_high", chip_origins=(DOMESTIC,), band_from=D(1000)),
    rate("0.1", "foreign_low", chip_origins=(FOREIGN,), band_to=D(1000)),
    rate("0.3", "foreign_high", chip_origins=(FOREIGN,), band_from=D(1000)),
)
OF_DOMESTIC, OF_FOREIGN = "a/chip=domestic", "a/chip=foreign"


def laddered(base: t.TierBase, mode: t.TierMode = t.TierMode.MARGINAL, **changes: object) -> r.Scheme:
    """20 % then 40 % for domestic chips, 10 % then 30 % for the others, from 1,000 yuan of the year on."""
    tracks = (track(tier_mode=mode, tier_measure=t.TierMeasure.YEAR, tier_base=base),)
    values: dict[str, object] = {"tracks": tracks, "rates": RATES}
    return scheme(**(values | changes))


def two(of_domestic: str, of_foreign: str, **year: str) -> f.Facts:
    """A claim of both chips, with what the year had before: of the track, and of each chip."""
    names = {"track": "a", "domestic": OF_DOMESTIC, "foreign": OF_FOREIGN}
    return claim(
        item(of_domestic, chip_origin=DOMESTIC),
        item(of_foreign, "2", chip_origin=FOREIGN),
        used=f.UsedAmounts(year_basis={names[name]: D(amount) for name, amount in year.items()}),
    )


LADDER, TRACK = t.TierBase.LADDER, t.TierBase.TRACK
MARGINAL, WHOLE = t.TierMode.MARGINAL, t.TierMode.WHOLE
BEFORE = {"track": "1400", "domestic": "900", "foreign": "500"}


@pytest.mark.parametrize(
    ("base", "mode", "before", "amount"),
    [
        # Each chip by its own base: 600 × 20 %, 600 × 10 %.
        (LADDER, MARGINAL, {}, "180"),
        # 100 × 20 % + 500 × 40 %, and 500 × 10 % + 100 × 30 %.
        (LADDER, MARGINAL, BEFORE, "300"),
        # 1,500 × 40 % − 900 × 20 %, and 1,100 × 30 % − 500 × 10 %.
        (LADDER, WHOLE, BEFORE, "700"),
        # 1,200 in all: of each band half is domestic. 500 × 20 % + 100 × 40 %, and 500 × 10 % + 100 × 30 %.
        (TRACK, MARGINAL, {}, "220"),
        # The track is in its high band already: 600 × 40 % + 600 × 30 %.
        (TRACK, MARGINAL, BEFORE, "420"),
        # 2,600 in all, 1,400 before: both in the high band. 600 × 40 % + 600 × 30 %.
        (TRACK, WHOLE, BEFORE, "420"),
        # 1,200 in all from 0: 600 × 40 % + 600 × 30 %.
        (TRACK, WHOLE, {}, "420"),
        # 1,700 in all, 500 before in the low band: 900 × 40 % − 300 × 20 %, and 800 × 30 % − 200 × 10 %.
        (TRACK, WHOLE, {"track": "500", "domestic": "300", "foreign": "200"}, "520"),
    ],
)
def test_the_bands_of_each_chip_and_of_the_track(
    base: t.TierBase, mode: t.TierMode, before: dict[str, str], amount: str
):
    answer = assess(laddered(base, mode), two("600", "600", **before))
    assert answer.amount == D(amount)
    assert re_add(answer) == D(amount)


@pytest.mark.parametrize("base", list(t.TierBase))
def test_the_case_says_what_it_adds_to_the_years_base_of_each_chip(base: t.TierBase):
    answer = assess(laddered(base), two("600", "50"))
    assert answer.added_to_year == {"a": D(650), OF_DOMESTIC: D(600), OF_FOREIGN: D(50)}
    assert from_plain(Assessment, to_plain(answer)) == answer


def test_what_one_track_adds_to_the_year_is_its_base_and_is_not_said_twice():
    answer = assess(scheme(), claim("1000"))
    assert answer.added_to_year == {"a": D(1000)}
    assert "year_basis" not in to_plain(answer)


def test_tracks_that_are_added_up_add_their_own_base_to_the_year_each():
    both = scheme(
        track_choice=t.TrackChoice.SUM,
        tracks=(track(), track("b", excluded_components=(t.Component.STORAGE,))),
        rates=(rate("0.1"), rate("0.2", "of_b", track="b")),
    )
    answer = assess(both, claim(item("1000"), item("500", "2", component=t.Component.STORAGE)))
    assert answer.added_to_year == {"a": D(1500), "b": D(1000)}


@pytest.mark.parametrize("base", list(t.TierBase))
@pytest.mark.parametrize("mode", [MARGINAL, WHOLE])
def test_invoices_of_one_chip_give_the_same_in_parts_as_in_one(base: t.TierBase, mode: t.TierMode):
    of = laddered(base, mode)
    year: dict[str, Decimal] = {}
    given = D(0)
    for amount in ("400", "700", "900"):
        part = claim(item(amount, chip_origin=DOMESTIC), used=f.UsedAmounts(year_basis=year))
        answer = assess(of, part)
        given += answer.amount
        for key, basis in answer.added_to_year.items():
            year[key] = year.get(key, D(0)) + basis
    assert given == assess(of, claim(item("2000", chip_origin=DOMESTIC))).amount


def test_a_flat_rate_beside_bands_counts_into_the_tracks_base():
    mixed = laddered(TRACK, rates=(*RATES[:2], rate("0.1", "rest")))
    answer = assess(mixed, two("600", "600"))
    # 1,200 in all: of the first 1,000 half is domestic. 500 × 20 % + 100 × 40 %, and 600 × 10 %.
    assert answer.amount == D(200)
    assert re_add(answer) == D(200)


def test_a_red_invoice_of_one_chip_takes_nothing_from_the_other():
    answer = assess(laddered(TRACK), two("600", "-100"))
    assert answer.amount == D(100)  # 500 in all, all of it domestic
    assert re_add(answer) == answer.amount


@pytest.mark.parametrize("base", list(t.TierBase))
def test_both_are_sound_and_have_a_column_each_in_the_workbook_of_examples(base: t.TierBase):
    of = laddered(base)
    assert check(of) == []
    headings = [column.heading for column in layout_of(of).columns]
    assert {
        "此前年度累计基数：方向a",
        "此前年度累计基数：方向a：国产",
        "此前年度累计基数：方向a：非国产",
    } <= set(headings)


def test_the_key_of_a_ladder_says_its_conditions_without_a_point():
    one = rate("0.3", classes=("startup",), purposes=(t.Purpose.TRAINING,), completion_from=D("0.85"))
    assert ladder_key(track(), one) == "a/use=training;class=startup;completion=0_85"
    assert ladder_key(track(), rate("0.3")) == "a/*"


FALLING = (rate("0.5", "low", band_to=D(100)), rate("0.1", "high", band_from=D(100)))


def of_domestic(*rates: r.Rate) -> tuple[r.Rate, ...]:
    return tuple(replace(one, code=f"d_{one.code}", chip_origins=(DOMESTIC,)) for one in rates)


def parted(
    base: t.TierBase = LADDER, mode: t.TierMode = MARGINAL, rates: tuple[r.Rate, ...] = FALLING
) -> r.Scheme:
    """The second version: domestic chips and the rest have bands of their own from now on."""
    return laddered(base, mode, rates=(*of_domestic(*rates), *rates))


def after(facts: f.Facts, *answers: Assessment) -> f.Facts:
    """The facts, after the year had these cases."""
    year: dict[str, Decimal] = {}
    for answer in answers:
        for key, basis in answer.added_to_year.items():
            year[key] = year.get(key, D(0)) + basis
    return replace(facts, used=replace(facts.used, year_basis=year))


@pytest.mark.parametrize("base", list(t.TierBase))
def test_a_version_of_mid_year_that_parts_a_track_by_chip_does_not_begin_the_year_anew(base: t.TierBase):
    one = claim(item("100", chip_origin=DOMESTIC))
    whole = laddered(LADDER, rates=FALLING)
    first = assess(whole, one)
    assert (first.amount, assess(whole, after(one, first)).amount) == (D(50), D(10))
    answer = assess(parted(base), after(one, first))
    assert answer.amount == D(10)
    assert re_add(answer) == D(10)
    # And the third goes on from the second: of its own 100, and of the 100 of which nobody knows the chip.
    assert assess(parted(base), after(one, first, answer)).amount == D(10)


def test_what_is_of_no_ladder_counts_in_each_as_nobody_knows_in_which():
    first = assess(laddered(LADDER, rates=FALLING), claim("100"))
    answer = assess(parted(), after(two("60", "60"), first))
    assert answer.amount == D(12)
    assert re_add(answer) == D(12)


def test_what_this_versions_ladders_name_counts_in_its_own_alone():
    first = assess(parted(), claim(item("100", chip_origin=DOMESTIC)))
    assert first.amount == D(50)
    of_other = claim(item("100", chip_origin=FOREIGN))
    assert assess(parted(), after(of_other, first)).amount == D(50)


def test_a_track_parted_otherwise_than_before_goes_on_from_all_of_it():
    by_use = tuple(replace(one, code=f"t_{one.code}", purposes=(t.Purpose.TRAINING,)) for one in FALLING)
    before = laddered(LADDER, rates=(*by_use, *FALLING))
    training = claim(item("100", purpose=t.Purpose.TRAINING, chip_origin=DOMESTIC))
    first = assess(before, training)
    assert first.added_to_year == {"a": D(100), "a/use=training": D(100)}
    assert assess(parted(), after(training, first)).amount == D(10)


RISING = (rate("0.1", "low", band_to=D(100)), rate("0.5", "high", band_from=D(100)))


@pytest.mark.parametrize(
    ("base", "mode", "amount"),
    [
        # Of neither chip is it known that it had reached the higher band: 60 × 10 % twice.
        (LADDER, MARGINAL, "12"),
        (LADDER, WHOLE, "12"),
        # The track's base of 220 is known, and decides the band: 60 × 50 % twice, and nothing made up for the 100 of before.
        (TRACK, MARGINAL, "60"),
        (TRACK, WHOLE, "60"),
    ],
)
def test_what_is_of_no_ladder_never_earns_a_case_more(base: t.TierBase, mode: t.TierMode, amount: str):
    first = assess(laddered(LADDER, rates=RISING), claim("100"))
    answer = assess(parted(base, mode, RISING), after(two("60", "60"), first))
    assert answer.amount == D(amount)
    assert re_add(answer) == D(amount)


@pytest.mark.parametrize("base", list(t.TierBase))
def test_a_falling_rate_on_the_whole_base_takes_back_what_was_given_before(base: t.TierBase):
    """90 at 50 %, then 300 more: the year's 390 are worth 39, and 45 were given."""
    one = claim(item("300", chip_origin=DOMESTIC))
    whole = laddered(LADDER, WHOLE, rates=FALLING)
    first = assess(whole, claim("90"))
    assert first.amount == D(45)
    assert assess(whole, after(one, first)).amount == D(0)
    assert assess(parted(base, WHOLE), after(one, first)).amount == D(0)


@given(
    before=st.integers(0, 400),
    amounts=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    rates=st.sampled_from([FALLING, RISING]),
    base=st.sampled_from(list(t.TierBase)),
    mode=st.sampled_from([MARGINAL, WHOLE]),
)
def test_a_year_of_which_nobody_knows_the_chip_never_gives_more_than_one_that_is_left_out(
    before: int, amounts: tuple[int, int], rates: tuple[r.Rate, ...], base: t.TierBase, mode: t.TierMode
):
    facts = two(str(amounts[0]), str(amounts[1]), track=str(before))
    of = parted(base, mode, rates)
    today, then = assess(of, facts), assess(of, facts, engine_version="1.2.0")
    assert today.amount <= then.amount
    if not before:
        assert today.amount == then.amount


def test_the_order_in_which_chips_are_written_makes_no_other_ladder():
    both = tuple(replace(one, chip_origins=(DOMESTIC, FOREIGN)) for one in FALLING)
    turned = tuple(replace(one, chip_origins=(FOREIGN, DOMESTIC)) for one in FALLING)
    rest = tuple(replace(one, code=f"r_{one.code}") for one in FALLING)
    one = claim(item("100", chip_origin=DOMESTIC))
    first = assess(laddered(LADDER, rates=(*both, *rest)), one)
    assert first.added_to_year == {"a": D(100), "a/chip=domestic+foreign": D(100)}
    again = laddered(LADDER, rates=(*turned, *rest))
    assert assess(again, after(one, first)).amount == D(10)
    # One that engine 1.2.0 kept in the order of the text is the same ladder, to that engine as well.
    kept = {"a": D(100), "a/chip=foreign+domestic": D(100)}
    known = replace(one, used=f.UsedAmounts(year_basis=kept))
    assert [assess(again, known, engine_version=version).amount for version in ("1.2.0", ENGINE_VERSION)] == [
        10,
        10,
    ]


def test_a_case_that_engine_1_2_0_decided_is_computed_again_without_what_is_of_no_ladder():
    facts = two("100", "0", track="100")
    assert assess(parted(), facts).amount == D(10)
    assert assess(parted(), facts, engine_version="1.2.0").amount == D(50)
    assert assess(parted(), facts, engine_version="1.1.0").amount == D(10)
