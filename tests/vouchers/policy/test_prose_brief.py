"""A scheme in a visitor's words: a selection of the whole prose, never a telling of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.tiny import CITE, cap, floor, gate, rate, scheme, track
from vouchers.policy import rules
from vouchers.policy import terms as t
from vouchers.policy.documents import read_scheme, shipped_files
from vouchers.policy.prose import describe
from vouchers.policy.prose_brief import describe_briefly
from vouchers.policy.rules import Scheme

D = Decimal


def brief(one: Scheme) -> str:
    return "\n".join(said.text for section in describe_briefly(one) for said in section.sentences)


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_every_sentence_is_one_of_the_whole_prose_or_a_condition_in_the_ordinances_own_words(path):
    one = read_scheme(path.read_text(encoding="utf-8"))
    whole = {said.text for section in describe(one) for said in section.sentences}
    conditions = {f"{condition.text.rstrip('。')}。" for condition in one.gates}
    told = [said for section in describe_briefly(one) for said in section.sentences]
    assert {said.text for said in told} <= whole | conditions
    assert all(said.source for said in told), "each with its source"
    assert len(told) < len(whole)


def test_every_rate_cap_floor_and_condition_that_holds_is_told():
    for path in shipped_files():
        one = read_scheme(path.read_text(encoding="utf-8"))
        text = brief(one)
        for part in (*one.gates,):
            assert (part.text.rstrip("。") in text) == part.switched_on, (path.stem, part.code)
        for part in (*one.caps, *one.floors):
            assert (part.name in text) == part.switched_on, (path.stem, part.code)
        for part in one.papers:
            assert part.name in text, (path.stem, part.code)


def test_a_scheme_by_scale_is_told_in_its_unit():
    scaled = scheme(
        tracks=(
            track(
                basis_kinds=(t.BasisKind.DEPLOYED_CAPACITY,),
                scale_unit=t.ScaleUnit.PFLOPS,
                scale_precision=t.Precision.FP16,
                tier_mode=t.TierMode.MARGINAL,
            ),
        ),
        rates=(
            rate(None, "low", unit_amount=D(5000), band_to=D(100)),
            rate(None, "high", unit_amount=D(8000), band_from=D(100), kind=t.RateKind.CEILING),
        ),
        floors=(floor("10", t.FloorMeasure.SCALE),),
    )
    text = brief(scaled)
    assert "按核定的规模计算，以 PFLOPS、FP16/BF16 精度计" in text
    assert "5,000.00 元" in text and "8,000.00 元" in text
    assert "未公布" not in text
    assert "未公布" in brief(replace(scaled, rates=(rate(None),)))


def test_a_scheme_says_whom_a_cap_holds_and_which_step_an_amount_needs():
    whole = scheme(
        classes=(
            rules.ApplicantClass(cite=CITE, code="young", name="初创企业", registered_within_months=36),
        ),
        tracks=(
            track("a", counted_from=date(2025, 1, 1), counted_to=date(2026, 1, 1)),
            track("b", counted_to=date(2026, 1, 1)),
        ),
        track_choice=t.TrackChoice.SUM,
        caps=(
            cap("150", code="most", name="企业年度限额", waived_for=("young",)),
            cap("200", code="young", name="初创企业年度限额", classes=("young",)),
        ),
        review_steps=(
            rules.ReviewStep(cite=CITE, code="first", name="初审", role="handler", working_days=5),
            rules.ReviewStep(
                cite=CITE, code="expert", name="专家评审", role="expert", amount_from=D(500_000)
            ),
        ),
    )
    text = brief(whole)
    assert "只计自2025年1月1日起至2025年12月31日止发生的费用" in text
    assert "同时符合几个补贴方向的，相加。" in text
    assert "对初创企业不" in text or "初创企业不受此限" in text
    assert "初创企业" in text and "36 个月" in text
    assert "初审" in text and "专家评审" in text and "500,000.00 元" in text


def test_what_only_the_office_needs_and_what_the_text_leaves_open_is_not_told_to_a_visitor():
    one = scheme(
        gates=(
            gate(
                t.GateKind.ATTESTED, text="经营状况良好", question="账目是否齐全？", cure="请补充审计报告。"
            ),
            gate(t.GateKind.ATTESTED, code="off", text="已停用的条件", switched_on=False),
        ),
    )
    text = brief(one)
    assert "经营状况良好。" in text
    for hidden in ("账目是否齐全", "请补充审计报告", "已停用的条件", "无法判定的", "未规定资金不足", "舍去"):
        assert hidden not in text, hidden
    assert "账目是否齐全" in "\n".join(said.text for section in describe(one) for said in section.sentences)
