"""F19 零用量：付了租金，平台计量却一点没有用过。

方法：有申请的合同，平台计量的天数不少于租期的 coverage_percent，且不少于 grace_days 天（租期更短的为全部），卡时合计为零：硬性。

例：平台计量 92 天，0 卡时，三张发票申请兑付：触发。

缘由：从来没有运行过的租用，不是租用。

排除：用量低不触发：包月的合同闲置也要付租金，利用率说明不了什么；自报的用量不算计量；计量缺失较多的无法检验。

假设：平台在租期内每天计量；尚未到期的合同，待全期计量后再检验。

参数：coverage_percent（90%）、grace_days（30 天）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, Facts


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) that were metered whole and never used."""
    leases, claims, metering, found = facts.leases, facts.claims, facts.metering, Found()
    coverage, grace = int(parameters["coverage_percent"]), int(parameters["grace_days"])
    metered = (metering.lease, metering.platform_days, metering.platform_hours)
    days_of = {
        lease: (days, hours)
        for lease, days, hours in zip(*(column.tolist() for column in metered), strict=True)
    }
    terms = (leases.id, leases.ends_before - leases.starts_on)
    length_of = dict(zip(*(column.tolist() for column in terms), strict=True))
    claims_of: dict[int, list[int]] = defaultdict(list)
    rows = np.flatnonzero((claims.live == 1) & (claims.lease != MISSING))
    for lease, claim in zip(claims.lease[rows].tolist(), claims.id[rows].tolist(), strict=True):
        claims_of[lease].append(claim)
    found.untestable_claims = {int(one) for one in claims.id[claims.lease == MISSING]}
    idle: dict[int, int] = {}
    for lease, its_claims in claims_of.items():
        days, hours = days_of.get(lease, (0, 0))
        length = length_of.get(lease)
        if length is None or days < min(grace, length) or days * 100 < coverage * length:
            found.untestable_leases.add(lease)
            found.untestable_claims.update(its_claims)
        elif hours == 0:
            idle[lease] = days
    words = facts.labels("lease", idle)
    for lease, days in idle.items():
        at = leases.at(lease)
        assert at is not None
        for claim in claims_of[lease]:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=HARD,
                    points=None,
                    value="0 卡时",
                    threshold="大于 0 卡时",
                    sentence=f"合同 {words[lease][0]}（{day_of(leases.starts_on[at])} 至 {day_of(leases.ends_before[at] - 1)}）"
                    f"由平台计量 {days} 天，用量为零。",
                    counterfactual="若平台计量中有任何一天用量大于零，或计量确有缺失，则不触发。",
                    evidence=(f"lease:{words[lease][0]}", f"metering:{words[lease][0]}"),
                    inputs=(words[lease][0], days, 0),
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])),
                )
            )
    return found


RULE = Rule(
    id="F19",
    title="零用量",
    family="C",
    severity=HARD,
    points=None,
    legal_basis="各专项“以实际使用的算力为准”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("coverage_percent", 90, "计量覆盖", "%", 50, 100),
        Parameter("grace_days", 30, "起算天数", "天", 0, 180),
    ),
    find=find,
    page=__doc__ or "",
    about="lease",
)
