"""F28 失信主体及承继：合同一方在失信或限制名单上，或承继了名单上的主体。

方法：承租方、出租方和申领企业，在签订日、提交日、拨付日对照名单，任一日在列的为硬性。提示（6 分）：在另一主体列入名单前后 successor_months 个月内成立，且法定代表人或 25% 以上股东、地址、银行账户中至少两项与之相同。

例：2024 年 4 月 13 日至 2027 年 4 月 13 日在列，2024 年 6 月 2 日签订：硬性。2024 年 11 月 4 日移出，2025 年 3 月 25 日签订：不触发。

缘由：被限制的主体换一个名字仍应受限制。

排除：当日之前已移出或已修复的；仅与名单主体同一地址的。

假设：列入日与移出前一日都计算在内；名单以移交的为准，没有记录即未列入；没有移交任何名单的，无法检验。

参数：successor_months（24 个月）、successor_traits（2 项）、successor_points（6 分）、hub_cap（8 家）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import FAR, MISSING, Facts, groups

KINDS = {1: "严重失信主体名单", 2: "专项失信限制名单"}
TRAITS = {"representative": "法定代表人或主要股东", "address": "地址", "account": "银行账户"}


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims with a listed party, or with the successor of one."""
    claims, leases, listings, found = facts.claims, facts.leases, facts.listings, Found()
    found.untestable_claims = {int(one) for one in claims.id[claims.lease == MISSING]}
    entries: dict[int, list[int]] = defaultdict(list)
    for row in range(len(listings)):
        entries[int(listings.party[row])].append(row)
    if not facts.collected("listings"):  # no list was handed over: that nobody is on it says nothing
        found.untestable_claims = {int(one) for one in claims.id}
    if not entries:
        return found
    followers = _followers(facts, entries, parameters) if facts.whole else {}
    signed = leases.look_up("signed_on", claims.lease)
    sides = (
        leases.look_up("lessee", claims.lease),
        leases.look_up("lessor", claims.lease),
        claims.enterprise,
    )
    concerned = np.zeros(len(claims), dtype=bool)
    for side in sides:
        concerned |= np.isin(side, [*entries, *followers])
    hits: list[
        tuple[int, int, int, str, int, int]
    ] = []  # row, party, entry, moment, day; soft: entry of the other
    soft: list[tuple[int, int, tuple[int, tuple[str, ...]]]] = []
    for row in np.flatnonzero(concerned).tolist():
        days = (
            ("签订", int(signed[row])),
            ("提交", int(claims.submitted_on[row])),
            ("拨付", int(claims.paid_on[row])),
        )
        for party in dict.fromkeys(int(side[row]) for side in sides):
            listed = [
                (entry, moment, day)
                for entry in entries.get(party, ())
                for moment, day in days
                if day != MISSING and listings.starts[entry] <= day < listings.ends[entry]
            ]
            if listed:
                hits.append((row, party, *listed[0], len(listed)))
            elif party in followers:
                soft.append((row, party, followers[party]))
    _explain(facts, found, hits, soft, Decimal(str(parameters["successor_points"])))
    return found


def _followers(
    facts: Facts, entries: Mapping[int, list[int]], parameters: Mapping[str, Any]
) -> dict[int, tuple[int, tuple[str, ...]]]:
    """Party → the entry of the listed one that it follows, and the traits they share."""
    parties, held, accounts, listings = facts.parties, facts.shareholdings, facts.accounts, facts.listings
    cap, window = int(parameters["hub_cap"]), int(parameters["successor_months"]) * 30
    owners: dict[tuple[str, int], set[int]] = defaultdict(set)
    for name, who, values in (
        ("representative", parties.id, parties.legal_rep),
        ("address", parties.id, parties.address),
        ("account", accounts.party, accounts.account),
    ):
        order = np.argsort(values, kind="stable")
        for run in groups(values, order[values[order] != MISSING]):
            if len(run) <= cap:
                owners[name, int(values[run[0]])] |= {int(one) for one in who[run]}
    strong = np.flatnonzero(
        (held.percent >= 250_000) & (held.public_body != 1) & (held.holder_is_company == 0)
    )
    for row in strong.tolist():
        owners["representative", int(held.holder[row])].add(int(held.company[row]))
    shared: dict[tuple[int, int], set[str]] = defaultdict(set)
    for (name, _value), members in owners.items():
        if len(members) > cap:
            continue
        for listed in members & entries.keys():
            for other in members - {listed}:
                shared[other, listed].add(name)
    found: dict[int, tuple[int, tuple[str, ...]]] = {}
    for (other, listed), traits in shared.items():
        at = parties.at(other)
        born = int(parties.registered_on[at]) if at is not None else MISSING
        if len(traits) < int(parameters["successor_traits"]) or born == MISSING or other in entries:
            continue
        for entry in entries[listed]:
            if abs(born - int(listings.starts[entry])) <= window:
                found[other] = (entry, tuple(sorted(traits)))
    return found


def _explain(
    facts: Facts,
    found: Found,
    hits: list[tuple[int, int, int, str, int, int]],
    soft: list[tuple[int, int, tuple[int, tuple[str, ...]]]],
    points: Decimal,
) -> None:
    claims, listings = facts.claims, facts.listings
    listed = [int(listings.party[one[2][0]]) for one in soft]
    words = facts.labels("party", [*(one[1] for one in hits), *(one[1] for one in soft), *listed])
    lease_words = facts.labels("lease", claims.lease[[one[0] for one in soft]])
    for row, party, entry, moment, day, _count in hits:
        ends = int(listings.ends[entry])
        until = "至今" if ends >= FAR else f"至 {day_of(ends - 1)}"
        kind = KINDS[int(listings.kind[entry])]
        start = day_of(listings.starts[entry])
        found.hits.append(
            Hit(
                claim=int(claims.id[row]),
                lease=int(claims.lease[row]),
                severity=HARD,
                points=None,
                value=day_of(day),
                threshold=f"{start} {until}",
                sentence=f"“{words[party][1]}”自 {start} {until}列入{kind}，{moment}日 {day_of(day)} 在列。",
                counterfactual=f"若{moment}日前已移出名单或完成信用修复，则不触发。",
                evidence=(f"party:{words[party][0]}", f"listing:{words[party][0]}/{start}"),
                inputs=(words[party][0], kind, start, ends, moment, day),
                ties=(int(claims.enterprise[row]), party),
            )
        )
    for row, party, (entry, traits) in soft:
        other = int(listings.party[entry])
        told = "、".join(TRAITS[trait] for trait in traits)
        found.hits.append(
            Hit(
                claim=int(claims.id[row]),
                lease=int(claims.lease[row]) if int(claims.lease[row]) in lease_words else None,
                severity=SOFT,
                points=points,
                value=f"{len(traits)} 项",
                threshold="2 项",
                sentence=f"“{words[party][1]}”的{told}与 {day_of(listings.starts[entry])} 列入名单的“{words[other][1]}”相同，成立时间相近。",
                counterfactual="若相同之处少于两项，则不触发。",
                evidence=(
                    f"party:{words[party][0]}",
                    f"party:{words[other][0]}",
                    f"listing:{words[other][0]}/{day_of(listings.starts[entry])}",
                ),
                inputs=(words[party][0], words[other][0], *traits),
                ties=(int(claims.enterprise[row]), party, other),
            )
        )


RULE = Rule(
    id="F28",
    title="失信主体及承继",
    family="D",
    severity=HARD,
    points=Decimal(6),
    legal_basis="国务院办公厅《关于进一步完善失信约束制度构建诚信建设长效机制的指导意见》（国办发〔2020〕49号）；各专项“严重失信主体不予支持”条款。",
    parameters=(
        Parameter("successor_months", 24, "承继的时间相近", "月", 1, 60),
        Parameter("successor_traits", 2, "承继的相同项数", "项", 1, 3),
        Parameter("successor_points", 6, "承继的分值", "分", 0, 10),
        Parameter("hub_cap", 8, "枢纽上限", "家", 2, 50),
    ),
    find=find,
    page=__doc__ or "",
)
