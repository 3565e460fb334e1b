"""F27 回单复用：一笔转账证明了超过其金额的付款，或一份回单当作两笔转账。

方法：有效申请引用同一笔转账的不含税金额按提交先后累加，超过转账金额的那一件及其后各件触发，硬性。两笔金额或当事人不同的转账回单文件完全相同的，引用后一笔的申请提示，6 分。

例：一笔 341,350 元的转账，6 月引用 300,000 元，8 月又引用 200,000 元：后一件触发。

缘由：补贴的是付了的租金；一笔付款只证明一份租金。

排除：一笔转账支付几张发票，合计不超过其金额；未获支持或已撤回的申请。

假设：以不含税金额与含税的转账比较，从宽于申请人；没有引用转账的申请无法检验。

参数：tolerance_fen（100 分）、receipt_points（6 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, yuan_of
from audit.rules.f01_duplicate_invoice import LAST
from audit.rules.facts import MISSING, Facts, groups


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims with which a transfer is cited beyond its amount, and claims on copied receipts."""
    claims, items, transfers, found = facts.claims, facts.items, facts.transfers, Found()
    tolerance = int(parameters["tolerance_fen"])
    live = claims.look_up("live", items.claim) == 1
    cited = np.flatnonzero(live & (items.transfer != MISSING))
    found.untestable_claims = {
        int(one) for one in claims.id[(claims.live == 1) & ~np.isin(claims.id, items.claim[cited])]
    }
    filed = claims.look_up("submitted_at", items.claim)
    filed = np.where(filed == MISSING, LAST, filed)
    order = cited[np.lexsort((items.id[cited], items.claim[cited], filed[cited], items.transfer[cited]))]
    amount = transfers.look_up("amount", items.transfer)
    over: dict[int, list[tuple[int, int, list[int]]]] = defaultdict(list)
    for run in groups(items.transfer, order):
        paid, used = int(amount[run[0]]), 0
        if paid == MISSING or int(items.net[run].sum()) <= paid + tolerance:
            continue
        for place, row in enumerate(run.tolist()):
            used += int(items.net[row])
            if place and used > paid + tolerance and items.claim[row] != items.claim[run[0]]:
                over[int(items.claim[row])].append((used - paid, row, run.tolist()))
    _beyond(facts, found, over)
    _copies(facts, found, cited, Decimal(str(parameters["receipt_points"])))
    return found


def _beyond(facts: Facts, found: Found, over: Mapping[int, list[tuple[int, int, list[int]]]]) -> None:
    items, claims, transfers = facts.items, facts.claims, facts.transfers
    rows = [row for uses in over.values() for use in uses for row in use[2]]
    words, item_words = facts.labels("transfer", items.transfer[rows]), facts.labels("item", items.id[rows])
    for claim, uses in over.items():
        uses.sort(key=lambda use: (-use[0], use[1]))
        excess, row, _run = uses[0]
        ref = words[int(items.transfer[row])][0]
        paid = int(transfers.amount[transfers.at(int(items.transfer[row]))])
        evidence: list[str] = []
        for _excess, one, run in uses:
            evidence.append(f"bank_transfer:{words[int(items.transfer[one])][0]}")
            evidence += [f"basis_item:{'/'.join(item_words[int(items.id[r])])}" for r in run]
        others = {int(items.claim[r]) for use in uses for r in use[2]}
        more = f"另有 {len(uses) - 1} 笔转账同样如此。" if len(uses) > 1 else ""
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=HARD,
                points=None,
                value=yuan_of(paid + excess),
                threshold=yuan_of(paid),
                sentence=f"银行流水 {ref} 金额 {yuan_of(paid)} 元，连同本件各有效申请合计以其为付款凭证 {yuan_of(paid + excess)} 元，"
                f"超出 {yuan_of(excess)} 元。{more}",
                counterfactual=f"若本件以该笔转账为凭证的金额减少 {yuan_of(excess)} 元，或补充其他付款凭证，则不触发。",
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=tuple(
                    (words[int(items.transfer[r])][0], item_words[int(items.id[r])], int(items.net[r]))
                    for use in sorted(uses, key=lambda use: use[1])
                    for r in use[2]
                ),
                ties=tuple(sorted({int(claims.enterprise[claims.at(one)]) for one in others})),
            )
        )


def _copies(facts: Facts, found: Found, cited: np.ndarray, points: Decimal) -> None:
    """One receipt digest under transfers that differ."""
    transfers, items, claims = facts.transfers, facts.items, facts.claims
    order = np.lexsort((transfers.paid_on, transfers.receipt))
    copies: dict[int, list[int]] = {}
    for run in groups(transfers.receipt, order[transfers.receipt[order] != MISSING]):
        told = {(int(transfers.amount[r]), int(transfers.payer[r]), int(transfers.payee[r])) for r in run}
        if len(told) > 1:
            ids = [int(one) for one in transfers.id[run]]
            copies.update(dict.fromkeys(ids[1:], ids))
    if not copies:
        return
    words = facts.labels("transfer", {one for ids in copies.values() for one in ids})
    for row in cited[np.isin(items.transfer[cited], list(copies))].tolist():
        ids = copies[int(items.transfer[row])]
        refs = [words[one][0] for one in ids]
        claim = int(items.claim[row])
        if any(hit.claim == claim and hit.severity == SOFT for hit in found.hits):
            continue
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=SOFT,
                points=points,
                value=f"{len(refs)} 笔",
                threshold="1 笔",
                sentence=f"银行流水 {words[int(items.transfer[row])][0]} 的回单文件与另外 {len(refs) - 1} 笔金额或当事人不同的转账的回单文件完全相同。",
                counterfactual="若补交银行出具的该笔转账自己的回单，则不触发。",
                evidence=tuple(f"bank_transfer:{ref}" for ref in refs),
                inputs=(words[int(items.transfer[row])][0], *refs),
                ties=(int(claims.enterprise[claims.at(claim)]),),
            )
        )


RULE = Rule(
    id="F27",
    title="回单复用",
    family="D",
    severity=HARD,
    points=Decimal(6),
    legal_basis="《会计法》第十四条（原始凭证须真实）；各专项“一笔付款只能作为一次申请的凭证”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("tolerance_fen", 100, "容差", "分", 0, 10_000),
        Parameter("receipt_points", 6, "回单相同的分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
)
