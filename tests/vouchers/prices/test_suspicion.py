"""What a feed's rows betray beside their neighbours waits for a person."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vouchers.policy.prices.suspicion import Seen, suspects

PRODUCT = ("H800", "SXM", "")


def at(key: str, price: str, *, source: str = "", cards: int = 8, written: str = "") -> Seen:
    return Seen(key, source or key, PRODUCT, Decimal(price), Decimal(written or price), cards)


MARKET = [at(f"m{n}", price) for n, price in enumerate(("16", "17", "18", "18.5", "19", "20", "21"))]


@pytest.mark.parametrize(
    ("price", "cards", "reason"),
    [
        ("144", 8, "unit.instance_total"),  # 8 × 18
        ("100", 8, "unit.instance_total"),
        ("2.3", 8, "unit.server_as_card"),
        ("45", 8, None),  # dear, but no instance's total: for the outlier pass
        ("36", 2, None),  # twice the price says nothing of two cards
        ("400", 8, "price.implausible"),
        ("0.5", 1, "price.implausible"),
        ("1", 1, None),
    ],
)
def test_a_price_far_from_the_market(price, cards, reason):
    found = suspects([*MARKET, at("x", price, cards=cards)])
    expected = {} if reason is None else {"x": reason}
    if price == "1":
        expected = {"x": "price.placeholder"}
    assert found == expected


def test_the_sources_own_history_is_asked_first():
    own = [at(f"o{n}", price, source="s") for n, price in enumerate(("30", "31", "30"))]
    assert suspects([*MARKET, *own, at("x", "240", source="s")]) == {"x": "unit.instance_total"}


def test_a_round_price_that_fits_the_market_is_no_placeholder():
    cheap = [
        Seen(f"c{n}", f"c{n}", ("A6000", "PCIe", ""), Decimal(p), Decimal(p), 1)
        for n, p in enumerate(("0.45", "0.5", "0.49", "0.6", "0.5"))
    ]
    assert suspects(cheap) == {}


def test_five_prices_are_needed_to_speak_of_a_market():
    assert suspects([*MARKET[:3], at("x", "144")]) == {}
