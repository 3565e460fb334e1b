"""What stands in one cell of a workbook of worked examples: read strictly, and written as it is read.

A cell holds None, text, a Decimal (what the sheet shows of a number: 15 significant digits), a day, an instant, a truth
value, or `Broken`. Amounts are exact to the fen or refused; nothing is rounded, nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.money import yuan
from vouchers.policy.example_choices import Choice, fold
from vouchers.policy.example_columns import Column
from vouchers.policy.plain import BEIJING_TIME, decimal_text


@dataclass(frozen=True)
class Broken:
    """A cell that the sheet itself could not fill: `why` in a sentence, `shown` what stands there."""

    shown: str
    why: str


class CellError(ValueError):
    """Why a cell cannot be taken. `code` is stable; `allowed` are words that could stand there."""

    def __init__(
        self, why: str, code: str = "examples.cell_unreadable", allowed: tuple[str, ...] = ()
    ) -> None:
        super().__init__(why)
        self.why, self.code, self.allowed = why, code, allowed


def is_blank(raw: Any) -> bool:
    """Whether nothing stands in the cell."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def read_cell(column: Column, raw: Any) -> Any:
    """The value of a cell that is not blank. Raises CellError."""
    if isinstance(raw, Broken):
        raise CellError(raw.why)
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = Decimal(raw)
    match column.kind:
        case "text":
            return _text(raw)
        case "amount":
            return _amount(raw)
        case "measure":
            return _places(_counted(raw), 6, "数字")
        case "price":
            return _places(_number(raw, "单价"), 6, "单价")
        case "number":
            return _places(_number(raw, "数字"), 6, "数字")
        case "rate":
            return _share(raw, Decimal(1))
        case "degree":
            return _share(raw, Decimal(2))
        case "whole":
            return _whole(raw)
        case "day" | "last_day":
            return _day(raw)
        case "instant":
            return _instant(raw)
        case "words":
            return _several(column, raw)
        case _:
            return _one(column, raw)


def shown(raw: Any) -> str:
    """What stands in the cell, as a message repeats it."""
    if isinstance(raw, Broken):
        return raw.shown
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, Decimal):
        return decimal_text(raw)
    if isinstance(raw, datetime):
        return f"{raw:%Y-%m-%d %H:%M:%S}"
    return "" if raw is None else str(raw).strip()[:60]


def _plain(raw: Any) -> str:
    return unicodedata.normalize("NFKC", str(raw)).strip()


def _text(raw: Any) -> str:
    if isinstance(raw, Decimal):
        if len(raw.as_tuple().digits) >= 15 and abs(raw) >= Decimal(10) ** 14:
            raise CellError("编号有 15 位以上，表格已丢失末几位数字；请先把单元格设为“文本”格式，再重新填写")
        return decimal_text(raw)
    if isinstance(raw, (datetime, date)):
        raise CellError("这是日期，应为文字；请先把单元格设为“文本”格式，再重新填写")
    if isinstance(raw, bool):
        raise CellError("这是逻辑值，应为文字")
    text = str(raw).strip()
    if len(text) > 2_000:
        raise CellError("文字超过 2000 字")
    return text


_DIGITS = re.compile(r"^[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?$")
_UNITS = {"亿": Decimal(10**8), "万": Decimal(10**4), "千": Decimal(1000), "": Decimal(1)}
_MONEY = re.compile(r"^(?:人民币|[¥￥])?\s*(?P<digits>[+-]?[0-9,.]+)\s*(?P<unit>[亿万千]?)\s*元?\s*整?$")


def _figures(raw: str) -> str:
    """A number with its full-width signs made ordinary; a ② or a ² stays what it is, and is none."""
    return "".join(_plain(sign) if unicodedata.category(sign) != "No" else sign for sign in raw).strip()


def _number(raw: Any, noun: str) -> Decimal:
    if isinstance(raw, Decimal):
        return raw
    text = _figures(raw) if isinstance(raw, str) else ""
    if not _DIGITS.match(text):
        raise CellError(f"不是{noun}")
    return Decimal(text.replace(",", ""))


def _counted(raw: Any) -> Decimal:
    """A number as people write amounts: with separators, 万 or 亿."""
    if isinstance(raw, Decimal):
        if abs(raw) >= Decimal(10) ** 13 and raw != raw.to_integral_value():
            raise CellError("数字过大，表格已不能精确到分；请把单元格设为“文本”格式，再重新填写")
        return raw
    found = _MONEY.match(_figures(raw)) if isinstance(raw, str) else None
    if found is None or not _DIGITS.match(found["digits"]):
        raise CellError("不是金额，请写成 1234.56、1,234.56、120万 或 1.2亿")
    return Decimal(found["digits"].replace(",", "")) * _UNITS[found["unit"]]


def _amount(raw: Any) -> Decimal:
    try:
        return yuan(_counted(raw))
    except CellError:
        raise
    except ValueError as error:
        raise CellError(f"{error}", "examples.cell_not_exact") from None


def _places(number: Decimal, places: int, noun: str) -> Decimal:
    if number != round(number, places):
        raise CellError(f"{noun}至多 {places} 位小数", "examples.cell_not_exact")
    return number


def _share(raw: Any, most: Decimal) -> Decimal:
    text = _plain(raw) if isinstance(raw, str) else ""
    if text.endswith("%"):
        number = _number(text[:-1].strip(), "比例") / 100
    else:
        number = _number(raw, "比例，请写成 20% 或 0.2")
    if not 0 <= number <= most:
        raise CellError("比例超出范围；百分之二十请写成 20% 或 0.2")
    return _places(number, 6, "比例")


def _whole(raw: Any) -> int:
    number = _number(raw, "整数")
    if number != number.to_integral_value() or not 0 <= number < 100_000:
        raise CellError("应为不小于零的整数")
    return int(number)


_DAY = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$")
_CLOCK = re.compile(
    r"^(?P<day>.*?[\d日])[\sT]+(?P<h>\d{1,2})[::时点](?P<m>\d{1,2})?[::分]?(?P<s>\d{1,2})?秒?$"
)
_HOW_DAYS = "请写成 2025-06-01、2025/6/1 或 2025年6月1日"


def _day(raw: Any) -> date:
    if isinstance(raw, datetime):
        if (raw.hour, raw.minute, raw.second) != (0, 0, 0):
            raise CellError("这里只填日期，不带时刻")
        return raw.date()
    if isinstance(raw, date):
        return raw
    if isinstance(raw, Decimal):
        text = decimal_text(raw)
        if len(text) != 8:
            raise CellError(f"这是数字，不是日期；请把单元格设为“日期”格式，或{_HOW_DAYS[1:]}")
    else:
        text = _plain(raw)
    found = _DAY.match(text) or re.match(r"^(\d{4})(\d{2})(\d{2})$", text)
    if found is None:
        raise CellError(f"不是日期，{_HOW_DAYS}")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellError("没有这一天") from None


def _instant(raw: Any) -> datetime:
    if isinstance(raw, datetime):
        return raw.replace(tzinfo=BEIJING_TIME)
    found = _CLOCK.match(_plain(raw)) if isinstance(raw, str) else None
    if found is None:
        raise CellError("请写明日期和时分，例如 2025-05-12 10:00")
    day = _day(found["day"])
    try:
        return datetime(
            day.year, day.month, day.day, int(found["h"]), int(found["m"] or 0), int(found["s"] or 0),
            tzinfo=BEIJING_TIME,
        )  # fmt: skip
    except ValueError:
        raise CellError("没有这一时刻") from None


def _one(column: Column, raw: Any) -> Any:
    found = _find(column.choices, raw)
    if found is None:
        raise CellError("不在可用值之内", "examples.value_unknown", column.allowed)
    return found.stored


def _find(choices: tuple[Choice, ...], raw: Any) -> Choice | None:
    if isinstance(raw, bool):
        raw = "true" if raw else "false"
    wanted = fold(decimal_text(raw) if isinstance(raw, Decimal) else str(raw))
    by_word = [one for one in choices if fold(one.word) == wanted]
    if by_word:
        return by_word[0]
    return next((one for one in choices if wanted in {fold(other) for other in one.others} and wanted), None)


_SEPARATORS, _COMMAS = re.compile(r"[\n;；]+"), re.compile(r"[、，,]+")


def _several(column: Column, raw: Any) -> list[Any]:
    text = shown(raw) if not isinstance(raw, str) else raw
    if column.optional and fold(text) == "无":
        return []
    out: list[Any] = []
    for piece in filter(None, (part.strip() for part in _SEPARATORS.split(text))):
        words = [piece]
        if not column.choices or _find(column.choices, piece) is None:
            words = [word.strip() for word in _COMMAS.split(piece) if word.strip()]
        for word in words:
            found = _find(column.choices, word) if column.choices else Choice(word, word)
            if found is None:
                raise CellError(f"“{word[:40]}”不在可用值之内", "examples.value_unknown", column.allowed)
            if found.stored not in out:
                out.append(found.stored)
    return out


def write_cell(column: Column, value: Any) -> Any:
    """What to put into the cell for a value: a word, a number, a day; None where nothing has to stand."""
    if value is None or value == "":
        return None
    if column.many or column.kind == "words":
        words = [_word_of(column, one) for one in value]
        return "；".join(words) if words else ("无" if column.optional else None)
    if column.choices:
        return _word_of(column, value)
    return value


def _word_of(column: Column, value: Any) -> str:
    stored = getattr(value, "value", value)
    found = next((one for one in column.choices if one.stored == stored), None)
    return found.word if found else str(stored)
