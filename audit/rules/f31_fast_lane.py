"""F31 审核集中或畸快：某一审核人对某一出租方或企业的申请，核准得与众不同。

方法：在同一专项内，按审核人与出租方、审核人与企业各为一组。畸快：至少 least_fast 件，全部核准，从提交到决定的中位时间短于本专项的 fast_percent 分位。集中：该方至少 least_share 件，其中由该审核人核准的达到 share_percent，按其在本专项的份额随机得此结果的概率低于千分之一，且用时不到通常的四分之一。5 分，先送廉政核查。

例：某审核人对某出租方的六件申请，提交后半小时至十一小时内全部核准，本专项通常为十一天：触发。

缘由：被买通的人只对某些名字放行。

排除：按分工专办某类事项、用时正常的审核人；偶尔很快办结的小额申请。

假设：提交与决定的时间由系统记录；没有决定或审核人的申请无法检验。

参数：least_fast（5 件）、fast_percent（5%）、least_share（10 件）、share_percent（60%）、points（5 分）。
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.facts import MISSING, Facts

HOUR = 3_600_000_000
RARE = 0.001
LEAST_IN_PROGRAMME = 30


@dataclass(frozen=True)
class Pace:
    """How fast a programme decides: hours at the percentile and at the median, and by how many claims that is known."""

    fast: float
    median: float
    count: int


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims that one reviewer cleared as nobody else's are."""
    claims, found = facts.claims, Found()
    decided = (claims.decided_at != MISSING) & (claims.submitted_at != MISSING) & (claims.reviewer != MISSING)
    found.untestable_claims = {int(one) for one in claims.id[~decided]}
    if not facts.whole:
        found.untestable_claims = {int(one) for one in claims.id}
        return found
    hours = np.where(decided, (claims.decided_at - claims.submitted_at) / HOUR, 0.0)
    lessor = facts.leases.look_up("lessor", claims.lease)
    for program in np.unique(claims.program[decided]).tolist():
        rows = np.flatnonzero(decided & (claims.program == program))
        if len(rows) < LEAST_IN_PROGRAMME:
            found.untestable_claims |= {int(one) for one in claims.id[rows]}
            continue
        pace = Pace(
            float(np.percentile(hours[rows], float(parameters["fast_percent"]))),
            float(np.median(hours[rows])),
            len(rows),
        )
        for side, party in (("出租方", lessor), ("申领企业", claims.enterprise)):
            _programme(facts, found, rows, hours, party, side, pace, parameters)
    return found


def _programme(
    facts: Facts,
    found: Found,
    rows: np.ndarray,
    hours: np.ndarray,
    party: np.ndarray,
    side: str,
    pace: Pace,
    parameters: Mapping[str, Any],
) -> None:
    claims = facts.claims
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    of_party: dict[int, int] = defaultdict(int)
    of_reviewer: dict[int, int] = defaultdict(int)
    for row in rows.tolist():
        if party[row] != MISSING:
            pairs[int(claims.reviewer[row]), int(party[row])].append(row)
            of_party[int(party[row])] += 1
        of_reviewer[int(claims.reviewer[row])] += 1
    told = {hit.claim for hit in found.hits}
    for (reviewer, one), mine in pairs.items():
        if len(mine) < int(parameters["least_fast"]):
            continue
        approved = [row for row in mine if claims.approved[row] == 1]
        fast = [row for row in approved if hours[row] < pace.fast]
        total, share = of_party[one], of_reviewer[reviewer] / pace.count
        median = float(np.median(hours[mine]))
        speed = (
            len(fast) >= int(parameters["least_fast"]) and len(approved) == len(mine) and median < pace.fast
        )
        # The fast ones may stand among others of the same pair: then they are judged by themselves.
        burst = len(fast) >= int(parameters["least_fast"]) and tail(len(mine), len(fast), 0.05) < RARE
        concentrated = (
            total >= int(parameters["least_share"])
            and len(approved) * 100 >= int(parameters["share_percent"]) * total
            and tail(total, len(approved), share) < RARE
            and median * 4 < pace.median
        )
        flagged = mine if speed or concentrated else fast if burst else []
        if flagged:
            _explain(
                facts,
                found,
                [row for row in flagged if int(claims.id[row]) not in told],
                hours,
                one,
                side,
                pace,
                total,
            )


def tail(count: int, least: int, chance: float) -> float:
    """The probability of ``least`` or more successes out of ``count`` by chance."""
    chance = min(max(chance, 1e-12), 1 - 1e-12)
    return sum(
        math.exp(
            math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
            + k * math.log(chance) + (count - k) * math.log(1 - chance)
        )
        for k in range(least, count + 1)
    )  # fmt: skip


def _explain(
    facts: Facts,
    found: Found,
    rows: list[int],
    hours: np.ndarray,
    party: int,
    side: str,
    pace: Pace,
    total: int,
) -> None:
    claims = facts.claims
    if not rows:
        return
    words = facts.labels("claim", claims.id[rows])
    name = facts.labels("party", [party])[party]
    median = Decimal(str(round(float(np.median(hours[rows])), 1)))
    usual = Decimal(str(round(pace.median, 1)))
    evidence = (*(f"claim:{words[int(claims.id[row])][0]}" for row in rows), f"party:{name[0]}")
    reviewer = words[int(claims.id[rows[0]])][4]
    for row in rows:
        found.hits.append(
            Hit(
                claim=int(claims.id[row]),
                lease=None,
                severity=SOFT,
                points=RULE.points,
                value=f"{median} 小时",
                threshold=f"{Decimal(str(round(pace.fast, 1)))} 小时",
                sentence=f"审核人 {reviewer} 对{side}“{name[1]}”的 {len(rows)} 件申请（该{side}在本专项共 {total} 件）从提交到核准的中位时间为 "
                f"{median} 小时，本专项通常为 {usual} 小时。",
                counterfactual=f"若中位时间不短于 {Decimal(str(round(pace.fast, 1)))} 小时，或分派规则指定由其专办，则不触发。",
                evidence=evidence,
                inputs=(reviewer, name[0], *(words[int(claims.id[one])][0] for one in rows)),
                peers={"n": str(pace.count), "median": str(usual)},
                ties=(int(claims.enterprise[row]), party),
            )
        )


RULE = Rule(
    id="F31",
    title="审核集中或畸快",
    family="E",
    severity=SOFT,
    points=Decimal(5),
    legal_basis="《行政许可法》《政府信息公开条例》所要求的公正办理；各地内部控制规范“审核人员轮换与回避”条款。",
    parameters=(
        Parameter("least_fast", 5, "畸快的最少件数", "件", 3, 50),
        Parameter("fast_percent", 5, "畸快的分位", "%", 1, 25),
        Parameter("least_share", 10, "集中的最少件数", "件", 5, 100),
        Parameter("share_percent", 60, "集中的比例", "%", 30, 100),
        Parameter("points", 5, "分值", "分", 0, 10),
    ),
    find=find,
    flat_points=True,
    page=__doc__ or "",
    at_screening=False,
)
