"""The bank's answer read: CSV (UTF-8 or GB 18030) with a last row of its own count and sum."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from applications.payment_files import TOTAL
from vouchers.actions.bank_files import OUTCOMES, BankFile, BankLine, LineFault
from vouchers.errors import Invalid
from vouchers.money import ZERO, yuan

#: what it answers; the last row is ``TOTAL`` with the count (in ``result``) and the sum (in ``amount``)
BANK_COLUMNS = ("instruction_no", "result", "amount", "bank_reference", "reason", "paid_on", "answered_at")
NEEDED = ("instruction_no", "result", "amount")
LARGEST = 20 * 1024 * 1024
#: no cell of a bank's file is longer; the reader stops at the first that is
LONGEST_CELL = 131_072


def read_bank_return(raw: bytes, filename: str = "") -> BankFile:
    """The bank's answer with the columns of ``BANK_COLUMNS``; ``result`` is one of ``OUTCOMES``, the last row states count and sum.

    A line whose result, date or time cannot be read is a ``LineFault`` of the file, and the others stand. Raises ``Invalid``, naming
    the line, for what leaves the file itself in doubt: ``bank_return.too_large``, ``.encoding``, ``.columns``, ``.cells``, ``.cell_too_long``,
    ``.amount_text``, ``.count_text``, ``.after_total``, ``.empty``, ``.no_total``.
    """
    lines: list[BankLine] = []
    faults: list[LineFault] = []
    stated: tuple[int, Decimal] | None = None
    for number, row in _rows(_decoded(raw)):
        if stated is not None:
            raise _of_file("after_total", f"第 {number} 行在合计行之后，文件有误")
        first, result = row["instruction_no"], row["result"].lower()
        amount = _amount(row["amount"], number)
        if first == TOTAL:
            if not result.isascii() or not result.isdigit():
                raise _of_file("count_text", f"第 {number} 行（合计行）的笔数应为整数")
            stated = int(result[:9]), amount
            continue
        try:
            lines.append(
                BankLine(
                    instruction_no=first,
                    outcome=_outcome(result),
                    amount=amount,
                    bank_reference=row.get("bank_reference", ""),
                    reason=row.get("reason", ""),
                    paid_on=_day(row.get("paid_on", "")),
                    answered_at=_moment(row.get("answered_at", "")),
                    row=number,
                )
            )
        except _Unreadable as fault:
            message = f"银行回执第 {number} 行{fault.what}，该行未入账。"
            faults.append(LineFault(number, f"bank_return.{fault.code}", message, first, amount))
    if not lines and not faults:
        raise Invalid("bank_return.empty", "银行回执中没有明细行。", field="file")
    if stated is None:
        raise Invalid(
            "bank_return.no_total",
            "银行回执没有合计行，文件可能不完整。",
            field="file",
            hint=f"最后一行应为：{TOTAL},笔数,合计金额。",
        )
    return BankFile(lines, *stated, filename=filename, content=raw, faults=faults)


class _Unreadable(Exception):
    """One cell of one line."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code, self.what = code, what


def _of_file(code: str, what: str) -> Invalid:
    return Invalid(f"bank_return.{code}", f"银行回执{what}，整份回执未入账。", field="file")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line that it ends on; cells without their blanks, empty where there are none."""
    reader = csv.reader(io.StringIO(text, newline=""))
    head: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not head:
                head = [cell.strip() for cell in cells]
                missing = [name for name in NEEDED if head.count(name) != 1]
                if missing:
                    raise Invalid(
                        "bank_return.columns",
                        f"银行回执的表头须各有一列：{'、'.join(missing)}。",
                        field="file",
                        hint=f"列名依次为：{'、'.join(BANK_COLUMNS)}。",
                    )
                continue
            if any(cell.strip() for cell in cells[len(head) :]):
                raise _of_file("cells", f"第 {reader.line_num} 行的列数多于表头，各列可能已错位")
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise csv.Error
            filled = [cell.strip() for cell in cells] + [""] * (len(head) - len(cells))
            yield reader.line_num, dict(zip(head, filled, strict=False))
    except csv.Error as error:
        raise _of_file(
            "cell_too_long", f"第 {reader.line_num} 行有一格过长或引号没有配对，文件已损坏"
        ) from error
    if not head:
        raise Invalid("bank_return.empty", "银行回执中没有明细行。", field="file")


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST:
        raise Invalid("bank_return.too_large", "银行回执超过 20 MB，请分批导入。", field="file")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("bank_return.encoding", "银行回执须为 CSV 文件，编码为 UTF-8 或 GB 18030。", field="file")


def _amount(text: str, number: int) -> Decimal:
    try:
        amount = yuan(text)
    except ValueError as error:
        raise _of_file("amount_text", f"第 {number} 行：{_short(str(error))}") from error
    if amount < ZERO:
        raise _of_file("amount_text", f"第 {number} 行：金额不能小于零")
    return amount


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"


def _outcome(text: str) -> str:
    if text not in OUTCOMES:
        raise _Unreadable("result", f"的 result 应为 {'、'.join(OUTCOMES)} 之一")
    return text


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _Unreadable("date", "的日期应为 YYYY-MM-DD") from None


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        raise _Unreadable("moment", "的 answered_at 应为 YYYY-MM-DD HH:MM:SS") from None
