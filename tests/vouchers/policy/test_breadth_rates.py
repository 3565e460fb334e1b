"""Breadth of the rule model (2): rates, bands, classes, reviewers, tracks and roundings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import (
    CITE,
    cap,
    claim,
    contract,
    floor,
    gate,
    item,
    party,
    rate,
    scheme,
    track,
)
from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.checks import check

D = Decimal


# ---- which rate holds


def test_a_flat_rate_holds_for_all():
    assert assess(scheme(), claim("1000")).amount == D(300)


@pytest.mark.parametrize(
    ("origin", "amount"), [(t.ChipOrigin.DOMESTIC, "400"), (t.ChipOrigin.FOREIGN, "300")]
)
def test_a_rate_by_chip_origin(origin: t.ChipOrigin, amount: str):
    rates = (rate("0.4", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)), rate("0.3"))
    assert assess(scheme(rates=rates), claim(item("1000", chip_origin=origin))).amount == D(amount)


def test_where_the_chip_is_not_known_the_lower_rate_holds_and_a_person_is_asked():
    rates = (rate("0.4", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)), rate("0.3"))
    answer = assess(scheme(rates=rates), claim("1000"))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(300))


@pytest.mark.parametrize(
    ("base", "amount"),
    [
        ("2000000", "600000"),
        ("900000", "90000"),
    ],  # at one base the foreign bands give less, at the other the domestic
)
def test_where_the_chip_is_not_known_the_bands_that_give_least_at_this_base_hold(base: str, amount: str):
    def band(code: str, value: str, origin: t.ChipOrigin, low: int, high: int | None) -> r.Rate:
        return rate(
            value,
            code,
            chip_origins=(origin,),
            band_from=D(low),
            band_to=None if high is None else D(high),
        )

    domestic, foreign = t.ChipOrigin.DOMESTIC, t.ChipOrigin.FOREIGN
    rates = (
        band("d1", "0.1", domestic, 0, 1_000_000),
        band("d2", "0.5", domestic, 1_000_000, None),
        band("f1", "0.2", foreign, 0, 1_000_000),
        band("f2", "0.3", foreign, 1_000_000, None),
    )
    whole = track(tier_mode=t.TierMode.WHOLE, tier_measure=t.TierMeasure.CASE)
    answer = assess(scheme(tracks=(whole,), rates=rates), claim(item(base)))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(amount))


@pytest.mark.parametrize(("purpose", "amount"), [(t.Purpose.TRAINING, "500"), (t.Purpose.INFERENCE, "200")])
def test_a_rate_by_use(purpose: t.Purpose, amount: str):
    rates = (rate("0.5", "training", purposes=(t.Purpose.TRAINING,)), rate("0.2"))
    assert assess(scheme(rates=rates), claim(item("1000", purpose=purpose))).amount == D(amount)


STARTUP = r.ApplicantClass(cite=CITE, code="startup", name="初创企业", registered_within_months=36)
SME = r.ApplicantClass(cite=CITE, code="sme", name="中小企业", sizes=("micro", "small", "medium"))
CHAMPION = r.ApplicantClass(cite=CITE, code="champion", name="链主企业")
MODEL = r.ApplicantClass(cite=CITE, code="model", name="模型已备案企业")


@pytest.mark.parametrize(
    ("one", "belongs", "not_"),
    [
        # Founded no more than 36 months before the application: the day itself still is (test_breadth_borders).
        (STARTUP, party(registered_on=date(2022, 3, 3)), party(registered_on=date(2022, 3, 2))),
        (SME, party(size="small"), party(size="large")),
        (CHAMPION, party(classes=("champion",)), party()),
        (MODEL, party(classes=("model",)), party()),
    ],
    ids=["startup by age", "SME", "champion", "filed model"],
)
def test_a_rate_by_class_of_the_applicant(one: r.ApplicantClass, belongs: f.PartyFacts, not_: f.PartyFacts):
    rates = (rate("0.6", "class", classes=(one.code,)), rate("0.5"))
    classed = scheme(classes=(one,), rates=rates)
    assert assess(classed, claim("1000", applicant=belongs)).amount == D(600)
    assert assess(classed, claim("1000", applicant=not_)).amount == D(500)


def test_items_of_different_rates_in_one_claim_are_added_up():
    rates = (rate("0.4", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)), rate("0.3"))
    items = (
        item("1000", "1", chip_origin=t.ChipOrigin.DOMESTIC),
        item("1000", "2", chip_origin=t.ChipOrigin.FOREIGN),
    )
    answer = assess(scheme(rates=rates), claim(*items))
    assert answer.amount == D(700)
    assert re_add(answer) == D(700)


# ---- bands


def banded(mode: t.TierMode, measure: t.TierMeasure = t.TierMeasure.YEAR) -> r.Scheme:
    """10 % below a million, 20 % to two million, 30 % from there."""
    rates = (
        rate("0.1", "low", band_to=D(1000000)),
        rate("0.2", "middle", band_from=D(1000000), band_to=D(2000000)),
        rate("0.3", "high", band_from=D(2000000)),
    )
    return scheme(tracks=(track(tier_mode=mode, tier_measure=measure),), rates=rates)


@pytest.mark.parametrize(
    ("mode", "before", "base", "amount"),
    [
        (t.TierMode.WHOLE, "0", "999999.99", "99999.99"),
        (t.TierMode.WHOLE, "0", "1000000", "200000"),
        (
            t.TierMode.WHOLE,
            "999999.99",
            "0.01",
            "100000",
        ),  # 200,000 less the 99,999.999 given before, truncated
        (t.TierMode.WHOLE, "1000000", "1000000", "400000"),  # 600,000 less 200,000
        (t.TierMode.MARGINAL, "0", "1000000", "100000"),
        (t.TierMode.MARGINAL, "0", "2500000", "450000"),
        (t.TierMode.MARGINAL, "900000", "200000", "30000"),  # 100,000 at 10 %, 100,000 at 20 %
    ],
)
def test_a_band_of_the_years_total_holds_for_the_whole_or_for_the_margin(
    mode: t.TierMode, before: str, base: str, amount: str
):
    facts = claim(base, used=f.UsedAmounts(year_basis={"a": D(before)}))
    answer = assess(banded(mode), facts)
    assert answer.amount == D(amount)
    assert re_add(answer) == answer.amount


def test_a_band_of_the_case_knows_nothing_of_the_year():
    facts = claim("500000", used=f.UsedAmounts(year_basis={"a": D(1900000)}))
    assert assess(banded(t.TierMode.MARGINAL, t.TierMeasure.CASE), facts).amount == D(50000)


def test_what_a_falling_whole_band_would_take_back_is_not_taken_back():
    rates = (rate("0.2", "low", band_to=D(1000)), rate("0.1", "high", band_from=D(1000)))
    falling = replace(banded(t.TierMode.WHOLE), rates=rates)
    facts = claim("200", used=f.UsedAmounts(year_basis={"a": D(900)}))
    answer = assess(falling, facts)
    assert answer.computed_amount == D(0)  # 120 for the year's 1,100 are less than the 180 given for 900
    assert re_add(answer) == D(0)


# ---- by degree of completion, by reviewers


@pytest.mark.parametrize(
    ("degree", "amount"), [("1", "300"), ("0.9999", "200"), ("0.8", "200"), ("0.7999", "0")]
)
def test_a_rate_by_degree_of_target_completion(degree: str, amount: str):
    rates = (
        rate("0.3", "full", completion_from=D(1)),
        rate("0.2", "most", completion_from=D("0.8")),
    )
    assert assess(scheme(rates=rates), claim("1000", completion=D(degree))).amount == D(amount)


REVIEWED = scheme(
    rates=(rate("0.1", kind=t.RateKind.REVIEWER_SET),),
    score_rates=tuple(
        r.ScoreRate(cite=CITE, code=f"s{score}", track="a", score_from=D(score), rate=D(value))
        for score, value in ((60, "0.05"), (80, "0.08"), (90, "0.1"))
    ),
    review_steps=(r.ReviewStep(cite=CITE, code="review", name="评估", role="expert", sets_rate=True),),
)


@pytest.mark.parametrize(
    ("score", "amount"), [("59.99", "0"), ("60", "50"), ("89.99", "80"), ("90", "100"), ("100", "100")]
)
def test_a_score_table_sets_the_rate_under_the_ceiling(score: str, amount: str):
    facts = claim("1000", review=f.ReviewFacts(score=D(score)))
    assert assess(REVIEWED, facts).amount == D(amount)
    assert check(REVIEWED) == []


def test_a_reviewer_sets_the_rate_and_never_above_the_ceiling():
    assert assess(REVIEWED, claim("1000", review=f.ReviewFacts(rates={"a": D("0.07")}))).amount == D(70)
    over = assess(REVIEWED, claim("1000", review=f.ReviewFacts(rates={"a": D("0.11")})))
    assert (over.outcome, over.computed_amount) == (t.Outcome.REFUSED, D(100))


def test_before_the_review_the_ceiling_is_an_estimate_and_a_person_decides():
    answer = assess(REVIEWED, claim("1000"))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(100))


# ---- several tracks


def tracked(choice: t.TrackChoice, **changes: object) -> r.Scheme:
    """Track a pays 30 % of invoices, track b 50 %, at most 400."""
    values: dict[str, object] = {
        "track_choice": choice,
        "tracks": (track(), track("b")),
        "rates": (rate("0.3"), rate("0.5", "of_b", track="b")),
        "caps": (cap("400", tracks=("b",), period=t.CapPeriod.CALENDAR_YEAR),),
    }
    return scheme(**(values | changes))


@pytest.mark.parametrize(
    ("choice", "amount"),
    [(t.TrackChoice.HIGHER_OF, "400"), (t.TrackChoice.SUM, "700"), (t.TrackChoice.CHOICE, "300")],
)
def test_of_several_tracks_the_higher_the_sum_or_the_one_that_is_chosen(choice: t.TrackChoice, amount: str):
    answer = assess(tracked(choice), claim("1000"))
    assert answer.amount == D(amount)
    assert re_add(answer) == answer.amount


def test_a_case_that_names_its_track_goes_by_that_one():
    assert assess(tracked(t.TrackChoice.CHOICE), claim("1000", track="b")).amount == D(400)


@pytest.mark.parametrize(
    ("choice", "base", "taken"),
    [
        (t.TrackChoice.SUM, "1000", {"cap": D(400)}),  # of 700 only what track b gave
        (t.TrackChoice.HIGHER_OF, "1000", {"cap": D(400)}),
        (t.TrackChoice.HIGHER_OF, "2000", {}),  # track a gives 600: b's cap is not touched
    ],
)
def test_a_cap_of_one_track_is_used_up_by_that_track_alone(
    choice: t.TrackChoice, base: str, taken: dict[str, Decimal]
):
    answer = assess(tracked(choice), claim(base))
    assert {use.key.split(":")[1]: use.amount for use in answer.cap_uses} == taken


@pytest.mark.parametrize("names", [("a", "b"), ()], ids=["named", "all"])
def test_a_cap_of_all_the_tracks_that_are_added_up_holds_for_their_sum(names: tuple[str, ...]):
    together = tracked(t.TrackChoice.SUM, caps=(cap("500", tracks=names, period=t.CapPeriod.TOTAL),))
    answer = assess(together, claim("1000"))
    assert answer.amount == D(500)
    assert [use.amount for use in answer.cap_uses] == [D(500)]
    assert re_add(answer) == D(500)


def test_a_condition_of_one_track_takes_out_that_track_and_leaves_the_other():
    own = gate(t.GateKind.SIZE, values=("small",), tracks=("b",))
    both = tracked(t.TrackChoice.SUM, gates=(own,))
    answer = assess(both, claim("1000", applicant=party(size="large")))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(300))
    finding = answer.finding("gate")
    assert finding is not None
    assert finding.result is t.FindingResult.NOT_MET
    assert assess(both, claim("1000", applicant=party(size="small"))).amount == D(700)


def test_where_every_track_is_refused_the_case_is():
    gates = (
        gate(t.GateKind.SIZE, values=("small",), tracks=("b",)),
        gate(t.GateKind.SIZE, code="of_a", values=("micro",), tracks=("a",)),
    )
    answer = assess(tracked(t.TrackChoice.SUM, gates=gates), claim("1000", applicant=party(size="large")))
    assert (answer.outcome, answer.amount) == (t.Outcome.REFUSED, D(0))


def test_a_track_below_its_own_floor_takes_no_part():
    own = floor("2000", tracks=("b",))
    answer = assess(tracked(t.TrackChoice.HIGHER_OF, floors=(own,)), claim("1000"))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(300))
    assert (
        assess(tracked(t.TrackChoice.SUM, floors=(floor("2000"),)), claim("900")).outcome is t.Outcome.REFUSED
    )


def test_tracks_of_different_bases_count_their_own_items():
    two = tracked(
        t.TrackChoice.SUM,
        tracks=(track(), track("b", basis_kinds=(t.BasisKind.INVESTMENT_DOCUMENT,))),
        caps=(),
    )
    answer = assess(two, claim(item("1000"), item("1000", "2", kind=t.BasisKind.INVESTMENT_DOCUMENT)))
    assert (answer.amount, answer.finding("basis_kind")) == (D(800), None)


# ---- rounding


def rounded(mode: t.RoundMode, unit: t.RoundUnit, when: t.RoundWhen = t.RoundWhen.END) -> r.Scheme:
    rates = (rate("0.3", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)), rate("0.3"))
    return scheme(rates=rates, rounding=r.Rounding(cite=CITE, mode=mode, unit=unit, when=when))


@pytest.mark.parametrize(
    ("mode", "unit", "base", "amount"),
    [
        (t.RoundMode.DOWN, t.RoundUnit.FEN, "0.05", "0.01"),  # 0.015
        (t.RoundMode.HALF_UP, t.RoundUnit.FEN, "0.05", "0.02"),
        (t.RoundMode.HALF_EVEN, t.RoundUnit.FEN, "0.05", "0.02"),
        (t.RoundMode.HALF_EVEN, t.RoundUnit.FEN, "0.15", "0.04"),  # 0.045
        (t.RoundMode.HALF_UP, t.RoundUnit.FEN, "0.15", "0.05"),
        (t.RoundMode.DOWN, t.RoundUnit.YUAN, "9.99", "2"),  # 2.997
        (t.RoundMode.HALF_UP, t.RoundUnit.YUAN, "5", "2"),  # 1.50
        (t.RoundMode.HALF_EVEN, t.RoundUnit.YUAN, "5", "2"),
        (t.RoundMode.HALF_EVEN, t.RoundUnit.YUAN, "15", "4"),  # 4.50
        (t.RoundMode.HALF_UP, t.RoundUnit.YUAN, "15", "5"),
    ],
)
def test_amounts_are_rounded_to_the_fen_or_the_yuan_in_every_mode(
    mode: t.RoundMode, unit: t.RoundUnit, base: str, amount: str
):
    answer = assess(rounded(mode, unit), claim(item(base, chip_origin=t.ChipOrigin.FOREIGN)))
    assert answer.computed_amount == D(amount)


@pytest.mark.parametrize(("when", "amount"), [(t.RoundWhen.EACH, "4"), (t.RoundWhen.END, "3")])
def test_rounding_at_each_step_is_not_rounding_at_the_end(when: t.RoundWhen, amount: str):
    """Two parts of 1.50: each to 2 makes 4, together 3."""
    items = (
        item("5", "1", chip_origin=t.ChipOrigin.DOMESTIC),
        item("5", "2", chip_origin=t.ChipOrigin.FOREIGN),
    )
    answer = assess(rounded(t.RoundMode.HALF_UP, t.RoundUnit.YUAN, when), claim(*items))
    assert answer.amount == D(amount)
    assert re_add(answer) == answer.amount


def test_rounding_up_never_passes_a_cap_a_request_or_a_balance():
    half_up = rounded(t.RoundMode.HALF_UP, t.RoundUnit.YUAN)
    capped = replace(half_up, caps=(cap("299.60"),))
    facts = claim(item("1000", chip_origin=t.ChipOrigin.FOREIGN))
    assert assess(capped, facts).amount == D(299)
    assert assess(half_up, replace(facts, requested_amount=D("299.60"))).amount == D(299)
    voucher = f.VoucherFacts(voucher_no="V", face_value=D(300), balance=D("299.60"))
    answer = assess(replace(half_up, voucher=r.VoucherKind(cite=CITE)), replace(facts, voucher=voucher))
    assert answer.amount == D(299)
    assert "以免超过限额或余额" in answer.lines[-1].sentence


def test_rounding_up_never_lifts_a_contract_above_its_cap():
    half_up = replace(
        rounded(t.RoundMode.HALF_UP, t.RoundUnit.YUAN), caps=(cap("299.60", t.CapSubject.CONTRACT),)
    )
    contracts = tuple(contract(number) for number in ("L1", "L2"))
    items = tuple(
        item("1000", number, contract_no=number, chip_origin=t.ChipOrigin.FOREIGN) for number in ("L1", "L2")
    )
    answer = assess(half_up, claim(*items, contracts=contracts))
    assert answer.amount == D(599)
    assert all(use.amount <= D("299.60") for use in answer.cap_uses)
    assert len(cap_keys(half_up, claim(*items, contracts=contracts))) == 2
