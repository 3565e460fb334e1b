"""Observations for the tests of the fair price, in one line each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from vouchers.policy.fair_price import Cell, Observation

SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = date(2025, 6, 30)
KNOWN_AT = datetime(2025, 7, 1, tzinfo=SHANGHAI)
CELL = Cell("china", "H100", "SXM", "specialist", "east", "1_6m")
_numbers = count(1)


def seen(
    source: str,
    price: str,
    *,
    kind: str = "quote",
    days_ago: int = 5,
    cell: Cell = CELL,
    region: str = "110000",
    up_days: int = 90,
    evidence: str = "imported",
    no: str = "",
    **other,
) -> Observation:
    """A quote of a source on the market for long, or a transaction; ``days_ago`` before the day of the price."""
    day = AS_OF - timedelta(days=days_ago)
    return Observation(
        observation_no=no or f"PO-{next(_numbers):06d}",
        source=source,
        kind=kind,
        cell=cell,
        region=region,
        sku=other.pop("sku", "3m"),
        unit_price=Decimal(price),
        observed_on=day,
        known_at=other.pop("known_at", datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)),
        bookable_since=day - timedelta(days=up_days)
        if kind == "quote"
        else other.pop("bookable_since", None),
        evidence=evidence if kind == "transaction" else "",
        **other,
    )


def old(*names: str) -> list[Observation]:
    """Stale quotes that only show that these sources have been on the market for long."""
    return [seen(name, "1", days_ago=150) for name in names]
