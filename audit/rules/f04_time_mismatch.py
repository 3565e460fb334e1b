"""F04 时间不符: the invoice was issued before the lease was signed, or long after its end, or for another time.

Method. For each invoice of a live claim, against the claim's lease. Hard: the day of issue lies before the day of signing by
more than ``days_before_signing``. Soft (3 points): the day of issue lies more than ``days_after_end`` after the last day of
the lease, or the service period on the invoice does not touch the lease's period.

Example. Signed on 18 July 2025, invoice of 30 June 2025: flagged. Signed on 18 July, invoice of 18 July: not.

Why. A bill that is older than its contract shows that the contract was made for the application.

Exclusions. Framework contracts whose orders are signed later, and billing in arrears: the programme sets the two parameters.

Assumptions. Dates are those of the tax office's record and of the contract on file. Without invoice or lease: not testable. A
bill without a service period is not tested for it.

Parameters. ``days_before_signing`` (0), ``days_after_end`` (180), ``soft_points`` (3).
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
