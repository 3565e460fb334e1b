"""Bars stand where their figures say."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from vouchers.web.bars import HEIGHT, TOP, BarPair, bar_chart, tugs


def pairs(*values: tuple[str, str]) -> list[BarPair]:
    return [BarPair(f"{n}月", Decimal(one), Decimal(other)) for n, (one, other) in enumerate(values, start=1)]


def test_bars_are_as_tall_as_their_share_of_the_scale():
    chart = bar_chart(pairs(("1000000", "2000000"), ("0", "500000")))
    assert chart is not None
    assert chart.unit == "万元"
    assert [rung.label for rung in chart.rungs] == ["0", "50", "100", "150", "200"]
    assert [Decimal(bar.height) for bar in chart.bars] == [HEIGHT / 2, HEIGHT, 0, HEIGHT / 4]
    assert Decimal(chart.bars[1].y) == TOP


@pytest.mark.parametrize(
    ("most", "unit"), [("9999", "元"), ("10000", "万元"), ("99999999", "万元"), ("100000000", "亿元")]
)
def test_the_unit_is_the_one_that_people_would_say(most, unit):
    chart = bar_chart(pairs((most, "0"), ("0", "0")))
    assert chart is not None
    assert chart.unit == unit


def test_bars_of_a_month_do_not_touch_those_of_the_next():
    chart = bar_chart(pairs(*[("1", "2")] * 24))
    assert chart is not None
    edges = [(Decimal(bar.x.strip("%")), Decimal(bar.width.strip("%"))) for bar in chart.bars]
    assert all(left + wide <= after for (left, wide), (after, _) in pairwise(edges))
    assert edges[-1][0] + edges[-1][1] <= 100


@pytest.mark.parametrize("values", [(), (("5", "6"),), (("0", "0"), ("0", "0"))])
def test_there_is_no_chart_where_there_is_nothing_to_compare(values):
    assert bar_chart(pairs(*values)) is None


def test_gains_go_right_and_losses_left_on_one_scale():
    first, second = tugs([(Decimal(50), Decimal(100)), (Decimal(0), Decimal(25))])
    assert (first.lost_width, first.won_width) == ("24.50%", "49.00%")
    assert first.lost_x == "25.50%"
    assert (second.lost_x, second.lost_width, second.won_width) == ("50.00%", "0.00%", "12.25%")
    assert tugs([(Decimal(0), Decimal(0))])[0].won_width == "0%"
