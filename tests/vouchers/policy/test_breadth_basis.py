"""Breadth of the rule model (1): side, payee and base. Each test is a variant found in published schemes, as a tiny scheme."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import CITE, application, claim, contract, item, rate, scheme, track
from vouchers.policy import assess, closed_reasons
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.checks import check

D = Decimal


# ---- side and payee


@pytest.mark.parametrize("side", list(t.Side))
def test_a_scheme_may_support_any_side(side: t.Side):
    sided = scheme(side=side, tracks=(track(side=side),))
    assert check(sided) == []
    assert assess(sided, claim("1000")).amount == D(300)


@pytest.mark.parametrize(
    ("pay_to", "issues_voucher"),
    [
        (t.PayTo.REIMBURSE_APPLICANT, True),
        (t.PayTo.OFFSET_AT_PROVIDER, True),
        (t.PayTo.DIRECT_SUBSIDY, False),
    ],
)
def test_the_money_goes_to_the_applicant_to_the_provider_or_without_a_voucher(
    pay_to: t.PayTo, issues_voucher: bool
):
    paid = scheme(
        tracks=(track(pay_to=pay_to),), voucher=r.VoucherKind(cite=CITE, issues_voucher=issues_voucher)
    )
    assert check(paid) == []


def split(*rows: tuple[str, str, bool]) -> r.Scheme:
    return scheme(
        treasury_shares=tuple(
            r.TreasuryShare(cite=CITE, code=code, treasury=code, share=D(share), takes_rest=rest)
            for code, share, rest in rows
        )
    )


def borne(answer) -> dict[str, Decimal]:
    return {part.code: part.amount for part in answer.treasury_parts}


def test_two_treasuries_bear_the_cost_by_shares_that_add_up_to_the_fen():
    """100.01 yuan: the province's 60 % are truncated, the city bears the rest."""
    shared = split(("province", "0.6", False), ("city", "0.4", False))
    answer = assess(shared, claim("333.37"))
    assert answer.amount == D("100.01")
    assert borne(answer) == {"province": D("60.00"), "city": D("40.01")}
    assert [line.code for line in answer.lines[-3:]] == ["treasury.province", "treasury.city", "treasury"]
    assert re_add(answer) == answer.amount


def test_the_treasury_that_is_named_for_it_takes_the_rest():
    shared = split(("province", "0.6", True), ("city", "0.4", False))
    assert borne(assess(shared, claim("333.37"))) == {"province": D("60.01"), "city": D("40.00")}


def test_three_treasuries_bear_the_cost_and_none_bears_less_when_the_amount_grows():
    shared = split(("a", "0.333", False), ("b", "0.333", False), ("c", "0.334", False))
    before = {"a": D(0), "b": D(0), "c": D(0)}
    for step in range(1, 400):
        answer = assess(shared, claim(str(D("0.04") * step)), with_lines=False)
        if answer.amount:
            now = borne(answer)
            assert sum(now.values()) == answer.amount
            assert all(now[code] >= before[code] for code in now)
            before = now


def test_a_refused_case_costs_no_treasury_anything():
    shared = replace(split(("a", "0.5", False), ("b", "0.5", False)), effective_from=date(2026, 1, 1))
    assert assess(shared, claim("1000")).treasury_parts == ()


# ---- what the base is


@pytest.mark.parametrize("kind", list(t.BasisKind))
def test_the_base_may_be_any_kind_and_another_kind_does_not_count(kind: t.BasisKind):
    """Contract amount, part of the contract incurred, settlement, amount paid, rent by metered use, project's compute cost,
    investment, deployed capacity, data product."""
    other = next(one for one in t.BasisKind if one is not kind)
    based = scheme(tracks=(track(basis_kinds=(kind,)),))
    answer = assess(based, claim(item("1000", "1", kind=kind), item("500", "2", kind=other)))
    assert answer.amount == D(300)
    finding = answer.finding("basis_kind")
    assert finding is not None
    assert finding.subject == "2"


def test_an_application_is_estimated_on_the_contract_whatever_the_claims_rest_on():
    paid = scheme(tracks=(track(basis_kinds=(t.BasisKind.PAYMENT,)),))
    assert assess(paid, application(contract(net_amount=D(1000)))).amount == D(300)


@pytest.mark.parametrize(("mode", "amount"), [(t.TaxMode.NET, "300"), (t.TaxMode.GROSS, "318")])
def test_the_base_is_without_tax_or_with_it(mode: t.TaxMode, amount: str):
    taxed = scheme(tracks=(track(tax_mode=mode),))
    assert assess(taxed, claim(item("1000", tax_amount=D(60)))).amount == D(amount)


def test_listed_components_are_left_out_of_the_base():
    without = scheme(tracks=(track(excluded_components=(t.Component.STORAGE, t.Component.NETWORK)),))
    answer = assess(without, claim(item("1000"), item("200", "2", component=t.Component.STORAGE)))
    assert (answer.amount, answer.basis_amount) == (D(300), D(1000))
    assert "“存储”费用不计入" in next(line.sentence for line in answer.lines if line.operator == "exclude")


# ---- verified scale: yuan a unit, in a unit and a precision


SCALED = scheme(
    tracks=(
        track(
            basis_kinds=(t.BasisKind.DEPLOYED_CAPACITY,),
            scale_unit=t.ScaleUnit.PFLOPS,
            scale_precision=t.Precision.FP16,
        ),
    ),
    rates=(rate(None, unit_amount=D(8000)),),
)


def capacity(quantity: str | None, **changes: object) -> f.BasisItemFacts:
    values: dict[str, object] = {
        "kind": t.BasisKind.DEPLOYED_CAPACITY,
        "quantity": None if quantity is None else D(quantity),
        "unit": t.ScaleUnit.PFLOPS,
        "precision": t.Precision.FP16,
    }
    return item("0", **(values | changes))


def test_a_verified_scale_is_paid_by_the_unit():
    answer = assess(SCALED, claim(capacity("120.5")))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(964000))
    assert (answer.basis_quantity, answer.basis_amount) == (D("120.5"), D(0))
    assert "120.5 PFLOPS × 8,000.00 元 ＝ 964,000.00 元" in answer.lines[-1].sentence
    assert check(SCALED) == []


@pytest.mark.parametrize(
    "stated",
    [
        capacity(None),
        capacity("100", precision=t.Precision.FP32),
        capacity("100", precision=None),
        capacity("100", unit=t.ScaleUnit.CARD),
    ],
    ids=["not verified", "another precision", "no precision", "another unit"],
)
def test_a_scale_that_is_not_verified_as_the_text_states_it_is_never_converted(stated: f.BasisItemFacts):
    answer = assess(SCALED, claim(stated, replace(capacity("10"), item_no="2")))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(80000))
    finding = answer.finding("scale")
    assert finding is not None
    assert finding.result is t.FindingResult.NOT_TESTABLE
    assert "PFLOPS（FP16/BF16）" in finding.sentence


def test_a_scale_is_estimated_from_the_contract_at_the_application():
    built = contract(quantity=D(50), unit=t.ScaleUnit.PFLOPS, precision=t.Precision.FP16)
    assert assess(SCALED, application(built)).amount == D(400000)


def test_an_amount_a_unit_that_is_not_published_closes_the_scheme():
    silent = replace(SCALED, rates=(rate(None),))
    assert closed_reasons(silent)
    answer = assess(silent, claim(capacity("10")))
    assert answer.outcome is t.Outcome.REFUSED
    assert answer.finding("rate_published") is not None


def test_bands_of_a_scale_are_in_its_unit():
    rates = (
        rate(None, "low", unit_amount=D(5000), band_to=D(100)),
        rate(None, "high", unit_amount=D(8000), band_from=D(100)),
    )
    marginal = replace(
        SCALED, tracks=(replace(SCALED.tracks[0], tier_mode=t.TierMode.MARGINAL),), rates=rates
    )
    assert check(marginal) == []
    assert assess(marginal, claim(capacity("99.5"))).amount == D(497500)
    assert assess(marginal, claim(capacity("150"))).amount == D(900000)


def test_below_the_least_scale_nothing_is_granted_and_what_is_missing_is_told_in_its_unit():
    least = r.Floor(
        cite=CITE,
        code="least",
        name="最低规模",
        measure=t.FloorMeasure.SCALE,
        amount=D(100),
        stages=(t.Stage.CLAIM,),
    )
    answer = assess(replace(SCALED, floors=(least,)), claim(capacity("68")))
    assert answer.outcome is t.Outcome.REFUSED
    assert [one.sentence for one in answer.counterfactuals] == ["再增加核定规模 32 PFLOPS即达到起补线。"]


def test_a_scale_deployed_for_a_part_of_the_window_counts_by_days():
    half = replace(SCALED, tracks=(replace(SCALED.tracks[0], counted_from=date(2025, 1, 16)),))
    used = capacity("31", period_from=date(2025, 1, 1), period_to=date(2025, 2, 1))
    answer = assess(half, claim(used))
    assert (answer.basis_quantity, answer.amount) == (D(16), D(128000))
    assert re_add(answer) == answer.amount


# ---- only what falls into a window, pro rata by days


def windowed(count: t.DayCount, **rounding: object) -> r.Scheme:
    """What was used from 10 January to 20 March 2025 (not included)."""
    window = track(counted_from=date(2025, 1, 10), counted_to=date(2025, 3, 20), day_count=count)
    return scheme(tracks=(window,), rates=(rate("1"),), rounding=r.Rounding(cite=CITE, **rounding))


@pytest.mark.parametrize(
    ("begins", "ends", "inclusive", "end_minus_start"),
    [
        (date(2025, 1, 10), date(2025, 3, 20), "3100", "3100"),  # the window itself
        (date(2025, 1, 1), date(2025, 2, 1), "2200", "2170"),  # 22 of 31 days; 21 of 30
        (date(2025, 3, 19), date(2025, 3, 21), "1550", "0"),  # the last day inside, one outside; 0 of 1
        (date(2025, 3, 20), date(2025, 4, 1), "0", "0"),  # the day on which it closes
        (date(2025, 1, 9), date(2025, 1, 10), "0", "0"),  # the day before it opens
        (date(2025, 1, 10), date(2025, 1, 11), "3100", "3100"),  # one day, inside
    ],
)
def test_what_falls_into_the_window_counts_by_days_in_both_day_counts(
    begins: date, ends: date, inclusive: str, end_minus_start: str
):
    line = item("3100", period_from=begins, period_to=ends)
    assert assess(windowed(t.DayCount.INCLUSIVE), claim(line)).computed_amount == D(inclusive)
    assert assess(windowed(t.DayCount.END_MINUS_START), claim(line)).computed_amount == D(end_minus_start)


@pytest.mark.parametrize(
    ("mode", "operator", "amount"),
    [
        (t.RoundMode.DOWN, "pro_rata", "66.66"),
        (t.RoundMode.HALF_UP, "pro_rata_half_up", "66.67"),
        (t.RoundMode.HALF_EVEN, "pro_rata_half_even", "66.67"),
    ],
)
def test_a_part_by_days_is_rounded_as_the_scheme_rounds_and_its_line_says_how(
    mode: t.RoundMode, operator: str, amount: str
):
    line = item("100", period_from=date(2025, 1, 9), period_to=date(2025, 1, 12))
    answer = assess(windowed(t.DayCount.INCLUSIVE, mode=mode), claim(line))
    assert answer.amount == D(amount)
    assert answer.lines[0].operator == operator
    assert re_add(answer) == answer.amount


def test_a_cost_whose_period_is_not_known_asks_a_person():
    answer = assess(windowed(t.DayCount.INCLUSIVE), claim("100"))
    assert answer.outcome is t.Outcome.REVIEW
    assert answer.finding("basis_period") is not None
