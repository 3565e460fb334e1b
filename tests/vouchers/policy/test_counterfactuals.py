"""What an assessment says would change it does change it: each number is applied to the facts, and they are assessed again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy import tiny
from tests.vouchers.policy.random_schemes import facts_for, fen, schemes
from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assessment import Assessment

D = Decimal
BEIJING = timezone(timedelta(hours=8))
TRY = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def told(answer: Assessment, prefix: str) -> list[tuple[str, Decimal]]:
    return [
        (one.code, one.amount)
        for one in answer.counterfactuals
        if one.code.startswith(prefix) and one.amount is not None
    ]


def with_more(facts: f.Facts, more: Decimal) -> f.Facts:
    """The same case with one more line, of what the scheme counts."""
    item = tiny.item(str(more), "9999", kind=t.BasisKind.INVOICE_LINE, quantity=more, unit=t.ScaleUnit.PFLOPS)
    return replace(facts, items=(*facts.items, replace(item, precision=t.Precision.FP16)))


PLAIN = {
    "reviewers": False,
    "gates": False,
    "windows": False,
    "track_choices": (t.TrackChoice.CHOICE,),
    "other_money": (t.OtherMoneyMode.NOT_STATED,),
    "price_rules": (t.AboveBand.NONE,),
}


@given(st.data())
@TRY
def test_so_much_more_base_reaches_the_floor(data: st.DataObject):
    scheme = data.draw(schemes(cap_subjects=(), **PLAIN))
    if not scheme.floors or scheme.floors[0].measure is t.FloorMeasure.AMOUNT:
        return
    facts = data.draw(facts_for(scheme, stages=(t.Stage.CLAIM,), red=False))
    for code, missing in told(assess(scheme, facts), "floor."):
        for more, result in ((missing, t.FindingResult.MET), (missing - D("0.01"), t.FindingResult.NOT_MET)):
            finding = assess(scheme, with_more(facts, more)).finding(code)
            assert finding is not None
            assert finding.result is result


@given(st.data(), fen)
@TRY
def test_where_a_cap_is_reached_more_base_gives_no_more(data: st.DataObject, more: Decimal):
    subjects = [one for one in t.CapSubject if one is not t.CapSubject.CONTRACT]
    scheme = data.draw(
        schemes(cap_subjects=subjects, bands=(t.TierMode.NONE, t.TierMode.MARGINAL), floors=False, **PLAIN)
    )
    facts = data.draw(facts_for(scheme, stages=(t.Stage.CLAIM,), red=False))
    answer = assess(scheme, facts)
    for _, left in told(answer, "cap."):
        assert answer.computed_amount <= left
        assert assess(scheme, with_more(facts, more)).computed_amount <= left


@given(st.data())
@TRY
def test_so_much_more_base_reaches_the_next_band(data: st.DataObject):
    scheme = data.draw(
        schemes(
            bands=(t.TierMode.WHOLE, t.TierMode.MARGINAL),
            rising_bands=True,
            cap_subjects=(),
            floors=False,
            ladders=False,
            **PLAIN,
        )
    )
    facts = data.draw(facts_for(scheme, stages=(t.Stage.CLAIM,), red=False, unspent=True))
    facts = replace(facts, voucher=None, requested_amount=None)
    answer = assess(scheme, facts)
    for code, missing in told(answer, "band."):
        band = next(one for one in scheme.rates if code == f"band.{one.code}")
        track = scheme.track(band.track)
        at = assess(scheme, with_more(facts, missing))
        base = at.basis_quantity if track.scale_unit else at.basis_amount
        least = D("0.000001") if track.scale_unit else D("0.01")
        assert base == (band.band_from or 0) + (0 if track.band_border is t.Border.INCLUDED else least)
        beyond = assess(scheme, with_more(facts, missing + 1000))
        if track.tier_mode is t.TierMode.WHOLE and band.value is not None:
            assert abs(at.computed_amount - base * band.value) < 1
        elif band.value is not None and (band.band_to is None or band.band_to >= base + 1000):
            assert abs(beyond.computed_amount - at.computed_amount - 1000 * band.value) < 2


@pytest.mark.parametrize(
    ("period", "on", "starts", "next_day"),
    [
        (t.CapPeriod.CALENDAR_YEAR, date(2025, 12, 31), "01-01", "2026年1月1日"),
        (t.CapPeriod.PROGRAMME_YEAR, date(2025, 3, 31), "04-01", "2025年4月1日"),
        (t.CapPeriod.PROGRAMME_YEAR, date(2025, 4, 1), "04-01", "2026年4月1日"),
    ],
)
def test_a_cap_that_is_used_up_tells_the_day_from_which_there_is_room_again(
    period: t.CapPeriod, on: date, starts: str, next_day: str
):
    scheme = tiny.scheme(caps=(tiny.cap("1000", period=period, year_starts=starts),))
    facts = tiny.claim("10000", on=on)
    (key,) = cap_keys(scheme, facts)
    facts = replace(facts, used=f.UsedAmounts(caps={key.key: D(1000)}))
    answer = assess(scheme, facts)
    assert answer.outcome is t.Outcome.REFUSED
    (cure,) = [one.sentence for one in answer.counterfactuals if one.code == "cap.cap"]
    assert re.findall(r"\d+年\d+月\d+日", cure) == [next_day]
    begins = date(*map(int, re.findall(r"\d+", next_day)))
    later = assess(scheme, replace(facts, on=begins))
    assert (later.outcome, later.amount) == (t.Outcome.ELIGIBLE, D(1000))
    before = assess(scheme, replace(facts, on=begins - timedelta(days=1)))
    assert before.outcome is t.Outcome.REFUSED


def test_outside_a_window_the_next_one_is_told_and_a_case_filed_then_is_inside():
    windows = tuple(
        r.Window(
            cite=tiny.CITE,
            code=f"w{month}",
            name=f"{month}月申报期",
            opens_at=datetime(2025, month, 1, 9, tzinfo=BEIJING),
            closes_at=datetime(2025, month, 10, 18, tzinfo=BEIJING),
            stage=t.Stage.CLAIM,
        )
        for month in (3, 6)
    )
    scheme = tiny.scheme(windows=windows)
    facts = tiny.claim("1000", filed_at=datetime(2025, 3, 10, 18, 0, tzinfo=BEIJING))
    answer = assess(scheme, facts)
    assert answer.outcome is t.Outcome.REFUSED
    (cure,) = [one.sentence for one in answer.counterfactuals if one.code == "window"]
    assert "2025-06-01 09:00" in cure
    again = replace(facts, filed_at=datetime(2025, 6, 1, 9, tzinfo=BEIJING))
    assert assess(scheme, again).outcome is t.Outcome.ELIGIBLE


def test_a_price_no_higher_than_the_one_told_is_inside_the_band():
    scheme = tiny.scheme(price=r.PriceRule(cite=tiny.CITE, above_band=t.AboveBand.REFUSE))
    price = f.PriceVerdict(verdict=t.Verdict.ABOVE, unit_price=D(12), lower=D(8), base=D(9), upper=D(10))
    facts = tiny.claim("1000", contracts=(tiny.contract(price=price),))
    ((_, upper),) = told(assess(scheme, facts), "fair_price")
    assert upper == price.upper


def test_the_degree_of_completion_that_is_told_gives_the_higher_rate():
    rates = (
        tiny.rate("0.3", "full", completion_from=D(1)),
        tiny.rate("0.2", "most", completion_from=D("0.8")),
        tiny.rate("0.1", "rest"),
    )
    scheme = tiny.scheme(rates=rates)
    answer = assess(scheme, tiny.claim("1000", completion=D("0.7")))
    assert told(answer, "completion.") == [("completion.most", D("0.8"))]
    assert assess(scheme, tiny.claim("1000", completion=D("0.8"))).amount == D(200)
    assert told(assess(scheme, tiny.claim("1000", completion=D(1))), "completion.") == []


def test_an_enterprise_that_is_too_young_is_told_the_day_on_which_it_is_old_enough():
    scheme = tiny.scheme(gates=(tiny.gate(t.GateKind.AGE_AT_LEAST, months=12),))
    young = tiny.party(registered_on=date(2024, 6, 15))
    finding = assess(scheme, tiny.claim("1000", applicant=young)).finding("gate")
    assert finding is not None
    assert "自2025年6月15日起满 12 个月" in finding.fact
    for day, outcome in ((14, t.Outcome.REFUSED), (15, t.Outcome.ELIGIBLE)):
        assert assess(scheme, tiny.claim("1000", applicant=young, on=date(2025, 6, day))).outcome is outcome


def test_what_a_short_balance_leaves_unpaid_is_what_another_voucher_pays():
    scheme = tiny.scheme(voucher=r.VoucherKind(cite=tiny.CITE))
    voucher = f.VoucherFacts(voucher_no="V", face_value=D(1000), balance=D(100))
    answer = assess(scheme, tiny.claim("1000", voucher=voucher))
    ((_, short),) = told(answer, "voucher_balance")
    assert (
        answer.amount + short
        == assess(scheme, tiny.claim("1000", voucher=replace(voucher, balance=D(1000)))).amount
    )
