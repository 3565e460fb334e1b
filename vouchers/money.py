"""Yuan, and the only place that rounds.

Amounts are ``Decimal`` yuan to the fen, unit prices ``Decimal`` to six places. No float is accepted anywhere.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Literal

Rounding = Literal["half_up", "down", "half_even"]

FEN = Decimal("0.01")
ONE_YUAN = Decimal("1")
MICRO = Decimal("0.000001")
ZERO = Decimal("0.00")
MAX_AMOUNT = Decimal("9999999999999999.99")  # numeric(18,2)

_MODES = {"half_up": ROUND_HALF_UP, "down": ROUND_DOWN, "half_even": ROUND_HALF_EVEN}
_CONTEXT = Context(prec=50)
_WRITTEN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def is_written_plainly(text: str) -> bool:
    """Whether another system would read the same number: ASCII digits, one point. ``Decimal`` takes more, such as ``1_000``,
    ``1e3``, digits of any script, and infinities."""
    return _WRITTEN.fullmatch(text) is not None


def number_written(text: str) -> Decimal:
    """The number that a person or a file wrote: ASCII digits, one point, separators only between thousands.

    Raises ``ValueError`` for all else that ``Decimal`` would take, and for a comma that may be meant as a decimal point (``12,34``).
    """
    plain = text.strip()
    if not (is_written_plainly(plain) or _GROUPED.fullmatch(plain)):
        raise ValueError(f"“{text[:40]}”不是金额")
    return Decimal(plain.replace(",", ""))


def _decimal(value: Decimal | int | str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ValueError(f"金额须为十进制数，不接受 {type(value).__name__}")
    number = number_written(value) if isinstance(value, str) else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"“{value}”不是金额")
    return number


def yuan(value: Decimal | int | str) -> Decimal:
    """The amount in yuan, exact to the fen.

    Raises ``ValueError`` when the value is no number, has a part of a fen, or exceeds numeric(18,2): it never rounds.
    """
    number = _decimal(value)
    if abs(number) > MAX_AMOUNT:
        raise ValueError(f"金额“{value}”超出可记账范围")
    cents = number.quantize(FEN, context=_CONTEXT)
    if cents != number:
        raise ValueError(f"金额“{value}”精确到分即可，不能有三位小数")
    return cents + ZERO  # -0.00 becomes 0.00


def round_fen(value: Decimal, mode: Rounding = "half_up") -> Decimal:
    """The amount rounded to the fen; the mode is a parameter of the policy version."""
    return value.quantize(FEN, rounding=_MODES[mode], context=_CONTEXT) + ZERO


def round_yuan(value: Decimal, mode: Rounding = "half_up") -> Decimal:
    """The amount rounded to whole yuan, still written to the fen."""
    return value.quantize(ONE_YUAN, rounding=_MODES[mode], context=_CONTEXT).quantize(FEN) + ZERO


def unit_price(value: Decimal | int | str) -> Decimal:
    """A unit price in yuan, six places, half up."""
    return _decimal(value).quantize(MICRO, rounding=ROUND_HALF_UP, context=_CONTEXT)


def thousands(value: Decimal) -> str:
    """``1234567.8`` as ``1,234,567.80``."""
    return f"{round_fen(value):,.2f}"


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def _capital_group(group: int) -> str:
    text, pending_zero = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            text += ("零" if pending_zero else "") + _DIGITS[digit] + _UNITS[place]
            pending_zero = False
        elif text:
            pending_zero = True
    return text


def capital(amount: Decimal) -> str:
    """The amount in financial capitals (大写金额), as 票据法 and 支付结算办法 (附件一) ask for.

    ``16409.02`` is ``人民币壹万陆仟肆佰零玖元零贰分``.
    """
    amount = yuan(amount)
    sign = "负" if amount < 0 else ""
    fen_total = int(abs(amount) * 100)
    whole, jiao, fen = fen_total // 100, fen_total // 10 % 10, fen_total % 10
    groups = []
    rest = whole
    while rest:
        groups.append(rest % 10000)
        rest //= 10000
    text = ""
    gap = False
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _capital_group(group) + _GROUPS[index]
        gap = False
    # 万亿 and 亿 both present: 亿 is written once, after its own group.
    if len(groups) > 3 and groups[3]:
        text = text.replace("万亿", "万" if groups[2] else "万亿", 1)
    out = f"{text}元" if text else ""
    if not jiao and not fen:
        return f"人民币{sign}{out or '零元'}整"
    if jiao:
        out += ("零" if whole and whole % 10 == 0 else "") + _DIGITS[jiao] + "角"
    elif whole:
        out += "零"
    if fen:
        out += _DIGITS[fen] + "分"
    return f"人民币{sign}{out}"
