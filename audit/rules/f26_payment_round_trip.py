"""F26 资金回流：付出去的租金又回到承租方。

方法：从有效申请所引的每笔转账（承租方付给出租方）出发，沿出租方此后 days 天内的付款，至多 hops 次转手，能否到达承租方或持有其 25% 以上的公司。同两家一周内的付款合并（拆分）。每一步不比前一步多出 5%；到达的金额不低于租金的 return_percent：8 分。

例：3 月 2 日付租金 1,414,505 元，5 日其中 1,390,000 元转给一家贸易公司，9 日回到承租方：触发。

缘由：回来了的租金等于没有付。

排除：双方之间有红字发票的退款；反方向的真实交易，即每一步在 90 天内都有不低于其一半金额的有效发票（只有其中几步有票的，不能解释整条路径）。

假设：沿途各方的流水在册；出租方没有任何付款记录的，无从追踪，无法检验。

参数：hops（4 次）、days（60 天）、return_percent（40%）、points（8 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.facts import MISSING, STATUS, Facts

WEEK = 7
TRADE_DAYS = 90
CONTROL = 250_000
MOST_STEPS = 5_000  # of one search: what branches more is no path but a market


class _Flow:
    """Outgoing transfers by payer in order of time, payments to one payee within a week taken together."""

    def __init__(self, facts: Facts) -> None:
        transfers = facts.transfers
        self.out: dict[int, list[tuple[int, int, int, tuple[int, ...]]]] = defaultdict(
            list
        )  # day, amount, payee, rows
        known = np.flatnonzero(
            (transfers.payer != MISSING) & (transfers.payee != MISSING) & (transfers.amount > 0)
        )
        order = known[np.lexsort((transfers.paid_on[known], transfers.payee[known], transfers.payer[known]))]
        lists = [getattr(transfers, name)[order].tolist() for name in ("payer", "payee", "paid_on", "amount")]
        previous: tuple[int, int] | None = None
        for row, payer, payee, day, amount in zip(order.tolist(), *lists, strict=True):
            steps = self.out[payer]
            if previous == (payer, payee) and day - steps[-1][0] <= WEEK:
                first, total, _payee, rows = steps[-1]
                steps[-1] = (first, total + amount, payee, (*rows, row))
            else:
                steps.append((day, amount, payee, (row,)))
            # The single payments stand beside their sum.
            previous = (payer, payee)
        for steps in self.out.values():
            steps += [
                (int(transfers.paid_on[r]), int(transfers.amount[r]), s[2], (r,))
                for s in steps
                if len(s[3]) > 1
                for r in s[3]
            ]
            steps.sort()


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims whose rent came back."""
    claims, items, transfers, leases, found = (
        facts.claims,
        facts.items,
        facts.transfers,
        facts.leases,
        Found(),
    )
    live = np.flatnonzero((claims.look_up("live", items.claim) == 1) & (items.transfer != MISSING))
    flow, trade, holders = _Flow(facts), _trade(facts), _holders(facts)
    hops, days, least = int(parameters["hops"]), int(parameters["days"]), int(parameters["return_percent"])
    lessee_of = leases.look_up("lessee", claims.look_up("lease", items.claim[live]))
    cited = np.isin(claims.id, items.claim[live])
    found.untestable_claims = {int(one) for one in claims.id[(claims.live == 1) & ~cited]}
    seen: dict[int, tuple[int, ...] | None] = {}
    back: dict[int, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for row, claim, transfer, lessee in zip(
        live.tolist(),
        items.claim[live].tolist(),
        items.transfer[live].tolist(),
        lessee_of.tolist(),
        strict=True,
    ):
        at = transfers.at(transfer)
        if at is None:
            continue
        if transfer not in seen:
            payer, payee = int(transfers.payer[at]), int(transfers.payee[at])
            targets = {payer, lessee} | holders.get(payer, set())
            seen[transfer] = _return(facts, flow, trade, at, payee, targets, hops, days, least)
            if payee not in flow.out:
                found.untestable_claims.add(claim)
        path = seen[transfer]
        if path is not None and all(transfer != one for one, _p in back[claim]):
            back[claim].append((transfer, path))
        del row
    _explain(facts, found, {claim: trips for claim, trips in back.items() if trips}, least)
    return found


def _return(
    facts: Facts,
    flow: _Flow,
    trade: Mapping[tuple[int, int], list[tuple[int, int]]],
    at: int,
    lessor: int,
    targets: set[int],
    hops: int,
    days: int,
    least: int,
) -> tuple[int, ...] | None:
    """The rows of the shortest way back, or None."""
    transfers = facts.transfers
    start, rent = int(transfers.paid_on[at]), int(transfers.amount[at])
    # party, since, carried, path, visited, whether every step so far is covered by trade
    layer: list[tuple[int, int, int, tuple[int, ...], frozenset[int], bool]] = [
        (lessor, start, rent, (), frozenset({lessor}), True)
    ]
    steps = 0
    for _hop in range(hops):
        beyond = []
        for party, since, carried, path, visited, covered in layer:
            for day, amount, payee, rows in flow.out.get(party, ()):
                if day < since or day > start + days:
                    continue
                steps += 1
                if steps > MOST_STEPS:
                    return None
                if amount * 100 > carried * 105 or amount * 100 < rent * least or at in rows:
                    continue
                still = covered and _is_trade(trade, party, payee, day, amount)
                if payee in targets:
                    if not still:
                        return (*path, *rows)
                elif payee not in visited:
                    beyond.append((payee, day, amount, (*path, *rows), visited | {payee}, still))
        layer = beyond
    return None


def _trade(facts: Facts) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """(payer, payee) → (day, gross) of what is invoiced by payee to payer, and of red letters by payer to payee (refunds)."""
    invoices = facts.invoices
    found: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    rows = np.flatnonzero(
        (invoices.status != STATUS["voided"]) & (facts.seller != MISSING) & (facts.buyer != MISSING)
    )
    columns = (facts.seller, facts.buyer, invoices.gross, invoices.issued_on)
    for seller, buyer, gross, day in zip(*(column[rows].tolist() for column in columns), strict=True):
        found[(buyer, seller) if gross > 0 else (seller, buyer)].append((day, abs(gross)))
    return found


def _is_trade(
    trade: Mapping[tuple[int, int], list[tuple[int, int]]], payer: int, payee: int, day: int, amount: int
) -> bool:
    return any(
        abs(on - day) <= TRADE_DAYS and gross * 2 >= amount for on, gross in trade.get((payer, payee), ())
    )


def _holders(facts: Facts) -> dict[int, set[int]]:
    """Party → companies on file that hold 25 % or more of it."""
    held, parties = facts.shareholdings, facts.parties
    party_of = dict(zip(parties.uscc.tolist(), parties.id.tolist(), strict=True))
    found: dict[int, set[int]] = defaultdict(set)
    for row in np.flatnonzero((held.percent >= CONTROL) & (held.holder_is_company == 1)).tolist():
        holder = party_of.get(int(held.holder[row]))
        if holder is not None:
            found[int(held.company[row])].add(holder)
    return found


def _explain(
    facts: Facts, found: Found, back: Mapping[int, list[tuple[int, tuple[int, ...]]]], least: int
) -> None:
    transfers, claims = facts.transfers, facts.claims
    rows = [row for trips in back.values() for _one, path in trips for row in path]
    ids = [one for trips in back.values() for one, _path in trips]
    words = facts.labels("transfer", [*transfers.id[rows].tolist(), *ids])
    names = facts.labels("party", [*transfers.payer[rows].tolist(), *transfers.payee[rows].tolist()])
    for claim, trips in back.items():
        transfer, path = trips[0]
        at = transfers.at(transfer)
        rent, came = int(transfers.amount[at]), int(transfers.amount[path[-1]])
        way = " → ".join(
            [
                names[int(transfers.payer[path[0]])][1],
                *dict.fromkeys(names[int(transfers.payee[row])][1] for row in path),
            ]
        )
        share = came * 100 // rent
        more = f"另有 {len(trips) - 1} 笔同样如此。" if len(trips) > 1 else ""
        ties = {
            int(side[row]) for _one, p in trips for row in p for side in (transfers.payer, transfers.payee)
        }
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=SOFT,
                points=RULE.points,
                value=f"{share}%",
                threshold=f"{least}%",
                sentence=f"{day_of(int(transfers.paid_on[at]))} 支付的租金 {yuan_of(rent)} 元，经 {way} 于 {day_of(transfers.paid_on[path[-1]])} "
                f"前后回到承租方一方 {yuan_of(came)} 元（{share}%）。{more}",
                counterfactual=f"若回流不足租金的 {least}%，或有相应的发票、红字发票说明款项性质，则不触发。",
                evidence=tuple(
                    dict.fromkeys(
                        f"bank_transfer:{words[one][0]}"
                        for first, p in trips
                        for one in (first, *(int(transfers.id[row]) for row in p))
                    )
                ),
                inputs=tuple(
                    (words[one][0], *(words[int(transfers.id[row])][0] for row in p)) for one, p in trips
                ),
                ties=tuple(sorted(ties | {int(claims.enterprise[claims.at(claim)])})),
            )
        )


RULE = Rule(
    id="F26",
    title="资金回流",
    family="D",
    severity=SOFT,
    points=Decimal(8),
    legal_basis="《财政违法行为处罚处分条例》第十四条；各专项“须提供真实付款凭证”条款。",
    parameters=(
        Parameter("hops", 4, "最多转手", "次", 1, 6),
        Parameter("days", 60, "期限", "天", 1, 365),
        Parameter("return_percent", 40, "回流比例", "%", 5, 100),
        Parameter("points", 8, "分值", "分", 0, 10),
    ),
    find=find,
    flat_points=True,
    page=__doc__ or "",
    at_screening=False,
)
