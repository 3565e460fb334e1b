"""F29 申报终端同源：互不相干的企业，短时间内由同一终端或同一电话申报。

方法：least 家以上互不关联的企业在 hours 小时之内，从同一设备指纹或以同一经办电话提交申领或兑付申请：各件提示，3 分。

例：三天之内，四家没有关联的企业的申请出自同一台电脑：触发；三家，或第四家在 72 小时之后：不触发。

缘由：多家企业其实由一个人操作，是团伙骗补的常见痕迹。

排除：关联企业之间（同一集团由一处申报）只算一家；已声明委托代理的企业；同一终端累计申报超过 hub_cap 家企业的，是代理机构或公用终端，应当登记后另行比较其被退率。

假设：设备指纹由申报页面采集；没有指纹也没有电话的申请无法检验；不用网络地址，园区的出口地址为众多企业共用。

参数：least（4 家）、hours（72 小时）、hub_cap（8 家）、points（3 分）。
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.linking import components
from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.facts import MISSING, RELATIONS, Facts, groups

HOUR = 3_600_000_000
TRACES = (("device", "设备指纹"), ("phone", "经办电话"))


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims that were filed, or whose voucher was applied for, from where unrelated enterprises file."""
    claims, filings, found = facts.claims, facts.filings, Found()
    traced = (filings.device != MISSING) | (filings.phone != MISSING)
    tested = set(filings.claim[traced].tolist())
    found.untestable_claims = {int(one) for one in claims.id} - tested
    if not facts.whole:
        found.untestable_claims = {int(one) for one in claims.id}
        return found
    linked = components(facts, ())
    declared = facts.declared
    agents = declared.relation == RELATIONS["agent"]
    represented = set(declared.party[agents].tolist()) | set(declared.other[agents].tolist())
    hidden = np.isin(filings.enterprise, sorted(represented))
    told: dict[int, tuple[str, tuple[int, ...]]] = {}
    for trace, title in TRACES:
        column = getattr(filings, trace)
        order = np.lexsort((filings.filed_at, column))
        for run in groups(column, order[(column[order] != MISSING) & ~hidden[order]]):
            everyone = set(filings.enterprise[run].tolist())
            if not int(parameters["least"]) <= len(everyone) <= int(parameters["hub_cap"]):
                continue
            for burst in _bursts(filings, run, linked, parameters):
                enterprises = tuple(sorted({int(one) for one in filings.enterprise[burst]}))
                for row in burst.tolist():
                    for claim in _claims(claims, filings, row):
                        if claim not in told:
                            told[claim] = (title, enterprises)
    _explain(facts, found, told, parameters)
    return found


def _bursts(filings: Any, run: np.ndarray, linked: Any, parameters: Mapping[str, Any]) -> list[np.ndarray]:
    """Windows of ``hours`` in which ``least`` unrelated enterprises file; a run is in the order of time."""
    width, least = int(parameters["hours"]) * HOUR, int(parameters["least"])
    instants = filings.filed_at[run]
    ends = np.searchsorted(instants, instants + width, side="right")
    bursts = []
    for start, end in enumerate(ends.tolist()):
        if end - start < least:
            continue
        window = run[start:end]
        if len({linked.find(int(one)) for one in filings.enterprise[window]}) >= least:
            bursts.append(window)
    return bursts


def _claims(claims: Any, filings: Any, row: int) -> list[int]:
    if filings.claim[row] != MISSING:
        return [int(filings.claim[row])]
    mine = (claims.enterprise == filings.enterprise[row]) & (claims.program == filings.program[row])
    return [int(one) for one in claims.id[mine]]


def _explain(
    facts: Facts, found: Found, told: Mapping[int, tuple[str, tuple[int, ...]]], parameters: Mapping[str, Any]
) -> None:
    claims = facts.claims
    words = facts.labels("claim", told)
    names = facts.labels("party", {one for _title, some in told.values() for one in some})
    least, hours = int(parameters["least"]), int(parameters["hours"])
    for claim in sorted(told):
        title, enterprises = told[claim]
        at = claims.at(claim)
        if at is None:
            continue
        lease = int(claims.lease[at])
        found.hits.append(
            Hit(
                claim=claim,
                lease=None if lease == MISSING else lease,
                severity=SOFT,
                points=Decimal(str(parameters["points"])),
                value=f"{len(enterprises)} 家",
                threshold=f"{least} 家",
                sentence=f"{len(enterprises)} 家企业在 {hours} 小时之内以同一{title}申报："
                + "、".join(names[one][1] or names[one][0] for one in enterprises[:6])
                + ("等。" if len(enterprises) > 6 else "。"),
                counterfactual=f"若 {hours} 小时内互不关联的企业少于 {least} 家，或已登记委托同一代理机构，则不触发。",
                evidence=(f"claim:{words[claim][0]}", *(f"party:{names[one][0]}" for one in enterprises)),
                inputs=(title, *(names[one][0] for one in enterprises)),
                ties=enterprises,
                told=f"本申请与其他企业的申请在 {hours} 小时之内以同一{title}提交。",
            )
        )


RULE = Rule(
    id="F29",
    title="申报终端同源",
    family="D",
    severity=SOFT,
    points=Decimal(3),
    legal_basis="各专项“申报单位应当自行如实申报”条款；委托代理申报的应当登记代理机构。",
    parameters=(
        Parameter("least", 4, "最少企业", "家", 2, 30),
        Parameter("hours", 72, "时间窗", "小时", 1, 720),
        Parameter("hub_cap", 8, "公用终端起点", "家", 4, 500),
        Parameter("points", 3, "分值", "分", 0, 10),
    ),
    find=find,
    ascending=(("least", "hub_cap"),),
    page=__doc__ or "",
    at_screening=False,
)
