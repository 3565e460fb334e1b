"""An uploaded workbook as plain cells, or a refusal: nothing in the file is run, followed or unfolded without bound.

Numbers come as Decimals of the 15 significant digits that a sheet shows, never as floats; a formula counts by the result
that was saved with it, and one without a saved result is told so.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from vouchers.errors import Invalid
from vouchers.policy.example_cells import Broken

MOST_BYTES = 5 * 1024 * 1024
MOST_UNFOLDED = 40 * 1024 * 1024
MOST_PARTS = 300
MOST_COLUMNS = 400
MOST_ROWS = 20_000
MOST_CELLS = 500_000
"""Walked over, empty ones too: a sheet's rows are all as wide as the widest."""
MOST_FILLED = 100_000
MOST_TEXT = 10 * 1024 * 1024
_LAST_COLUMN = 16_384
_PEEK = 10
_CHUNK = 1 << 20

Grid = list[tuple[Any, ...]]


def open_workbook(content: bytes, wanted: Collection[str]) -> dict[str, Grid]:
    """The cells of each sheet by its title; of sheets that are not wanted only the first rows.

    Raises Invalid: `examples.file_too_large`, `examples.not_a_workbook`, `examples.macros`, `examples.too_much_inside`.
    """
    _check(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        formulas = _formulas(content, wanted)
        grids = {}
        for sheet in book.worksheets:
            rows = sheet.iter_rows(max_col=MOST_COLUMNS + 1, max_row=None if sheet.title in wanted else _PEEK)
            grids[sheet.title] = list(_trimmed(rows, sheet.title, formulas.get(sheet.title, frozenset())))
        return grids
    except Invalid:
        raise
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        ParseError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        EOFError,
    ):
        raise _no_workbook() from None


def _no_workbook() -> Invalid:
    return Invalid(
        "examples.not_a_workbook",
        "这个文件不是可以读取的 Excel 工作簿（.xlsx）。",
        field="file",
        hint="请用 Excel 或 WPS 打开后，另存为“Excel 工作簿（.xlsx）”，不设密码，再上传。",
    )


def _check(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise Invalid(
            "examples.file_too_large",
            f"文件有 {len(content) / 1024 / 1024:.1f} MB，超过 {MOST_BYTES // 1024 // 1024} MB 的上限。",
            field="file",
            hint="请删去图片等无关内容，或分成几个工作簿。",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNFOLDED:
                raise _too_much()
            names = {part.filename.lower() for part in parts}
            if "[content_types].xml" not in names:
                raise _no_workbook()
            types = packed.read(next(p for p in parts if p.filename.lower() == "[content_types].xml"))
            if b"macroenabled" in types.lower() or any(name.endswith("vbaproject.bin") for name in names):
                raise Invalid(
                    "examples.macros",
                    "工作簿含有宏，不能上传。",
                    field="file",
                    hint="请另存为不含宏的“Excel 工作簿（.xlsx）”。",
                )
            _unfold(packed, parts)
            _measure(packed, parts)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        raise _no_workbook() from None


def _unfold(packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Read everything once, so that a part that is longer than it says is found before anything relies on it."""
    total = 0
    for part in parts:
        with packed.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > MOST_UNFOLDED:
                    raise _too_much()


_PLACE = re.compile(rb"<(?:\w+:)?(row|c)\b([^>]*)>")
_NUMBER = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]*)(\d+)""")
_TEXT = re.compile(rb"<(?:\w+:)?si[ >/]")


def _measure(packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Count what the sheets hold before anything reads them: a few bytes may stand for a million rows between two cells.

    `row` and `c` may each name its place or leave it to be the next one; what a sheet says of its own size is not asked.
    """
    texts = [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))]
    if sum(part.file_size for part in texts) > MOST_TEXT:
        raise _too_much()
    strings = cells = 0
    for part in texts:
        name = part.filename.lower()
        if name.endswith("sharedstrings.xml"):
            strings += len(_TEXT.findall(packed.read(part)))
        elif "sheets/" in name:
            cells += _cells_of(packed.read(part))
        if max(strings, cells) > MOST_FILLED:
            raise _too_much()


def _cells_of(sheet: bytes) -> int:
    row = column = cells = 0
    for tag in _PLACE.finditer(sheet):
        said = _NUMBER.search(tag[2])
        if tag[1] == b"row":
            row, column = int(said[2][:10]) if said else row + 1, 0
        else:
            cells += 1
            column = _column(said[1]) if said and said[1] else column + 1
            row = max(row, int(said[2][:10])) if said and said[1] else row
        if row > MOST_ROWS or column > _LAST_COLUMN or cells > MOST_FILLED:
            raise _too_much()
    return cells


def _column(letters: bytes) -> int:
    """`A` → 1, `AA` → 27."""
    place = 0
    for letter in letters[:4].upper():
        place = place * 26 + letter - 64
    return place


def _too_much() -> Invalid:
    return Invalid(
        "examples.too_much_inside",
        "工作簿展开后的内容过大，未予读取。",
        field="file",
        hint="请只保留算例所需的工作表和单元格。",
    )


def _formulas(content: bytes, wanted: Collection[str]) -> dict[str, frozenset[str]]:
    """Where formulas stand, by sheet; the file is read again only when it has any."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        sheets = [one for one in packed.namelist() if one.startswith("xl/worksheets/")]
        if not any(re.search(rb"<(\w+:)?f[ >/]", packed.read(one)) for one in sheets):
            return {}
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    found: dict[str, frozenset[str]] = {}
    for sheet in book.worksheets:
        if sheet.title not in wanted:
            continue
        places, read = [], 0
        for row in sheet.iter_rows(max_col=MOST_COLUMNS + 1, max_row=MOST_ROWS + 1):
            read += len(row)
            if read > MOST_CELLS:
                raise _too_much()
            places += [f"{cell.column}:{cell.row}" for cell in row if getattr(cell, "data_type", "") == "f"]
        found[sheet.title] = frozenset(places)
    return found


def _trimmed(rows: Any, title: str, formulas: Collection[str]) -> Iterator[tuple[Any, ...]]:
    """The rows up to the last that holds anything."""
    gap = read = 0
    for number, row in enumerate(rows, start=1):
        read += len(row)
        cells = tuple(_value(cell, formulas) for cell in row)
        if read <= MOST_CELLS and all(cell is None for cell in cells):
            gap += 1
            continue
        too_wide = len(cells) > MOST_COLUMNS and cells[MOST_COLUMNS] is not None
        if number > MOST_ROWS or too_wide or read > MOST_CELLS:
            raise Invalid(
                "examples.too_much_inside",
                f"工作表“{title}”第 {number} 行超出可读取的范围（{MOST_ROWS:,} 行、{MOST_COLUMNS} 列）。",
                field="file",
            )
        yield from [()] * gap
        gap = 0
        yield cells


def _value(cell: Any, formulas: Collection[str]) -> Any:
    value = cell.value
    if value is None:
        if formulas and f"{getattr(cell, 'column', '')}:{getattr(cell, 'row', '')}" in formulas:
            return Broken(
                "公式", "公式没有保存计算结果，请用 Excel 或 WPS 打开并保存后再上传，或直接填写数值"
            )
        return None
    if getattr(cell, "data_type", "") == "e":
        return Broken(str(value), "公式出错，没有可用的数值")
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return Decimal(format(value, ".15g"))
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, datetime):
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    if isinstance(value, date):
        return value
    if isinstance(value, (time, timedelta)):
        return Broken(str(value), "这是时刻，不是日期或数值")
    return Broken(str(value)[:60], "不认识的单元格内容")
