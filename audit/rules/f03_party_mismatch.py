"""F03 购销方与租约不符：发票上的购方或销方不是合同的承租方或出租方。

方法：有效申请所依据的每张发票，购方须为合同承租方，销方须为出租方，以统一社会信用代码为准。代码不同的，开票日之前已登记两者为分支机构（branch）或代理（agent）的，可以解释。

例：合同出租方为甲，2024 年 12 月 29 日的发票由乙开具，两者没有登记的关系：触发。

缘由：补贴的是出租方交付、承租方付款的算力；票上出现第三个名字，是买票的常见样子。

排除：分公司开票；登记过的平台、代理作为缔约方；更名的企业代码不变，因此从不比较名称。

假设：票面代码以税务记录为准；没有发票或合同的，无法检验；历史数据中没有移交关联申报的，代码不同的无法检验。

参数：explaining_relations 为可以解释不同的登记关系。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, RELATIONS, Facts, Table


def claimed_invoices(facts: Facts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Live claims' items with their lease and invoice: rows of items, claim ids, lease ids, rows of invoices (−1: none)."""
    claims, items, invoices = facts.claims, facts.items, facts.invoices
    rows = np.flatnonzero(claims.look_up("live", items.claim) == 1)
    lease = claims.look_up("lease", items.claim[rows])
    if not len(invoices):
        return rows, items.claim[rows], lease, np.full(len(rows), -1)
    order = np.argsort(invoices.id, kind="stable")
    places = np.searchsorted(invoices.id, items.invoice[rows], sorter=order).clip(max=len(invoices) - 1)
    row = order[places]
    row = np.where(invoices.id[row] == items.invoice[rows], row, -1)
    return rows, items.claim[rows], lease, row


def links(declared: Table, relations: list[str]) -> dict[tuple[int, int], int]:
    """Registered relations of these kinds between two parties, either way: the earliest day of each."""
    kinds = [RELATIONS[name] for name in relations]
    known: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(np.isin(declared.relation, kinds)):
        one, other = sorted((int(declared.party[row]), int(declared.other[row])))
        day = int(declared.declared_on[row])
        known[one, other] = min(day, known.get((one, other), day))
    return known


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims with an invoice between other parties than the lease's."""
    claims, leases, invoices, parties, found = (
        facts.claims,
        facts.leases,
        facts.invoices,
        facts.parties,
        Found(),
    )
    _rows, claim, lease, invoice = claimed_invoices(facts)
    unknown = (lease == MISSING) | (invoice < 0)
    found.untestable_claims = {int(one) for one in claim[unknown]}
    with_items = np.isin(claims.id, claim)
    found.untestable_claims |= {int(one) for one in claims.id[(claims.live == 1) & ~with_items]}

    keep = np.flatnonzero(~unknown)
    lessee, lessor = leases.look_up("lessee", lease[keep]), leases.look_up("lessor", lease[keep])
    buyer, seller = invoices.buyer[invoice[keep]], invoices.seller[invoice[keep]]
    wrong_buyer = buyer != parties.look_up("uscc", lessee)
    wrong_seller = seller != parties.look_up("uscc", lessor)
    suspects = np.flatnonzero(wrong_buyer | wrong_seller)
    if not len(suspects):
        return found

    if not facts.collected("declared"):  # whoever could explain it was not asked: neither yes nor no
        found.untestable_claims |= {int(one) for one in claim[keep[suspects]]}
        return found
    explained = links(facts.declared, list(parameters["explaining_relations"]))
    ids = {int(code): int(one) for code, one in zip(parties.uscc, parties.id, strict=True)}
    strange: dict[int, list[tuple[int, str, int, int]]] = defaultdict(list)
    for one in suspects:
        row = int(invoice[keep[one]])
        for wrong, side, code, party in (
            (wrong_buyer[one], "购方", buyer[one], lessee[one]),
            (wrong_seller[one], "销方", seller[one], lessor[one]),
        ):
            if not wrong:
                continue
            named = ids.get(int(code), MISSING)
            since = explained.get((min(named, int(party)), max(named, int(party))))
            if since is None or since > int(invoices.issued_on[row]):
                strange[int(claim[keep[one]])].append((row, side, named, int(party)))
    _explain(facts, found, strange)
    return found


def _explain(facts: Facts, found: Found, strange: dict[int, list[tuple[int, str, int, int]]]) -> None:
    invoices, claims = facts.invoices, facts.claims
    invoice_words = facts.labels("invoice", invoices.id[[w[0] for ws in strange.values() for w in ws]])
    party_words = facts.labels("party", [p for ws in strange.values() for w in ws for p in w[2:]])
    lease_ids = claims.look_up("lease", np.array(list(strange), dtype=np.int64))
    lease_words = facts.labels("lease", lease_ids)
    for (claim, ws), lease in zip(strange.items(), lease_ids, strict=True):
        row, side, _named, party = ws[0]
        words = invoice_words[int(invoices.id[row])]
        on_invoice = words[2] if side == "销方" else words[3]
        role = "出租方" if side == "销方" else "承租方"
        more = f"另有 {len(ws) - 1} 处不符。" if len(ws) > 1 else ""
        evidence = [f"lease:{lease_words[int(lease)][0]}"]
        for other_row, _side, named, expected in ws:
            evidence.append(f"invoice:{invoice_words[int(invoices.id[other_row])][0]}")
            evidence += [f"party:{party_words[one][0]}" for one in (named, expected) if one in party_words]
        found.hits.append(
            Hit(
                claim=claim,
                lease=int(lease),
                severity=HARD,
                points=None,
                value=on_invoice or "—",
                threshold=party_words[party][1],
                sentence=f"发票 {words[1]}（{day_of(invoices.issued_on[row])} 开具）的{side}为“{on_invoice or '未载明'}”，"
                f"与合同{role}“{party_words[party][1]}”的统一社会信用代码不一致，且开票日前未登记两者的分支机构或代理关系。{more}",
                counterfactual=f"若开票日前已登记该{side}与{role}的分支机构或代理关系，则不触发。",
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=tuple(
                    (
                        invoice_words[int(invoices.id[r])][0],
                        s,
                        party_words.get(n, ("",))[0],
                        party_words[p][0],
                        int(invoices.issued_on[r]),
                    )
                    for r, s, n, p in ws
                ),
            )
        )


RULE = Rule(
    id="F03",
    title="购销方与租约不符",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="《发票管理办法》第二十一条（不得虚开与实际经营业务情况不符的发票）；各专项“合同、发票、付款三方一致”条款。",
    parameters=(Parameter("explaining_relations", ["branch", "agent"], "可解释的登记关系"),),
    find=find,
    page=__doc__ or "",
)
