"""The form fields of a version's page: they read what stands in a published text, “20%”, “200万元”, “北京市”, “I65”.

What is typed stays as typed until it is saved; then it is shown in one spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from vouchers.admin.scoped import WordsField
from vouchers.models import Region
from vouchers.money import thousands
from vouchers.policy.plain import decimal_text

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，％　", "0123456789.,% ")
_MULTIPLES = {"万": Decimal(10_000), "亿": Decimal(100_000_000)}

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class MomentInput(forms.DateTimeInput):
    """The browser's own picker; seconds are shown where there are any."""

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local"})

    def format_value(self, value: Any) -> str | None:
        text = super().format_value(value)
        return text[:-3] if text and len(text) == 19 and text.endswith(":00") else text


_NUMBER = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3}){1,12}|[0-9]{0,40})(\.[0-9]{1,20})?")


def _number(text: str) -> Decimal:
    if not text or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise ValueError(text) from None


def _plainly(text: Any) -> str:
    return str(text).translate(_FULL_WIDTH).replace(" ", "")


def percent(rate: Decimal) -> str:
    """`0.2` as `20%`."""
    return f"{decimal_text(rate * 100)}%"


class _NumberField(forms.DecimalField):
    """A number typed as text, so that no browser swallows what it does not like."""

    widget = forms.TextInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"class": "number", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True


class RateField(_NumberField):
    """A fraction 0 to 1, typed as “20%” or “0.2”, shown as “20%”."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return value
        if value in self.empty_values:
            return None
        text = _plainly(value)
        try:
            rate = _number(text[:-1]) / 100 if text.endswith("%") else _number(text)
        except ValueError:
            raise ValidationError(
                _("“%(typed)s”不是比例。请写作“20%%”或“0.2”。") % {"typed": value}
            ) from None
        if rate > 1:
            likely = "" if text.endswith("%") else f"如果原文是 {text}%，请写作“{text}%”。"
            raise ValidationError(
                _("比例不能超过 100%%，您填写的是 %(typed)s。%(likely)s")
                % {"typed": percent(rate), "likely": likely}
            )
        if rate < 0:
            raise ValidationError(_("比例不能为负。"))
        return rate

    def prepare_value(self, value: Any) -> Any:
        return percent(value) if isinstance(value, Decimal) else value


class AmountField(_NumberField):
    """Yuan to the fen, typed as “2,000,000”, “200万” or “1亿元”, shown with thousands."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return value
        if value in self.empty_values:
            return None
        text = _plainly(value).removesuffix("元").removesuffix("人民币")
        factor = _MULTIPLES.get(text[-1:], Decimal(1))
        try:
            amount = _number(text[:-1] if text[-1:] in _MULTIPLES else text) * factor
        except ValueError:
            raise ValidationError(
                _("“%(typed)s”不是金额。请写作“2,000,000.00”，也可以写“200万”“1亿”。") % {"typed": value}
            ) from None
        return Decimal(decimal_text(amount))

    def prepare_value(self, value: Any) -> Any:
        return thousands(value) if isinstance(value, Decimal) else value


class QuantityField(_NumberField):
    """Any other number: with or without separators."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return value if isinstance(value, Decimal) else _number(_plainly(value))
        except ValueError:
            raise ValidationError(_("“%(typed)s”不是数字。") % {"typed": value}) from None

    def prepare_value(self, value: Any) -> Any:
        return decimal_text(value) if isinstance(value, Decimal) else value


class RegionsField(WordsField):
    """Prefixes of region codes; a division's name is read as its code, zeros at the end are left out."""

    def to_python(self, value: Any) -> Any:
        words = super().to_python(value)
        names = {word for word in words if not word.isdigit()}
        codes = dict(Region.objects.filter(name__in=names).values_list("name", "code")) if names else {}
        return [_region_prefix(codes.get(word, word)) for word in words]

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        wrong = [word for word in words if not (word.isascii() and word.isdigit() and 2 <= len(word) <= 6)]
        if wrong:
            raise ValidationError(
                _("“%(words)s”不是行政区划代码，也不是已登记的行政区划名称。请填写两位到六位代码。")
                % {"words": "、".join(wrong)}
            )
        return words


def _region_prefix(code: str) -> str:
    while len(code) == 6 or len(code) == 4:
        if not code.endswith("00"):
            break
        code = code[:-2]
    return code


# GB/T 4754-2017: the sections and their divisions.
_SECTIONS = {
    "A": (1, 5),
    "B": (6, 12),
    "C": (13, 43),
    "D": (44, 46),
    "E": (47, 50),
    "F": (51, 52),
    "G": (53, 60),
    "H": (61, 62),
    "I": (63, 65),
    "J": (66, 69),
    "K": (70, 70),
    "L": (71, 72),
    "M": (73, 75),
    "N": (76, 79),
    "O": (80, 82),
    "P": (83, 83),
    "Q": (84, 85),
    "R": (86, 90),
    "S": (91, 96),
    "T": (97, 97),
}


class IndustriesField(WordsField):
    """Prefixes of GB/T 4754 codes without their letter; a section's letter alone is read as all its divisions."""

    def to_python(self, value: Any) -> Any:
        found: list[str] = []
        for word in super().to_python(value):
            text = word.upper().translate(_FULL_WIDTH)
            if text in _SECTIONS:
                first, last = _SECTIONS[text]
                found += [f"{number:02d}" for number in range(first, last + 1)]
            else:
                found.append(text[1:] if text[:1] in _SECTIONS else text)
        return list(dict.fromkeys(found))

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        wrong = [word for word in words if not (word.isascii() and word.isdigit() and 2 <= len(word) <= 4)]
        if wrong:
            raise ValidationError(
                _(
                    "“%(words)s”不是 GB/T 4754 的行业代码。请填写门类字母（如 I）或两到四位代码（如 65、I65）。"
                )
                % {"words": "、".join(wrong)}
            )
        return words


_MONTH_DAY = re.compile(r"(\d{1,2})(?:月|-|/|\.)(\d{1,2})日?")


class MonthDayField(forms.CharField):
    """A day of every year: “4月1日” or “4-1” as 04-01. What is neither stays as typed, and the column says what is wrong."""

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value))
        found = _MONTH_DAY.fullmatch(_plainly(text))
        return f"{int(found[1]):02d}-{int(found[2]):02d}" if found else text


class OpenChoiceField(forms.ChoiceField):
    """A list to choose from that also takes what was typed on the same page and is not stored yet."""

    def __init__(self, *, max_length: int = 200, **kwargs: Any) -> None:
        self.max_length = max_length
        super().__init__(**kwargs)

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= self.max_length


class WordChoicesField(forms.MultipleChoiceField):
    """Several words of a list as boxes to tick."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, choices: Iterable[Any] = (), **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.CheckboxSelectMultiple(attrs={"class": "choices"}))
        super().__init__(choices=choices, required=False, **kwargs)


class OpenWordChoicesField(WordChoicesField):
    """As above, and what was typed on the same page and is not stored yet."""

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= 40
