"""Figures and dates as people read them (look.md: Words)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from vouchers.web.wording import (
    date_text,
    instant_text,
    money_text,
    plain_number,
    price_text,
    rate_text,
    until_text,
    wan_text,
)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Decimal("1234567.89"), "1,234,567.89"),
        ("0", "0.00"),
        (Decimal("-300.5"), "-300.50"),
        (None, "—"),
        ("", "—"),
        (1.1, "—"),
    ],
)
def test_an_amount_has_separators_and_two_places_and_a_float_is_no_amount(amount, written):
    assert money_text(amount) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("9999.99", "9,999.99 元"),
        ("10000", "1.00 万元"),
        ("7048400", "704.84 万元"),
        ("99999950.00", "1.00 亿元"),
        ("1825000000", "18.25 亿元"),
        ("-20000000", "-2,000.00 万元"),
    ],
)
def test_a_summary_is_written_in_wan_or_yi(amount, written):
    assert wan_text(amount) == written


def test_rates_prices_and_quantities_drop_the_zeros_that_carry_nothing():
    assert rate_text(Decimal("0.200000")) == "20%"
    assert rate_text("0.125") == "12.5%"
    assert price_text("31.200000") == "31.20"
    assert price_text("25.312500") == "25.3125"
    assert plain_number("2048.0") == "2,048"


def test_dates_are_chinese_and_instants_carry_minutes_in_the_offices_time_zone():
    assert date_text(date(2025, 10, 21)) == "2025年10月21日"
    assert instant_text(datetime(2025, 10, 21, 6, 5, tzinfo=UTC)) == "2025年10月21日 14:05"
    assert date_text(datetime(2025, 10, 21, 17, 0, tzinfo=UTC)) == "2025年10月22日"
    assert date_text("2025-10-21") == "2025年10月21日"
    assert date_text(None) == "—"


def test_what_remains_of_a_term_is_told_in_working_days():
    day = date(2025, 10, 21)
    assert until_text(day, day, 0) == "今日到期"
    assert until_text(date(2025, 10, 24), day, 3) == "还剩 3 个工作日"
    assert until_text(date(2025, 10, 17), day, -2) == "已超期 2 个工作日"
