"""F19 零用量: computing was billed and the platform metered none of it.

Method. For a lease with live claims: the provider's platform metered at least ``coverage_percent`` of its days and not
fewer than ``grace_days`` (or all, when it is shorter), and the card-hours add up to zero: hard.

Example. 92 days metered by the platform, 0 card-hours, three invoices claimed: flagged.

Why. A lease under which nothing ever ran was not a lease.

Exclusions. Low use is not flagged: reserved leases are paid while idle, and utilisation says nothing about them. What a party
reported about itself is no metering. Loss of data: fewer days than the coverage asks for are not testable.

Assumptions. The platform meters every day on which the lease stands; a lease that still runs is tested when its whole time was
metered.

Parameters. ``coverage_percent`` (90), ``grace_days`` (30).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, Facts


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) that were metered whole and never used."""
    leases, claims, metering, found = facts.leases, facts.claims, facts.metering, Found()
    coverage, grace = int(parameters["coverage_percent"]), int(parameters["grace_days"])
    days_of = {
        int(lease): (int(days), int(hours))
        for lease, days, hours in zip(
            metering.lease, metering.platform_days, metering.platform_hours, strict=True
        )
    }
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero((claims.live == 1) & (claims.lease != MISSING)).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    found.untestable_claims = {int(one) for one in claims.id[claims.lease == MISSING]}
    idle: dict[int, int] = {}
    for lease, its_claims in claims_of.items():
        at = leases.at(lease)
        days, hours = days_of.get(lease, (0, 0))
        length = int(leases.ends_before[at] - leases.starts_on[at]) if at is not None else 0
        if at is None or days < min(grace, length) or days * 100 < coverage * length:
            found.untestable_leases.add(lease)
            found.untestable_claims.update(its_claims)
        elif hours == 0:
            idle[lease] = days
    words = facts.labels("lease", idle)
    for lease, days in idle.items():
        at = leases.at(lease)
        assert at is not None
        for claim in claims_of[lease]:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=HARD,
                    points=None,
                    value="0 卡时",
                    threshold="大于 0 卡时",
                    sentence=f"合同 {words[lease][0]}（{day_of(leases.starts_on[at])} 至 {day_of(leases.ends_before[at] - 1)}）"
                    f"由平台计量 {days} 天，用量为零。",
                    counterfactual="若平台计量中有任何一天用量大于零，或计量确有缺失，则不触发。",
                    evidence=(f"lease:{words[lease][0]}", f"metering:{words[lease][0]}"),
                    inputs=(words[lease][0], days, 0),
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])),
                )
            )
    return found


RULE = Rule(
    id="F19",
    title="零用量",
    family="C",
    severity=HARD,
    points=None,
    legal_basis="各专项“以实际使用的算力为准”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("coverage_percent", 90, "计量覆盖", "%", 50, 100),
        Parameter("grace_days", 30, "起算天数", "天", 0, 180),
    ),
    find=find,
    page=__doc__ or "",
    about="lease",
)
