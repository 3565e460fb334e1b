"""A scheme in a visitor's words: what is paid by a verified scale is told in its unit, and as published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tests.vouchers.policy.tiny import CITE, cap, floor, rate, scheme, track
from vouchers.policy import rules
from vouchers.policy import terms as t
from vouchers.web.scheme_prose import sections

D = Decimal


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
    text = "\n".join(one.text for section in sections(scaled) for one in section.sentences)
    assert "以已部署算力规模核定的规模（PFLOPS（FP16/BF16））为基数" in text
    assert (
        "核定规模 0 PFLOPS（FP16/BF16）至 100 PFLOPS（FP16/BF16），每 PFLOPS（FP16/BF16） 5,000.00 元" in text
    )
    assert "不超过 每 PFLOPS（FP16/BF16） 8,000.00 元" in text
    assert "不低于 10 PFLOPS（FP16/BF16）" in text
    assert "未公布" not in text
    silent = replace(scaled, rates=(rate(None),))
    assert "比例未公布" in "\n".join(one.text for section in sections(silent) for one in section.sentences)


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
    text = "\n".join(one.text for section in sections(whole) for one in section.sentences)
    assert "只计自 2025年1月1日 起至 2025年12月31日 止发生的部分" in text
    assert "只计至 2025年12月31日 止发生的部分" in text
    assert "同时符合几个补贴方向的：相加。" in text
    assert "（初创企业不受此限）" in text
    assert "（只适用于初创企业）" in text
    assert "“初创企业”指成立不超过 36 个月。" in text
    assert "初审（5 个工作日） → 专家评审（补贴 50.00 万元以上的办理）" in text
    own = replace(CITE, confidence=t.Confidence.DEMO)
    apart = replace(whole, review_steps=(replace(whole.review_steps[0], cite=own), whole.review_steps[1]))
    steps = [one for section in sections(apart) for one in section.sentences if "步：" in one.text]
    assert [one.text for one in steps] == [
        "申领第 1 步：初审（5 个工作日）。",
        "申领第 2 步：专家评审（补贴 50.00 万元以上的办理）。",
    ]
    assert [bool(one.mark) for one in steps] == [True, False]
