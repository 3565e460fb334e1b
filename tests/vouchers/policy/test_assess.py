"""The engine: what the main job must show, to the fen, and what holds for any facts."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest

from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples

D = Decimal
MODES = {"round_down": ROUND_DOWN, "round_half_up": ROUND_HALF_UP, "round_half_even": ROUND_HALF_EVEN}


def facts_of(scheme: str, code: str) -> f.Facts:
    return next(example.facts for example in shipped_examples(scheme) if example.code == code)


# ---- what the main job must show


def test_beijing_rent_of_15_million_is_cut_to_2_million_by_the_cap():
    answer = assess(shipped_scheme("BJ-AIQ"), facts_of("BJ-AIQ", "rent_15m"))
    assert answer.amount == D("2000000.00")
    assert [line.result for line in answer.lines] == [D(15000000), D(3000000), D(2000000)]
    assert answer.lines[-1].code == "cap.enterprise_year"
    assert "核减为 2,000,000.00 元" in answer.lines[-1].sentence


def test_beijing_lease_above_the_band_is_refused_with_the_sentence():
    answer = assess(shipped_scheme("BJ-AIQ"), facts_of("BJ-AIQ", "above_the_band"))
    assert answer.outcome is t.Outcome.REFUSED
    assert answer.amount == 0
    (refusal,) = answer.refusals
    assert refusal.code == "fair_price"
    assert "合同单价 12.6 元/卡时，公允区间 8.5—11.5 元/卡时" in refusal.sentence
    assert "签约价格高于当期公允价格区间，不予支持" in refusal.sentence
    assert any("不高于 11.5" in one.sentence for one in answer.counterfactuals)


def test_the_price_checks_own_sentence_is_told_as_it_stands():
    facts = facts_of("BJ-AIQ", "above_the_band")
    (contract,) = facts.contracts
    price = dataclasses.replace(contract.price, sentence="合同签订价高于区间上限，不予支持。")  # type: ignore[type-var]
    facts = dataclasses.replace(facts, contracts=(dataclasses.replace(contract, price=price),))
    assert (
        assess(shipped_scheme("BJ-AIQ"), facts).refusals[0].sentence == "合同签订价高于区间上限，不予支持。"
    )


def test_a_market_too_thin_to_decide_by_neither_refuses_nor_cuts():
    facts = facts_of("BJ-AIQ", "above_the_band")
    (contract,) = facts.contracts
    price = dataclasses.replace(contract.price, decisive=False)  # type: ignore[type-var]
    facts = dataclasses.replace(facts, contracts=(dataclasses.replace(contract, price=price),))
    answer = assess(shipped_scheme("BJ-AIQ"), facts)
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(2000000))


def test_shenzhen_contract_of_30_million_gives_10_million():
    assert assess(shipped_scheme("SZ-XLQ"), facts_of("SZ-XLQ", "contract_30m")).amount == D("10000000.00")


@pytest.mark.parametrize(("code", "amount"), [("foreign_chip", D(300000)), ("domestic_chip", D(400000))])
def test_e_town_v1_deducts_by_chip_origin_and_says_that_the_ceiling_is_the_rate(code: str, amount: Decimal):
    answer = assess(shipped_scheme("BDA-SLQ-v1"), facts_of("BDA-SLQ-v1", code))
    assert answer.amount == amount
    rate = next(line for line in answer.lines if line.code == "rate")
    assert "按上限执行" in rate.sentence


def test_e_town_v2_gives_30_percent_whatever_the_chip():
    for code in ("foreign_chip", "domestic_chip"):
        assert assess(shipped_scheme("BDA-SLQ-v2"), facts_of("BDA-SLQ-v2", code)).amount == D(300000)


# ---- caps as the ledger will count them


def test_cap_keys_name_an_account_for_each_cap_that_counts_up():
    facts = facts_of("BDA-SLQ-v1", "pool_spent")
    keys = {key.code: key for key in cap_keys(shipped_scheme("BDA-SLQ-v1"), facts)}
    assert set(keys) == {"enterprise_year", "pool_year"}
    assert keys["enterprise_year"].key == "BDA-SLQ:enterprise_year:issue:91110400MA01ETOWN1:2024"
    assert keys["pool_year"].limit == D(100000000)


def test_a_settlement_does_not_count_against_the_pool_that_is_used_up_at_issue():
    keys = cap_keys(shipped_scheme("BDA-SLQ-v1"), facts_of("BDA-SLQ-v1", "foreign_chip"))
    assert [key.key for key in keys] == ["BDA-SLQ:enterprise_year:claim:91110400MA01ETOWN1:2024"]


def test_the_key_of_a_cap_is_the_same_in_both_versions_so_that_a_change_does_not_give_it_twice():
    facts = dataclasses.replace(facts_of("BDA-SLQ-v2", "review_passed"), on=date(2024, 12, 1))
    first = {key.key for key in cap_keys(shipped_scheme("BDA-SLQ-v1"), facts)}
    assert first == {key.key for key in cap_keys(shipped_scheme("BDA-SLQ-v2"), facts)}


def test_a_refused_case_uses_no_cap():
    assert assess(shipped_scheme("BJ-AIQ"), facts_of("BJ-AIQ", "above_the_band")).cap_uses == ()


def test_a_granted_case_says_what_it_takes_from_each_cap():
    answer = assess(shipped_scheme("BJ-AIQ"), facts_of("BJ-AIQ", "rent_15m"))
    assert [(use.key, use.amount) for use in answer.cap_uses] == [
        ("BJ-AIQ:enterprise_year:issue:91110108MA01A2B3C4:2025", D(2000000))
    ]


# ---- variants beyond the shipped schemes

CITE = r.Citation("测试文件", "第一条")


def scheme_with(**changes: object) -> r.Scheme:
    """A small scheme: invoices at 30 %, no caps, no gates."""
    base: dict[str, object] = {
        "cite": CITE,
        "program": "T",
        "label": "一",
        "title": "测试",
        "region": "110000",
        "side": t.Side.DEMAND,
        "tracks": (
            r.Track(
                cite=CITE,
                code="a",
                name="甲",
                side=t.Side.DEMAND,
                pay_to=t.PayTo.REIMBURSE_APPLICANT,
                basis_kinds=(t.BasisKind.INVOICE_LINE,),
            ),
        ),
        "rates": (r.Rate(cite=CITE, code="flat", track="a", rate=D("0.3")),),
        "price": r.PriceRule(cite=CITE),
        "other_money": r.OtherPublicMoney(cite=CITE),
        "voucher": r.VoucherKind(cite=CITE, issues_voucher=False),
        "issue": r.WayOfIssue(cite=CITE),
        "rounding": r.Rounding(cite=CITE),
        "effective_from": date(2024, 1, 1),
    }
    return r.Scheme(**(base | changes))  # type: ignore[arg-type]


def claim(*amounts: str, **changes: object) -> f.Facts:
    items = tuple(
        f.BasisItemFacts(item_no=str(n), kind=t.BasisKind.INVOICE_LINE, net_amount=D(amount))
        for n, amount in enumerate(amounts, 1)
    )
    base: dict[str, object] = {
        "stage": t.Stage.CLAIM,
        "on": date(2025, 3, 3),
        "applicant": f.PartyFacts(uscc="U", name="某"),
        "items": items,
    }
    return f.Facts(**(base | changes))  # type: ignore[arg-type]


def banded(mode: t.TierMode, measure: t.TierMeasure = t.TierMeasure.CASE) -> r.Scheme:
    scheme = scheme_with()
    track = dataclasses.replace(scheme.tracks[0], tier_mode=mode, tier_measure=measure)
    rates = (
        r.Rate(cite=CITE, code="low", track="a", rate=D("0.1"), band_to=D(1000000)),
        r.Rate(cite=CITE, code="high", track="a", rate=D("0.2"), band_from=D(1000000)),
    )
    return dataclasses.replace(scheme, tracks=(track,), rates=rates)


@pytest.mark.parametrize(
    ("mode", "base", "amount"),
    [
        (t.TierMode.WHOLE, "999999.99", "99999.99"),
        (t.TierMode.WHOLE, "1000000", "200000"),
        (t.TierMode.MARGINAL, "1000000", "100000"),
        (t.TierMode.MARGINAL, "1500000", "200000"),
    ],
)
def test_a_band_holds_for_the_whole_or_for_the_margin_and_includes_its_lower_border(
    mode: t.TierMode, base: str, amount: str
):
    assert assess(banded(mode), claim(base)).amount == D(amount)


def test_where_a_fact_is_missing_the_lower_bands_count_not_the_band_that_is_lowest():
    """30 % and 15 % for domestic chips, 20 % and 10 % for others: unknown, 1,500,000 yuan give 250,000, not 375,000."""
    scheme = banded(t.TierMode.MARGINAL)
    steps = (("a", "0.3", "0.15", (t.ChipOrigin.DOMESTIC,)), ("b", "0.2", "0.1", ()))
    rates = tuple(
        rate
        for code, low, high, origins in steps
        for rate in (
            r.Rate(
                cite=CITE, code=f"{code}1", track="a", rate=D(low), band_to=D(1000000), chip_origins=origins
            ),
            r.Rate(
                cite=CITE,
                code=f"{code}2",
                track="a",
                rate=D(high),
                band_from=D(1000000),
                chip_origins=origins,
            ),
        )
    )
    answer = assess(dataclasses.replace(scheme, rates=rates), claim("1500000"))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(250000))


@pytest.mark.parametrize("mode", [t.TierMode.WHOLE, t.TierMode.MARGINAL])
def test_bands_of_the_year_give_in_parts_what_they_give_at_once(mode: t.TierMode):
    scheme = banded(mode, t.TierMeasure.YEAR)
    first = assess(scheme, claim("700000")).amount
    later = claim("800000", used=f.UsedAmounts(year_basis={"a": D(700000)}))
    assert first + assess(scheme, later).amount == assess(scheme, claim("1500000")).amount


@pytest.mark.parametrize(
    ("count", "amount"), [(t.DayCount.INCLUSIVE, "8700.00"), (t.DayCount.END_MINUS_START, "8689.65")]
)
def test_only_the_days_inside_the_window_count(count: t.DayCount, amount: str):
    """30,000 yuan for April (30 days), counted up to the 29th: 29 of 30 days, or 28 of 29, of which 30 %."""
    scheme = scheme_with()
    track = dataclasses.replace(scheme.tracks[0], counted_to=date(2025, 4, 30), day_count=count)
    item = f.BasisItemFacts(
        item_no="1",
        kind=t.BasisKind.INVOICE_LINE,
        net_amount=D(30000),
        period_from=date(2025, 4, 1),
        period_to=date(2025, 5, 1),
    )
    assert assess(dataclasses.replace(scheme, tracks=(track,)), claim(items=(item,))).amount == D(amount)


def test_below_the_floor_nothing_is_granted_and_the_cure_says_how_much_is_missing():
    floor = r.Floor(
        cite=CITE,
        code="f",
        name="起补线",
        measure=t.FloorMeasure.BASIS,
        amount=D(100000),
        stages=(t.Stage.CLAIM,),
    )
    answer = assess(scheme_with(floors=(floor,)), claim("68000"))
    assert answer.outcome is t.Outcome.REFUSED
    assert any("32,000.00 元即达到起补线" in one.sentence for one in answer.counterfactuals)
    assert assess(scheme_with(floors=(floor,)), claim("100000")).amount == D(30000)


def test_a_price_above_the_band_is_cut_to_the_upper_bound_where_the_scheme_says_cut():
    scheme = scheme_with(price=r.PriceRule(cite=CITE, above_band=t.AboveBand.CUT))
    price = f.PriceVerdict(verdict=t.Verdict.ABOVE, unit_price=D(12), lower=D(8), base=D(9), upper=D(10))
    contract = f.ContractFacts(contract_no="L", price=price)
    items = (
        f.BasisItemFacts(item_no="1", kind=t.BasisKind.INVOICE_LINE, net_amount=D(12000), contract_no="L"),
    )
    answer = assess(scheme, claim(contracts=(contract,), items=items))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(3000))


def test_a_condition_that_excludes_leaves_that_contract_out_and_counts_the_other():
    gate = r.Gate(
        cite=CITE,
        code="purpose",
        kind=t.GateKind.PURPOSE,
        text="训练",
        values=("training",),
        effect=t.GateEffect.EXCLUDE,
    )
    contracts = (
        f.ContractFacts(contract_no="L1", purpose=t.Purpose.TRAINING),
        f.ContractFacts(contract_no="L2", purpose=t.Purpose.OTHER),
    )
    items = tuple(
        f.BasisItemFacts(item_no=no, kind=t.BasisKind.INVOICE_LINE, net_amount=D(1000), contract_no=no)
        for no in ("L1", "L2")
    )
    answer = assess(scheme_with(gates=(gate,)), claim(contracts=contracts, items=items))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(300))


@pytest.mark.parametrize(
    ("choice", "amount"),
    [(t.TrackChoice.HIGHER_OF, D(500)), (t.TrackChoice.SUM, D(800)), (t.TrackChoice.CHOICE, D(300))],
)
def test_tracks_are_chosen_compared_or_added(choice: t.TrackChoice, amount: Decimal):
    scheme = scheme_with(track_choice=choice)
    second = dataclasses.replace(scheme.tracks[0], code="b", name="乙")
    rates = (*scheme.rates, r.Rate(cite=CITE, code="b", track="b", rate=D("0.5")))
    scheme = dataclasses.replace(scheme, tracks=(*scheme.tracks, second), rates=rates)
    assert assess(scheme, claim("1000")).amount == amount


@pytest.mark.parametrize(
    ("mode", "share", "amount"),
    [
        (t.OtherMoneyMode.HIGHER_OF, None, D(2000)),
        (t.OtherMoneyMode.SHARE_LIMIT, D("0.35"), D(2500)),
        (t.OtherMoneyMode.COMBINED_RATE, D("0.35"), D(2500)),
    ],
)
def test_other_public_money_is_taken_into_account(
    mode: t.OtherMoneyMode, share: Decimal | None, amount: Decimal
):
    other = (f.OtherMoneyFacts(source="省级", amount=D(1000)),)
    contract = f.ContractFacts(contract_no="L", net_amount=D(10000), other_money=other)
    items = (
        f.BasisItemFacts(item_no="1", kind=t.BasisKind.INVOICE_LINE, net_amount=D(10000), contract_no="L"),
    )
    scheme = scheme_with(other_money=r.OtherPublicMoney(cite=CITE, mode=mode, share=share))
    assert assess(scheme, claim(contracts=(contract,), items=items)).amount == amount


def test_a_cap_on_each_contract_is_held_contract_by_contract():
    cap = r.Cap(
        cite=CITE,
        code="c",
        name="单个合同限额",
        subject=t.CapSubject.CONTRACT,
        amount=D(1000),
        period=t.CapPeriod.TOTAL,
    )
    contracts = tuple(f.ContractFacts(contract_no=no) for no in ("L1", "L2"))
    items = tuple(
        f.BasisItemFacts(item_no=no, kind=t.BasisKind.INVOICE_LINE, net_amount=D(amount), contract_no=no)
        for no, amount in (("L1", 10000), ("L2", 1000))
    )
    answer = assess(scheme_with(caps=(cap,)), claim(contracts=contracts, items=items))
    assert answer.amount == D(1300)
    assert {use.key.split(":")[3]: use.amount for use in answer.cap_uses}["L2"] <= D(1000)


def test_a_class_may_be_waived_from_a_cap():
    star = r.ApplicantClass(cite=CITE, code="star", name="链主")
    cap = r.Cap(
        cite=CITE,
        code="c",
        name="限额",
        subject=t.CapSubject.ENTERPRISE,
        amount=D(1000),
        waived_for=("star",),
    )
    scheme = scheme_with(classes=(star,), caps=(cap,))
    assert assess(scheme, claim("10000")).amount == D(1000)
    assert assess(
        scheme, claim("10000", applicant=f.PartyFacts(uscc="U", name="某", classes=("star",)))
    ).amount == D(3000)


def test_red_items_lower_the_base_and_never_below_zero():
    assert assess(scheme_with(), claim("1000", "-400")).amount == D(180)
    answer = assess(scheme_with(), claim("1000", "-1400"))
    assert (answer.outcome, answer.amount) == (t.Outcome.REFUSED, D(0))


def test_without_knowing_a_condition_is_not_testable_and_never_counts_as_met():
    gate = r.Gate(cite=CITE, code="credit", kind=t.GateKind.NO_DISHONESTY, text="无失信记录", years=3)
    answer = assess(scheme_with(gates=(gate,)), claim("1000"))
    assert answer.outcome is t.Outcome.REVIEW
    assert answer.finding("credit").result is t.FindingResult.NOT_TESTABLE  # type: ignore[union-attr]
