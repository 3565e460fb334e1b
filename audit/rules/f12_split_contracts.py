"""F12 拆分规避：把一个项目拆成几份各自低于核查起点的合同。

方法：同一专项下，相互关联的承租方与相互关联的出租方就同一型号、在 days 天之内先后签订的合同，至少两份，每份不低于起点的 from_percent 而低于起点，合计达到起点：各份都触发，6 分。

例：起点 1,000,000 元，3 月 12 日与 21 日各签 932,921 元、917,226 元，均为 32 卡同一型号：触发。

缘由：低于起点就没有人到现场看。

排除：真正的分期（型号不同）；没有关联的企业；仅一份略低于起点。

假设：关联指有控制关系，或法定代表人、账户、电话、邮箱、地址相同（八家以上共用的不算）；起点按专项作为数据；没有起点的专项无法检验。

参数：thresholds（各专项的起点）、days（30 天）、from_percent（80%）、points（6 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.linking import components
from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.facts import MISSING, Facts

# From which contract amount a review on the spot is due: the figures of the bulk format's own schemes.
THRESHOLDS = {
    "BJ-AIQ": 1_000_000,
    "BDA-SLQ": 2_000_000,
    "SH-ZLBT": 2_000_000,
    "GZ-SLQ": 500_000,
    "SZ-XLQ": 1_000_000,
    "CD-SLQ": 1_000_000,
    "NM-JS": 2_000_000,
}


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) that together reach a threshold that each stays below."""
    leases, claims, found = facts.leases, facts.claims, Found()
    days, percent = int(parameters["days"]), int(parameters["from_percent"])
    code_of = _codes(facts)
    thresholds = {str(code): int(Decimal(str(yuan)) * 100) for code, yuan in parameters["thresholds"].items()}
    linked = components(facts, ())
    candidates: dict[tuple[str, int, int, int], list[int]] = defaultdict(list)
    for row in np.flatnonzero(leases.live == 1).tolist():
        code = code_of[row]
        threshold = thresholds.get(code)
        if threshold is None:
            found.untestable_leases.add(int(leases.id[row]))
        elif percent * threshold <= int(leases.amount[row]) * 100 and leases.amount[row] < threshold:
            lessee, lessor = linked.find(int(leases.lessee[row])), linked.find(int(leases.lessor[row]))
            candidates[code, lessee, lessor, int(leases.accelerator[row])].append(row)
    untestable = np.isin(claims.lease, list(found.untestable_leases)) | (claims.lease == MISSING)
    found.untestable_claims = {int(one) for one in claims.id[untestable]}
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(claims.lease != MISSING).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    told = [
        (cluster, thresholds[code])
        for (code, *_parties), rows in candidates.items()
        if len(rows) > 1
        for cluster in _clusters(facts, rows, days)
        if sum(int(leases.amount[row]) for row in cluster) >= thresholds[code]
    ]
    words = facts.labels("lease", leases.id[[row for cluster, _threshold in told for row in cluster]])
    for cluster, threshold in told:
        _explain(facts, found, cluster, threshold, words, claims_of)
    return found


def _codes(facts: Facts) -> dict[int, str]:
    """Row → the code of the lease's programme, for all that count: a word is asked for once a programme."""
    leases = facts.leases
    live = np.flatnonzero(leases.live == 1)
    programs = leases.program[live]
    kinds, first = np.unique(programs, return_index=True)
    asked = {int(kind): int(leases.id[live[place]]) for kind, place in zip(kinds, first, strict=True)}
    asked.pop(MISSING, None)
    alone = live[programs == MISSING]
    words = facts.labels("lease", [*asked.values(), *leases.id[alone].tolist()])
    code_of = {kind: words[lease][1].removeprefix("EX-") for kind, lease in asked.items()}
    codes = {
        row: code_of[kind]
        for row, kind in zip(live.tolist(), programs.tolist(), strict=True)
        if kind in code_of
    }
    return codes | {row: words[int(leases.id[row])][1].removeprefix("EX-") for row in alone.tolist()}


def _clusters(facts: Facts, rows: list[int], days: int) -> list[list[int]]:
    """Runs of leases of which each was signed within ``days`` of the one before it; at least two."""
    signed = facts.leases.signed_on
    ordered = sorted(rows, key=lambda row: (int(signed[row]), row))
    clusters = [[ordered[0]]]
    for row in ordered[1:]:
        if int(signed[row]) - int(signed[clusters[-1][-1]]) <= days:
            clusters[-1].append(row)
        else:
            clusters.append([row])
    return [cluster for cluster in clusters if len(cluster) > 1]


def _explain(
    facts: Facts,
    found: Found,
    cluster: list[int],
    threshold: int,
    words: dict[int, tuple[str, ...]],
    claims_of: dict[int, list[int]],
) -> None:
    leases = facts.leases
    total = sum(int(leases.amount[row]) for row in cluster)
    nos = [words[int(leases.id[row])][0] for row in cluster]
    first, last = int(leases.signed_on[cluster[0]]), int(leases.signed_on[cluster[-1]])
    ties = sorted({int(side[row]) for row in cluster for side in (leases.lessee, leases.lessor)})
    for row in cluster:
        lease = int(leases.id[row])
        for claim in claims_of.get(lease) or [None]:  # type: ignore[list-item]
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=RULE.points,
                    value=yuan_of(total),
                    threshold=yuan_of(threshold),
                    sentence=f"{day_of(first)} 至 {day_of(last)} 间，关联的承租方与同一出租方就同一型号签订 {len(cluster)} 份合同，每份均低于 "
                    f"{yuan_of(threshold)} 元的现场核查起点，合计 {yuan_of(total)} 元。",
                    counterfactual=f"若合计低于 {yuan_of(threshold)} 元，或各份为不同项目、不同型号，则不触发。",
                    evidence=tuple(f"lease:{no}" for no in nos),
                    inputs=tuple(
                        (words[int(leases.id[r])][0], int(leases.amount[r]), int(leases.signed_on[r]))
                        for r in cluster
                    ),
                    ties=tuple(ties),
                )
            )


RULE = Rule(
    id="F12",
    title="拆分规避",
    family="B",
    severity=SOFT,
    points=Decimal(6),
    legal_basis="各专项“合同金额达到规定数额的须现场核查”条款；不得以化整为零方式规避审查。",
    parameters=(
        Parameter("thresholds", THRESHOLDS, "各专项的核查起点", "元"),
        Parameter("days", 30, "签订间隔", "天", 1, 365),
        Parameter("from_percent", 80, "接近起点", "%", 50, 99),
        Parameter("points", 6, "分值", "分", 0, 10),
    ),
    find=find,
    flat_points=True,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
