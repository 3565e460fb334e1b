"""Which observations may vote: each refusal has a reason code, a word for people, and the rule behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from vouchers.policy.prices.cells import ADMITTED, Observation
from vouchers.policy.prices.method import Method, Sources, affiliated_groups

REASONS: dict[str, str] = {
    # found when the observation was read (normalise, import)
    "unit.missing": "单位不明",
    "unit.unknown": "单位不明",
    "unit.ambiguous": "单位含混",
    "unit.instance_total": "疑以整机价录作单卡价",
    "unit.server_as_card": "疑以单卡价录作整机价",
    "price.missing": "无价格",
    "price.invalid": "价格不是有效数值",
    "price.not_positive": "价格不大于零",
    "price.implausible": "价格超出合理范围",
    "price.placeholder": "疑为占位价",
    "date.invalid": "日期无效",
    "date.future": "日期在未来",
    "chip.unknown": "型号不明",
    "chip.ambiguous": "型号含混",
    "form_factor.missing": "形态不明",
    "form_factor.unknown": "形态与型号不符",
    "precision.missing": "精度不明",
    "precision.unknown": "无该精度的稠密算力",
    "tier.unknown": "供应方类别不明",
    "region.unknown": "地区不明",
    "term.unknown": "租期不明",
    "tax.unknown": "税率不明",
    "currency.unknown": "币种不明",
    "currency.no_rate": "无汇率",
    "currency.rate_stale": "汇率已过时",
    "currency.reference_only": "外币标价仅供参考",
    "kind.unknown": "种类不明",
    "source.missing": "来源不明",
    "bundle.unusual": "配套超出标准",
    "withdrawn": "人工剔除",
    "lease.false": "虚假租约",
    "report.false": "虚假报送",
    "invoice.red": "所依据的发票已红冲或作废",
    "case.opened": "所依据的合同暂缓或核查中",
    "contract.unproven": "合同、发票、付款或用量不再相符",
    "quote.carried": "沿用旧报价",
    "quote.stale": "报送时报价已过期",
    "quote.unproven": "可订购起始日早于入库日，待核实",
    "cost.informative": "成本仅供核对",
    "expert.unconfirmed": "专家意见待他人核对",
    "entry.unconfirmed": "录入的价格待他人核对",
    # found when a price is computed
    "spot": "竞价",
    "quote.not_bookable": "报价不可订购",
    "quote.too_new": "报价连续可订购不足",
    "group.too_new": "供应方入市不足",
    "group.own": "关联方",
    "source.under_inquiry": "来源涉案核查中",
    "transaction.unverified": "成交未核验",
    "outlier": "离群",
    "stale": "已过期",
    "superseded": "同一规格有更新价格",
    "expert": "专家意见仅用于末级",
}
SILENT = frozenset(
    {"stale", "superseded", "expert", "spot", "cost.informative", "expert.unconfirmed", "entry.unconfirmed"}
)  # counted, but not told in the sentence
ALIASES = {"unit.unknown": "unit.missing"}


def seen_on(observation: Observation) -> date:
    """The day the price was last really seen: a carried-forward date renews nothing."""
    return min(observation.carried_from or observation.observed_on, observation.observed_on)


def candidates(
    observations: Iterable[Observation], *, as_of: date, known_at: datetime, method: Method
) -> list[Observation]:
    """Those of the method's market that existed, were known, and are recent enough to be counted at all."""
    market, before = method.market, as_of - timedelta(days=method.candidate_days)
    return [
        item
        for item in observations
        if before < item.observed_on <= as_of and item.known_at <= known_at and item.cell.market == market
    ]


def counted(observation: Observation, known_at: datetime) -> bool:
    """Whether the price was known at the instant, admitted, and not taken out."""
    aside = observation.set_aside_at
    return (
        observation.known_at <= known_at
        and observation.state == ADMITTED
        and (aside is None or aside > known_at)
    )


def known_sources(
    observations: Iterable[Observation],
    *,
    known_at: datetime,
    links: Iterable[tuple[str, str]] = (),
    since: Mapping[str, date] | None = None,
    under_inquiry: Iterable[str] = (),
) -> Sources:
    """What the observations and the register tell of the sources: groups of affiliates, and first days on the market.

    Only prices that counted at the instant tell since when their source is there.
    ``links`` are pairs of affiliated sources; ``since`` are days known otherwise (registration, admission).
    """
    first = dict(since or {})
    for item in observations:
        if not counted(item, known_at):
            continue
        day = item.observed_on
        if item.bookable_since is not None and item.bookable_since < day:
            day = item.bookable_since
        held = first.get(item.source)
        if held is None or day < held:
            first[item.source] = day
    return Sources(group_of=affiliated_groups(links), since=first, under_inquiry=frozenset(under_inquiry))


def market_days(sources: Sources, observations: Collection[Observation]) -> Mapping[str, date]:
    """First day on the market of every group: from what is known of its members, and from the observations themselves."""
    since: dict[str, date] = {}
    for name, day in sources.since.items():
        group = sources.group(name)
        if group not in since or day < since[group]:
            since[group] = day
    for item in observations:
        group = sources.group(item.source)
        day = item.observed_on
        if item.bookable_since is not None and item.bookable_since < day:
            day = item.bookable_since
        if group not in since or day < since[group]:
            since[group] = day
    return since


def refusal(
    observation: Observation,
    *,
    group: str,
    as_of: date,
    known_at: datetime,
    method: Method,
    sources: Sources,
    group_since: Mapping[str, date],
    left_out: Collection[str],
) -> str:
    """The reason code for which the observation does not vote; empty when it does. ``left_out`` are groups."""
    if observation.state != ADMITTED:
        return observation.reason or "withdrawn"
    if observation.set_aside_at is not None and observation.set_aside_at <= known_at:
        return observation.reason or "withdrawn"
    if observation.unit_price is None:
        return "price.missing"
    if observation.cell.term == "spot":
        return "spot"
    age = (as_of - seen_on(observation)).days
    quote = observation.kind == "quote"
    if observation.kind == "transaction":
        limit = method.max_age_transaction_days
    elif quote:
        limit = method.max_age_quote_days
    else:
        limit = method.max_age_expert_days
    if age > limit:
        return "stale"
    if group in left_out:
        return "group.own"
    if group in sources.barred:
        return "source.under_inquiry"
    if quote and method.min_up_days:
        if observation.bookable_since is None:
            return "quote.not_bookable"
        if (observation.observed_on - observation.bookable_since).days < method.min_up_days:
            return "quote.too_new"
    if observation.kind == "transaction" and observation.evidence not in method.transaction_evidence:
        return "transaction.unverified"
    if observation.kind != "expert" and method.min_market_days:
        first = group_since.get(group)
        if first is None or (as_of - first).days < method.min_market_days:
            return "group.too_new"
    return ""
