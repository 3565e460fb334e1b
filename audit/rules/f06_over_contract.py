"""F06 金额超合同：合同名下开出的发票超过合同金额。

方法：逐份合同累加有效发票的不含税金额，同一号码只计一次；已红冲的计红冲后的余额，已作废的不计。有申请使用的发票在前，按提交先后；其余按开票日。合计超过合同金额 over_per_mille 时，带来其后各张发票的申请触发；没有申请带来的，合同本身触发。

例：合同 1,280,358.71 元，12 月 26 日全额申请；次年 1 月 20 日又提交同额的第二张发票：后一件触发。

缘由：一份合同只付一次款；多出的票没有约定，或是换了号码的同一张票。

排除：按卡时计价、平台计量的用量价值高于合同估价的，以计量价值为限；红冲后重开；容差以内的尾差。

假设：金额均不含税；发票属于申请人所称的合同，未写明的属于使用它的申请的合同；自报的用量不提高上限。

参数：over_per_mille（合同金额的 5‰）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, yuan_of
from audit.rules.f01_duplicate_invoice import LAST
from audit.rules.facts import MISSING, STATUS, Column, Facts


def worth_of(facts: Facts) -> Column:
    """What each invoice still stands for, in fen: nothing when voided, what a red letter left when red-lettered."""
    invoices = facts.invoices
    worth = np.where((invoices.net > 0) & (invoices.status != STATUS["voided"]), invoices.net, 0)
    reds = np.flatnonzero(
        (invoices.net < 0) & (invoices.red_of != MISSING) & (invoices.status != STATUS["voided"])
    )
    taken: dict[tuple[int, int], int] = defaultdict(int)
    for row in reds:
        taken[int(invoices.red_of[row]), int(invoices.seller[row])] += int(invoices.net[row])
    touched = np.flatnonzero((worth > 0) & np.isin(invoices.number, invoices.red_of[reds]))
    for row in touched:
        worth[row] = max(0, int(worth[row]) + taken[int(invoices.number[row]), int(invoices.seller[row])])
    alone = (invoices.status == STATUS["red"]) & (worth == invoices.net)
    return np.where(alone, 0, worth)  # red-lettered, and the red letter is not on file: nothing is left


def limits(facts: Facts, per_mille: int) -> dict[int, int]:
    """Metered limits in fen, for leases by the card-hour with metering on the platform: lease id → unit price × hours."""
    leases = facts.leases
    hourly = leases.id[(leases.by_card_hour == 1) & (leases.unit_price > 0)]
    if not len(hourly) or not len(facts.metering):
        return {}
    by_lease = dict(zip(facts.metering.lease.tolist(), facts.metering.platform_hours.tolist(), strict=True))
    found: dict[int, int] = {}
    for lease in hourly.tolist():
        metered = by_lease.get(lease, 0)
        if metered > 0:
            at = leases.at(lease)
            # Hours in ten-thousandths, price in millionths of a yuan: 10^8 of them are a fen.
            found[lease] = int(metered) * int(leases.unit_price[at]) // 10**8 * (1000 + per_mille) // 1000
    return found


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims (or leases without one) whose invoices pass the contract's amount."""
    per_mille = int(parameters["over_per_mille"])
    claims, items, invoices, leases, found = facts.claims, facts.items, facts.invoices, facts.leases, Found()
    live = claims.look_up("live", items.claim) == 1
    unknown = live & ((items.invoice == MISSING) | (claims.look_up("lease", items.claim) == MISSING))
    found.untestable_claims = {int(one) for one in items.claim[unknown]}
    found.untestable_claims |= {int(one) for one in claims.id[(claims.live == 1) & (claims.lease == MISSING)]}

    presented: dict[int, tuple[int, int, int]] = {}  # invoice number → first filing, claim, its lease
    filed = claims.look_up("submitted_at", items.claim)
    lease_of_item = claims.look_up("lease", items.claim)
    rows = np.flatnonzero(live & (items.key != MISSING))
    since = np.where(filed == MISSING, LAST, filed)
    columns = (items.key, since, items.claim, lease_of_item)
    for key, *new in zip(*(column[rows].tolist() for column in columns), strict=True):
        first = (new[0], new[1], new[2])
        if key not in presented or first < presented[key]:
            presented[key] = first

    worth = worth_of(facts)
    lease = invoices.lease.copy()
    for row in np.flatnonzero((lease == MISSING) & (worth > 0)).tolist():
        lease[row] = presented.get(int(invoices.key[row]), (0, 0, MISSING))[2]
    counted = np.flatnonzero((worth > 0) & (lease != MISSING))
    total: dict[int, int] = defaultdict(int)
    for one, amount in zip(lease[counted].tolist(), worth[counted].tolist(), strict=True):
        total[one] += amount
    metered: dict[int, int] | None = None
    suspects: dict[int, int] = {}
    amounts = dict(zip(leases.id.tolist(), leases.amount.tolist(), strict=True))
    for one, amount in total.items():
        agreed = amounts.get(one, MISSING)
        if agreed == MISSING:
            continue
        limit = agreed * (1000 + per_mille) // 1000
        if amount > limit:
            metered = limits(facts, per_mille) if metered is None else metered
            limit = max(limit, metered.get(one, 0))
            if amount > limit:
                suspects[one] = limit
    _walk(facts, found, suspects, lease, worth, presented)
    return found


def _walk(
    facts: Facts,
    found: Found,
    suspects: dict[int, int],
    lease: Column,
    worth: Column,
    presented: dict[int, tuple[int, int, int]],
) -> None:
    invoices, leases, items, claims = facts.invoices, facts.leases, facts.items, facts.claims
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(np.isin(lease, list(suspects)) & (worth > 0)).tolist():
        rows_of[int(lease[row])].append(row)
    claims_of: dict[int, set[int]] = defaultdict(set)
    in_play = {int(invoices.key[row]) for rows in rows_of.values() for row in rows}
    live = claims.look_up("live", items.claim) == 1
    for row in np.flatnonzero(live & np.isin(items.key, list(in_play))).tolist():
        claims_of[int(items.key[row])].add(int(items.claim[row]))
    lease_words = facts.labels("lease", suspects)
    words = facts.labels("invoice", invoices.id[[row for rows in rows_of.values() for row in rows]])
    for one, limit in suspects.items():
        at = leases.at(one)
        once: dict[int, int] = {}
        for row in sorted(rows_of[one], key=lambda r: (int(worth[r]), r)):
            once.setdefault(int(invoices.key[row]), row)
        order = sorted(
            once.values(),
            key=lambda r: (
                presented.get(int(invoices.key[r]), (LAST,))[0],
                int(invoices.issued_on[r]),
                int(invoices.id[r]),
            ),
        )
        running, beyond, bringing = 0, [], set()
        for row in order:
            running += int(worth[row])
            if running > limit:
                beyond.append(row)
                bringing |= {
                    claim
                    for claim in claims_of[int(invoices.key[row])]
                    if int(claims.look_up("lease", np.array([claim]))[0]) == one
                }
        if not beyond:
            continue
        amount, no = int(leases.amount[at]), lease_words[one][0]
        sentence = (
            f"合同 {no} 不含税金额 {yuan_of(amount)} 元，其有效发票 {len(order)} 张合计 {yuan_of(running)} 元，"
            f"超出可认定上限 {yuan_of(limit)} 元共 {yuan_of(running - limit)} 元；自发票 {words[int(invoices.id[beyond[0]])][1]} 起超出。"
        )
        evidence = (
            f"lease:{no}",
            *dict.fromkeys(f"invoice:{words[int(invoices.id[row])][0]}" for row in order),
        )
        inputs = (no, limit, *((words[int(invoices.id[row])][0], int(worth[row])) for row in order))
        for claim in (*sorted(bringing),) or (None,):
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=one,
                    severity=HARD,
                    points=None,
                    value=yuan_of(running),
                    threshold=yuan_of(limit),
                    sentence=sentence,
                    counterfactual=f"若有效发票合计不超过 {yuan_of(limit)} 元，或有相应的合同变更备案，则不触发。",
                    evidence=evidence,
                    inputs=inputs,
                )
            )


RULE = Rule(
    id="F06",
    title="金额超合同",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="《财政违法行为处罚处分条例》第十四条；各专项“补贴基数以合同金额与实际发票金额孰低为准”条款。",
    parameters=(Parameter("over_per_mille", 5, "可超出合同金额", "‰", 0, 50),),
    find=find,
    page=__doc__ or "",
)
