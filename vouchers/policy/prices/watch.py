"""Signs of collusion in the inputs themselves, for a person to look into. They change no price and accuse nobody.

Four questions about the quotes of a cell: do sources that are said to be independent quote the same to the cent, do they
change their prices on the same days, have the votes closed up beside what they were in the months before, and did a seller
raise its quotes shortly before its own contracts were redeemed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise

from vouchers.policy.prices.cells import UNIT_LABEL, Cell
from vouchers.policy.prices.figures import lower_median, multiply, text_of
from vouchers.policy.prices.market import Market
from vouchers.policy.prices.method import affiliated_groups
from vouchers.policy.prices.verdicts import price_text

SAME_PRICE_GROUPS = 3
"""So many groups with one price: two may meet at a round figure."""
SAME_DAYS = 3
"""So many days on which both changed a price."""
SAME_DAYS_SHARE = Decimal("0.75")
"""And of the days on which the one that changes less often changed any."""
NARROWED_TO = Decimal(3)
"""Dispersion below one in so many of what it was."""
RAISED_DAYS = 30
"""So many days before a redemption window opens, or before the claim where there is no window."""
MONTHS_BEFORE = 6
LEAST_MONTHS = 3

KINDS = {"same_price": "报价相同", "same_days": "同日调价", "narrowed": "离散骤缩", "raised": "兑付前提价"}


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: what kind, in which cell, by which groups, and the sentence that a person reads."""

    kind: str
    cell: Cell
    groups: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Redemption:
    """A claim on a contract of the seller for the accelerator; ``opens_on`` is the first day of the window it was filed in, or
    the day of filing where its scheme has none."""

    source: str
    accelerator: str
    claim_no: str
    opens_on: date


def watch(
    market: Market,
    mads_before: Mapping[str, Sequence[Decimal]] | None = None,
    names: Mapping[str, str] | None = None,
    redemptions: Iterable[Redemption] = (),
) -> list[Sign]:
    """All signs of a market, in the order of its cells. ``mads_before``: by cell code, the dispersions (median absolute
    deviation of the logarithms) of up to six months before, computed of the cell itself. ``names``: what people call a
    source. ``redemptions``: the claims that followed."""
    found: list[Sign] = []
    called = names or {}
    claims: dict[tuple[str, str], list[Redemption]] = defaultdict(list)
    for one in redemptions:
        claims[market.sources.group(one.source), one.accelerator].append(one)
    for cell in market.cells():
        found += same_prices(market, cell, called)
        found += same_days(market, cell, called)
        found += narrowed(market, cell, (mads_before or {}).get(cell.code, ()))
        found += raised(market, cell, claims, called)
    return found


def same_prices(market: Market, cell: Cell, names: Mapping[str, str]) -> Iterable[Sign]:
    """Quotes of several groups, each group's own latest, that are the same to the cent."""
    by_price: dict[str, set[str]] = defaultdict(set)
    for vote in market.votes(cell):
        if vote.kind == "quote":
            by_price[price_text(vote.price)].add(vote.group)
    for price, groups in sorted(by_price.items()):
        if len(groups) >= SAME_PRICE_GROUPS:
            named = tuple(sorted(groups))
            said = f"{len(named)} 家互不关联的供应方报价相同，均为 {price} {UNIT_LABEL[cell.market]}：{_called(named, names)}。"
            yield Sign("same_price", cell, named, said)


def same_days(market: Market, cell: Cell, names: Mapping[str, str]) -> Iterable[Sign]:
    """Groups that change their quotes on the same days, as far as the market remembers."""
    changes = {group: days for group, days in _change_days(market, cell).items() if len(days) >= SAME_DAYS}
    alike = [
        (one, other)
        for one, other in combinations(sorted(changes), 2)
        if _go_together(changes[one], changes[other])
    ]
    together: dict[str, list[str]] = defaultdict(list)
    for name, head in affiliated_groups(alike).items():
        together[head].append(name)
    for _head, members in sorted(together.items()):
        days = set.intersection(*(changes[name] for name in members))
        when = f"，共同的有 {'、'.join(day.isoformat() for day in sorted(days))}" if days else ""
        said = f"{len(members)} 家互不关联的供应方多次在同一天调整报价{when}：{_called(members, names)}。"
        yield Sign("same_days", cell, tuple(members), said)


def narrowed(market: Market, cell: Cell, before: Sequence[Decimal]) -> Iterable[Sign]:
    """Votes that lie much closer together than in the months before."""
    known = sorted(before[:MONTHS_BEFORE])
    if len(known) < LEAST_MONTHS:
        return
    row = market.price(cell)
    usual = lower_median(known)
    if row.level != "L0" or row.mad is None or not usual or multiply(row.mad, NARROWED_TO) >= usual:
        return
    groups = tuple(sorted(vote.group for vote in market.votes(cell)))
    said = (
        f"{row.n_groups} 家价格的离散程度（对数中位绝对偏差）为 {text_of(row.mad)}，不足此前 {len(known)} 期中位数 "
        f"{text_of(usual)} 的三分之一。"
    )
    yield Sign("narrowed", cell, groups, said)


def raised(
    market: Market,
    cell: Cell,
    claims: Mapping[tuple[str, str], Sequence[Redemption]],
    names: Mapping[str, str],
) -> Iterable[Sign]:
    """Groups that raised a quote in the days before a window in which contracts of theirs for the chip were redeemed. ``claims``
    by group and accelerator."""
    by_group: dict[str, list[tuple[date, Decimal, Decimal]]] = defaultdict(list)
    for group, day, was, price in _changes(market, cell):
        if price > was:
            by_group[group].append((day, was, price))
    for group, raises in sorted(by_group.items()):
        said, followed = [], set()
        for day, was, price in sorted(raises):
            after = {
                one
                for one in claims.get((group, cell.accelerator), ())
                if 0 <= (one.opens_on - day).days <= RAISED_DAYS
            }
            if after:
                followed |= after
                said.append(f"{day.isoformat()} 由 {price_text(was)} 提至 {price_text(price)}")
        if said:
            first = min(one.opens_on for one in followed)
            yield Sign(
                "raised",
                cell,
                (group,),
                f"{names.get(group, group)} 在兑付前 {RAISED_DAYS} 日内提高报价（{'、'.join(said)} {UNIT_LABEL[cell.market]}），"
                f"自 {first.isoformat()} 起有 {len(followed)} 件以其合同申请的兑付。",
            )


def _called(groups: Iterable[str], names: Mapping[str, str]) -> str:
    return "、".join(names.get(group, group) for group in groups)


def _changes(market: Market, cell: Cell) -> Iterable[tuple[str, date, Decimal, Decimal]]:
    """Group, day, price before and price after, wherever a quote of the same source, product and region was another than the
    one before it."""
    series: dict[tuple[str, str, str], list[tuple[date, Decimal]]] = defaultdict(list)
    for item in market.of(cell):
        if item.kind == "quote" and item.state == "admitted" and item.unit_price is not None:
            series[item.source, item.sku, item.region].append((item.observed_on, item.unit_price))
    for (source, _sku, _region), seen in series.items():
        seen.sort()
        group = market.sources.group(source)
        for (_then, was), (day, price) in pairwise(seen):
            if price != was:
                yield group, day, was, price


def _change_days(market: Market, cell: Cell) -> dict[str, set[date]]:
    """By group, the days on which it changed a quote."""
    days: dict[str, set[date]] = defaultdict(set)
    for group, day, _was, _price in _changes(market, cell):
        days[group].add(day)
    return days


def _go_together(one: set[date], other: set[date]) -> bool:
    common = len(one & other)
    return common >= SAME_DAYS and common >= multiply(SAME_DAYS_SHARE, Decimal(min(len(one), len(other))))
