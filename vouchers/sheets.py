"""Sheets of a workbook in which text is text: nothing that a person or a company typed can become a formula.

A string cell gets the data type ``s`` whatever it begins with, and the quote prefix when it begins as a formula would, so
that it stays text when someone edits it. Control characters, which the format forbids, are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from vouchers.dates import SHANGHAI

MONEY, PRICE, DAY, INSTANT = "#,##0.00", "#,##0.00####", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f￾￿]")
_MOST_CHARACTERS = 32_767
MOST_ROWS = 1_000_000


def plain_text(value: str) -> str:
    """The string as a cell may hold it: without control characters, at most 32,767 long."""
    return _FORBIDDEN.sub("", value)[:_MOST_CHARACTERS]


def plain_cell(text: str) -> str:
    """The string for a file of comma-separated values: no spreadsheet that opens it takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class Sheet:
    """One sheet: a header, then rows in order; counts and hashes what it is given."""

    def __init__(self, book: Workbook, title: str, columns: Sequence[tuple[str, int, str]]) -> None:
        """``columns``: heading, width, number format (empty: text)."""
        self.title, self.rows = title, 0
        self._columns = columns
        self._sheet = book.create_sheet(title)
        self._digest = hashlib.sha256(title.encode())
        self._sheet.freeze_panes = "A2"
        for place, (_heading, width, _format) in enumerate(columns, start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = width
        self._sheet.print_title_rows = "1:1"
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.paperSize = 9  # A4
        self._sheet.page_setup.fitToHeight = 0
        self._sheet.oddFooter.right.text = "&P / &N"
        # Written with the first row, and not looked at again.
        self._sheet.sheet_properties.pageSetUpPr.fitToPage = True
        self._sheet.append([self._heading(heading) for heading, _width, _format in columns])

    def _heading(self, text: str) -> Cell:
        cell = self._text(text)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="0B57A4")
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        return cell

    def _text(self, text: str) -> Cell:
        shown = plain_text(text)
        cell = WriteOnlyCell(self._sheet, value=shown)
        cell.data_type = "s"
        if shown.startswith(_FORMULA_STARTS):
            cell.quotePrefix = True
        return cell

    def add(self, *values: Any) -> None:
        """One row; the values in the order of the columns. Amounts are Decimal, days date; whatever else is text."""
        assert len(values) == len(self._columns), self.title
        cells: list[Cell | None] = []
        for value, (_heading, _width, number_format) in zip(values, self._columns, strict=True):
            if value is None or value == "":
                cells.append(None)
                continue
            if isinstance(value, datetime):
                value = value.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)
            if isinstance(value, Decimal | date | int) and not isinstance(value, bool):
                # A Decimal or a day: openpyxl writes both, its stubs know neither.
                cell = WriteOnlyCell(self._sheet, value=value)  # type: ignore[arg-type]
                if number_format:
                    cell.number_format = number_format
            else:
                cell = self._text(str(value))
                if len(str(cell.value or "")) > 40:
                    cell.alignment = Alignment(wrap_text=True, vertical="top")
            cells.append(cell)
        self._sheet.append(cells)
        self.rows += 1
        self._digest.update(json.dumps([str(value) for value in values], ensure_ascii=False).encode())

    def close(self) -> str:
        """The hash over its rows; filters are set over all of them."""
        last = get_column_letter(len(self._columns))
        self._sheet.auto_filter.ref = f"A1:{last}{self.rows + 1}"
        return self._digest.hexdigest()


def new_book() -> Workbook:
    """A workbook written row by row."""
    return Workbook(write_only=True)


def save(book: Workbook, out: Path | IO[bytes]) -> None:
    """Write it out."""
    book.save(out)
