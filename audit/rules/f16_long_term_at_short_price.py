"""F16 价期错配：签的是长期合同，付的是短期价格。

方法：租期达到 months 个月的合同，折算单价与短期价的比值大于 ratio_percent，而同一型号、同一供应方类别的长期价只有短期价的 factor_percent 以下：提示，5 分。短期价、长期价取签订日之前 window_days 天内、其他来源的采集价的中位数（短期为租期三个月以下，长期为 months 个月以上）。

例：租期十八个月，单价 19.60 元/卡时，短期价 20.00 元，一年期通常为 13.20 元：触发。

缘由：长期承诺本应大幅让价；按短期价付长期租金，多付的部分往往另行返还。

排除：承租方可以随时或提前通知解除、不承担违约责任的合同（等于按短期租用）。

假设：合同文本随合同提交；没有文本（不知能否解除）、出租方类别不明、或短期、长期的独立来源各不足 least_sources 个的，无法检验。

参数：months（12 个月）、ratio_percent（90%）、factor_percent（75%）、window_days（180 天）、least_sources（5 个）、points（5 分）。
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, Facts
from audit.rules.spread import claims_on, live_leases, untested_claims

SHORT_MONTHS = 3
MILLION = 1_000_000
MONTH_TENTHS = 304  # days in ten months
CANCELLABLE = re.compile(
    r"随时(?:可以?)?(?:解除|退租|终止)|提前[^，。；]{0,12}通知(?:对方|乙方)?(?:即可)?(?:解除|退租|终止)"
)


@dataclass(frozen=True)
class Market:
    """What a card hour cost others before that day: medians in millionths of a yuan, and by how many sources."""

    short: int
    long: int
    sources: int


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) of a long term at the price of a short one."""
    leases, found = facts.leases, Found()
    rows = live_leases(facts)
    if not facts.whole:
        found.untestable_leases = {int(one) for one in leases.id[rows]}
        found.untestable_claims = {int(one) for one in facts.claims.id}
        return found
    length = leases.ends_before - leases.starts_on
    long = rows[length[rows] * 10 >= int(parameters["months"]) * MONTH_TENTHS]
    words = facts.labels("document", leases.id[long])
    tier_of = dict(zip(facts.tiers.provider.tolist(), facts.tiers.tier.tolist(), strict=True))
    offers = _offers(facts)
    chosen: dict[int, tuple[int, Market]] = {}
    for row in long.tolist():
        lease = int(leases.id[row])
        text = words.get(lease, ("",))[0]
        price = _card_hour(leases, row)
        tier = tier_of.get(int(leases.lessor[row]))
        market = None
        if text.strip() and price is not None and tier is not None:
            market = _market(facts, offers.get((int(leases.accelerator[row]), tier)), row, parameters)
        if market is None:
            found.untestable_leases.add(lease)
        elif (
            price is not None
            and not CANCELLABLE.search(text)
            and price * 100 > int(parameters["ratio_percent"]) * market.short
            and market.long * 100 <= int(parameters["factor_percent"]) * market.short
        ):
            chosen[lease] = (price, market)
    found.untestable_claims = untested_claims(facts, found.untestable_leases)
    _explain(facts, found, chosen, parameters)
    return found


def _card_hour(leases: Any, row: int) -> int | None:
    """The price of a card hour in millionths; of what is not let by the hour, the amount over all its hours."""
    if leases.by_card_hour[row] == 1 and leases.unit_price[row] != MISSING:
        return int(leases.unit_price[row])
    hours = int(leases.cards[row]) * 24 * int(leases.ends_before[row] - leases.starts_on[row])
    if leases.cards[row] <= 0 or hours <= 0:
        return None
    return int(leases.amount[row]) * (MILLION // 100) // hours


def _offers(facts: Facts) -> dict[tuple[int, int], np.ndarray]:
    """(accelerator, tier) → rows of the prices seen of it."""
    offers = facts.offers
    rows: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(offers.accelerator.tolist(), offers.tier.tolist(), strict=True)):
        rows[key].append(row)
    return {key: np.array(some) for key, some in rows.items()}


def _market(facts: Facts, rows: np.ndarray | None, at: int, parameters: Mapping[str, Any]) -> Market | None:
    if rows is None:
        return None
    offers, leases = facts.offers, facts.leases
    on = int(leases.signed_on[at])
    near = rows[
        (offers.seen_on[rows] <= on)
        & (offers.seen_on[rows] > on - int(parameters["window_days"]))
        & (offers.party[rows] != leases.lessor[at])
    ]
    medians, sources = [], []
    for part in (
        near[offers.months[near] < SHORT_MONTHS],
        near[offers.months[near] >= int(parameters["months"])],
    ):
        # One source is one voice, however often it is heard.
        voices = [
            int(np.median(offers.price[part[offers.source[part] == one]]))
            for one in np.unique(offers.source[part])
        ]
        if len(voices) < int(parameters["least_sources"]):
            return None
        medians.append(int(np.median(voices)))
        sources.append(len(voices))
    return Market(medians[0], medians[1], min(sources))


def _explain(
    facts: Facts, found: Found, chosen: Mapping[int, tuple[int, Market]], parameters: Mapping[str, Any]
) -> None:
    leases = facts.leases
    words = facts.labels("lease", chosen)
    for lease, claims in claims_on(facts, chosen).items():
        price, market = chosen[lease]
        at = leases.at(lease)
        own, short, long = (
            (Decimal(one) / MILLION).quantize(Decimal("0.01")) for one in (price, market.short, market.long)
        )
        limit = (Decimal(market.short) * int(parameters["ratio_percent"]) / 100 / MILLION).quantize(
            Decimal("0.01")
        )
        for claim in claims:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=Decimal(str(parameters["points"])),
                    value=f"{own} 元/卡时",
                    threshold=f"{limit} 元/卡时",
                    sentence=f"合同租期 {day_of(int(leases.starts_on[at]))} 至 {day_of(int(leases.ends_before[at]) - 1)}，折合 {own} 元/卡时；"
                    f"同型号短期价 {short} 元，{parameters['months']} 个月以上通常为 {long} 元（各 {market.sources} 个以上来源）。",
                    counterfactual=f"若单价 ≤ {limit} 元/卡时，或合同约定可随时解除，则不触发。",
                    evidence=(f"lease:{words[lease][0]}",),
                    inputs=(words[lease][0], price, market.short, market.long, market.sources),
                    peers={"n": str(market.sources), "short": str(short), "long": str(long)},
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])),
                )
            )


RULE = Rule(
    id="F16",
    title="价期错配",
    family="B",
    severity=SOFT,
    points=Decimal(5),
    legal_basis="《价格法》第七条（公平、合法和诚实信用）；各专项“价格明显高于市场公允价格的不予支持或核减”条款。",
    parameters=(
        Parameter("months", 12, "长期起点", "个月", 6, 60),
        Parameter("ratio_percent", 90, "与短期价之比", "%", 50, 150),
        Parameter("factor_percent", 75, "长期价与短期价之比", "%", 30, 100),
        Parameter("window_days", 180, "采集期", "天", 30, 730),
        Parameter("least_sources", 5, "最少来源", "个", 3, 50),
        Parameter("points", 5, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
