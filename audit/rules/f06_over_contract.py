"""F06 金额超合同: more was invoiced under a lease than the lease is worth.

Method. For each lease the net amounts of its valid invoices are added, each invoice number once: a red-lettered invoice
counts with what the red letter left of it, a voided one not at all. Invoices that claims rest on come first, in the order
in which the claims were filed, then the others by day of issue. Where the sum passes the contract's amount by more than
``over_per_mille``, the claims that bring the invoices from there on are flagged; when no claim brings them, the lease is.

Example. A lease over 1,280,358.71 yuan, claimed whole on 26 December; a second invoice of the same amount claimed on
20 January: the second claim is flagged.

Why. A contract is paid once. What is billed beyond it was not agreed, or is the same bill with another number.

Exclusions. A lease by the card-hour whose metered use on the provider's platform is worth more than the estimate in the
contract: the metered value is the limit then. Red letters and re-issue. Rounding within the tolerance.

Assumptions. Amounts are without tax. An invoice belongs to the lease that it was filed for; failing that, to the lease of the
claim that rests on it. Metering that a party reported about itself does not raise the limit.

Parameters. ``over_per_mille`` (5 ‰ of the contract's amount).
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
    for row in np.flatnonzero(live & (items.key != MISSING)).tolist():
        since = int(filed[row]) if filed[row] != MISSING else LAST
        new = (since, int(items.claim[row]), int(lease_of_item[row]))
        key = int(items.key[row])
        if key not in presented or new < presented[key]:
            presented[key] = new

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
    for one, amount in total.items():
        at = leases.at(one)
        if at is None or leases.amount[at] == MISSING:
            continue
        limit = int(leases.amount[at]) * (1000 + per_mille) // 1000
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
