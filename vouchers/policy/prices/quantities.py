"""What a contract says it lets, held against what its cards can run in its term.

Price, quantity and amount are told by the same hand. A price within the band proves nothing while the quantity beside it may be
left out, or be more than the cards can run: the amount is then paid for fewer card-hours than it is divided by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vouchers.money import round_fen
from vouchers.policy.prices.figures import divide, multiply, six
from vouchers.policy.prices.normalise import HOURS, HOURS_PER_DAY, months_between
from vouchers.policy.prices.verdicts import price_text

UNIT_WORDS = {"card_hour": "卡时", "card_month": "卡月", "server_month": "台月", "pflops_day": "P·天"}
SLACK = Decimal("0.005")
LEAST_SLACK = Decimal("1.00")
"""By so much, or by that fraction of the amount, may price × quantity differ from it: what rounding makes."""


@dataclass(frozen=True)
class Extent:
    """How much a contract lets: ``quantity`` in its own unit, ``amount`` in yuan without tax, the ``cards`` that are let at once,
    and the half-open term."""

    quantity: Decimal | None
    amount: Decimal
    cards: int | None
    starts_on: date
    ends_before: date

    @property
    def days(self) -> int:
        """Days of the term."""
        return (self.ends_before - self.starts_on).days


@dataclass(frozen=True)
class Doubt:
    """Why the told price is not taken for the price that is paid: a stable code, and the sentence with what to give."""

    code: str
    sentence: str


def product_of(unit_price: Decimal, quantity: Decimal) -> Decimal:
    """Yuan to the fen, half up."""
    return round_fen(multiply(unit_price, quantity))


def comes_to(unit_price: Decimal, quantity: Decimal, amount: Decimal) -> bool:
    """Whether price × quantity is the amount, but for rounding."""
    return abs(product_of(unit_price, quantity) - amount) <= max(LEAST_SLACK, multiply(amount, SLACK))


def capacity(extent: Extent, unit: str, cards_per_server: int) -> Decimal | None:
    """The most of the unit that the cards can run in the term. A broken month counts as one, and so does a broken server. None where
    the cards are not told, and for 元/P·天: the precision that a P is counted by is not in a contract's figures."""
    if extent.cards is None:
        return None
    months = Decimal(months_between(extent.starts_on, extent.ends_before))
    cards = Decimal(extent.cards)
    if unit == "card_hour":
        return cards * HOURS_PER_DAY * extent.days
    if unit == "card_month":
        return cards * months
    if unit == "server_month":
        return Decimal(-(-extent.cards // cards_per_server)) * months
    return None


def least_price(extent: Extent, unit: str) -> Decimal | None:
    """Yuan a card-hour if every card ran through the whole term: the amount buys none for less. None without cards.

    Where months are let, a whole one has the 730 hours by which months are compared, or the hours of its days if these are more.
    """
    if not extent.cards:
        return None
    hours = HOURS_PER_DAY * extent.days
    if unit in ("card_month", "server_month"):
        hours = max(hours, HOURS[unit] * _whole_months(extent))
    return six(divide(extent.amount, multiply(Decimal(extent.cards), hours)))


def _whole_months(extent: Extent) -> int:
    first, before = extent.starts_on, extent.ends_before
    months = (before.year - first.year) * 12 + before.month - first.month
    return months if before.day >= first.day else months - 1


def doubt_of(
    extent: Extent, *, unit: str, unit_price: Decimal, cards_per_server: int, upper: Decimal | None
) -> Doubt | None:
    """The first thing for which the told unit price cannot be taken at its word; None where there is none.

    ``unit_price`` as the contract states it, a ``unit`` each; ``upper`` the upper bound of the fair range in yuan a card-hour.
    """
    word = UNIT_WORDS.get(unit, unit)
    quantity = extent.quantity
    if quantity is None:
        told = f"合同未填写数量，无法核对单价与合同金额是否相符，请按合同补填数量（{word}）"
        return Doubt("price.quantity_missing", told + _dear(extent, unit, upper))
    if not comes_to(unit_price, quantity, extent.amount):
        told = (
            f"单价 × 数量 = {product_of(unit_price, quantity):,} 元，与合同金额 {extent.amount:,.2f} 元不一致，"
            "请对照合同核对单价、数量和金额"
        )
        return Doubt("price.arithmetic", told)
    if not extent.cards:
        return Doubt(
            "price.cards_missing", "合同未填写卡数，无法核对数量是否为租期内所能提供，请按合同补填卡数"
        )
    most = capacity(extent, unit, cards_per_server)
    if most is not None and quantity > most:
        told = (
            f"合同数量 {_plain(quantity)} {word}，多于 {extent.cards} 卡在租期 {extent.days} 日内最多可提供的 {_plain(most)} {word}，"
            "请对照合同核对数量、卡数和起止日"
        )
        return Doubt("price.over_capacity", told + _dear(extent, unit, upper))
    dear = _dear(extent, unit, upper)
    if dear:
        return Doubt("price.amount_above_band", f"请对照合同核对数量、卡数和起止日{dear}")
    return None


def _dear(extent: Extent, unit: str, upper: Decimal | None) -> str:
    """That the amount is above the range however much the cards run; empty where it is not, or cannot be told."""
    least = least_price(extent, unit)
    if least is None or upper is None or least <= upper:
        return ""
    return (
        f"；合同金额按 {extent.cards} 卡、租期 {extent.days} 日满负荷折算，每卡时仍合 {price_text(least)} 元，"
        f"高于公允价格区间上限 {price_text(upper)} 元"
    )


def _plain(number: Decimal) -> str:
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
