"""F01 重复发票：同一张发票在各专项、各地区合计被用得超过票面金额。

方法：以规范号码（代码加号码；全角转半角，去空格与连字符，O 作 0，I、l 作 1）认票。各专项、各地区有效申请就同一号码申请的不含税金额，按提交先后累加；使合计超过该发票不含税金额的那一件及其后各件触发。先到的一件没有多用，不触发。

例：发票 25522000001120608915 不含税 11,378.34 元，10 月在贵州全额申请，12 月又在北京全额申请：后一件触发，超出 11,378.34 元。

缘由：一张发票只补贴一次；发票的一部分先用、其余后用是合法的。

排除：已撤回、未获支持或失效的申请不计（重新提交）；合计不超过票面金额的分次使用。

假设：同一号码有几条记录而金额不同的，取最小的一条；发票未入库的，不知其金额，无法检验。

参数：tolerance_fen 为合计可超出的分数，容纳拆分时的四舍五入。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.facts import MISSING, Column, Facts, groups

LAST = int(np.iinfo(np.int64).max)


def known_nets(facts: Facts) -> tuple[Column, Column]:
    """The distinct invoice numbers in ascending order and the smallest positive net amount on file for each."""
    invoices = facts.invoices
    rows = np.flatnonzero((invoices.key != MISSING) & (invoices.net > 0))
    if not len(rows):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = rows[np.lexsort((invoices.net[rows], invoices.key[rows]))]
    keys, first = np.unique(invoices.key[order], return_index=True)
    return keys, invoices.net[order][first]


def net_of(keys: Column, nets: Column, wanted: Column) -> Column:
    """The net amount for each wanted number; MISSING where no invoice is on file."""
    if not len(keys):
        return np.full(len(wanted), MISSING, dtype=np.int64)
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[places] == wanted, nets[places], MISSING)


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims with which an invoice is used beyond its net amount."""
    tolerance = int(parameters["tolerance_fen"])
    claims, items, found = facts.claims, facts.items, Found()
    numbered = (claims.look_up("live", items.claim) == 1) & (items.key != MISSING)
    rows = np.flatnonzero(numbered)
    keys, nets = known_nets(facts)
    worth = np.full(len(items), MISSING, dtype=np.int64)
    worth[rows] = net_of(keys, nets, items.key[rows])
    found.untestable_claims = {int(one) for one in items.claim[rows[worth[rows] == MISSING]]}

    testable = rows[worth[rows] != MISSING]
    filed = claims.look_up("submitted_at", items.claim)
    filed = np.where(filed == MISSING, LAST, filed)
    order = testable[
        np.lexsort((items.id[testable], items.claim[testable], filed[testable], items.key[testable]))
    ]
    over: dict[int, list[tuple[int, int, int, list[int]]]] = defaultdict(list)
    for run in groups(items.key, order):
        net, used = int(worth[run[0]]), 0
        if int(items.net[run].sum()) <= net + tolerance:
            continue
        for place, row in enumerate(run):
            used += int(items.net[row])
            if place and used > net + tolerance:
                over[int(items.claim[row])].append((used - net, net, int(row), [int(one) for one in run]))
    _explain(facts, found, over)
    return found


def _explain(facts: Facts, found: Found, over: dict[int, list[tuple[int, int, int, list[int]]]]) -> None:
    claims, items, invoices = facts.claims, facts.items, facts.invoices
    rows = sorted({row for uses in over.values() for use in uses for row in use[3]})
    item_words = facts.labels("item", items.id[rows])
    claim_words = facts.labels("claim", items.claim[rows])
    keys = items.key[rows]
    on_file = np.flatnonzero(np.isin(invoices.key, np.unique(keys)) & (invoices.net > 0))
    invoice_words = facts.labels("invoice", invoices.id[on_file])
    by_key: dict[int, list[int]] = defaultdict(list)
    for filed in on_file:
        by_key[int(invoices.key[filed])].append(int(invoices.id[filed]))
    for claim, uses in over.items():
        uses.sort(key=lambda use: (-use[0], use[2]))
        excess, net, row, run = uses[0]
        files = by_key[int(items.key[row])]
        no = invoice_words[files[0]][1]
        earlier = next(one for one in run if one != row)
        other = claim_words[int(items.claim[earlier])]
        at = claims.at(int(items.claim[earlier]))
        filed_on = int(claims.submitted_on[at]) if at is not None else MISSING
        told = f"{other[1]} 专项" + (f" {day_of(filed_on)} 提交的申请" if filed_on != MISSING else "的申请")
        more = f"另有 {len(uses) - 1} 张发票同样超额使用。" if len(uses) > 1 else ""
        evidence: list[str] = []
        for _excess, _net, one, siblings in uses:
            evidence += [f"invoice:{invoice_words[file][0]}" for file in by_key[int(items.key[one])]]
            evidence += [
                f"basis_item:{item_words[int(items.id[s])][0]}/{item_words[int(items.id[s])][1]}"
                for s in siblings
            ]
        concerned = {int(items.claim[s]) for use in uses for s in use[3]}
        at_claims = [claims.at(one) for one in sorted(concerned)]
        found.hits.append(
            Hit(
                ties=tuple(sorted({int(claims.enterprise[at]) for at in at_claims if at is not None})),
                claim=claim,
                lease=None,
                severity=HARD,
                points=None,
                value=yuan_of(net + excess),
                threshold=yuan_of(net),
                sentence=f"发票 {no} 不含税金额 {yuan_of(net)} 元，连同本件各有效申请合计已使用 {yuan_of(net + excess)} 元，"
                f"超出 {yuan_of(excess)} 元；{told}已使用 {yuan_of(int(items.net[earlier]))} 元。{more}",
                told=f"发票 {no} 已在其他有效申请中使用，连同本件超出其不含税金额 {yuan_of(net)} 元共 {yuan_of(excess)} 元。{more}",
                counterfactual=f"若本件就该发票申请的不含税金额减少 {yuan_of(excess)} 元，则不触发。",
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=tuple(
                    (item_words[int(items.id[s])], int(items.net[s]), n)
                    for _e, n, _r, siblings in sorted(uses, key=lambda use: use[2])
                    for s in siblings
                ),
            )
        )


RULE = Rule(
    id="F01",
    title="重复发票",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="《财政违法行为处罚处分条例》第十四条（以虚报、冒领等手段骗取财政资金）；各专项实施细则“同一发票不得重复享受补贴”条款。",
    parameters=(Parameter("tolerance_fen", 1, "容差", "分", 0, 100),),
    find=find,
    page=__doc__ or "",
)
