"""The pre-check asks for what the scheme's rules rest on, and for nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.vouchers.policy.tiny import rate, scheme
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.policy import terms as t
from vouchers.policy.assess import assess
from vouchers.policy.rules import PriceRule, Scheme
from vouchers.web.public.precheck import PrecheckForm

BY_ORIGIN = scheme(
    rates=(
        rate("0.2", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,)),
        rate("0.1", "foreign", chip_origins=(t.ChipOrigin.FOREIGN,)),
    )
)


def filled(one: Scheme, **typed: str) -> PrecheckForm:
    return PrecheckForm({"amount": "1,000,000"} | typed, scheme=one)


@pytest.mark.parametrize(("origin", "amount"), [("domestic", "200000.00"), ("foreign", "100000.00")])
def test_where_the_rate_depends_on_the_cards_origin_it_is_asked_plainly(origin, amount):
    form = filled(BY_ORIGIN, chip_origin=origin)
    assert form.is_valid(), form.errors
    assert "accelerator" not in form.fields, "no model is needed to say where the card comes from"
    assert assess(BY_ORIGIN, form.facts(BY_ORIGIN)).amount == Decimal(amount)


def test_an_origin_that_is_left_open_counts_at_the_least(db):
    form = filled(BY_ORIGIN)
    assert form.is_valid() and assess(BY_ORIGIN, form.facts(BY_ORIGIN)).amount == Decimal("100000.00")


def test_where_nothing_rests_on_the_origin_nobody_is_asked():
    assert "chip_origin" not in filled(scheme()).fields


def test_a_model_tells_its_origin_and_what_contradicts_it_is_said_beside_the_field(db):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    one = scheme(
        rates=BY_ORIGIN.rates,
        price=PriceRule(cite=BY_ORIGIN.cite, above_band=t.AboveBand.CUT),
    )
    known = filled(one, accelerator="H800")
    assert known.is_valid(), known.errors
    assert known.facts(one).contracts[0].chip_origin is t.ChipOrigin.FOREIGN
    contrary = filled(one, accelerator="H800", chip_origin="domestic")
    assert not contrary.is_valid() and "H800" in contrary.errors["chip_origin"][0]
