"""From a cell to what COPY takes, or the reason why the cell is wrong.

A reader is a function of the cell's text that returns the field in COPY's text format (``\\N`` for nothing) or raises ``Wrong``.
Cells that repeat (dates, codes, words) go through a cache, which is what makes a pass over millions of rows bearable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from stdnum.cn import uscc as uscc_module

Reader = Callable[[str], str]

NULL = "\\N"
TRUE, FALSE = "t", "f"
CACHED_CELLS = 50_000
FIRST_YEAR, LAST_YEAR = 1900, 2200
LARGEST_OFFSET = timedelta(hours=14)

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_FORMULA_SIGNS = ("=", "+", "-", "@")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CODE = re.compile(r"[A-Za-z0-9_-]+")
# A program here is named by it after EX-, in 30 characters at most.
_PROGRAM = re.compile(r"[A-Z0-9][A-Z0-9-]{1,26}")
_REGION = re.compile(r"[0-9]{6}")
_SHA = re.compile(r"[0-9a-fA-F]{64}")
_USCC = re.compile(r"[0-9A-Z]{18}")


class Wrong(ValueError):
    """The cell is wrong: a stable ``code`` and the sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Cached(dict[str, str]):
    def __init__(self, read: Reader) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, cell: str) -> str:
        value = self.read(cell)
        if len(self) >= CACHED_CELLS:
            self.clear()
        self[cell] = value
        return value


def cached(read: Reader) -> Reader:
    """The reader behind a cache of limited size."""
    return _Cached(read).__getitem__


def shown(cell: str) -> str:
    """The cell as it may stand in a sentence."""
    return cell if len(cell) <= 40 else cell[:40] + "…"


def _empty(absent: str | None) -> str:
    if absent is None:
        raise Wrong("cell.missing", "该列不能为空")
    return absent


def text(longest: int, absent: str | None = "") -> Reader:
    """Any text of at most so many characters. Whatever it looks like (``=1+1``) it is only text."""

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if len(plain) > longest:
            raise Wrong("cell.too_long", f"内容有 {len(plain)} 个字符，最多 {longest} 个")
        if plain.isascii() and plain.isprintable():
            return plain.translate(_ESCAPES) if "\\" in plain else plain
        check_encoding(plain)
        if _CONTROL.search(plain):
            raise Wrong("cell.control", "含有不可见的控制字符")
        return plain.translate(_ESCAPES)

    return read


def name(longest: int, absent: str | None = "") -> Reader:
    """The name of a company or a person. One that a spreadsheet would take for a formula is none, and is refused."""
    plain = text(longest, absent)

    def read(cell: str) -> str:
        value = plain(cell)
        if value[:1] in _FORMULA_SIGNS and len(value) > 1:
            raise Wrong("cell.formula", f"名称“{shown(value)}”以“{value[0]}”开头，是表格公式而不是名称")
        return value

    return read


def check_encoding(plain: str) -> None:
    """Refuse what was not UTF-8 in the file (it was read with surrogates in place of the wrong bytes)."""
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise Wrong("cell.encoding", "不是 UTF-8 编码，请将文件另存为 UTF-8") from None


def _read_day(cell: str) -> str:
    plain = cell.strip()
    if _DAY.fullmatch(plain):
        try:
            day = date.fromisoformat(plain)
        except ValueError:
            pass
        else:
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return plain
            raise Wrong("date.range", f"日期“{plain}”不合理")
    raise Wrong("date.invalid", f"“{shown(plain)}”不是日期，应为 YYYY-MM-DD")


def day(absent: str | None = None) -> Reader:
    """A date, ``YYYY-MM-DD``."""

    def read(cell: str) -> str:
        return _read_day(cell) if cell.strip() else _empty(absent)

    return cached(read)


def instant(absent: str | None = None) -> Reader:
    """An instant with its offset, ``YYYY-MM-DDTHH:MM:SS+08:00``."""

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if not _INSTANT.fullmatch(plain):
            raise Wrong("instant.invalid", f"“{shown(plain)}”不是时间，应为 YYYY-MM-DDTHH:MM:SS+08:00")
        if plain[-1] != "Z" and plain[-6] not in "+-":
            raise Wrong("instant.offset", f"“{shown(plain)}”没有时区，应以 +08:00 结尾")
        try:
            moment = datetime.fromisoformat(plain)
            offset = moment.utcoffset() or timedelta()
        except ValueError:
            raise Wrong("instant.invalid", f"“{shown(plain)}”不是有效的时间") from None
        if not FIRST_YEAR <= moment.year <= LAST_YEAR or abs(offset) > LARGEST_OFFSET:
            raise Wrong("date.range", f"时间“{plain}”不合理")
        return plain

    return read


def number(
    whole: int, places: int, *, lowest: int | None = 0, absent: str | None = None, what: str = "数值"
) -> Reader:
    """A decimal of at most so many digits before and after the point, never rounded. ``lowest`` None admits negative ones."""

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if not _NUMBER.fullmatch(plain):
            raise Wrong("number.invalid", f"“{shown(plain)}”不是{what}（只用数字和小数点，不用千分位）")
        before, _, after = plain.lstrip("-").partition(".")
        if len(before.lstrip("0")) > whole:
            raise Wrong("number.range", f"{what}“{shown(plain)}”超出可记录的范围")
        if len(after) > places and after[places:].strip("0"):
            raise Wrong("number.places", f"{what}“{shown(plain)}”最多 {places} 位小数")
        if lowest is not None and plain.startswith("-") and plain.strip("-0."):
            raise Wrong("number.negative", f"{what}“{shown(plain)}”不能为负")
        return plain

    return read


def positive(read_number: Reader, what: str = "数值") -> Reader:
    """Of a number reader, one that refuses zero as well."""

    def read(cell: str) -> str:
        value = read_number(cell)
        if value != NULL and not value.strip("-0."):
            raise Wrong("number.zero", f"{what}须大于零")
        return value

    return read


def money(*, lowest: int | None = 0, absent: str | None = None) -> Reader:
    """Yuan with at most two places."""
    return number(15, 2, lowest=lowest, absent=absent, what="金额")


def count(absent: str | None = None, lowest: int = 0) -> Reader:
    """A whole number."""

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if not _WHOLE.fullmatch(plain):
            raise Wrong("number.whole", f"“{shown(plain)}”应为整数")
        if int(plain) < lowest:
            raise Wrong("number.negative" if int(plain) < 0 else "number.zero", f"“{plain}”不能小于 {lowest}")
        return plain

    return cached(read)


def fraction(absent: str | None = None) -> Reader:
    """A rate, 0 to below 1, six places."""

    def read(cell: str) -> str:
        value = number(1, 6, absent=absent, what="比率")(cell)
        if value != NULL and Decimal(value) >= 1:
            raise Wrong("rate.range", f"“{shown(value)}”应为小数形式的比率，如 0.06")
        return value

    return cached(read)


def boolean(absent: str | None = None) -> Reader:
    """``true`` or ``false``."""

    def read(cell: str) -> str:
        plain = cell.strip().lower()
        if not plain:
            return _empty(absent)
        if plain not in ("true", "false"):
            raise Wrong("boolean.invalid", f"“{shown(cell)}”应为 true 或 false")
        return TRUE if plain == "true" else FALSE

    return cached(read)


def one_of(words: Iterable[str], absent: str | None = None) -> Reader:
    """One of the words."""
    known = tuple(words)

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if plain not in known:
            raise Wrong("choice.unknown", f"“{shown(plain)}”不在可选范围内（{'、'.join(known)}）")
        return plain

    return cached(read)


def pattern(expression: re.Pattern[str], sentence: str, *, absent: str | None = None, code: str) -> Reader:
    """A text that matches."""

    def read(cell: str) -> str:
        plain = cell.strip()
        if not plain:
            return _empty(absent)
        if not expression.fullmatch(plain):
            raise Wrong(code, f"“{shown(plain)}”{sentence}")
        return plain

    return read


def uscc(absent: str | None = None) -> Reader:
    """统一社会信用代码 by its form only; a wrong check digit is no refusal (``has_wrong_check_digit`` counts them)."""
    return cached(
        pattern(_USCC, "不是统一社会信用代码（18 位数字或大写字母）", absent=absent, code="uscc.invalid")
    )


def region(absent: str | None = None) -> Reader:
    """行政区划代码."""
    return cached(pattern(_REGION, "不是行政区划代码（6 位数字）", absent=absent, code="region.invalid"))


def sha256(absent: str | None = "") -> Reader:
    """A digest in hexadecimal."""
    return pattern(_SHA, "不是 SHA-256 摘要（64 位十六进制）", absent=absent, code="digest.invalid")


def business_no(longest: int = 24, absent: str | None = None) -> Reader:
    """A business number or a code: Latin letters, digits, hyphen, underscore."""
    form = pattern(_CODE, "只能由字母、数字和连字符组成", absent=absent, code="number.form")

    def read(cell: str) -> str:
        value = form(cell)
        if value != NULL and len(value) > longest:
            raise Wrong("cell.too_long", f"编号有 {len(value)} 个字符，最多 {longest} 个")
        return value

    return read


def program_code() -> Reader:
    """The code of a programme: capital letters, digits, hyphens."""
    return cached(
        pattern(
            _PROGRAM,
            "不是专项代码（2 至 27 个大写字母、数字和连字符，以字母或数字开头）",
            code="program.invalid",
        )
    )


@lru_cache(maxsize=CACHED_CELLS)
def has_wrong_check_digit(code: str) -> bool:
    """Whether the last character of a USCC is not what the others give."""
    return not uscc_module.is_valid(code)
