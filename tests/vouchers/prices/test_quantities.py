"""Who tells the price tells the quantity too: what the cards can run in the term bounds it, and so does the amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from vouchers.policy.prices.quantities import Extent, capacity, comes_to, doubt_of, least_price

YEAR = Extent(
    quantity=Decimal("1121280"),
    amount=Decimal("21304320"),
    cards=128,
    starts_on=date(2025, 3, 1),
    ends_before=date(2026, 3, 1),
)
PRICE, UPPER = Decimal(19), Decimal("20.90")


def doubt(extent: Extent, *, unit: str = "card_hour", price: str | Decimal = PRICE, upper=UPPER):
    return doubt_of(extent, unit=unit, unit_price=Decimal(price), cards_per_server=8, upper=upper)


def test_a_contract_that_lets_what_its_cards_can_run_is_taken_at_its_word():
    assert doubt(YEAR) is None
    half = replace(YEAR, quantity=YEAR.quantity / 2, amount=YEAR.amount / 2)
    assert doubt(half) is None


@pytest.mark.parametrize(
    ("unit", "cards", "most"),
    [
        ("card_hour", 128, Decimal(128 * 24 * 365)),
        ("card_month", 128, Decimal(128 * 12)),
        ("server_month", 128, Decimal(16 * 12)),
        ("server_month", 9, Decimal(2 * 12)),  # a broken server is one
        ("pflops_day", 128, None),  # no precision is told
        ("card_hour", None, None),
    ],
)
def test_what_cards_can_run_in_a_year(unit, cards, most):
    assert capacity(replace(YEAR, cards=cards), unit, 8) == most


def test_a_broken_month_counts_as_one_of_the_quantity_but_not_of_the_hours():
    broken = Extent(Decimal(256), Decimal(256 * 13870), 128, date(2025, 3, 1), date(2025, 4, 2))
    assert capacity(broken, "card_month", 8) == 256
    # 32 days have 768 hours: two months' rent for them is 36.12 a card-hour, whatever is told
    assert least_price(broken, "card_month") == Decimal("36.119792")
    assert doubt(broken, unit="card_month", price="13870").code == "price.amount_above_band"
    assert doubt(broken, unit="card_month", price="13870", upper=None) is None


def test_a_short_month_is_no_dearer_than_a_month_is():
    """February has 672 hours; months are compared as of 730."""
    february = Extent(Decimal(128), Decimal(128) * 15257, 128, date(2025, 2, 1), date(2025, 3, 1))
    assert least_price(february, "card_month") == UPPER
    assert doubt(february, unit="card_month", price="15257") is None


def test_a_price_beside_no_quantity_is_a_claim():
    found = doubt(replace(YEAR, quantity=None, amount=Decimal(90_000_000)))
    assert found.code == "price.quantity_missing"
    assert found.sentence == (
        "合同未填写数量，无法核对单价与合同金额是否相符，请按合同补填数量（卡时）"
        "；合同金额按 128 卡、租期 365 日满负荷折算，每卡时仍合 80.27 元，高于公允价格区间上限 20.90 元"
    )
    assert "满负荷" not in doubt(replace(YEAR, quantity=None)).sentence
    assert doubt(replace(YEAR, quantity=None), unit="pflops_day").code == "price.quantity_missing"


def test_more_than_the_cards_can_run_is_a_doubt_by_the_last_hour():
    over = replace(YEAR, quantity=YEAR.quantity + 1)
    assert doubt(over).code == "price.over_capacity"
    fourfold = replace(YEAR, quantity=Decimal("4736842.1053"), amount=Decimal(90_000_000))
    assert doubt(fourfold).sentence == (
        "合同数量 4,736,842.1053 卡时，多于 128 卡在租期 365 日内最多可提供的 1,121,280 卡时，请对照合同核对数量、卡数和起止日"
        "；合同金额按 128 卡、租期 365 日满负荷折算，每卡时仍合 80.27 元，高于公允价格区间上限 20.90 元"
    )
    servers = replace(YEAR, quantity=Decimal(193), amount=Decimal(193) * 110960)
    assert doubt(servers, unit="server_month", price="110960").code == "price.over_capacity"
    cards = replace(YEAR, quantity=Decimal(1537), amount=Decimal(1537) * 13870)
    assert doubt(cards, unit="card_month", price="13870").code == "price.over_capacity"


def test_price_times_quantity_is_the_amount_but_for_rounding():
    assert doubt(replace(YEAR, amount=Decimal(90_000_000))).code == "price.arithmetic"
    assert comes_to(PRICE, Decimal(100), Decimal("1909.5"))  # half a per cent
    assert not comes_to(PRICE, Decimal(100), Decimal("1910"))
    assert comes_to(PRICE, Decimal(1), Decimal(20)) and not comes_to(PRICE, Decimal(1), Decimal("20.01"))


def test_without_cards_nobody_can_say_what_a_quantity_takes():
    assert doubt(replace(YEAR, cards=None)).code == "price.cards_missing"


def test_a_power_contract_is_bounded_by_its_amount_alone():
    """P·天 say nothing of cards; the cards' hours do."""
    by_power = replace(YEAR, quantity=Decimal(1000), amount=Decimal(90_000_000))
    assert doubt(by_power, unit="pflops_day", price="90000").code == "price.amount_above_band"
    assert doubt(replace(by_power, amount=Decimal(20_000_000)), unit="pflops_day", price="20000") is None
