"""Rows of the two price files, for tests that go through the database."""

from __future__ import annotations

from datetime import date, timedelta

REFERENCE_HEADER = (
    "observed_on,source,region,accelerator_name,accelerator_count,instance_type,price_usd_per_hour_instance,"
    "price_usd_per_card_hour,pricing_kind,form_factor,zone,dataset"
)


def row(source: str, price: str, on: date, **changes: str) -> dict[str, str]:
    """A quote for H800 in 北京 for three months, per card-hour, bookable since long; ``changes`` by column."""
    return {
        "observed_on": on.isoformat(),
        "source": source,
        "kind": "quote",
        "region_code": "110000",
        "tier": "specialist",
        "accelerator": "H800",
        "form_factor": "SXM",
        "term_months": "3",
        "unit": "card_hour",
        "cards": "1",
        "precision": "",
        "unit_price": price,
        "currency": "CNY",
        "vat_rate": "0.06",
        "tax_included": "false",
        "bookable_since": (on - timedelta(days=100)).isoformat(),
        "reference": "",
        **changes,
    }


def uscc(number: int) -> str:
    """A made-up code of the right length."""
    return f"9111010800000{number:04d}X"


def market_rows(
    on: date, prices: tuple[str, ...] = ("17", "18", "18.5", "19", "20", "21", "22")
) -> list[dict[str, str]]:
    """One quote each of as many unaffiliated providers."""
    return [row(uscc(n), price, on) for n, price in enumerate(prices)]
