"""F07 红冲或作废后仍兑付：申请所依据的发票已被红冲或作废。

方法：有效申请的每张发票，比较其余额（作废为零，红冲为红冲后的余额）与本件所用金额，余额不足一分以上的为硬性：拨付前拦截，拨付后作为追回的依据。提交时、拨付时和每夜都重新查验状态。

例：2 月 19 日拨付，6 月 10 日全额红冲：触发，为拨付后第 111 天。

缘由：红冲之后交易已不存在，补贴却还留着。

排除：红冲后 reissue_days 天内向同一购方重开、金额相差不超过 reissue_per_mille、服务期相同的，为更正错票，只提示（2 分）；红冲后余额仍够的；未获支持或已撤回的申请。

假设：状态以最近一次查验为准；发票未入库的无法检验。

参数：reissue_days（15 天）、reissue_per_mille（10‰）、reissue_points（2 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of, yuan_of
from audit.rules.f03_party_mismatch import claimed_invoices
from audit.rules.f06_over_contract import worth_of
from audit.rules.facts import MISSING, STATUS, Column, Facts


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims on invoices that no longer stand for what is claimed."""
    items, invoices, claims, found = facts.items, facts.invoices, facts.claims, Found()
    rows, claim, _lease, invoice = claimed_invoices(facts)
    found.untestable_claims = {int(one) for one in claim[invoice < 0]}
    found.untestable_claims |= {
        int(one) for one in claims.id[(claims.live == 1) & ~np.isin(claims.id, claim)]
    }
    worth = worth_of(facts)
    keep = np.flatnonzero(invoice >= 0)
    fallen = keep[
        (worth[invoice[keep]] + 1 < items.net[rows[keep]])
        & (worth[invoice[keep]] < invoices.net[invoice[keep]])
    ]
    if not len(fallen):
        return found
    reissues = _Reissues(
        facts, invoice[fallen], int(parameters["reissue_days"]), int(parameters["reissue_per_mille"])
    )
    of_claim: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for one in fallen.tolist():
        row = int(invoice[one])
        of_claim[int(claim[one])].append((row, reissues.after(row)))
    _explain(facts, found, of_claim, worth, Decimal(str(parameters["reissue_points"])))
    return found


class _Reissues:
    """Invoices by their two parties, to find the one that took the place of a red-lettered one."""

    def __init__(self, facts: Facts, fallen: Column, days: int, per_mille: int) -> None:
        self.invoices, self.days, self.per_mille = facts.invoices, days, per_mille
        self._between: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._red_on: dict[tuple[int, int], int] = {}
        invoices = facts.invoices
        good = (invoices.net > 0) & (invoices.status == STATUS["normal"])
        good &= np.isin(invoices.seller, invoices.seller[fallen])  # of nobody else is a re-issue looked for
        for row in np.flatnonzero(good).tolist():
            self._between[int(invoices.seller[row]), int(invoices.buyer[row])].append(row)
        for row in np.flatnonzero((invoices.net < 0) & (invoices.red_of != MISSING)).tolist():
            self._red_on[int(invoices.red_of[row]), int(invoices.seller[row])] = int(invoices.issued_on[row])

    def changed_on(self, row: int) -> int:
        """The day of the red letter or voiding; MISSING when it is not known."""
        changed = int(self.invoices.changed_on[row])
        if changed != MISSING:
            return changed
        return self._red_on.get((int(self.invoices.number[row]), int(self.invoices.seller[row])), MISSING)

    def after(self, row: int) -> int | None:
        """The row of the re-issue, or None."""
        invoices, changed = self.invoices, self.changed_on(row)
        if changed == MISSING:
            return None
        for other in self._between.get((int(invoices.seller[row]), int(invoices.buyer[row])), ()):
            within = 0 <= int(invoices.issued_on[other]) - changed <= self.days
            near = abs(int(invoices.net[other]) - int(invoices.net[row])) * 1000 <= self.per_mille * int(
                invoices.net[row]
            )
            period = invoices.period_from[other], invoices.period_from[row]
            same = MISSING in period or period[0] == period[1]
            if other != row and within and near and same:
                return int(other)
        return None


def _explain(
    facts: Facts,
    found: Found,
    of_claim: Mapping[int, list[tuple[int, int | None]]],
    worth: Any,
    points: Decimal,
) -> None:
    invoices, claims = facts.invoices, facts.claims
    concerned = [row for fallen in of_claim.values() for pair in fallen for row in pair if row is not None]
    reds = np.flatnonzero((invoices.net < 0) & np.isin(invoices.red_of, invoices.number[concerned]))
    words = facts.labels("invoice", [*invoices.id[concerned].tolist(), *invoices.id[reds].tolist()])
    red_rows: dict[tuple[int, int], list[int]] = defaultdict(list)
    for red in reds.tolist():
        red_rows[int(invoices.red_of[red]), int(invoices.seller[red])].append(red)
    for claim, fallen in of_claim.items():
        hard = [pair for pair in fallen if pair[1] is None]
        row, reissue = (hard or fallen)[0]
        at = claims.at(claim)
        paid = int(claims.paid_on[at])
        changed = int(invoices.changed_on[row])
        deed = "作废" if invoices.status[row] == STATUS["voided"] else "红冲"
        when = f"已于 {day_of(changed)} {deed}" if changed != MISSING else f"已{deed}"
        after = ""
        if paid != MISSING and changed != MISSING:
            after = (
                f"，在拨付（{day_of(paid)}）后第 {changed - paid} 天" if changed > paid else "，早于拨付日"
            )
        left = f"，尚余 {yuan_of(worth[row])} 元" if worth[row] > 0 else ""
        again = ""
        if reissue is not None:
            again = f"已于 {day_of(invoices.issued_on[reissue])} 重开发票 {words[int(invoices.id[reissue])][1]}，金额与服务期相同。"
        more = f"另有 {len(fallen) - 1} 张发票同样如此。" if len(fallen) > 1 else ""
        evidence = []
        for one, other in fallen:
            evidence.append(f"invoice:{words[int(invoices.id[one])][0]}")
            place = (int(invoices.number[one]), int(invoices.seller[one]))
            evidence += [f"invoice:{words[int(invoices.id[red])][0]}" for red in red_rows[place]]
            evidence += [f"invoice:{words[int(invoices.id[other])][0]}"] if other is not None else []
        found.hits.append(
            Hit(
                claim=claim,
                lease=None,
                severity=HARD if hard else SOFT,
                points=None if hard else points,
                value=yuan_of(worth[row]),
                threshold=yuan_of(invoices.net[row]),
                sentence=f"发票 {words[int(invoices.id[row])][1]} {when}{after}{left}。{again}{more}",
                counterfactual="若 15 日内向同一购方重开同额、同服务期的发票并换用，则不触发硬性预警。",
                evidence=tuple(dict.fromkeys(evidence)),
                inputs=tuple(
                    (
                        words[int(invoices.id[one])][0],
                        int(invoices.status[one]),
                        int(invoices.changed_on[one]),
                        int(worth[one]),
                        words[int(invoices.id[other])][0] if other is not None else "",
                    )
                    for one, other in fallen
                ),
            )
        )


RULE = Rule(
    id="F07",
    title="红冲或作废后仍兑付",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="《发票管理办法》第二十六条；国家税务总局公告2024年第11号关于红字发票的规定；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("reissue_days", 15, "重开期限", "天", 0, 90),
        Parameter("reissue_per_mille", 10, "重开金额相差", "‰", 0, 100),
        Parameter("reissue_points", 2, "已重开的分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
)
