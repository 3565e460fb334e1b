"""F05 跨专项重复享受：同一份算力在不得叠加的两个专项下申请补贴。

方法：各地区有效申请按提交先后排列。前面已有另一专项（且两专项不得叠加）的申请依据下列之一的，后一件触发：（一）同一合同，以备案记录或合同文本摘要认定；（二）同一设备的同一时段：重合不少于较短一段的 overlap_percent，且份额合计超过一台——以上为硬性；（三）仅为同一张发票的不同部分：提示，5 分。

例：一份合同 10 月在贵州申请，12 月又在北京申请：后一件触发。

缘由：多数专项不支持其他财政资金已支持的事项。

排除：规定可以叠加的专项（如市、区两级），列入 stackable；同一企业在两地租用不同设备；续租几天的交叠。

假设：可否叠加以参数所载为准；已撤回或未获支持的申请不计；没有合同的无法检验。

参数：stackable（成对的专项代码，默认无）、overlap_percent（50%）、soft_points（5 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.f01_duplicate_invoice import LAST
from audit.rules.f17_device_let_twice import WHOLE, ends_of
from audit.rules.facts import MISSING, Facts, mixed

CONTRACT, DEVICE, INVOICE = "contract", "device", "invoice"
Clash = tuple[str, int, tuple[str, ...]]  # kind, the earlier claim, evidence


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """The later of two claims on the same computing under programmes that may not be stacked."""
    claims, found = facts.claims, Found()
    found.untestable_claims = {int(one) for one in claims.id[(claims.live == 1) & (claims.lease == MISSING)]}
    filed = np.where(claims.submitted_at == MISSING, LAST, claims.submitted_at)
    pairs: dict[tuple[int, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    _same_contract(facts, pairs)
    _same_device(facts, pairs, int(parameters["overlap_percent"]))
    _same_invoice(facts, pairs)
    words = facts.labels("claim", {one for pair in pairs for one in pair})
    stackable = {frozenset(pair) for pair in parameters["stackable"]}
    against: dict[int, list[tuple[str, int, list[int]]]] = defaultdict(list)
    for (one, other), grounds in pairs.items():
        a, b = claims.at(one), claims.at(other)
        assert a is not None and b is not None
        codes = frozenset(words[c][1].removeprefix("EX-") for c in (one, other))
        if claims.program[a] == claims.program[b] or codes in stackable:
            continue
        later, earlier = (one, other) if (filed[a], one) > (filed[b], other) else (other, one)
        kind = next(kind for kind in (CONTRACT, DEVICE, INVOICE) if kind in grounds)
        against[later].append((kind, earlier, grounds[kind]))
    _explain(facts, found, against, words, Decimal(str(parameters["soft_points"])))
    return found


def _note(pairs: Any, members: list[int], kind: str, rows: list[int]) -> None:
    """Every pair of these claims clashes on these rows."""
    for place, one in enumerate(members):
        for other in members[place + 1 :]:
            if one != other:
                pairs[min(one, other), max(one, other)][kind] += rows


def _same_contract(facts: Facts, pairs: Any) -> None:
    claims, leases = facts.claims, facts.leases
    live = np.flatnonzero((claims.live == 1) & (claims.lease != MISSING))
    for values in (claims.lease, leases.look_up("document", claims.lease)):
        order = live[np.argsort(values[live], kind="stable")]
        order = order[values[order] != MISSING]
        for run in mixed(values, order, claims.program[order]):
            _note(pairs, sorted(int(one) for one in claims.id[run]), CONTRACT, [])


def _same_device(facts: Facts, pairs: Any, percent: int) -> None:
    let, claims = facts.lease_devices, facts.claims
    claimed = np.flatnonzero((claims.live == 1) & (claims.lease != MISSING))
    claimed = claimed[np.argsort(claims.lease[claimed], kind="stable")]
    if not len(claimed):
        return
    by_lease: dict[int, list[int]] = defaultdict(list)
    for lease, row in zip(claims.lease[claimed].tolist(), claimed.tolist(), strict=True):
        by_lease[lease].append(row)
    known, first = np.unique(claims.lease[claimed], return_index=True)
    least = np.minimum.reduceat(claims.program[claimed], first)
    greatest = np.maximum.reduceat(claims.program[claimed], first)
    ends = ends_of(facts)
    rows = np.flatnonzero(np.isin(let.lease, known))
    order = rows[np.lexsort((let.starts[rows], let.serial[rows]))]
    at = np.searchsorted(known, let.lease[order])
    for run in mixed(let.serial, order, least[at], greatest[at]):
        times = run.tolist()
        for place, one in enumerate(times):
            for other in times[place + 1 :]:
                if let.lease[one] == let.lease[other]:
                    continue
                shared = min(ends[one], ends[other]) - max(let.starts[one], let.starts[other])
                shorter = min(ends[one] - let.starts[one], ends[other] - let.starts[other])
                if (
                    shared * 100 >= percent * shorter
                    and shared > 1
                    and let.share[one] + let.share[other] > WHOLE
                ):
                    for a in by_lease[int(let.lease[one])]:
                        for b in by_lease[int(let.lease[other])]:
                            key = (int(claims.id[a]), int(claims.id[b]))
                            pairs[min(key), max(key)][DEVICE] += [one, other]


def _same_invoice(facts: Facts, pairs: Any) -> None:
    claims, items = facts.claims, facts.items
    rows = np.flatnonzero((claims.look_up("live", items.claim) == 1) & (items.key != MISSING))
    program = claims.look_up("program", items.claim)
    order = rows[np.argsort(items.key[rows], kind="stable")]
    for run in mixed(items.key, order, program[order]):
        _note(pairs, sorted({int(one) for one in items.claim[run]}), INVOICE, run.tolist())


def _explain(
    facts: Facts,
    found: Found,
    against: Mapping[int, list[tuple[str, int, list[int]]]],
    words: dict[int, tuple[str, ...]],
    points: Decimal,
) -> None:
    if not against:
        return
    claims, items, let = facts.claims, facts.items, facts.lease_devices
    of = [
        row
        for clashes in against.values()
        for kind, _earlier, rows in clashes
        if kind == DEVICE
        for row in rows
    ]
    let_words = facts.labels("lease_device", let.id[of])
    of = [
        row
        for clashes in against.values()
        for kind, _earlier, rows in clashes
        if kind == INVOICE
        for row in rows
    ]
    item_words = facts.labels("item", items.id[of])
    concerned = np.isin(claims.id, [*against, *(one[1] for clashes in against.values() for one in clashes)])
    lease_words = facts.labels("lease", claims.lease[concerned])
    told = {
        CONTRACT: "同一份算力租用合同",
        DEVICE: "同一台设备的同一时段",
        INVOICE: "同一张发票的不同部分",
    }
    for claim, clashes in against.items():
        clashes.sort(key=lambda one: ((CONTRACT, DEVICE, INVOICE).index(one[0]), one[1]))
        kind, earlier, _rows = clashes[0]
        at = claims.at(earlier)
        evidence: list[str] = []
        for one_kind, other, rows in clashes:
            if one_kind == DEVICE:
                evidence += [
                    f"lease_device:{'/'.join(let_words[int(let.id[row])])}" for row in sorted(set(rows))
                ]
            elif one_kind == INVOICE:
                evidence += [
                    f"basis_item:{'/'.join(item_words[int(items.id[row])])}" for row in sorted(set(rows))
                ]
            else:
                evidence += [
                    f"lease:{lease_words[int(claims.lease[claims.at(one)])][0]}" for one in (claim, other)
                ]
        hard = kind != INVOICE
        mine, other_words = words[claim], words[earlier]
        on = int(claims.submitted_on[at])
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=HARD if hard else SOFT,
                points=None if hard else points,
                value=other_words[1].removeprefix("EX-"),
                threshold="不得与其他专项重复享受",
                sentence=f"{told[kind]}已在 {other_words[1].removeprefix('EX-')} 专项"
                + (f"于 {day_of(on)} " if on != MISSING else "")
                + f"申请补贴，与本件所属的 {mine[1].removeprefix('EX-')} 专项不得重复享受。",
                told=f"{told[kind]}已在其他专项申请补贴，与本件所属的 {mine[1].removeprefix('EX-')} 专项不得重复享受。",
                counterfactual="若两专项的规定允许叠加享受，或前一申请已撤回或未获支持，则不触发。",
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=(
                    mine[1],
                    kind,
                    *((one_kind, words[one][0], words[one][1]) for one_kind, one, _r in clashes),
                ),
                ties=(int(claims.enterprise[claims.at(claim)]), int(claims.enterprise[at])),
            )
        )


RULE = Rule(
    id="F05",
    title="跨专项重复享受",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="各专项“同一事项不得重复享受财政资金支持”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("stackable", [], "可叠加的专项（成对）"),
        Parameter("overlap_percent", 50, "视为同一时段的重合", "%", 1, 100),
        Parameter("soft_points", 5, "仅发票相同的分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
)
