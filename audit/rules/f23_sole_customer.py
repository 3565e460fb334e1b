"""F23 单一客户供应商：出租方的收入几乎全部来自一家客户，或几乎全部来自补贴。

方法：出租方所开的正常发票不少于 least_invoices 张、首末开票日相隔不少于 least_days 天，其中开给同一承租方集团的金额达到 customer_percent（提示落在与该集团的合同上），或开在已有兑付申请的合同之下的金额达到 subsidy_percent（提示落在其全部合同上）：提示，4 分。

例：某出租方八个月开出六张发票共 600 万元，其中 540 万元开给同一家企业：触发。

缘由：只为一家客户或只为补贴而存在的出租方，价格和用量都由双方说了算。

排除：已声明为他人分支机构、子公司的新设区域中心；红字发票及被其冲销的发票。

假设：移交的发票包括出租方的全部算力收入；张数或时间不足的无法检验。

参数：customer_percent（80%）、subsidy_percent（95%）、least_invoices（5 张）、least_days（180 天）、points（4 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.linking import components
from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, yuan_of
from audit.rules.facts import MISSING, RELATIONS, STATUS, Facts
from audit.rules.spread import claims_on, live_leases, untested_claims


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) of lessors who live on one customer, or on the subsidy."""
    leases, found = facts.leases, Found()
    rows = live_leases(facts)
    if not facts.whole:
        found.untestable_leases = {int(one) for one in leases.id[rows]}
        found.untestable_claims = {int(one) for one in facts.claims.id}
        return found
    linked = components(facts, ())
    revenue = _revenue(facts)
    claimed = set(facts.claims.lease[facts.claims.live == 1].tolist()) - {MISSING}
    declared = facts.declared
    branches = np.isin(declared.relation, [RELATIONS["branch"], RELATIONS["subsidiary"], RELATIONS["parent"]])
    centres = set(declared.party[branches].tolist()) | set(declared.other[branches].tolist())
    leases_of: dict[int, list[int]] = defaultdict(list)
    for row in rows.tolist():
        leases_of[int(leases.lessor[row])].append(row)
    chosen: dict[int, tuple[str, int, int, int]] = {}  # lease → ground, share in percent, its part, total
    for lessor, its in leases_of.items():
        sales = revenue.get(lessor, [])
        span = max((day for day, *_rest in sales), default=0) - min((day for day, *_rest in sales), default=0)
        if len(sales) < int(parameters["least_invoices"]) or span < int(parameters["least_days"]):
            found.untestable_leases.update(int(leases.id[row]) for row in its)
            continue
        if lessor in centres:
            continue
        total = sum(net for _day, net, _buyer, _lease in sales)
        by_group: dict[int, int] = defaultdict(int)
        for _day, net, buyer, _lease in sales:
            by_group[linked.find(buyer)] += net
        group, most = max(by_group.items(), key=lambda one: (one[1], -one[0]))
        subsidised = sum(net for _day, net, _buyer, lease in sales if lease in claimed)
        for row in its:
            lease = int(leases.id[row])
            if most * 100 >= int(parameters["customer_percent"]) * total:
                if linked.find(int(leases.lessee[row])) == group:
                    chosen[lease] = ("customer", int(parameters["customer_percent"]), most, total)
                    continue
            if subsidised * 100 >= int(parameters["subsidy_percent"]) * total:
                chosen[lease] = ("subsidy", int(parameters["subsidy_percent"]), subsidised, total)
    found.untestable_claims = untested_claims(facts, found.untestable_leases)
    _explain(facts, found, chosen, Decimal(str(parameters["points"])))
    return found


def _revenue(facts: Facts) -> dict[int, list[tuple[int, int, int, int]]]:
    """Seller → (day, net, buyer, lease) of its invoices that stand."""
    invoices = facts.invoices
    seller, buyer = facts.seller, facts.buyer
    rows = np.flatnonzero(
        (invoices.status == STATUS["normal"])
        & (invoices.red_of == MISSING)
        & (invoices.net > 0)
        & (seller != MISSING)
        & (buyer != MISSING)
    )
    sales = (invoices.issued_on, invoices.net, buyer, invoices.lease)
    revenue: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for one, sale in zip(
        seller[rows].tolist(), zip(*(column[rows].tolist() for column in sales), strict=True), strict=True
    ):
        revenue[one].append(sale)
    return revenue


def _explain(
    facts: Facts, found: Found, chosen: Mapping[int, tuple[str, int, int, int]], points: Decimal
) -> None:
    leases = facts.leases
    words = facts.labels("lease", chosen)
    places = {lease: leases.at(lease) for lease in chosen}
    names = facts.labels("party", [int(leases.lessor[at]) for at in places.values()])
    for lease, claims in claims_on(facts, chosen).items():
        ground, percent, part, total = chosen[lease]
        at = places[lease]
        name = names[int(leases.lessor[at])]
        share = (Decimal(part) * 100 / Decimal(total)).quantize(Decimal("0.1"))
        what = "同一客户集团" if ground == "customer" else "已申请补贴的合同"
        for claim in claims:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=points,
                    value=f"{share}%",
                    threshold=f"{percent}%",
                    sentence=f"出租方“{name[1]}”开票收入 {yuan_of(total)} 元，其中 {yuan_of(part)} 元（{share}%）来自{what}。",
                    counterfactual=f"若来自{what}的比例低于 {percent}%，则不触发。",
                    evidence=(f"party:{name[0]}", f"lease:{words[lease][0]}"),
                    inputs=(name[0], ground, part, total),
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])) if ground == "customer" else (),
                )
            )


RULE = Rule(
    id="F23",
    title="单一客户供应商",
    family="D",
    severity=SOFT,
    points=Decimal(4),
    legal_basis="各专项“服务商应当面向社会提供算力服务”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("customer_percent", 80, "单一客户占比", "%", 50, 100),
        Parameter("subsidy_percent", 95, "补贴合同占比", "%", 50, 100),
        Parameter("least_invoices", 5, "最少发票", "张", 2, 100),
        Parameter("least_days", 180, "最短开票期", "天", 30, 730),
        Parameter("points", 4, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
