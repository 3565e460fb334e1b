"""F22 新设主体：签订合同或领券前不久才成立的企业。

方法：承租方或出租方的成立日在合同签订日或算力券发放日之前 days 天之内（含当日）：提示，2 分。该方是出租方、已开票不少于 least_invoices 张、且全部开在同一专项的合同之下的，分值加倍。

例：4 月 18 日成立，6 月 2 日签订租用合同：触发；成立后 181 天才签订、领券：不触发。

缘由：为套取补贴而设立的主体，往往成立不久就签约领券，除此之外没有业务。

排除：成立日早于两个日期各 days 天以上的；只有这一项提示的，从不进入复核。

假设：初创企业正是政策扶持的对象，本规则只用于排序；没有成立日的企业无法检验。

参数：days（180 天）、points（2 分）、least_invoices（3 张）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, Facts

SIDES = (("lessee", "承租方"), ("lessor", "出租方"))


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims of which a party was registered shortly before the lease was signed or the voucher issued."""
    claims, leases, parties, found = facts.claims, facts.leases, facts.parties, Found()
    days, points = int(parameters["days"]), Decimal(str(parameters["points"]))
    signed = leases.look_up("signed_on", claims.lease)
    candidates: list[tuple[int, int, str, int, int]] = []  # row, party, side, registered, moment
    tested = np.zeros(len(claims), dtype=bool)
    for name, side in SIDES:
        party = leases.look_up(name, claims.lease)
        registered = parties.look_up("registered_on", party)
        known = (party != MISSING) & (registered != MISSING)
        tested |= known
        new = np.zeros(len(claims), dtype=bool)
        moment = np.full(len(claims), MISSING, dtype=np.int64)
        for day in (claims.voucher_on, signed):
            near = (
                known
                & (day != MISSING)
                & (registered <= day)
                & (day - np.where(known, registered, 0) <= days)
            )
            moment = np.where(near, day, moment)
            new |= near
        candidates += [
            (row, int(party[row]), side, int(registered[row]), int(moment[row]))
            for row in np.flatnonzero(new).tolist()
        ]
    found.untestable_claims = {int(one) for one in claims.id[~tested]}
    only = _only_business(
        facts, {one[1] for one in candidates if one[2] == "出租方"}, int(parameters["least_invoices"])
    )
    words = facts.labels("party", {one[1] for one in candidates})
    nos = facts.labels("lease", {int(claims.lease[one[0]]) for one in candidates})
    told: set[int] = set()
    for row, who, side, registered_on, on in sorted(
        candidates, key=lambda one: (one[0], one[1] not in only, one[2])
    ):
        if row in told:  # a claim is flagged once, by the graver side
            continue
        told.add(row)
        doubled = who in only
        lease = int(claims.lease[row])
        age = on - registered_on
        found.hits.append(
            Hit(
                claim=int(claims.id[row]),
                lease=lease,
                severity=SOFT,
                points=points * 2 if doubled else points,
                value=f"{age} 天",
                threshold=f"{days} 天",
                sentence=f"{side}“{words[who][1]}”于 {day_of(registered_on)} 成立，{age} 天后（{day_of(on)}）签约或领券"
                + ("；其已开具的发票全部属于同一专项的合同。" if doubled else "。"),
                counterfactual=f"若成立日早于签约与领券 {days} 天以上，则不触发。",
                evidence=(f"party:{words[who][0]}", f"lease:{nos[lease][0]}"),
                inputs=(words[who][0], registered_on, on, doubled),
                ties=(),
            )
        )
    return found


def _only_business(facts: Facts, parties: set[int], least: int) -> set[int]:
    """Sellers whose invoices, ``least`` or more, all stand under leases of one programme."""
    if not parties:
        return set()
    invoices, leases = facts.invoices, facts.leases
    code_of = dict(zip(facts.parties.id.tolist(), facts.parties.uscc.tolist(), strict=True))
    codes = {code_of[one]: one for one in parties if one in code_of}
    rows = np.flatnonzero(np.isin(invoices.seller, sorted(codes)) & (invoices.red_of == MISSING))
    program = leases.look_up("program", invoices.lease[rows])
    kinds: dict[int, list[int]] = defaultdict(list)
    for code, one in zip(invoices.seller[rows].tolist(), program.tolist(), strict=True):
        kinds[codes[code]].append(one)
    return {
        party
        for party, programs in kinds.items()
        if len(programs) >= least and len(set(programs)) == 1 and programs[0] != MISSING
    }


RULE = Rule(
    id="F22",
    title="新设主体",
    family="D",
    severity=SOFT,
    points=Decimal(2),
    legal_basis="各专项“申报单位应当依法设立、正常经营”条款；仅供排序，不构成不予支持的理由。",
    parameters=(
        Parameter("days", 180, "成立不久", "天", 30, 730),
        Parameter("points", 2, "分值", "分", 0, 4),
        Parameter("least_invoices", 3, "认定唯一业务的最少发票", "张", 1, 50),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
)
