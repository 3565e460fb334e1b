"""Breadth of the rule model (4): other public money, and conditions with their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import CITE, claim, contract, gate, item, party, rate, scheme
from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t

D = Decimal
MET, NOT_MET, UNKNOWN = t.FindingResult.MET, t.FindingResult.NOT_MET, t.FindingResult.NOT_TESTABLE


# ---- other public money


def beside(mode: t.OtherMoneyMode, **changes: Any) -> r.Scheme:
    return scheme(other_money=r.OtherPublicMoney(cite=CITE, mode=mode, **changes))


def funded(*rows: tuple[str, str], amount: str = "10000", whole: str = "10000") -> f.Facts:
    """A claim of an amount of a contract, on which others gave money at such levels."""
    other = tuple(f.OtherMoneyFacts(source="某资金", amount=D(given), level=level) for given, level in rows)
    return claim(item(amount, contract_no="L"), contracts=(contract(net_amount=D(whole), other_money=other),))


@pytest.mark.parametrize(
    ("mode", "changes", "facts", "outcome", "amount"),
    [
        ("not_stated", {}, funded(("1000", "municipal")), "eligible", "3000"),
        ("none_same_compute", {}, funded(("1", "national")), "refused", "0"),
        ("none_same_contract", {}, funded(("1", "national")), "refused", "0"),
        ("none_same_level", {"level": "municipal"}, funded(("1", "municipal")), "refused", "0"),
        ("none_same_level", {"level": "municipal"}, funded(("1", "provincial")), "eligible", "3000"),
        ("none_same_level", {"level": "municipal"}, funded(("1", "")), "refused", "0"),  # level not stated
        ("higher_of", {}, funded(), "eligible", "3000"),
        ("higher_of", {}, funded(("1000", "national")), "eligible", "2000"),
        ("higher_of", {}, funded(("3000", "national")), "refused", "0"),
        ("share_limit", {"share": D("0.4")}, funded(("1000", "national")), "eligible", "3000"),
        ("share_limit", {"share": D("0.4")}, funded(("1000.01", "national")), "eligible", "2999.99"),
        ("share_limit", {"share": D("0.4")}, funded(("4000", "national")), "refused", "0"),
        # Stacked with a national voucher of 20 % to 45 % in all: 25 % are left of our 30 %.
        (
            "combined_rate",
            {"share": D("0.45"), "level": "national"},
            funded(("2000", "national")),
            "eligible",
            "2500",
        ),
        (
            "combined_rate",
            {"share": D("0.5"), "level": "national"},
            funded(("2000", "national")),
            "eligible",
            "3000",
        ),
        # Money of another level does not stack.
        (
            "combined_rate",
            {"share": D("0.45"), "level": "national"},
            funded(("2000", "municipal")),
            "eligible",
            "3000",
        ),
        ("share_limit", {"share": D("0.4"), "switched_on": False}, funded(("4000", "")), "eligible", "3000"),
    ],
)
def test_other_public_money_in_each_mode(
    mode: str, changes: dict[str, Any], facts: f.Facts, outcome: str, amount: str
):
    answer = assess(beside(t.OtherMoneyMode(mode), **changes), facts)
    assert (answer.outcome.value, answer.amount) == (outcome, D(amount))
    assert re_add(answer) == answer.amount


def test_whether_others_gave_money_must_be_known_where_it_matters():
    facts = claim(item("1000", contract_no="L"), contracts=(contract(),))
    for mode in t.OtherMoneyMode:
        share = D("0.5") if mode in (t.OtherMoneyMode.SHARE_LIMIT, t.OtherMoneyMode.COMBINED_RATE) else None
        answer = assess(beside(mode, share=share), facts)
        finding = answer.finding("other_money")
        assert (finding is None) == (mode is t.OtherMoneyMode.NOT_STATED)
        assert finding is None or finding.result is not MET


def test_what_this_programme_gave_on_a_contract_before_counts_into_the_total_public_share():
    half = beside(t.OtherMoneyMode.SHARE_LIMIT, share=D("0.5"))
    half = replace(half, rates=(rate("1"),))
    facts = funded(("1000", "national"), amount="3000")
    first = assess(half, facts)
    assert first.amount == D(3000)
    ((key, taken),) = [(use.key, use.amount) for use in first.cap_uses]
    assert (key, taken) == ("T:other_money:claim:L:total", D(3000))
    assert [(one.key, one.limit) for one in cap_keys(half, facts)] == [(key, D(4000))]
    second = assess(half, replace(facts, used=f.UsedAmounts(caps={key: taken})))
    assert second.amount == D(1000)


def test_the_public_share_is_held_contract_by_contract():
    half = replace(beside(t.OtherMoneyMode.SHARE_LIMIT, share=D("0.5")), rates=(rate("1"),))
    rows = (
        contract("L1", net_amount=D(1000), other_money=()),
        contract("L2", net_amount=D(100000), other_money=()),
    )
    facts = claim(item("1000", "1", contract_no="L1"), item("1000", "2", contract_no="L2"), contracts=rows)
    assert assess(half, facts).amount == D(1500)


# ---- conditions: each met at its edge, not met beyond it, and not testable where the fact is not known


def provider(**changes: Any) -> f.ContractFacts:
    return contract(provider=f.ProviderFacts(**({"uscc": "P", "name": "某服务商"} | changes)))


def admitted(from_on: date, to_on: date | None = None, **changes: str) -> f.ContractFacts:
    admission = f.AdmissionFacts(from_on=from_on, to_on=to_on, **changes)
    return replace(provider(admissions=(admission,)), signed_on=date(2025, 2, 1), service_item="训练服务")


FEB = date(2025, 2, 1)
SCALE = {"scale_from": D(1000), "scale_unit": t.ScaleUnit.PFLOPS, "scale_precision": t.Precision.FP16}


def of_scale(value: str, precision: t.Precision = t.Precision.FP16) -> f.ContractFacts:
    return provider(scale=D(value), scale_unit=t.ScaleUnit.PFLOPS, scale_precision=precision)


CONDITIONS: list[tuple[str, dict[str, Any], Any, Any, Any]] = [
    (
        "registered_in",
        {"regions": ("11",)},
        party(region_code="110108"),
        party(region_code="310101"),
        party(),
    ),
    ("sector", {"industries": ("65",)}, party(industry_code="I6513"), party(industry_code="6410"), party()),
    (
        "party_kind",
        {"values": ("enterprise",)},
        party(kind=t.PartyKind.ENTERPRISE),
        party(kind=t.PartyKind.INSTITUTE),
        party(),
    ),
    ("ownership", {"values": ("private",)}, party(ownership="private"), party(ownership="state"), party()),
    ("size", {"values": ("small",)}, party(size="small"), party(size="large"), party()),
    (
        "age_at_least",
        {"months": 12},
        party(registered_on=date(2024, 3, 3)),
        party(registered_on=date(2024, 3, 4)),
        party(),
    ),
    (
        "age_at_most",
        {"months": 36},
        party(registered_on=date(2022, 3, 3)),
        party(registered_on=date(2022, 3, 2)),
        party(),
    ),
    # A credit look-back of three years: a listing that ended three years ago to the day no longer counts.
    (
        "no_dishonesty",
        {"years": 3},
        party(listings=(f.ListingFacts(from_on=date(2020, 1, 1), to_on=date(2022, 3, 3)),)),
        party(listings=(f.ListingFacts(from_on=date(2020, 1, 1), to_on=date(2022, 3, 4)),)),
        party(),
    ),
    ("not_a_provider", {}, party(is_registered_provider=False), party(is_registered_provider=True), party()),
    (
        "applicant_connected",
        {},
        party(is_platform_connected=True),
        party(is_platform_connected=False),
        party(),
    ),
    ("non_affiliated", {}, provider(affiliated=False), provider(affiliated=True), provider()),
    ("not_own_built", {}, contract(is_own_built=False), contract(is_own_built=True), contract()),
    ("provider_admitted", {}, admitted(FEB), admitted(date(2025, 2, 2)), provider()),
    ("provider_admitted", {}, admitted(FEB, date(2025, 2, 2)), admitted(date(2024, 1, 1), FEB), provider()),
    (
        "provider_admitted",
        {"batches": ("第一批",)},
        admitted(FEB, batch="第一批"),
        admitted(FEB, batch="第二批"),
        provider(),
    ),
    (
        "provider_admitted",
        {"values": ("service_item",)},
        admitted(FEB, service_item="训练服务"),
        admitted(FEB, service_item="推理服务"),
        replace(admitted(FEB, service_item="训练服务"), service_item=""),
    ),
    (
        "provider_registered_in",
        {"regions": ("52",)},
        provider(region_code="520100"),
        provider(region_code="110108"),
        provider(),
    ),
    ("provider_scale", SCALE, of_scale("1000"), of_scale("999.999"), of_scale("9999", t.Precision.FP32)),
    ("provider_scale", SCALE, of_scale("1000.5"), of_scale("0"), provider()),
    (
        "platform_traded",
        {},
        contract(is_platform_traded=True),
        contract(is_platform_traded=False),
        contract(),
    ),
    (
        "platform_metered",
        {},
        contract(is_platform_metered=True),
        contract(is_platform_metered=False),
        contract(),
    ),
    (
        "provider_connected",
        {},
        provider(is_platform_connected=True),
        provider(is_platform_connected=False),
        provider(),
    ),
    (
        "purpose",
        {"values": ("training",)},
        contract(purpose=t.Purpose.TRAINING),
        contract(purpose=t.Purpose.OTHER),
        contract(),
    ),
    ("contract_kind", {"values": ("purchase",)}, contract(kind=t.ContractKind.PURCHASE), contract(), None),
    (
        "signed_between",
        {"from_on": FEB},
        contract(signed_on=FEB),
        contract(signed_on=date(2025, 1, 31)),
        contract(),
    ),
    (
        "signed_between",
        {"to_on": FEB},
        contract(signed_on=date(2025, 1, 31)),
        contract(signed_on=FEB),
        contract(),
    ),
    (
        "deployed_by",
        {"to_on": FEB},
        contract(deployed_on=date(2025, 1, 31)),
        contract(deployed_on=FEB),
        contract(),
    ),
    ("model_filed", {}, contract(is_model_filed=True), contract(is_model_filed=False), contract()),
    ("consecutive_years", {"years": 3}, party(years_supported=2), party(years_supported=3), party()),
    ("expert_review", {}, f.ReviewFacts(passed=True), f.ReviewFacts(passed=False), f.ReviewFacts()),
    ("attested", {"question": "？"}, {"gate": True}, {"gate": False}, {}),
]


def facts_with(known: Any) -> f.Facts:
    match known:
        case f.PartyFacts():
            return claim("1000", applicant=known)
        case f.ContractFacts():
            return claim(item("1000", contract_no="L"), contracts=(known,))
        case f.ReviewFacts():
            return claim("1000", review=known)
        case None:
            return claim("1000")
        case answers:
            return claim("1000", attestations=answers)


@pytest.mark.parametrize(("kind", "values", "met", "not_met", "unknown"), CONDITIONS)
def test_a_condition_is_met_at_its_edge_not_beyond_it_and_not_testable_without_the_fact(
    kind: str, values: dict[str, Any], met: Any, not_met: Any, unknown: Any
):
    for known, result in ((met, MET), (not_met, NOT_MET), (unknown, UNKNOWN)):
        finding = assess(scheme(gates=(gate(t.GateKind(kind), **values),)), facts_with(known)).finding("gate")
        assert finding is not None
        assert (finding.result, bool(finding.fact)) == (result, True), known


def test_every_kind_of_condition_is_tried_above():
    assert {kind for kind, *_ in CONDITIONS} == {kind.value for kind in t.GateKind}


@pytest.mark.parametrize(
    ("effect", "untestable", "unmet", "unknown"),
    [
        (t.GateEffect.REFUSE, t.Untestable.REVIEW, "refused", "review"),
        (t.GateEffect.REVIEW, t.Untestable.REFUSE, "review", "refused"),
        (t.GateEffect.EXCLUDE, t.Untestable.REVIEW, "refused", "review"),  # its only contract is left out
    ],
)
def test_what_a_condition_does_that_is_not_met_or_not_testable(
    effect: t.GateEffect, untestable: t.Untestable, unmet: str, unknown: str
):
    own = gate(t.GateKind.NOT_OWN_BUILT, effect=effect, if_untestable=untestable)
    for built, outcome in ((False, "eligible"), (True, unmet), (None, unknown)):
        answer = assess(scheme(gates=(own,)), facts_with(contract(is_own_built=built)))
        assert answer.outcome.value == outcome


@pytest.mark.parametrize(
    ("rule", "outcome", "amount"),
    [
        ("refuse", "refused", "0"),
        ("cut", "eligible", "249.99"),  # 833.33 at 30 %
        ("review", "review", "300"),
        ("none", "eligible", "300"),
    ],
)
def test_a_price_above_the_fair_band_is_refused_cut_or_reviewed(rule: str, outcome: str, amount: str):
    price = f.PriceVerdict(verdict=t.Verdict.ABOVE, unit_price=D(12), lower=D(8), base=D(9), upper=D(10))
    priced = scheme(price=r.PriceRule(cite=CITE, above_band=t.AboveBand(rule)))
    answer = assess(priced, facts_with(contract(price=price)))
    assert (answer.outcome.value, answer.amount) == (outcome, D(amount))
