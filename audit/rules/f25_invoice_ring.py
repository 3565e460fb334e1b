"""F25 发票环：算力发票在几家企业之间绕一圈回到起点。

方法：以正常的算力类发票为边（销售方→购买方），在 window_days 天之内能连成 2 至 longest 家的闭环，环上每边的合计不低于 least_amount 元，且最小边与最大边之比达到 ratio_percent（只有两家的，为 pair_percent）：环上各合同提示，7 分，至少进入复核。

例：甲开给乙 100 万元，乙开给丙 95 万元，丙开给甲 98 万元，都在三个月内：触发。

缘由：绕一圈的发票没有真实的交易，只是为了凑足补贴基数。

排除：红字发票与被冲销、作废的发票；非算力类的往来（水电、软件、带宽）；小额互相采购；两家之间金额相差较大的互相销售，那是平常的生意，只有几乎相等的对开才算。

假设：互换算力的企业有净额结算协议，由核查人员据协议排除；没有发票的合同无法检验。

参数：window_days（120 天）、longest（5 家）、ratio_percent（50%）、pair_percent（80%）、least_amount（50,000 元）、points（7 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import rustworkx

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.facts import MISSING, STATUS, Facts
from audit.rules.spread import claims_on, live_leases, untested_claims

# A knot of parties from which so many rings were read is a knot; more of them would say nothing new.
MOST_RINGS = 2_000


@dataclass(frozen=True)
class Ring:
    """Parties in the order of the invoices, what each sold to the next, and the days."""

    parties: tuple[int, ...]
    amounts: tuple[int, ...]
    first: int
    last: int
    invoices: tuple[int, ...]  # rows


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) between parties whose invoices go round."""
    leases, invoices, found = facts.leases, facts.invoices, Found()
    rows = live_leases(facts)
    if not facts.whole:
        found.untestable_leases = {int(one) for one in leases.id[rows]}
        found.untestable_claims = {int(one) for one in facts.claims.id}
        return found
    invoiced = np.unique(invoices.lease)
    found.untestable_leases = {int(one) for one in leases.id[rows][~np.isin(leases.id[rows], invoiced)]}
    found.untestable_claims = untested_claims(facts, found.untestable_leases)
    edges = _edges(facts)
    between: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows.tolist():
        between[int(leases.lessor[row]), int(leases.lessee[row])].append(int(leases.id[row]))
    told: dict[int, Ring] = {}
    for ring in _rings(edges, invoices, parameters):
        for place, seller in enumerate(ring.parties):
            for lease in between.get((seller, ring.parties[(place + 1) % len(ring.parties)]), ()):
                told.setdefault(lease, ring)
    _explain(facts, found, told, parameters)
    return found


def _edges(facts: Facts) -> dict[tuple[int, int], list[int]]:
    """(seller, buyer) → rows of their invoices for computing power, in the order of their days."""
    invoices = facts.invoices
    sellers, buyers = facts.seller, facts.buyer
    stands = (
        (invoices.status == STATUS["normal"])
        & (invoices.red_of == MISSING)
        & (invoices.net > 0)
        & (invoices.compute == 1)
        & (invoices.seller != invoices.buyer)
        & (sellers != MISSING)
        & (buyers != MISSING)
    )
    edges: dict[tuple[int, int], list[int]] = defaultdict(list)
    chosen = np.flatnonzero(stands)
    order = chosen[np.argsort(invoices.issued_on[chosen], kind="stable")]
    for row, seller, buyer in zip(
        order.tolist(), sellers[order].tolist(), buyers[order].tolist(), strict=True
    ):
        edges[seller, buyer].append(row)
    return edges


def _rings(
    edges: Mapping[tuple[int, int], list[int]], invoices: Any, parameters: Mapping[str, Any]
) -> Iterator[Ring]:
    least = int(Decimal(str(parameters["least_amount"])) * 100)
    net = invoices.net.tolist()
    strong = {pair: rows for pair, rows in edges.items() if sum(net[row] for row in rows) >= least}
    graph: rustworkx.PyDiGraph = rustworkx.PyDiGraph()
    nodes = {party: graph.add_node(party) for party in sorted({one for pair in strong for one in pair})}
    bought: dict[int, list[int]] = defaultdict(list)
    for seller, buyer in sorted(strong):
        graph.add_edge(nodes[seller], nodes[buyer], None)
        bought[seller].append(buyer)
    for component in rustworkx.strongly_connected_components(graph):
        if len(component) < 2:
            continue
        members = {graph[node] for node in component}
        after = {seller: [buyer for buyer in bought[seller] if buyer in members] for seller in members}
        for parties in islice(_cycles(after, int(parameters["longest"])), MOST_RINGS):
            ring = _within(parties, strong, invoices, least, parameters)
            if ring is not None:
                yield ring


def _cycles(after: Mapping[int, list[int]], longest: int) -> Iterator[tuple[int, ...]]:
    """Simple cycles of at most ``longest`` parties, each once, from its smallest member."""
    for start in sorted(after):
        stack: list[tuple[int, ...]] = [(start,)]
        while stack:
            path = stack.pop()
            for follower in after.get(path[-1], ()):
                if follower == start and len(path) > 1:
                    yield path
                elif follower > start and follower not in path and len(path) < longest:
                    stack.append((*path, follower))


def _within(
    parties: tuple[int, ...],
    edges: Mapping[tuple[int, int], list[int]],
    invoices: Any,
    least: int,
    parameters: Mapping[str, Any],
) -> Ring | None:
    """The ring in its first window of days in which the sums are large and alike; None when there is none."""
    pairs = [(one, parties[(place + 1) % len(parties)]) for place, one in enumerate(parties)]
    rows = [np.array(edges[pair]) for pair in pairs]
    days = [invoices.issued_on[some] for some in rows]
    for start in sorted({int(day) for some in days for day in some}):
        inside = [
            some[(when >= start) & (when <= start + int(parameters["window_days"]))]
            for some, when in zip(rows, days, strict=True)
        ]
        amounts = [int(invoices.net[some].sum()) for some in inside]
        if min(amounts) >= least and min(amounts) * 100 >= _percent(parties, parameters) * max(amounts):
            chosen = np.concatenate(inside)
            when = invoices.issued_on[chosen]
            return Ring(parties, tuple(amounts), int(when.min()), int(when.max()), tuple(chosen.tolist()))
    return None


def _percent(parties: tuple[int, ...], parameters: Mapping[str, Any]) -> int:
    """Two who sell to one another are peers, unless the sums are all but the same."""
    return int(parameters["pair_percent" if len(parties) == 2 else "ratio_percent"])


def _explain(facts: Facts, found: Found, told: Mapping[int, Ring], parameters: Mapping[str, Any]) -> None:
    words = facts.labels("lease", told)
    names = facts.labels("party", {one for ring in told.values() for one in ring.parties})
    numbers = facts.labels(
        "invoice", {int(facts.invoices.id[r]) for ring in told.values() for r in ring.invoices}
    )
    for lease, claims in claims_on(facts, told).items():
        ring = told[lease]
        way = "→".join(names[one][1] or names[one][0] for one in (*ring.parties, ring.parties[0]))
        nos = [numbers[int(facts.invoices.id[row])][0] for row in ring.invoices]
        for claim in claims:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=Decimal(str(parameters["points"])),
                    value=f"{Decimal(min(ring.amounts)) * 100 / max(ring.amounts):.1f}%",
                    threshold=f"{_percent(ring.parties, parameters)}%",
                    sentence=f"{day_of(ring.first)} 至 {day_of(ring.last)} 间，算力发票在 {len(ring.parties)} 家企业之间绕行一圈：{way}，"
                    f"各段依次为 {'、'.join(yuan_of(one) for one in ring.amounts)} 元。",
                    counterfactual=f"若最小一段低于 {yuan_of(int(Decimal(str(parameters['least_amount'])) * 100))} 元或不足最大一段的 "
                    f"{_percent(ring.parties, parameters)}%，或备有净额结算协议，则不触发。",
                    evidence=(f"lease:{words[lease][0]}", *(f"invoice:{no}" for no in nos)),
                    inputs=(*ring.parties, *ring.amounts, *nos),
                    ties=ring.parties,
                    told="本合同双方的算力发票与其他企业的发票首尾相连。",
                )
            )


RULE = Rule(
    id="F25",
    title="发票环",
    family="D",
    severity=SOFT,
    points=Decimal(7),
    legal_basis="《发票管理办法》第二十一条（不得虚开发票）；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("window_days", 120, "时间窗", "天", 30, 365),
        Parameter("longest", 5, "环上企业最多", "家", 2, 6),
        Parameter("ratio_percent", 50, "最小边与最大边之比", "%", 10, 100),
        Parameter("pair_percent", 80, "只有两家时之比", "%", 10, 100),
        Parameter("least_amount", 50000, "每边最低金额", "元", 0, 10_000_000),
        Parameter("points", 7, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
