"""Breadth of the rule model (9): bands of the year that differ by chip within one track, each with a base of its own or all
with the track's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import D, claim, item, rate, scheme, track
from vouchers.policy import assess
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
