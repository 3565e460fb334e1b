"""F02 变体重复：同一张发票改动号码或文件后再次提交。

方法：有效申请所依据的两条发票记录，有下列之一即视为同一张：（一）规范号码相同而原写法不同；（二）购销方、开票日、价税合计都相同，规范号码相差不超过 distance 处（改一位、少一位、多一位或相邻两位对调各算一处）；（三）文件摘要相同。两件申请都触发，8 分。

例：25112000001855305311 与 25112000001055305311，购销方、日期、金额相同，只改了一位。

缘由：把同一张票用两次的人会改一位号码，使两者对不上。

排除：每月定额的发票金额相同、号码相邻，但开票日或服务期不同；一天内为几个期间成批开具的发票；同一条记录分次使用。

假设：票面载明服务期的，以服务期区分两张票；票面影像的比对以后再加。

参数：distance 为号码相差的处数、points（8 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.facts import MISSING, Facts, groups

NUMBER, NEAR, FILE = "number", "near", "file"
MOST = 40  # rows of one day between two parties: more is a batch, not a copy


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims on two rows that are one paper."""
    invoices, items, claims, found = facts.invoices, facts.items, facts.claims, Found()
    live = claims.look_up("live", items.claim) == 1
    found.untestable_claims = {int(one) for one in items.claim[live & (items.invoice == MISSING)]}
    users: dict[int, set[int]] = defaultdict(set)
    for invoice, claim in zip(items.invoice[live].tolist(), items.claim[live].tolist(), strict=True):
        if invoice != MISSING:
            users[invoice].add(claim)
    used = np.flatnonzero(np.isin(invoices.id, list(users)) & (invoices.net > 0))
    pairs = _pairs(facts, used, int(parameters["distance"]))
    _explain(facts, found, pairs, users, int(parameters["distance"]))
    return found


def _pairs(facts: Facts, used: np.ndarray, distance: int) -> dict[tuple[int, int], str]:
    invoices = facts.invoices
    pairs: dict[tuple[int, int], str] = {}
    for values, kind in ((invoices.file, FILE), (invoices.key, NUMBER)):
        for run in groups(values, used[np.argsort(values[used], kind="stable")]):
            if values[run[0]] != MISSING and len(run) <= MOST:
                rows = run.tolist()
                for place, one in enumerate(rows):
                    for other in rows[place + 1 :]:
                        pairs[one, other] = kind
    same = (invoices.seller, invoices.buyer, invoices.issued_on, invoices.gross)
    order = used[np.lexsort([column[used] for column in same])]
    together = np.zeros(len(invoices), dtype=np.int64)
    if len(order):
        new = np.zeros(len(order), dtype=bool)
        for column in same:
            new[1:] |= column[order][1:] != column[order][:-1]
        together[order] = np.cumsum(new)
    runs = [run.tolist() for run in groups(together, order) if len(run) <= MOST]
    words = facts.labels("invoice", invoices.id[[row for run in runs for row in run]])
    for rows in runs:
        for place, one in enumerate(rows):
            for other in rows[place + 1 :]:
                if _other_period(facts, one, other) or invoices.key[one] == invoices.key[other]:
                    continue
                a, b = words[int(invoices.id[one])][0], words[int(invoices.id[other])][0]
                if DamerauLevenshtein.distance(a, b, score_cutoff=distance) <= distance:
                    pairs[one, other] = NEAR
    return pairs


def _other_period(facts: Facts, one: int, other: int) -> bool:
    periods = facts.invoices.period_from
    return MISSING not in (periods[one], periods[other]) and periods[one] != periods[other]


def _explain(
    facts: Facts, found: Found, pairs: dict[tuple[int, int], str], users: dict[int, set[int]], distance: int
) -> None:
    invoices, claims = facts.invoices, facts.claims
    words = facts.labels("invoice", invoices.id[[row for pair in pairs for row in pair]])
    of_claim: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for (one, other), kind in pairs.items():
        if words[int(invoices.id[one])][1] == words[int(invoices.id[other])][1] and kind == NUMBER:
            continue
        for mine, theirs in ((one, other), (other, one)):
            for claim in users[int(invoices.id[mine])]:
                of_claim[claim].append((mine, theirs, kind))
    for claim, found_pairs in of_claim.items():
        one, other, kind = found_pairs[0]
        a, b = words[int(invoices.id[one])], words[int(invoices.id[other])]
        told = {
            NUMBER: f"写法不同而号码相同（{b[1]}）",
            NEAR: f"与发票 {b[1]} 购销方、开票日和价税合计都相同，号码只差 "
            f"{DamerauLevenshtein.distance(a[0], b[0])} 处",
            FILE: f"与发票 {b[1]} 的文件完全相同",
        }[kind]
        concerned = {c for pair in found_pairs for row in pair[:2] for c in users[int(invoices.id[row])]}
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=SOFT,
                points=RULE.points,
                value=b[1],
                threshold=f"号码相差不超过 {distance} 处",
                sentence=f"发票 {a[1]}（{day_of(invoices.issued_on[one])} 开具，价税合计 {yuan_of(invoices.gross[one])} 元）{told}，"
                "两者分别用于申请补贴。",
                counterfactual="若查验证实两张发票均由税务机关开具、服务内容不同，则不触发。",
                evidence=tuple(
                    dict.fromkeys(
                        f"invoice:{words[int(invoices.id[row])][0]}"
                        for pair in found_pairs
                        for row in pair[:2]
                    )
                ),
                inputs=tuple(
                    (words[int(invoices.id[p[0]])], words[int(invoices.id[p[1]])], p[2]) for p in found_pairs
                ),
                ties=tuple(sorted({int(claims.enterprise[claims.at(c)]) for c in concerned})),
            )
        )


RULE = Rule(
    id="F02",
    title="变体重复",
    family="A",
    severity=SOFT,
    points=Decimal(8),
    legal_basis="《发票管理办法》第二十一条；各专项“同一发票不得重复享受补贴”条款。",
    parameters=(
        Parameter("distance", 2, "号码相差", "处", 1, 4),
        Parameter("points", 8, "分值", "分", 0, 10),
    ),
    find=find,
    flat_points=True,
    page=__doc__ or "",
    at_screening=False,
)
