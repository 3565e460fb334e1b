"""What a feed's rows betray only beside their neighbours: instance totals as card prices, placeholders, slips of scale.

Nothing is decided here: a suspect price waits for a person, and is never averaged in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.prices.figures import ONE, divide, lower_median, multiply

PLACEHOLDERS = frozenset(
    map(Decimal, ("0.01", "0.1", "0.5", "1", "9.99", "99", "99.99", "999", "9999", "99999"))
)
OWN_SLACK = Decimal("1.25")
MARKET_SLACK = Decimal("1.6")
PLACEHOLDER_FACTOR = Decimal(2)
IMPLAUSIBLE_FACTOR = Decimal(20)
LEAST_RATIO = Decimal("2.5")
OWN_MIN, MARKET_MIN = 3, 5


@dataclass(frozen=True, slots=True)
class Seen:
    """A normalised price as its neighbours see it: whose it is, for what, and how many cards an instance of it has."""

    key: str
    source: str
    product: tuple[str, ...]  # chip, form and whatever else makes prices comparable
    price: Decimal
    written: Decimal
    cards: int


def _medians(groups: Mapping[tuple[str, ...], list[Decimal]], least: int) -> dict[tuple[str, ...], Decimal]:
    return {key: lower_median(sorted(prices)) for key, prices in groups.items() if len(prices) >= least}


def suspects(seen: Iterable[Seen], neighbours: Iterable[Seen] = ()) -> dict[str, str]:
    """Key → reason code, for those of ``seen`` that should wait for a person. ``neighbours`` only inform.

    An instance's total lies near its number of cards times the usual price (the source's own, else the market's), the
    reverse near one part of it. A placeholder is a round figure far from the market. Twenty times off is implausible.
    """
    seen = list(seen)
    own: dict[tuple[str, ...], list[Decimal]] = {}
    market: dict[tuple[str, ...], list[Decimal]] = {}
    for item in (*seen, *neighbours):
        own.setdefault((item.source, *item.product), []).append(item.price)
        market.setdefault(item.product, []).append(item.price)
    own_usual, market_usual = _medians(own, OWN_MIN), _medians(market, MARKET_MIN)
    found: dict[str, str] = {}
    for item in seen:
        reason = _suspicion(item, own_usual.get((item.source, *item.product)), market_usual.get(item.product))
        if reason:
            found[item.key] = reason
    return found


def _suspicion(item: Seen, own: Decimal | None, market: Decimal | None) -> str:
    if item.cards > 1:
        # A source that has a history of its own is held against it alone: dear is not wrong.
        usual, slack = (own, OWN_SLACK) if own is not None else (market, MARKET_SLACK)
        reason = _total(item, usual, slack)
        if reason:
            return reason
    if market is None:
        return ""
    ratio = divide(item.price, market)
    if ratio >= IMPLAUSIBLE_FACTOR or multiply(ratio, IMPLAUSIBLE_FACTOR) <= 1:
        return "price.implausible"
    far = ratio >= PLACEHOLDER_FACTOR or multiply(ratio, PLACEHOLDER_FACTOR) <= 1
    if far and item.written.normalize() in {value.normalize() for value in PLACEHOLDERS}:
        return "price.placeholder"
    return ""


def _total(item: Seen, usual: Decimal | None, slack: Decimal) -> str:
    if usual is None:
        return ""
    cards = Decimal(item.cards)
    if divide(cards, slack) < LEAST_RATIO:  # twice the usual price says nothing of two cards
        return ""
    ratio = divide(item.price, usual)
    if divide(cards, slack) <= ratio <= multiply(cards, slack):
        return "unit.instance_total"
    if divide(ONE, multiply(cards, slack)) <= ratio <= divide(slack, cards):
        return "unit.server_as_card"
    return ""
