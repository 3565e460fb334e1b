"""Invoice numbers: the key under which two ways of writing one number meet, and whether a number can be one at all.

数电票: 20 digits, no code: 1–2 the year, 3–4 the province, 5 the channel, 6–20 the sequence. Older invoices: code of 10 or 12
digits and number of 8, leading zeros kept (fraud-flags, "Fields assumed").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

# What separates groups of digits in print: blanks of any kind, and everything that looks like a hyphen.
_SEPARATORS = re.compile(r"[\s\-‐-―−－_·]+")
_LOOK_ALIKES = str.maketrans({"O": "0", "o": "0", "I": "1", "l": "1"})

# The first two digits of GB/T 2260, as in the third and fourth digits of a 数电票.
PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65".split()  # noqa: SIM905
)
# Cities whose tax bureau numbers by itself (计划单列市) stand under their own digits in the older codes; a 数电票 of theirs has
# the province's. The pilot of the 数电票 began in December 2021.
FIRST_YEAR = 21
DIGITAL_LENGTH = 20
OLD_NUMBER_LENGTH = 8
OLD_CODE_LENGTHS = (10, 12)


def _plain(text: str) -> str:
    if text.isascii() and text.isdigit():
        return text
    folded = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    return folded.translate(_LOOK_ALIKES).upper()


def norm_inv(code: str, no: str) -> str:
    """The key of an invoice: NFKC, no separators, full-width to half-width, O→0, I and l→1, upper case.

    A 数电票 is its number; an older invoice ``code:number``. Two rows with one key are one invoice, however they were keyed.
    """
    plain_code, plain_no = _plain(code), _plain(no)
    return f"{plain_code}:{plain_no}" if plain_code else plain_no


@dataclass(frozen=True)
class NumberFault:
    """What is wrong with a number. ``code`` is stable; ``field`` the input at fault."""

    code: str
    message: str
    field: str = "invoice_no"
    hint: str = "请对照发票右上角核对。"


def number_faults(
    code: str, no: str, *, issued_on: date | None = None, seller_region: str = ""
) -> list[NumberFault]:
    """What keeps the number from being one: length, characters, year, province. An empty list when nothing does.

    ``seller_region`` is the seller's 行政区划代码 (the code's digits 3–8 hold it); compared only when it is known.
    """
    plain_code, plain_no = _plain(code), _plain(no)
    if not plain_no:
        return [NumberFault("invoice.no_missing", "请填写发票号码。")]
    if not plain_no.isdigit():
        return [NumberFault("invoice.no_digits", f"发票号码应全部为数字，您填写的是“{no.strip()}”。")]
    if plain_code:
        return _old_faults(plain_code, plain_no, code)
    return _digital_faults(plain_no, issued_on, seller_region)


def _old_faults(code: str, no: str, written: str) -> list[NumberFault]:
    if not code.isdigit() or len(code) not in OLD_CODE_LENGTHS:
        return [
            NumberFault(
                "invoice.code_length",
                f"发票代码应为 10 位或 12 位数字，您填写的是“{written.strip()}”。",
                "invoice_code",
                "请对照发票左上角核对；数电票没有发票代码，请留空。",
            )
        ]
    if len(no) != OLD_NUMBER_LENGTH:
        return [
            NumberFault(
                "invoice.no_length",
                f"有发票代码的发票，号码应为 8 位数字（保留前面的零），您填写了 {len(no)} 位。",
            )
        ]
    return []


def _digital_faults(no: str, issued_on: date | None, seller_region: str) -> list[NumberFault]:
    if len(no) != DIGITAL_LENGTH:
        hint = "请对照发票右上角核对。"
        if len(no) == OLD_NUMBER_LENGTH:
            hint = "8 位号码的发票另有 10 位或 12 位发票代码（左上角），请一并填写。"
        return [
            NumberFault("invoice.no_length", f"发票号码应为 20 位数字，您填写了 {len(no)} 位。", hint=hint)
        ]
    faults = []
    year, province = no[:2], no[2:4]
    if issued_on is not None and int(year) != issued_on.year % 100:
        faults.append(
            NumberFault(
                "invoice.no_year",
                f"发票号码第 1—2 位为年份“{year}”，与开票日期 {issued_on.year} 年不一致。",
            )
        )
    elif issued_on is None and int(year) < FIRST_YEAR:
        faults.append(NumberFault("invoice.no_year", f"发票号码第 1—2 位“{year}”不是数电票的年份。"))
    if province not in PROVINCES:
        faults.append(
            NumberFault("invoice.no_province", f"发票号码第 3—4 位“{province}”不是省级行政区划代码。")
        )
    elif seller_region and seller_region[:2] in PROVINCES and province != seller_region[:2]:
        faults.append(
            NumberFault(
                "invoice.no_province",
                f"发票号码第 3—4 位“{province}”与销售方所在地“{seller_region[:2]}”不一致。",
            )
        )
    return faults


__all__ = ["PROVINCES", "NumberFault", "norm_inv", "number_faults"]
