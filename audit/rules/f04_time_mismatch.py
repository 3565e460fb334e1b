"""F04 时间不符：发票早于合同签订，或远晚于租期，或服务期与租期不相干。

方法：以有效申请的每张发票对照其合同。硬性：开票日早于签订日超过 days_before_signing 天。提示（3 分）：开票日晚于租期最后一日超过 days_after_end 天，或票面服务期与租期没有一天重合。

例：7 月 18 日签订，6 月 30 日开票：触发；7 月 18 日开票：不触发。

缘由：票比合同早，说明合同是为申请补做的。

排除：先有框架、后签订单的合同，以及按期后付的结算：由专项设定两个天数。

假设：日期以税务记录和备案合同为准；没有发票或合同的无法检验；票面没有服务期的，不就服务期检验。

参数：days_before_signing（0 天）、days_after_end（180 天）、soft_points（3 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.f03_party_mismatch import claimed_invoices
from audit.rules.facts import MISSING, Facts

BEFORE, AFTER, ELSEWHERE = "before", "after", "elsewhere"


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims with an invoice out of its time."""
    before, after = int(parameters["days_before_signing"]), int(parameters["days_after_end"])
    leases, invoices, claims, found = facts.leases, facts.invoices, facts.claims, Found()
    _rows, claim, lease, invoice = claimed_invoices(facts)
    unknown = (lease == MISSING) | (invoice < 0)
    found.untestable_claims = {int(one) for one in claim[unknown]}
    found.untestable_claims |= {
        int(one) for one in claims.id[(claims.live == 1) & ~np.isin(claims.id, claim)]
    }

    keep = np.flatnonzero(~unknown)
    if not len(keep):
        return found
    row = invoice[keep]
    issued = invoices.issued_on[row]
    signed, starts, ends = (
        leases.look_up(name, lease[keep]) for name in ("signed_on", "starts_on", "ends_before")
    )
    period_from, period_to = invoices.period_from[row], invoices.period_to[row]
    early = issued < signed - before
    late = issued > (ends - 1) + after
    dated = (period_from != MISSING) & (period_to != MISSING)
    elsewhere = dated & ((period_to <= starts) | (period_from >= ends))

    wrong: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for kind, mask in ((BEFORE, early), (AFTER, late), (ELSEWHERE, elsewhere)):
        for one in np.flatnonzero(mask):
            wrong[int(claim[keep[one]])].append((kind, int(row[one]), int(lease[keep[one]])))
    _explain(facts, found, wrong, before, after, Decimal(str(parameters["soft_points"])))
    return found


def _explain(
    facts: Facts,
    found: Found,
    wrong: dict[int, list[tuple[str, int, int]]],
    before: int,
    after: int,
    points: Decimal,
) -> None:
    invoices, leases = facts.invoices, facts.leases
    invoice_words = facts.labels("invoice", invoices.id[[w[1] for ws in wrong.values() for w in ws]])
    lease_words = facts.labels("lease", [w[2] for ws in wrong.values() for w in ws])
    for claim, ws in wrong.items():
        hard = [w for w in ws if w[0] == BEFORE]
        kind, row, lease = (hard or ws)[0]
        at = leases.at(lease)
        assert at is not None
        no, issued = invoice_words[int(invoices.id[row])][1], int(invoices.issued_on[row])
        signed, starts, last = (
            int(leases.signed_on[at]),
            int(leases.starts_on[at]),
            int(leases.ends_before[at]) - 1,
        )
        more = f"另有 {len(ws) - 1} 处时间不符。" if len(ws) > 1 else ""
        if kind == BEFORE:
            value, threshold = day_of(issued), day_of(signed - before)
            sentence = f"发票 {no} 于 {day_of(issued)} 开具，早于合同签订日 {day_of(signed)} 共 {signed - issued} 天。"
            cure = f"若开票日不早于 {threshold}，则不触发。"
        elif kind == AFTER:
            value, threshold = day_of(issued), day_of(last + after)
            sentence = f"发票 {no} 于 {day_of(issued)} 开具，晚于租期最后一日 {day_of(last)} 共 {issued - last} 天（限 {after} 天）。"
            cure = f"若开票日不晚于 {threshold}，则不触发。"
        else:
            from_on, to_on = int(invoices.period_from[row]), int(invoices.period_to[row]) - 1
            value, threshold = f"{day_of(from_on)}至{day_of(to_on)}", f"{day_of(starts)}至{day_of(last)}"
            sentence = f"发票 {no} 所列服务期 {day_of(from_on)} 至 {day_of(to_on)} 与租期 {day_of(starts)} 至 {day_of(last)} 无重合。"
            cure = "若服务期与租期有重合，则不触发。"
        evidence = [f"lease:{lease_words[lease][0]}"] + [
            f"invoice:{invoice_words[int(invoices.id[w[1]])][0]}" for w in ws
        ]
        found.hits.append(
            Hit(
                claim=claim,
                lease=lease,
                severity=HARD if hard else SOFT,
                points=None if hard else points,
                value=value,
                threshold=threshold,
                sentence=sentence + more,
                counterfactual=cure,
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=tuple(
                    (
                        k,
                        invoice_words[int(invoices.id[r])][0],
                        int(invoices.issued_on[r]),
                        signed,
                        starts,
                        last,
                    )
                    for k, r, _lease in ws
                ),
            )
        )


RULE = Rule(
    id="F04",
    title="时间不符",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="《发票管理办法实施细则》关于发票应当在发生经营业务、确认营业收入时开具的规定；各专项“合同签订后发生的费用方可纳入补贴”条款。",
    parameters=(
        Parameter("days_before_signing", 0, "可早于签订日", "天", 0, 90),
        Parameter("days_after_end", 180, "可晚于租期届满", "天", 0, 730),
        Parameter("soft_points", 3, "晚开或期间不符的分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
)
