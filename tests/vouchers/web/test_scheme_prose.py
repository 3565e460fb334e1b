"""A scheme in a visitor's words: what is paid by a verified scale is told in its unit, and as published."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.vouchers.policy.tiny import floor, rate, scheme, track
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
