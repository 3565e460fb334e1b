"""From a price as written to 元/卡时 without tax; or the reason why it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from vouchers.policy.prices.chips import shipped_chips
from vouchers.policy.prices.normalise import (
    Rate,
    RateTable,
    Unreadable,
    WrittenPrice,
    months_between,
    normalise,
)
from vouchers.policy.prices.regions import canonical_source, region_group, source_tier

WRITTEN = WrittenPrice(
    unit_price="22.60",
    unit="card_hour",
    accelerator="H100",
    form_factor="SXM",
    tier="specialist",
    region_code="110115",
    term_months=3,
    observed_on=date(2025, 6, 1),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "22.600000"),
        ({"unit_price": "23.956", "tax_included": True, "vat_rate": Decimal("0.06")}, "22.600000"),
        ({"unit_price": "25.538", "tax_included": True, "vat_rate": Decimal("0.13")}, "22.600000"),
        ({"unit_price": "26.442", "tax_included": True, "vat_rate": Decimal("0.17")}, "22.600000"),
        ({"vat_rate": Decimal("0.99")}, "22.600000"),  # told beside a price that holds no tax
        ({"unit_price": "16498", "unit": "card_month"}, "22.600000"),  # ÷ 730
        ({"unit_price": "131984", "unit": "server_month", "cards": 8}, "22.600000"),  # ÷ 8 ÷ 730
        ({"unit_price": "131984", "unit": "server_month"}, "22.600000"),  # cards of the registered model
        (
            {"unit_price": "548.4328614", "unit": "pflops_day", "precision": "fp16"},
            "22.600004",
        ),  # × 0.989 ÷ 24
        ({"unit_price": "10", "unit": "card_month"}, "0.013699"),  # half up
    ],
)
def test_units_and_tax(changes, expected):
    assert normalise(replace(WRITTEN, **changes)).unit_price == Decimal(expected)


def test_the_cell_is_found_with_the_price():
    result = normalise(WRITTEN)
    assert result.cell.code == "china/H100/SXM/specialist/east/1_6m"
    assert normalise(replace(WRITTEN, accelerator="昇腾910B", form_factor="", term_months=0)).cell.code == (
        "china/Ascend 910B/OAM/specialist/east/on_demand"
    )


@pytest.mark.parametrize(
    ("months", "bucket"),
    [(0, "on_demand"), (1, "to_1m"), (2, "1_6m"), (6, "1_6m"), (7, "6_24m"), (24, "6_24m"), (25, "over_24m")],
)
def test_term_buckets(months, bucket):
    assert normalise(replace(WRITTEN, term_months=months)).cell.term == bucket


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"unit": ""}, "unit.missing", "unit"),
        ({"unit": "bushel"}, "unit.unknown", "unit"),
        ({"cards": 8}, "unit.ambiguous", "cards"),
        ({"accelerator": "H999"}, "chip.unknown", "accelerator"),
        ({"accelerator": "A100"}, "chip.unknown", "accelerator"),  # 40 or 80 GB: not guessed
        ({"form_factor": ""}, "form_factor.missing", "form_factor"),
        ({"form_factor": "OAM"}, "form_factor.unknown", "form_factor"),
        ({"tier": "garage"}, "tier.unknown", "tier"),
        ({"region_code": "999999"}, "region.unknown", "region_code"),
        ({"tax_included": True}, "tax.unknown", "vat_rate"),
        ({"tax_included": True, "vat_rate": Decimal("0.18")}, "tax.unknown", "vat_rate"),
        ({"currency": "USD"}, "currency.no_rate", "currency"),
        ({"currency": ""}, "currency.unknown", "currency"),
        ({"unit": "pflops_day"}, "precision.missing", "precision"),
        ({"unit": "pflops_day", "precision": "fp4"}, "precision.unknown", "precision"),
        ({"unit_price": "0"}, "price.not_positive", "unit_price"),
        ({"unit_price": "-1"}, "price.not_positive", "unit_price"),
        ({"unit_price": "NaN"}, "price.invalid", "unit_price"),
        ({"unit_price": "Infinity"}, "price.invalid", "unit_price"),
        ({"unit_price": "面议"}, "price.invalid", "unit_price"),
        ({"unit_price": "18,5"}, "price.invalid", "unit_price"),  # 18.5 to some, 185 to others
        ({"unit_price": "1_8"}, "price.invalid", "unit_price"),
        ({"unit_price": ""}, "price.missing", "unit_price"),
        ({"unit_price": "1e12"}, "price.implausible", "unit_price"),
        ({"term_months": 601}, "term.unknown", "term_months"),
    ],
)
def test_what_cannot_be_read_says_why_and_where(changes, code, field):
    with pytest.raises(Unreadable) as refusal:
        normalise(replace(WRITTEN, **changes))
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_foreign_currency_is_converted_at_the_rate_of_its_day_and_only_for_reference():
    rates = RateTable(
        [
            Rate("USD", date(2025, 1, 1), date(2025, 6, 1), Decimal("7.2")),
            Rate("USD", date(2025, 6, 1), None, Decimal("7.1")),
        ]
    )
    result = normalise(replace(WRITTEN, unit_price="3", currency="USD"), rates=rates)
    assert (result.unit_price, result.reference_only) == (Decimal("21.300000"), True)
    earlier = replace(WRITTEN, unit_price="3", currency="USD", observed_on=date(2025, 5, 31))
    assert normalise(earlier, rates=rates).unit_price == Decimal("21.600000")


def test_precisions_are_never_converted_into_each_other():
    chips = shipped_chips()
    h100 = chips.forms("H100")["SXM"]
    assert (h100.pflops("fp16"), h100.pflops("int8")) == (Decimal("0.989"), Decimal("1.979"))
    assert chips.forms("Ascend 910C")["OAM"].pflops("int8") is None


def test_the_chip_table_tells_the_origin_by_any_spelling():
    chips = shipped_chips()
    assert {
        name: chips.origin(name) for name in ("RTX4090", "rtx 4090", "昇腾 910B", "MLU-590", "H9000")
    } == {
        "RTX4090": "foreign",
        "rtx 4090": "foreign",
        "昇腾 910B": "domestic",
        "MLU-590": "domestic",
        "H9000": None,
    }


def test_every_figure_of_the_chip_table_has_a_citation():
    from vouchers.policy.prices.regions import table

    for row in table("chips.csv"):
        assert row["citation"], row
        assert row["confidence"] in ("published", "given", "hint"), row


def test_regions_and_renamed_sources_come_from_versioned_tables():
    assert [region_group("china", code) for code in ("110115", "440300", "520000", "430100", "999999")] == [
        "east", "east", "west", "other", "",
    ]  # fmt: skip
    assert region_group("reference", "us-central1") == "americas"
    assert region_group("reference", "unspecified") == "global"
    assert canonical_source("datacrunch") == canonical_source("Verda") == "verda"
    assert canonical_source("jarvis-labs") == "jarvislabs"
    assert canonical_source(" 91110108ma01alph0y ") == "91110108MA01ALPH0Y"
    assert (source_tier("gcp"), source_tier("nobody")) == ("cloud", "")


@pytest.mark.parametrize(
    ("start", "end_before", "months"),
    [
        (date(2024, 9, 18), date(2024, 12, 18), 3),
        (date(2024, 9, 18), date(2024, 12, 19), 4),
        (date(2025, 1, 1), date(2026, 1, 1), 12),
        (date(2025, 1, 1), date(2025, 1, 5), 1),
    ],
)
def test_months_of_a_half_open_period(start, end_before, months):
    assert months_between(start, end_before) == months
