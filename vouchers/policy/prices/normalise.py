"""From a price as it was written to currency per card-hour without VAT; or the reason why it cannot be read.

A month is 730 hours for price comparison. Nothing is guessed: an ambiguous unit, chip or form is for a person to settle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from vouchers.policy.prices.cells import CHINA, CURRENCY_OF, TIERS, Cell, term_bucket
from vouchers.policy.prices.chips import Chip, ChipTable, shipped_chips
from vouchers.policy.prices.figures import ONE, add, divide, multiply, six
from vouchers.policy.prices.regions import region_group

HOURS = {"card_hour": Decimal(1), "card_month": Decimal(730), "server_month": Decimal(730)}
_WRITTEN = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][+-]?\d+)?")
"""A figure that can be read in one way only: a comma stands between thousands or nowhere."""
UNITS = ("card_hour", "card_month", "server_month", "pflops_day")
HOURS_PER_DAY = Decimal(24)
LONGEST_TERM = 600  # months
PRICE_CEILING = Decimal(1_000_000)  # per card-hour: above it no rental price is meant
HIGHEST_VAT = Decimal("0.17")
"""The highest rate of VAT that a price in yuan can hold: 17 % stood until 2018-04-30 (财税〔2018〕32号), since then it is lower."""
STANDARD_VCPUS = (8, 24)  # virtual cores a card, both ends in: what is comparable host to host (METHOD v1, 1)
STANDARD_MEMORY_GB = (64, 256)  # host memory a card
OPEN_RATE_DAYS = 45  # a rate whose end is not set holds so long: a month and what its successor may be late


class Unreadable(ValueError):
    """The price cannot be normalised. ``code`` is a reason of ``eligibility.REASONS``; ``field`` the column at fault."""

    def __init__(self, code: str, message: str, field: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


@dataclass(frozen=True)
class WrittenPrice:
    """A price as it stands in the contract, on the price list or in the file, with the facts needed to read it.

    ``vat_rate`` is a fraction, None when unknown; ``cards`` the cards that one unit holds, None when not stated;
    ``vcpus_per_card`` and ``memory_gb_per_card`` what of the host comes with a card, None when not stated.
    """

    unit_price: Decimal | str
    unit: str
    accelerator: str
    form_factor: str
    tier: str
    region_code: str
    term_months: int
    observed_on: date
    currency: str = "CNY"
    vat_rate: Decimal | None = None
    tax_included: bool = False
    cards: int | None = None
    precision: str = ""
    spot: bool = False
    market: str = CHINA
    vcpus_per_card: int | None = None
    memory_gb_per_card: int | None = None


@dataclass(frozen=True)
class Rate:
    """A dated exchange rate: yuan for one unit; ``effective_to`` is exclusive."""

    currency: str
    effective_from: date
    effective_to: date | None
    cny_per_unit: Decimal


class RateTable:
    """Exchange rates by day."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._rates: dict[str, list[Rate]] = {}
        for rate in rates:
            self._rates.setdefault(rate.currency, []).append(rate)

    def knows(self, currency: str) -> bool:
        """Whether any rate of the currency is in the table."""
        return currency in self._rates

    def on(self, currency: str, day: date) -> Decimal | None:
        """Yuan for one unit on the day, by the latest rate that holds then; None without one. A rate whose end is not set holds
        ``OPEN_RATE_DAYS`` days: after them it is stale."""
        held = [
            rate
            for rate in self._rates.get(currency, ())
            if rate.effective_from <= day
            and (
                (day - rate.effective_from).days < OPEN_RATE_DAYS
                if rate.effective_to is None
                else day < rate.effective_to
            )
        ]
        return max(held, key=lambda rate: rate.effective_from).cny_per_unit if held else None

    def stale_on(self, currency: str, day: date) -> bool:
        """Whether the latest rate before the day is one without an end that is too old to be used."""
        before = [rate for rate in self._rates.get(currency, ()) if rate.effective_from <= day]
        latest = max(before, key=lambda rate: rate.effective_from, default=None)
        return latest is not None and latest.effective_to is None and self.on(currency, day) is None


NO_RATES = RateTable(())


@dataclass(frozen=True)
class NormalisedPrice:
    """The price per card-hour without VAT in the market's currency, six places half up, and the cell it belongs to.

    ``reference_only``: converted from a foreign currency, so it may inform but never decide.
    """

    unit_price: Decimal
    cell: Cell
    chip: Chip
    reference_only: bool = False


def find_chip(accelerator: str, form_factor: str, *, market: str, chips: ChipTable) -> tuple[Chip, str]:
    """The chip and the form to compare in. An accelerator with one form needs none stated; in the reference market a
    missing form is a form of its own (unspecified). Raises ``Unreadable``."""
    names = chips.accelerators(accelerator) if accelerator.strip() else set()
    if not names:
        raise Unreadable("chip.unknown", f"芯片表中没有“{accelerator}”", "accelerator")
    if len(names) > 1:
        raise Unreadable("chip.ambiguous", f"“{accelerator}”可指 {'、'.join(sorted(names))}", "accelerator")
    name = next(iter(names))
    forms = chips.forms(name)
    form = form_factor.strip().upper()
    if form:
        if form not in forms:
            known = "、".join(chip.form_factor or "（无）" for chip in forms.values())
            raise Unreadable(
                "form_factor.unknown", f"{name} 没有“{form_factor}”形态（已知：{known}）", "form_factor"
            )
        return forms[form], forms[form].form_factor
    if len(forms) == 1:
        chip = next(iter(forms.values()))
        return chip, chip.form_factor
    if market == CHINA:
        raise Unreadable("form_factor.missing", f"{name} 有多种形态，须写明是哪一种", "form_factor")
    return next(iter(forms.values())), ""


def positive_price(value: Decimal | str) -> Decimal:
    """The written figure as a positive finite number. Raises ``Unreadable`` for anything else."""
    text = str(value).strip()
    if not text:
        raise Unreadable("price.missing", "没有价格", "unit_price")
    if not _WRITTEN.fullmatch(text):
        raise Unreadable("price.invalid", f"“{value}”不是数值", "unit_price")
    try:
        price = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise Unreadable("price.invalid", f"“{value}”不是数值", "unit_price") from None
    if not price.is_finite():
        raise Unreadable("price.invalid", f"“{value}”不是有效数值", "unit_price")
    if price <= 0:
        raise Unreadable("price.not_positive", f"价格 {value} 不大于零", "unit_price")
    return price


def cell_of(written: WrittenPrice, *, chips: ChipTable, region_table: int = 1) -> tuple[Cell, Chip]:
    """Where the price belongs, whatever it says: the cell and the chip. Raises ``Unreadable``."""
    chip, form = find_chip(written.accelerator, written.form_factor, market=written.market, chips=chips)
    if written.tier not in TIERS:
        raise Unreadable("tier.unknown", f"供应方类别“{written.tier}”不在可选范围内", "tier")
    group = region_group(written.market, written.region_code.strip(), region_table)
    if not group:
        raise Unreadable("region.unknown", f"区域表中没有“{written.region_code}”", "region_code")
    if not 0 <= written.term_months <= LONGEST_TERM:
        raise Unreadable("term.unknown", f"租期 {written.term_months} 个月不合理", "term_months")
    term = term_bucket(written.term_months, spot=written.spot)
    return Cell(written.market, chip.accelerator, form, written.tier, group, term), chip


def normalise(
    written: WrittenPrice,
    *,
    chips: ChipTable | None = None,
    rates: RateTable = NO_RATES,
    region_table: int = 1,
) -> NormalisedPrice:
    """Read the price: 元/卡时 without VAT, with its cell. Raises ``Unreadable`` with the reason and the column at fault.

    p = P / (1 + v) · FX / (cards · H), H = 1, 730 hours; for 元/P·天 p = P · R / 24 with R the chip's dense PFLOPS at the
    declared precision.
    """
    chips = chips or shipped_chips()
    cell, chip = cell_of(written, chips=chips, region_table=region_table)
    price = positive_price(written.unit_price)
    _require_standard_host(written)
    if not written.unit:
        raise Unreadable("unit.missing", "没有计价单位", "unit")
    if written.unit not in UNITS:
        raise Unreadable("unit.unknown", f"不认识计价单位“{written.unit}”", "unit")
    if written.tax_included:
        if written.vat_rate is None:
            raise Unreadable("tax.unknown", "含税价须有税率", "vat_rate")
        if not 0 <= written.vat_rate < 1:
            raise Unreadable("tax.unknown", f"税率 {written.vat_rate} 不合理", "vat_rate")
        if written.currency.strip().upper() == "CNY" and written.vat_rate > HIGHEST_VAT:
            told = f"税率 {written.vat_rate} 高于增值税历来最高税率 {HIGHEST_VAT}"
            raise Unreadable("tax.unknown", told, "vat_rate")
        price = divide(price, add(ONE, written.vat_rate))
    price, reference_only = _in_currency(price, written, rates)
    price = six(_per_card_hour(price, written, chip))
    if price <= 0:
        raise Unreadable("price.not_positive", "折算后的价格不大于零", "unit_price")
    if price > PRICE_CEILING:
        raise Unreadable("price.implausible", f"折算为每卡时 {price}，超出合理范围", "unit_price")
    return NormalisedPrice(price, cell, chip, reference_only)


def _require_standard_host(written: WrittenPrice) -> None:
    """A card with far more or far less of a host than is usual has another price: it is left out, never adjusted."""
    for value, (least, most), noun, field in (
        (written.vcpus_per_card, STANDARD_VCPUS, "每卡 vCPU {} 个", "vcpus_per_card"),
        (written.memory_gb_per_card, STANDARD_MEMORY_GB, "每卡内存 {} GB", "memory_gb_per_card"),
    ):
        if value is not None and not least <= value <= most:
            told = f"{noun.format(value)}，不在可比配套 {least}—{most} 之内"
            raise Unreadable("bundle.unusual", told, field)


def _in_currency(price: Decimal, written: WrittenPrice, rates: RateTable) -> tuple[Decimal, bool]:
    currency = written.currency.strip().upper()
    target = CURRENCY_OF[written.market]
    if currency == target:
        return price, False
    if not currency:
        raise Unreadable("currency.unknown", "没有币种", "currency")
    rate = Decimal(1) if currency == "CNY" else rates.on(currency, written.observed_on)
    into = Decimal(1) if target == "CNY" else rates.on(target, written.observed_on)
    if rate is None or into is None:
        missing = currency if rate is None else target
        if rates.stale_on(missing, written.observed_on):
            raise Unreadable(
                "currency.rate_stale",
                f"{missing} 的汇率在 {written.observed_on} 已过时（未注明截止日的汇率自起始日起 {OPEN_RATE_DAYS} 日内有效）",
                "currency",
            )
        raise Unreadable("currency.no_rate", f"没有 {missing} 在 {written.observed_on} 的汇率", "currency")
    return divide(multiply(price, rate), into), True


def _per_card_hour(price: Decimal, written: WrittenPrice, chip: Chip) -> Decimal:
    if written.unit == "pflops_day":
        if not written.precision.strip():
            raise Unreadable("precision.missing", "按 P·天 计价须写明精度", "precision")
        power = chip.pflops(written.precision)
        if power is None:
            raise Unreadable(
                "precision.unknown",
                f"芯片表中没有 {chip.accelerator} 的 {written.precision} 稠密算力",
                "precision",
            )
        return divide(multiply(price, power), HOURS_PER_DAY)
    cards = written.cards
    if written.unit == "server_month":
        cards = cards or chip.cards_per_server
    elif cards not in (None, 1):
        raise Unreadable("unit.ambiguous", f"单位为单卡，却写每单位 {cards} 卡", "cards")
    return divide(price, multiply(HOURS[written.unit], Decimal(cards or 1)))


def months_between(start: date, end_before: date) -> int:
    """The term in months from the first day to the day after the last; a broken month counts as one; at least 1."""
    months = (end_before.year - start.year) * 12 + end_before.month - start.month
    return max(months + (1 if end_before.day > start.day else 0), 1)
