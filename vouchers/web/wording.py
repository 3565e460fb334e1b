"""How figures and dates are written for people: one place for every surface, mail and document.

Nothing here rounds an amount on which something is decided; the only rounding is that of a summary in 万 or 亿, whose
exact amount stands beside it (on hover and in print).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.money import thousands

WAN = Decimal(10_000)
YI = Decimal(100_000_000)
_TWO = Decimal("0.01")


def decimal_of(value: Any) -> Decimal | None:
    """The value as a ``Decimal``; None for what is no exact number (floats among them)."""
    if value is None or value == "" or isinstance(value, bool | float):
        return None
    try:
        number = Decimal(str(value).replace(",", ""))
    except (ArithmeticError, ValueError):
        return None
    return number if number.is_finite() else None


def money_text(value: Any) -> str:
    """``1234567.8`` as ``1,234,567.80``; an em dash when there is no amount."""
    number = decimal_of(value)
    return "—" if number is None else thousands(number)


def wan_text(value: Any) -> str:
    """A summary: ``1234567.89`` as ``123.46 万元``, from a hundred million on in 亿元, below ten thousand exact."""
    number = decimal_of(value)
    if number is None:
        return "—"
    size = abs(number)
    # what would be written as 10000.00 万 is written in 亿
    if size >= YI - Decimal(50):
        return _("%(figure)s 亿元") % {"figure": f"{(number / YI).quantize(_TWO, ROUND_HALF_UP):,}"}
    if size >= WAN:
        return _("%(figure)s 万元") % {"figure": f"{(number / WAN).quantize(_TWO, ROUND_HALF_UP):,}"}
    return _("%(figure)s 元") % {"figure": thousands(number)}


def plain_number(value: Any) -> str:
    """A quantity or unit price without the zeros that carry nothing: ``31.200000`` as ``31.20``, ``2048.0`` as ``2,048``."""
    number = decimal_of(value)
    if number is None:
        return "—"
    whole, _dot, part = f"{number:,f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def price_text(value: Any) -> str:
    """A unit price: at least two places, at most six: ``31.2`` as ``31.20``."""
    number = decimal_of(value)
    if number is None:
        return "—"
    whole, _dot, part = f"{number:,.6f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part:0<2}"


def rate_text(value: Any) -> str:
    """A fraction as per cent: ``0.2`` as ``20%``, ``0.125`` as ``12.5%``."""
    number = decimal_of(value)
    if number is None:
        return "—"
    return f"{plain_number(number * 100)}%"


def local_date(value: Any) -> date | None:
    """The date in the office's time zone; None for what is no date."""
    if isinstance(value, datetime):
        return (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and value:
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return None


def date_text(value: Any) -> str:
    """``2025年10月21日``."""
    day = local_date(value)
    return "—" if day is None else f"{day.year}年{day.month}月{day.day}日"


def day_text(value: Any) -> str:
    """``10月21日``, where the year is plain from the context."""
    day = local_date(value)
    return "—" if day is None else f"{day.month}月{day.day}日"


def instant_text(value: Any) -> str:
    """``2025年10月21日 14:05`` in the office's time zone."""
    if isinstance(value, str) and value:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return date_text(value)
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{date_text(local)} {local:%H:%M}"


def until_text(last_day: date, today: date, working_days_left: int) -> str:
    """What remains of a term, in words: ``还剩 3 个工作日``, ``今日到期``, ``已超 2 个工作日``."""
    if last_day == today:
        return _("今日到期")
    if last_day < today:
        return _("已超期 %(days)s 个工作日") % {"days": max(1, -working_days_left)}
    if working_days_left <= 0:
        return _("下一工作日前到期")
    return _("还剩 %(days)s 个工作日") % {"days": working_days_left}
