"""One cell of a row of prices: read to its kind, or refused with its column and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from vouchers.policy.prices.normalise import Unreadable, positive_price

LARGEST_WRITTEN = Decimal(10) ** 11  # what numeric(18,6) holds, and more than any price


class Refused(Exception):
    """The row breaks the format: ``code``, ``field`` (column) and the sentence."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def text_in(raw: Mapping[str, str | None], name: str) -> str:
    """The cell without blanks around it; empty where there is none."""
    return (raw.get(name) or "").strip()


def day_in(raw: Mapping[str, str | None], name: str, *, needed: bool = False) -> date | None:
    """A day as ISO 8601 writes it."""
    text = text_in(raw, name)
    if not text:
        if needed:
            raise Refused("date.invalid", name, "日期为空")
        return None
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:  # 20250620 is one to Python, but not to the format
            raise ValueError(text)
        return day
    except ValueError:
        raise Refused("date.invalid", name, f"“{text}”不是日期（应为 YYYY-MM-DD）") from None


def whole_in(raw: Mapping[str, str | None], name: str, code: str) -> int | None:
    """A whole number without a sign."""
    text = text_in(raw, name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Refused(code, name, f"“{text}”应为不带符号的整数")
    return int(text)


def rate_in(raw: Mapping[str, str | None], name: str) -> Decimal | None:
    """A rate of tax as a fraction."""
    text = text_in(raw, name)
    if not text:
        return None
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise Refused("tax.unknown", name, f"“{text}”不是税率") from None
    if not rate.is_finite() or not 0 <= rate < 1:
        raise Refused("tax.unknown", name, f"税率“{text}”应为 0 至 1 之间的小数，如 0.06")
    return rate


def choice_in(
    raw: Mapping[str, str | None], name: str, known: list[str], code: str, *, needed: bool = True
) -> str:
    """One of the known codes."""
    text = text_in(raw, name)
    if not text and not needed:
        return ""
    if text not in known:
        raise Refused(code, name, f"“{text}”不在可选范围内（{'、'.join(known)}）")
    return text


def price_in(raw: Mapping[str, str | None], name: str) -> Decimal:
    """A positive price to the millionth."""
    as_written = text_in(raw, name)[:40]  # 1e999999999 written out would be a gigabyte
    try:
        price = positive_price(text_in(raw, name))
    except Unreadable as problem:
        raise Refused(problem.code, name, problem.message) from None
    if price >= LARGEST_WRITTEN:
        raise Refused("price.implausible", name, f"价格 {as_written} 超出合理范围")
    if price.quantize(Decimal("0.000001")) <= 0:
        raise Refused("price.not_positive", name, f"价格 {as_written} 小于百万分之一元")
    return price
