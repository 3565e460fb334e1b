"""F14 价格离群：合同单价高于公允价格区间，而且离得很远。

方法：取合同最近一次价格核对（签订日公允价格，已回避双方所属集团）。评级 A 或 B，合同单价高于区间上限，且 z=(ln p−ln B)/(1.4826×MAD) 大于
excess_from：提示，5 分。是否核减由专项的价格条款另定，与本规则无关。

例：合同单价 31.20 元/卡时，区间 20.94–25.31，基准 23.00，MAD 0.05：z 为 4.1，触发。

缘由：抬高租金，补贴就随之抬高；差价往往回到承租方手里。

排除：含存储、网络等其他服务的合同，价格核对转人工，不触发；评级 C 以下的价格不足以说明离群。

假设：价格核对所用的采集价已经审核；没有价格核对、或评级不足的合同无法检验。

参数：excess_from（3.5）、points（5 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.facts import MISSING, Facts

GRADE_B = 2
MILLION = 1_000_000


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) whose price stands far above the band of a well-founded fair price."""
    checks, leases, claims, found = facts.price_checks, facts.leases, facts.claims, Found()
    least = Decimal(str(parameters["excess_from"])) * 1000
    firm = (checks.grade != MISSING) & (checks.grade <= GRADE_B) & (checks.excess != MISSING)
    tested = checks.lease[firm]
    found.untestable_leases = {
        int(one) for one in leases.id[(leases.live == 1) & ~np.isin(leases.id, tested)]
    }
    found.untestable_claims = {int(one) for one in claims.id[~np.isin(claims.lease, tested)]}
    high = np.flatnonzero(
        firm & (checks.above == 1) & (checks.unit_price > checks.upper) & (checks.excess > int(least))
    )
    words = facts.labels("price_check", checks.id[high])
    lease_words = facts.labels("lease", checks.lease[high])
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(np.isin(claims.lease, checks.lease[high])).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    for row in high.tolist():
        lease = int(checks.lease[row])
        at = leases.at(lease)
        if at is None:
            continue
        price, upper, base = (
            (Decimal(int(column[row])) / MILLION).quantize(Decimal("0.01"))
            for column in (checks.unit_price, checks.upper, checks.base)
        )
        excess = (Decimal(int(checks.excess[row])) / 1000).quantize(Decimal("0.01"))
        for claim in claims_of.get(lease) or [None]:  # type: ignore[list-item]
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=Decimal(str(parameters["points"])),
                    value=f"{price} 元/卡时",
                    threshold=f"{upper} 元/卡时",
                    sentence=f"合同单价 {price} 元/卡时，高于签订日公允价格区间上限 {upper} 元/卡时（基准 {base}，{int(checks.groups[row])} 个供应方），"
                    f"偏离 {excess} 个标准差。",
                    counterfactual=f"若单价不高于 {upper} 元/卡时，则不触发。",
                    evidence=(
                        f"price_check:{words[int(checks.id[row])][0]}",
                        f"lease:{lease_words[lease][0]}",
                    ),
                    inputs=(words[int(checks.id[row])][0], str(price), str(upper), str(excess)),
                    peers={"n": str(int(checks.groups[row])), "base": str(base), "upper": str(upper)},
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])),
                )
            )
    return found


RULE = Rule(
    id="F14",
    title="价格离群",
    family="B",
    severity=SOFT,
    points=Decimal(5),
    legal_basis="《价格法》第七条（公平、合法和诚实信用）；各专项“价格明显高于市场公允价格的不予支持或核减”条款。",
    parameters=(
        Parameter("excess_from", "3.5", "偏离起点", "个标准差", 2, 10),
        Parameter("points", 5, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
