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

    An instance's total lies near its number of cards times the usual price, the reverse near one part of it. The usual price is
    the source's own, unless that lies so itself beside what the others ask: a source that sends nothing but totals is no
    witness of its own; else the market's. A placeholder is a round figure far from the market. Twenty times off is implausible.
    """
    seen = list(seen)
    own: dict[tuple[str, ...], list[Decimal]] = {}
    market: dict[tuple[str, ...], list[tuple[Decimal, str]]] = {}
    for item in (*seen, *neighbours):
        own.setdefault((item.source, *item.product), []).append(item.price)
        market.setdefault(item.product, []).append((item.price, item.source))
    usual = _Usual(own, market)
    found: dict[str, str] = {}
    for item in seen:
        reason = _suspicion(item, usual)
        if reason:
            found[item.key] = reason
    return found


class _Usual:
    """The usual price of a product: a source's own, the market's, and that of all others. Sorted once."""

    def __init__(
        self,
        own: Mapping[tuple[str, ...], list[Decimal]],
        market: Mapping[tuple[str, ...], list[tuple[Decimal, str]]],
    ) -> None:
        self._own = _medians(own, OWN_MIN)
        self._market = {product: sorted(prices) for product, prices in market.items()}
        self._usual = _medians(
            {key: [price for price, _ in found] for key, found in market.items()}, MARKET_MIN
        )
        self._others: dict[tuple[str, ...], Decimal | None] = {}

    def own(self, item: Seen) -> Decimal | None:
        """The source's own; None while it has too few prices."""
        return self._own.get((item.source, *item.product))

    def market(self, item: Seen) -> Decimal | None:
        """The market's, of whoever's prices; None while it has too few."""
        return self._usual.get(item.product)

    def others(self, item: Seen) -> Decimal | None:
        """That of all but the source; the market's while the others are too few."""
        key = (item.source, *item.product)
        if key not in self._others:
            prices = [price for price, source in self._market[item.product] if source != item.source]
            self._others[key] = lower_median(prices) if len(prices) >= MARKET_MIN else self.market(item)
        return self._others[key]


def _suspicion(item: Seen, usual: _Usual) -> str:
    if item.cards > 1:
        # A source that has a history of its own is held against it alone: dear is not wrong.
        own = usual.own(item)
        if own is None or _total(own, item.cards, usual.others(item), MARKET_SLACK):
            reason = _total(item.price, item.cards, usual.others(item), MARKET_SLACK)
        else:
            reason = _total(item.price, item.cards, own, OWN_SLACK)
        if reason:
            return reason
    market = usual.market(item)
    if market is None:
        return ""
    ratio = divide(item.price, market)
    if ratio >= IMPLAUSIBLE_FACTOR or multiply(ratio, IMPLAUSIBLE_FACTOR) <= 1:
        return "price.implausible"
    far = ratio >= PLACEHOLDER_FACTOR or multiply(ratio, PLACEHOLDER_FACTOR) <= 1
    if far and item.written.normalize() in {value.normalize() for value in PLACEHOLDERS}:
        return "price.placeholder"
    return ""


def _total(price: Decimal, of_cards: int, usual: Decimal | None, slack: Decimal) -> str:
    if usual is None:
        return ""
    cards = Decimal(of_cards)
    if divide(cards, slack) < LEAST_RATIO:  # twice the usual price says nothing of two cards
        return ""
    ratio = divide(price, usual)
    if divide(cards, slack) <= ratio <= multiply(cards, slack):
        return "unit.instance_total"
    if divide(ONE, multiply(cards, slack)) <= ratio <= divide(slack, cards):
        return "unit.server_as_card"
    return ""
