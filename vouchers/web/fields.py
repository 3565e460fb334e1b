"""Form fields that say what is wrong as the office would, and that give back what was typed.

A number field of the browser drops what it cannot read; these are text fields with the right keyboard instead, and take
full-width digits, separators and blanks.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from vouchers.money import MAX_AMOUNT, number_written, thousands, unit_price, yuan

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，－＋％￥　", "0123456789.,-+%¥ ")


def plain(text: str) -> str:
    """What was typed, with the full-width signs of a Chinese keyboard made ordinary, without blanks, sign and name of the yuan."""
    return text.translate(_FULL_WIDTH).replace(" ", "").strip().removesuffix("元").lstrip("¥")


def typed_yuan(text: str) -> Decimal:
    """The amount that was typed, exact to the fen. Raises ``ValueError`` with the reason (``money.yuan``)."""
    return yuan(plain(text))


def typed_number(text: str) -> Decimal:
    """Another number that was typed: a percentage, points. Raises ``ValueError``; never takes ``1_000``, ``1e3`` or ``NaN``."""
    return number_written(plain(text))


class PlainDecimalField(forms.DecimalField):
    """A number of a form as an amount is typed: Django's own takes ``1_000``, ``1e3`` and the digits of any script."""

    def to_python(self, value: Any) -> Any:
        """The number, or Django's refusal."""
        if isinstance(value, str) and value.strip():
            try:
                value = typed_number(value)
            except ValueError:
                raise ValidationError(self.error_messages["invalid"], "invalid") from None
        return super().to_python(value)


class MoneyField(forms.Field):
    """An amount in yuan, exact to the fen; gives a ``Decimal``. ``minimum`` is the least that is accepted."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    default_error_messages = {
        "required": _("请填写金额。"),
        "invalid": _("“%(typed)s”不是金额。请填写数字，例如 1234567.89，单位为元。"),
        "fen": _("“%(typed)s”的小数超过两位。金额精确到分，请核对后填写。"),
        "minimum": _("金额应不少于 %(minimum)s 元，您填写了 %(typed)s。"),
    }

    def __init__(self, *, minimum: Decimal | None = Decimal("0.01"), **options: Any) -> None:
        super().__init__(**options)
        self.minimum = minimum

    def to_python(self, value: Any) -> Decimal | None:
        """The amount, or a refusal that quotes what was typed."""
        if value in self.empty_values:
            return None
        if isinstance(value, Decimal):
            return yuan(value)
        typed = str(value).strip()
        try:
            return yuan(plain(typed))
        except ValueError:
            pass
        try:
            number = typed_number(typed)
        except ValueError:
            number = Decimal("NaN")
        code = "fen" if number.is_finite() and abs(number) <= MAX_AMOUNT else "invalid"
        raise ValidationError(self.error_messages[code], code, {"typed": typed[:40]})

    def validate(self, value: Decimal | None) -> None:
        """The least amount."""
        super().validate(value)
        if value is not None and self.minimum is not None and value < self.minimum:
            given = {"minimum": thousands(self.minimum), "typed": thousands(value)}
            raise ValidationError(self.error_messages["minimum"], "minimum", given)

    def prepare_value(self, value: Any) -> Any:
        """An amount we know is shown with its separators; what was typed is shown as typed."""
        return thousands(value) if isinstance(value, Decimal) else value


class UnitPriceField(MoneyField):
    """A unit price in yuan to at most six places; gives a ``Decimal``."""

    default_error_messages = {
        "required": _("请填写单价。"),
        "invalid": _("“%(typed)s”不是单价。请填写数字，例如 21.35，单位为元。"),
        "fen": _("“%(typed)s”的小数超过六位，请核对后填写。"),
        "minimum": _("单价应大于零，您填写了 %(typed)s。"),
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("minimum", Decimal("0.000001"))
        super().__init__(**options)

    def to_python(self, value: Any) -> Decimal | None:
        """The price, or a refusal that quotes what was typed."""
        if value in self.empty_values:
            return None
        typed = str(value).strip()
        try:
            given = typed_number(typed)
            price = unit_price(given)
            if abs(price) > MAX_AMOUNT / 10000:
                raise ValueError("larger than a column of unit prices holds")
        except (ArithmeticError, ValueError):
            raise ValidationError(self.error_messages["invalid"], "invalid", {"typed": typed[:40]}) from None
        if price != given:
            raise ValidationError(self.error_messages["fen"], "fen", {"typed": typed[:40]})
        return price

    def prepare_value(self, value: Any) -> Any:
        """A price is shown as it is kept."""
        return value


class DayField(forms.DateField):
    """A date, picked or typed as 2025-10-21, 2025/10/21, 20251021 or 2025年10月21日."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    default_error_messages = {
        "required": _("请填写日期。"),
        "invalid": _("日期无法识别，请按 2025-10-21 的样式填写。"),
    }
    input_formats = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y.%m.%d")

    def __init__(self, **options: Any) -> None:
        options.setdefault("input_formats", self.input_formats)
        super().__init__(**options)

    def to_python(self, value: Any) -> date | None:
        """The date; years outside of 1990 to 2100 are slips of the pen."""
        day: date | None = super().to_python(
            unicodedata.normalize("NFKC", value) if isinstance(value, str) else value
        )
        if day is not None and not 1990 <= day.year <= 2100:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return day
