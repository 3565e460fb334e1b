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


TOTALS = [at(f"t{n}", price, source="s") for n, price in enumerate(("152", "152", "150"))]


def test_a_source_that_sends_nothing_but_totals_is_no_witness_of_its_own():
    """One such quote waits; three in one submission wait as well."""
    assert suspects([*MARKET, TOTALS[0]]) == {"t0": "unit.instance_total"}
    assert suspects([*MARKET, *TOTALS]) == dict.fromkeys(("t0", "t1", "t2"), "unit.instance_total")
    assert suspects(TOTALS, MARKET) == dict.fromkeys(("t0", "t1", "t2"), "unit.instance_total")
    parts = [at(f"p{n}", price, source="s") for n, price in enumerate(("2.3", "2.4", "2.4"))]
    assert suspects(parts, MARKET) == dict.fromkeys(("p0", "p1", "p2"), "unit.server_as_card")


def test_totals_that_outnumber_the_market_do_not_become_it():
    many = [at(f"n{n}", "152", source="s") for n in range(20)]
    assert len(suspects(many, MARKET)) == 20
    assert set(suspects([*many, *TOTALS], MARKET).values()) == {"unit.instance_total"}


def test_a_source_is_not_held_against_totals_of_its_own_that_were_admitted_before():
    assert suspects([at("x", "152", source="s")], [*MARKET, *TOTALS]) == {"x": "unit.instance_total"}
    assert suspects([at("x", "19", source="s")], [*MARKET, *TOTALS]) == {}


def test_dear_is_not_wrong():
    """A source that has always asked a good deal more than the others does not wait for it."""
    dear = [at(f"d{n}", price, source="s") for n, price in enumerate(("60", "61", "62"))]
    assert suspects(dear, MARKET) == {}
    assert suspects([at("x", "480", source="s")], [*MARKET, *dear]) == {"x": "unit.instance_total"}
