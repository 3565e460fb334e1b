"""Breadth of the rule model (3): floors and caps, with their subjects, periods and classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import (
    CITE,
    application,
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
from vouchers.policy.caps import rolling_from

D = Decimal


def key_of(capped: r.Scheme, facts: f.Facts) -> str:
    (key,) = cap_keys(capped, facts)
    return key.key


# ---- floors


def test_a_minimum_of_the_years_spend_to_apply_counts_what_was_spent_before():
    least = scheme(floors=(floor("500000", t.FloorMeasure.YEAR_BASIS),))
    facts = claim("100000", used=f.UsedAmounts(year_basis={"a": D("399999.99")}))
    answer = assess(least, facts)
    assert answer.outcome is t.Outcome.REFUSED
    assert answer.counterfactuals[0].amount == D("0.01")
    reached = replace(facts, used=f.UsedAmounts(year_basis={"a": D(400000)}))
    assert assess(least, reached).amount == D(30000)


def test_a_minimum_voucher():
    least = scheme(floors=(floor("300", t.FloorMeasure.AMOUNT),))
    assert assess(least, claim("999.99")).outcome is t.Outcome.REFUSED
    assert assess(least, claim("1000")).amount == D(300)


def test_a_floor_holds_at_the_stages_that_it_names():
    at_application = scheme(floors=(floor("5000", stages=(t.Stage.APPLICATION,)),))
    assert assess(at_application, claim("1000")).amount == D(300)
    assert assess(at_application, application(contract(net_amount=D(1000)))).outcome is t.Outcome.REFUSED


# ---- caps: subjects


def test_a_cap_of_a_single_use_is_had_again_at_the_next_and_has_no_account():
    capped = scheme(caps=(cap("200", t.CapSubject.USE),))
    assert assess(capped, claim("1000")).amount == D(200)
    assert cap_keys(capped, claim("1000")) == []


def test_a_use_may_be_capped_by_a_share_of_the_contract():
    """不超过合同额的 50 %（单次）."""
    half = scheme(rates=(rate("1"),), caps=(cap(None, t.CapSubject.USE, share=D("0.5")),))
    facts = claim(item("8000", contract_no="L"), contracts=(contract(net_amount=D(10000)),))
    assert assess(half, facts).amount == D(5000)


@pytest.mark.parametrize(("tax", "amount"), [(t.TaxMode.NET, "5000"), (t.TaxMode.GROSS, "5300")])
def test_a_share_of_the_contract_is_with_tax_where_the_base_is(tax: t.TaxMode, amount: str):
    half = scheme(
        tracks=(track(tax_mode=tax),),
        rates=(rate("1"),),
        caps=(cap(None, t.CapSubject.CONTRACT, share=D("0.5")),),
    )
    facts = claim(
        item("8000", contract_no="L", tax_amount=D(480)),
        contracts=(contract(net_amount=D(10000), tax_amount=D(600)),),
    )
    assert assess(half, facts).amount == D(amount)


def test_each_contract_is_held_to_its_cap_by_what_its_own_rate_gave():
    """Contract L1 gives 300 at 30 %, L2 400 at 40 %: under 350 a contract, 300 and 350."""
    rates = (rate("0.4", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)), rate("0.3"))
    capped = scheme(rates=rates, caps=(cap("350", t.CapSubject.CONTRACT, period=t.CapPeriod.TOTAL),))
    facts = claim(
        item("1000", "1", contract_no="L1"),
        item("1000", "2", contract_no="L2"),
        contracts=(
            contract("L1", chip_origin=t.ChipOrigin.FOREIGN),
            contract("L2", chip_origin=t.ChipOrigin.DOMESTIC),
        ),
    )
    answer = assess(capped, facts)
    assert answer.amount == D(650)
    assert {use.key.split(":")[3]: use.amount for use in answer.cap_uses} == {"L1": D(300), "L2": D(350)}
    assert re_add(answer) == D(650)


@pytest.mark.parametrize(
    ("subject", "changes", "name"),
    [
        (t.CapSubject.PROJECT, {"project_no": "P-1"}, "P-1"),
        (t.CapSubject.ENTERPRISE, {}, "U"),
        (t.CapSubject.GROUP, {"applicant": party(group_no="G-1")}, "G-1"),
        (t.CapSubject.GROUP, {}, "U"),  # an enterprise without a group is one of its own
        (t.CapSubject.BATCH, {"batch_no": "2025-2"}, "2025-2"),
        (t.CapSubject.POOL, {}, "*"),
    ],
)
def test_a_cap_of_a_project_an_enterprise_a_group_a_batch_or_the_pool_counts_up_under_its_subject(
    subject: t.CapSubject, changes: dict[str, object], name: str
):
    capped = scheme(caps=(cap("1000", subject, period=t.CapPeriod.TOTAL),))
    facts = claim("2000", **changes)
    key = key_of(capped, facts)
    assert key == f"T:cap:claim:{name}:total"
    assert assess(capped, facts).amount == D(600)
    later = replace(facts, used=f.UsedAmounts(caps={key: D(600)}))
    answer = assess(capped, later)
    assert answer.amount == D(400)
    assert [(use.key, use.amount) for use in answer.cap_uses] == [(key, D(400))]


def test_two_enterprises_of_one_group_share_its_cap():
    capped = scheme(caps=(cap("1000", t.CapSubject.GROUP),))
    keys = {key_of(capped, claim("1", applicant=party(uscc=uscc, group_no="G"))) for uscc in ("U1", "U2")}
    assert len(keys) == 1


# ---- caps: periods


@pytest.mark.parametrize(
    ("period", "on", "name"),
    [
        (t.CapPeriod.CALENDAR_YEAR, date(2025, 12, 31), "2025"),
        (t.CapPeriod.CALENDAR_YEAR, date(2026, 1, 1), "2026"),
        (t.CapPeriod.PROGRAMME_YEAR, date(2025, 3, 31), "2024-04-01"),
        (t.CapPeriod.PROGRAMME_YEAR, date(2025, 4, 1), "2025-04-01"),
        (t.CapPeriod.ROLLING_YEAR, date(2025, 4, 1), "rolling"),
        (t.CapPeriod.TOTAL, date(2025, 4, 1), "total"),
    ],
)
def test_the_year_is_the_calendars_the_programmes_or_a_rolling_one(period: t.CapPeriod, on: date, name: str):
    capped = scheme(caps=(cap("1000", period=period, year_starts="04-01"),))
    assert key_of(capped, claim("1", on=on)).endswith(f":{name}")


@pytest.mark.parametrize(
    ("on", "first"),
    [
        (date(2025, 3, 3), date(2024, 3, 4)),
        (date(2024, 2, 29), date(2023, 3, 1)),
        (date(2025, 2, 28), date(2024, 2, 29)),
        (date(2025, 3, 1), date(2024, 3, 2)),
    ],
)
def test_a_rolling_year_ends_with_the_day_itself_and_begins_after_the_same_day_a_year_before(
    on: date, first: date
):
    """`UsedAmounts` under a rolling key is what was taken from that first day on."""
    assert rolling_from(on) == first


def test_the_year_of_a_cap_turns_at_midnight_and_nothing_is_carried_over():
    capped = scheme(caps=(cap("1000", period=t.CapPeriod.CALENDAR_YEAR),))
    last = claim("10000", on=date(2025, 12, 31))
    spent = f.UsedAmounts(caps={key_of(capped, last): D(1000)})
    assert assess(capped, replace(last, used=spent)).outcome is t.Outcome.REFUSED
    assert assess(capped, replace(last, used=spent, on=date(2026, 1, 1))).amount == D(1000)


def test_a_cap_by_class_and_another_for_the_rest():
    star = r.ApplicantClass(cite=CITE, code="star", name="国家级项目牵头单位")
    caps = (
        cap("3000", code="of_stars", classes=("star",), period=t.CapPeriod.CALENDAR_YEAR),
        cap("1500", code="of_others", waived_for=("star",), period=t.CapPeriod.CALENDAR_YEAR),
    )
    by_class = scheme(classes=(star,), caps=caps)
    assert assess(by_class, claim("100000", applicant=party(classes=("star",)))).amount == D(3000)
    assert assess(by_class, claim("100000")).amount == D(1500)


def test_where_it_is_not_known_whether_the_applicant_is_of_a_class_its_cap_holds():
    young = r.ApplicantClass(cite=CITE, code="young", name="初创企业", registered_within_months=36)
    waived = scheme(classes=(young,), caps=(cap("100", waived_for=("young",)),))
    capped = scheme(classes=(young,), caps=(cap("100", classes=("young",)),))
    assert assess(waived, claim("1000")).amount == D(100)
    assert assess(capped, claim("1000")).amount == D(100)


@pytest.mark.parametrize(
    ("counts_at", "events"),
    [
        (t.CountsAt.ISSUE, ["issue"]),
        (t.CountsAt.CLAIM, ["claim"]),
        (t.CountsAt.BOTH, ["issue", "claim"]),
    ],
)
def test_a_cap_is_used_up_when_vouchers_are_issued_or_claims_are_made(
    counts_at: t.CountsAt, events: list[str]
):
    capped = scheme(caps=(cap("100", counts_at=counts_at),))
    found = [key.event for facts in (application(contract()), claim("1")) for key in cap_keys(capped, facts)]
    assert found == events


@pytest.mark.parametrize(
    ("years", "outcome"),
    [(0, t.Outcome.ELIGIBLE), (2, t.Outcome.ELIGIBLE), (3, t.Outcome.REFUSED), (None, t.Outcome.REVIEW)],
)
def test_support_ends_after_so_many_consecutive_years(years: int | None, outcome: t.Outcome):
    three = scheme(gates=(gate(t.GateKind.CONSECUTIVE_YEARS, years=3),))
    assert assess(three, claim("1000", applicant=party(years_supported=years))).outcome is outcome


@pytest.mark.parametrize(
    ("used", "amount", "outcome"),
    [
        ("0", "300", t.Outcome.ELIGIBLE),
        ("700", "300", t.Outcome.ELIGIBLE),
        ("700.01", "299.99", t.Outcome.ELIGIBLE),
        ("999.99", "0.01", t.Outcome.ELIGIBLE),
        ("1000", "0", t.Outcome.REFUSED),
    ],
)
def test_the_last_fen_of_a_cap(used: str, amount: str, outcome: t.Outcome):
    capped = scheme(caps=(cap("1000"),))
    facts = claim("1000")
    facts = replace(facts, used=f.UsedAmounts(caps={key_of(capped, facts): D(used)}))
    answer = assess(capped, facts)
    assert (answer.amount, answer.outcome) == (D(amount), outcome)
