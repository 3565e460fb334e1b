"""The verdict on a contract's price and the sentence that is read."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, seen
from vouchers.policy.fair_price import auditor_sentence, fair_price, verdict


def row(names="abcde", prices=("20", "21", "22", "24", "26"), **more):
    observations = [seen(name, price) for name, price in zip(names, prices, strict=True)]
    observations += more.pop("also", [])
    return fair_price(CELL, observations, as_of=AS_OF, known_at=KNOWN_AT, **more)


def test_the_sentence_tells_n_median_quartiles_band_grade_and_exclusions():
    also = [
        seen("x", "22", state="quarantined", reason="unit.missing"),
        seen("y", "22", state="quarantined", reason="unit.unknown"),
        seen("z", "22"),
    ]
    told = auditor_sentence(row(also=also, left_out=["z"]))
    assert told == (
        "2025年6月30日，H100 SXM／智算中心/专业商／东部枢纽／1—6个月："
        "5 个互不关联的供应方近 30 日公开报价，中位数 22.00 元/卡时，四分位 21.00—24.00，"
        "浮动 ±10.2%，区间 19.75—24.25，评级 C；剔除 3 条（单位不明 2、关联方 1）；去掉任意两家变化不超过 9.1%。"
    )


@pytest.mark.parametrize(
    ("price", "above_band", "position", "consequence", "recognised"),
    [
        ("22", "refuse", "within", "passed", "22"),
        ("24.250006", "refuse", "within", "passed", "24.250006"),
        ("24.250007", "refuse", "above", "refused", None),
        ("31.2", "refuse", "above", "refused", None),
        ("31.2", "cut", "above", "cut", "24.250006"),
        ("31.2", "review", "above", "review", None),
        ("31.2", "none", "above", "passed", "31.2"),
        ("19.749994", "refuse", "within", "passed", "19.749994"),
        ("15", "refuse", "below", "passed", "15"),
    ],
)
def test_what_lies_above_is_refused_cut_or_reviewed_as_the_scheme_says(
    price, above_band, position, consequence, recognised
):
    answer = verdict(Decimal(price), row(), above_band)
    assert (answer.position, answer.consequence) == (position, consequence)
    assert answer.recognised_price == (None if recognised is None else Decimal(recognised))


def test_the_refusal_names_both_prices():
    answer = verdict(Decimal("31.2"), row(), "refuse")
    assert answer.sentence.startswith(
        "合同签订价 31.20 元/卡时（不含税），高于签订日公允价格区间上限 24.25 元/卡时，不予支持。2025年6月30日，"
    )
    assert answer.reason == "price.above_band"


def test_two_prices_that_differ_also_look_different():
    answer = verdict(Decimal("24.250007"), row(), "refuse")
    assert "24.250007 元/卡时（不含税），高于签订日公允价格区间上限 24.250006 元/卡时" in answer.sentence


@pytest.mark.parametrize("above_band", ["refuse", "cut"])
def test_grades_d_and_e_and_unconfirmed_rows_never_refuse_or_cut(above_band):
    for changed in ({"grade": "D"}, {"grade": "E"}, {"under_confirmation": True}):
        answer = verdict(Decimal("31.2"), replace(row(), **changed), above_band)
        assert (answer.consequence, answer.recognised_price) == ("review", None)


def test_no_price_is_not_testable_and_never_a_pass():
    answer = verdict(Decimal("22"), row("abcd", ("20", "21", "22", "24")), "refuse")
    assert (answer.position, answer.consequence, answer.reason) == ("unknown", "review", "price.not_testable")
    assert "供应方不足" in answer.sentence


def test_robust_z_only_for_grades_a_and_b():
    graded = row("abcdefg", ("20", "21", "21.5", "22", "22.5", "23", "24"))
    assert graded.grade == "B"
    assert verdict(Decimal("31.2"), graded, "refuse").excess_z > Decimal("3.5")
    assert verdict(Decimal("31.2"), row(), "refuse").excess_z is None


@pytest.mark.parametrize("price", ["0", "-1", "NaN"])
def test_a_price_that_is_none_is_not_judged(price):
    with pytest.raises(ValueError, match="大于零"):
        verdict(Decimal(price), row(), "refuse")
    with pytest.raises(ValueError, match="处理方式"):
        verdict(Decimal("1"), row(), "forgive")
