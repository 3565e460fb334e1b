"""A contract held against the fair price of its signing date, with what was known then, without the parties' own group."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.holds import place_hold
from vouchers.actions.price_book import PriceBook
from vouchers.context import Actor, acting
from vouchers.models import DeclaredAffiliation, Party, PriceCheck, ProviderAdmission
from vouchers.policy.terms import Verdict

pytestmark = pytest.mark.django_db
SIGNED = date(2025, 6, 25)


@pytest.fixture(autouse=True)
def market(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        ProviderAdmission.objects.create(
            provider=cast.provider,
            program_code="BJ-AIQ",
            batch="一",
            tier="specialist",
            effective_from=date(2025, 1, 1),
        )
        prices.load_observations(
            [*market_rows(date(2025, 6, 20)), row(cast.provider.uscc, "50", date(2025, 6, 20))]
        )
        yield


@pytest.fixture
def contract(cast):
    return prices.ContractPrice(
        subject_kind="lease",
        subject_no="L-2025-000001",
        lessee_uscc=cast.alpha.uscc,
        lessor_uscc=cast.provider.uscc,
        accelerator="H800",
        form_factor="SXM",
        region_code="110000",
        unit="card_hour",
        unit_price=Decimal("31.2"),
        signed_on=SIGNED,
        term_months=3,
        program_code="BJ-AIQ",
    )


def test_a_price_above_the_band_is_refused_with_the_sentence(cast, contract):
    check = prices.check_price(contract, above_band="refuse")
    assert (check.position, check.consequence, check.grade) == ("above", "refused", "B")
    # 17 18 18.5 19 20 21 22: base 19, quartiles 18 and 21, D = 3/38, k = 1.25 → below 10 %: φ = 10 %
    assert (check.base, check.lower, check.upper) == (Decimal(19), Decimal("17.1"), Decimal("20.9"))
    assert check.sentence == (
        "合同签订价 31.20 元/卡时（不含税），高于签订日公允价格区间上限 20.90 元/卡时，不予支持。"
        "2025年6月25日，H800 SXM／智算中心/专业商／东部枢纽／1—6个月："
        "7 个互不关联的供应方近 30 日公开报价，中位数 19.00 元/卡时，四分位 18.00—21.00，浮动 ±10%，"
        "区间 17.10—20.90，评级 B；剔除 1 条（关联方 1）；去掉任意两家变化不超过 5.3%。"
    )
    assert check.left_out == [cast.provider.uscc]
    assert prices.verify_check(check)
    facts = check.facts()
    assert (facts.verdict, facts.upper, facts.index_no) == (Verdict.ABOVE, Decimal("20.9"), check.check_no)


def test_the_same_answer_again_is_the_same_check(contract):
    first = prices.check_price(contract, above_band="refuse")
    assert prices.check_price(contract, above_band="refuse") == first
    changed = prices.check_price(replace(contract, unit_price=Decimal("19")), above_band="refuse")
    assert changed != first
    assert (changed.position, changed.consequence, changed.recognised_price) == (
        "within",
        "passed",
        Decimal(19),
    )


def test_a_tie_declared_after_the_signing_still_leaves_the_parties_group_out(cast, contract):
    prices.load_observations([row(cast.beta.uscc, "19.5", date(2025, 6, 20))])
    assert prices.price_finding(contract, above_band="refuse").row.n_groups == 8
    DeclaredAffiliation.objects.create(
        party=cast.provider, other=cast.beta, relation="sister", declared_on=date(2025, 7, 1)
    )
    check = prices.check_price(contract, above_band="refuse")
    assert (check.row["n_groups"], check.left_out) == (7, sorted([cast.provider.uscc, cast.beta.uscc]))
    assert prices.verify_check(check)
    book = prices.price_finding(contract, above_band="refuse", grounds=PriceBook())
    assert (book.row.n_groups, list(book.row.left_out)) == (7, check.left_out)


def test_who_votes_together_stays_as_of_the_signing(contract):
    both = [Party.objects.create(uscc=uscc(n), name=f"甲{n}", region_code="110000") for n in (1, 2)]
    DeclaredAffiliation.objects.create(
        party=both[0], other=both[1], relation="sister", declared_on=date(2025, 7, 1)
    )
    for grounds in (None, PriceBook()):
        finding = prices.price_finding(contract, above_band="refuse", grounds=grounds)
        assert finding.row.n_groups == 7


def test_what_was_not_known_on_the_signing_date_does_not_count(contract):
    before = prices.price_finding(contract, above_band="refuse")
    prices.load_observations([row(uscc(60 + n), "99", date(2025, 6, 26)) for n in range(9)])
    after = prices.price_finding(contract, above_band="refuse")
    assert before.row == after.row


def test_a_price_can_be_looked_at_without_keeping_anything(contract):
    finding = prices.price_finding(contract, above_band="cut")
    assert (finding.consequence, finding.recognised_price) == ("cut", Decimal("20.9"))
    assert not PriceCheck.objects.exists()


def test_units_of_the_contract_are_brought_to_card_hours(contract):
    monthly = replace(contract, unit="server_month", unit_price=Decimal("110960"))
    assert prices.price_finding(monthly, above_band="refuse").unit_price == Decimal("19.000000")


def test_the_declared_precision_decides_what_a_p_day_costs(contract):
    by_power = replace(contract, unit="pflops_day", unit_price=Decimal("450"))
    costs = {
        precision: prices.price_finding(
            replace(by_power, precision=precision), above_band="refuse"
        ).unit_price
        for precision in ("fp16", "int8")
    }
    assert costs == {"fp16": Decimal("18.543750"), "int8": Decimal("37.106250")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unit_price": None}, "price.missing"),
        ({"accelerator": "H9000"}, "chip.unknown"),
        ({"unit": ""}, "unit.missing"),
        ({"unit": "pflops_day", "unit_price": Decimal("450")}, "precision.missing"),
        ({"lessor_uscc": "91110108000000000X"}, "tier.unknown"),
        ({"term_months": 36}, "price.not_testable"),
        ({"bundled": True}, "price.bundled"),
    ],
)
def test_what_cannot_be_compared_goes_to_review_and_never_passes(contract, changes, reason):
    check = prices.check_price(replace(contract, **changes), above_band="refuse")
    assert (check.consequence, check.reason, check.recognised_price) == ("review", reason, None)
    assert check.sentence.endswith("。")
    assert prices.verify_check(check)


def test_the_check_names_the_published_row_of_its_month(cast, contract):
    issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor)
    prices.publish_index(issue, by=cast.price_publisher)
    july = replace(contract, signed_on=date(2025, 7, 15))  # the day of its publication
    check = prices.check_price(july, above_band="refuse")
    assert check.index_row.issue == issue
    for day in (SIGNED, date(2025, 7, 5)):  # of its month, but before it was out
        earlier = replace(contract, signed_on=day)
        assert prices.check_price(earlier, above_band="refuse").index_row is None


def test_a_lease_gives_its_own_facts(cast):
    class Lease:
        lease_no = "L-1"
        lessee, lessor = cast.alpha, cast.provider
        accelerator, form_factor, region_code = "H800", "SXM", "110000"
        unit, unit_price, vat_rate = "card_hour", Decimal("18"), Decimal("0.06")
        signed_on = starts_on = SIGNED
        ends_before = date(2025, 9, 25)
        program_code, bundled = "BJ-AIQ", False
        cards, quantity, amount = 8, Decimal(17664), Decimal(317952)  # 92 days

    check = prices.check_price(prices.contract_of_lease(Lease()), above_band="refuse")
    assert (check.cell, check.consequence) == ("china/H800/SXM/specialist/east/1_6m", "passed")


@pytest.fixture
def published(cast):
    """July's issue: 19.00 for the contract's cell, of the quotes of 2025-06-20."""
    issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor)
    return prices.publish_index(issue, by=cast.price_publisher)


AUGUST = date(2025, 8, 20)  # the quotes of June are stale


def test_a_cell_that_ran_dry_goes_on_with_what_was_published_for_it_and_never_refuses(contract, published):
    assert (
        prices.price_finding(replace(contract, signed_on=date(2025, 7, 5)), above_band="refuse").row.level
        == "L0"
    )
    check = prices.check_price(replace(contract, signed_on=AUGUST), above_band="refuse")
    assert (check.row["level"], check.grade, check.base) == ("L5", "D", Decimal(19))
    assert check.row["steps"] == [["L0", 0], ["L5", 1]]
    assert (check.position, check.consequence, check.recognised_price) == ("above", "review", None)
    assert "沿用上期" in check.sentence
    assert check.index_row.issue == published
    assert prices.verify_check(check)


def test_what_is_carried_moves_as_the_cells_of_its_architecture_moved_since(cast, contract):
    def hopper(day, *asked):
        rows = market_rows(day, asked)
        return [one | {"accelerator": "H100", "term_months": "3"} for one in rows]

    prices.load_observations(hopper(date(2025, 6, 20), "20", "20", "20", "20", "20"))
    issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor)
    prices.publish_index(issue, by=cast.price_publisher)
    prices.load_observations(hopper(date(2025, 8, 10), "22", "22", "22", "22", "22"))
    august = replace(contract, signed_on=AUGUST)
    finding = prices.price_finding(august, above_band="refuse")
    assert (finding.row.level, finding.row.base) == ("L5", Decimal("20.9"))  # 19 × 22 ÷ 20
    book = prices.price_finding(august, above_band="refuse", grounds=PriceBook())
    assert (book.row.level, book.row.base, book.sentence) == ("L5", finding.row.base, finding.sentence)


def test_after_six_months_nothing_is_carried_any_more(contract, published):
    late = prices.price_finding(replace(contract, signed_on=date(2026, 2, 10)), above_band="refuse")
    assert (late.row.level, late.reason) == ("none", "price.not_testable")
    assert ("L5", 7) in late.row.steps


def test_a_source_under_inquiry_is_left_out_while_it_stands_and_what_was_decided_before_stays(cast, contract):
    before = prices.check_price(contract, above_band="refuse")
    held = Party.objects.create(uscc=uscc(2), name="核查中算力", region_code="110000", is_provider=True)
    with dates.fixed(date(2025, 6, 22)):
        hold = place_hold(
            "party", held.uscc, ground="manual", sentence="报价来源核查", evidence=[], region_code="110000", party=held, by=cast.investigator
        )  # fmt: skip
    after = prices.price_finding(contract, above_band="refuse")
    assert (after.row.n_groups, after.row.exclusions["source.under_inquiry"]) == (6, 1)
    assert "来源涉案核查中 1" in after.sentence
    book = prices.price_finding(contract, above_band="refuse", grounds=PriceBook())
    assert (book.row.base, book.row.exclusions) == (after.row.base, after.row.exclusions)
    assert prices.verify_check(before) and before.row["n_groups"] == 7
    earlier = replace(contract, signed_on=date(2025, 6, 21))
    assert prices.price_finding(earlier, above_band="refuse").row.n_groups == 7
    assert hold.state == "open"
