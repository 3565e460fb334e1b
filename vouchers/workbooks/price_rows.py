"""The workbook of prices that people download, fill in and upload again; and reading it, or a CSV of the same columns.

Every cell is read as text, as it is seen: a figure never goes through a binary fraction that a person did not type. Faults are
told by the cell (``D7``).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineError, CalamineWorkbook

from vouchers.errors import Invalid
from vouchers.models.parties import Tier
from vouchers.models.prices import PriceKind, PriceUnit

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 50_000
MOST_UNPACKED = 200 * 1024 * 1024
_ROOM = 2_000
"""Rows for which the choices are offered."""
_SHEET, _NOTES, _CHOICES = "价格", "填写说明", "选项"


@dataclass(frozen=True)
class Column:
    """A column: its name in files, its heading, what to write, an example, and the words to choose from (word → code)."""

    name: str
    label: str
    told: str
    example: str
    choices: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    width: int = 14


def _pairs(choices: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(label), str(code)) for code, label in choices)


COLUMNS: tuple[Column, ...] = (
    Column("observed_on", "采集日", "价格出现或合同签订的日期，如 2025-07-01；不得晚于今天。", "2025-07-01"),
    Column(
        "source", "来源", "供应方的统一社会信用代码；没有的写其通用名称。", "91110000MA00EXMP0X", (), True, 24
    ),
    Column(
        "kind", "种类", "成交、报价、专家意见；成本仅供核对，不参与测算。", "报价", _pairs(PriceKind.choices)
    ),
    Column("region_code", "算力所在地", "六位行政区划代码。", "110000"),
    Column("tier", "供应方类别", "按主管部门登记的类别。", "智算中心/专业商", _pairs(Tier.choices), True, 18),
    Column("accelerator", "加速卡", "芯片表中的型号或别名，含显存，如 A100-80GB。", "H800"),
    Column("form_factor", "形态", "SXM、PCIE、OAM 等；型号只有一种形态的可不填。", "SXM", (), False),
    Column("term_months", "租期（月）", "按需填 0。", "3"),
    Column(
        "unit",
        "计价单位",
        "看不清的留空，将转人工核对，不要猜。",
        "元/卡时",
        _pairs(PriceUnit.choices),
        False,
    ),
    Column("cards", "每单位卡数", "按台计价时每台几张卡；按卡计价填 1 或留空。", "1", (), False),
    Column("precision", "精度", "仅 元/P·天 须填：fp16、bf16、int8、fp8（稠密算力）。", "", (), False),
    Column("unit_price", "单价", "数字，大于零；不写单位、不写“约”。", "18.5"),
    Column("currency", "币种", "CNY、USD 等三位代码。", "CNY"),
    Column("vat_rate", "税率", "小数，如 0.06；含税价必填。", "0.06", (), False),
    Column("tax_included", "含税", "单价是否含增值税。", "否", (("是", "true"), ("否", "false")), False),
    Column("bookable_since", "可订购自", "报价必填：从哪一天起一直可以按此价订购。", "2025-03-01", (), False),
    Column("carried_from", "沿用自", "价格不是当日新报的，写最后一次真实出现的日期。", "", (), False),
    Column(
        "employer",
        "专家任职单位",
        "专家意见必填，其他种类不填：同一单位及其关联单位的专家合计为一家；依据编号填专家签名的意见书编号。",
        "",
        (),
        False,
        24,
    ),
    Column("reference", "依据编号", "合同编号、报价单编号或网页存档编号。", "BJ-2025-001", (), False, 20),
    Column(
        "vcpus_per_card", "每卡 vCPU", "随卡提供的虚拟核数；可比范围 8 至 24，不明的留空。", "16", (), False
    ),
    Column("memory_gb_per_card", "每卡内存（GB）", "可比范围 64 至 256，不明的留空。", "128", (), False),
)
NAMES = {column.name: column for column in COLUMNS}
_HEADINGS = {
    **{column.name: column.name for column in COLUMNS},
    **{column.label: column.name for column in COLUMNS},
}
OWN = tuple(column.name for column in COLUMNS if column.name not in ("source", "tier", "employer"))
"""The columns of a provider's own sheet: who it is and its tier are on the register, and experts' statements are not its to hand in."""


@dataclass(frozen=True)
class PriceRows:
    """A file as read: the columns in its order, and the rows under it, each by its number in the file (the heading is 1)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]

    def cell(self, row_no: int, name: str) -> str:
        """The address of a cell, such as ``L7``; the row's alone where the column is not in the file."""
        if name not in self.columns:
            return str(row_no)
        return f"{get_column_letter(self.columns.index(name) + 1)}{row_no}"


# -- the template -----------------------------------------------------------------------------------------------------


def write_template(
    names: Sequence[str] = tuple(NAMES), *, title: str = "价格采集模板", kinds: Sequence[str] = ()
) -> bytes:
    """The workbook: instructions, a sheet with headings, an example and lists to choose from. ``kinds`` narrows the kinds."""
    book = Workbook()
    notes = book.active
    assert isinstance(notes, Worksheet)
    notes.title = _NOTES
    sheet, choices = book.create_sheet(_SHEET), book.create_sheet(_CHOICES)
    choices.sheet_state = "hidden"
    columns = [NAMES[name] for name in names]
    for place, column in enumerate(columns, start=1):
        head = sheet.cell(1, place, column.label)
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = PatternFill("solid", fgColor="0B57A4")
        head.alignment = Alignment(vertical="center", wrap_text=True)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = column.width
        for row in range(2, 200):
            sheet.cell(row, place).number_format = "@"
        words = _words(column, kinds)
        if words:
            for row, word in enumerate(words, start=1):
                choices.cell(row, place, word)
            rule = DataValidation(
                type="list", formula1=f"'{_CHOICES}'!${letter}$1:${letter}${len(words)}", allow_blank=True
            )
            rule.error, rule.errorTitle = "请从列表中选择。", column.label
            sheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{_ROOM}")
    sheet.freeze_panes = "A2"
    _explain(notes, columns, title, kinds)
    book.active = 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _words(column: Column, kinds: Sequence[str]) -> list[str]:
    narrowed = column.name == "kind" and bool(kinds)
    return [word for word, code in column.choices if not narrowed or code in kinds]


def _explain(notes: Worksheet, columns: Sequence[Column], title: str, kinds: Sequence[str]) -> None:
    lines = [
        (title, ""),
        (
            "",
            "在“价格”工作表中逐行填写，一行一条；第一行列名不要改动。填写后原样上传，系统先逐格核对，确认后才载入。",
        ),
        (
            "",
            "不合格式的行指出单元格后退回，可疑的行（单位不明、整机价录作单卡价、占位价、沿用旧价）待人工核对，其余照常载入。",
        ),
        ("", "同一文件、同一行重复上传，不产生任何变化。"),
        ("", ""),
        ("列", "怎样填"),
    ]
    for column in columns:
        words = _words(column, kinds)
        may = "、".join(words)
        need = "必填。" if column.needed else "选填。"
        example = f"例：{column.example}。" if column.example and column.example not in ("",) else ""
        lines.append((column.label, f"{need}{column.told}{f'可选：{may}。' if may else ''}{example}"))
    for place, (left, right) in enumerate(lines, start=1):
        notes.cell(place, 1, left).font = Font(bold=True)
        notes.cell(place, 2, right).alignment = Alignment(wrap_text=True, vertical="top")
    notes.column_dimensions["A"].width = 18
    notes.column_dimensions["B"].width = 90


# -- reading ----------------------------------------------------------------------------------------------------------


def read_price_rows(content: bytes, filename: str) -> PriceRows:
    """The rows of a CSV or workbook, headings in Chinese or by the columns' names. Raises ``Invalid`` (``price.file_*``) for a
    file that is none as a whole."""
    if len(content) > MOST_BYTES:
        raise Invalid(
            "price.file_too_large",
            f"文件不得超过 {MOST_BYTES >> 20} MB。",
            field="file",
            hint="更大的文件请由系统管理人员用 import_prices 命令载入。",
        )
    if not content.strip():
        raise Invalid("price.file_empty", "文件是空的。", field="file")
    raw = _sheet(content) if content[:4] == b"PK\x03\x04" else _csv(content, filename)
    columns: tuple[str, ...] | None = None
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in raw:
        texts = [_text(cell) for cell in cells]
        if not any(texts):
            continue
        if columns is None:
            columns = tuple(_HEADINGS.get(text.lstrip("\ufeff"), text.lstrip("\ufeff")) for text in texts)
            _require_columns(columns, filename)
            continue
        if len(rows) == MOST_ROWS:
            raise Invalid("price.file_too_long", f"一个文件至多 {MOST_ROWS} 行，请拆分。", field="file")
        rows.append(
            (number, {name: _code(name, text) for name, text in zip(columns, texts, strict=False) if name})
        )
    if columns is None or not rows:
        raise Invalid("price.file_empty", "文件中没有价格行。", field="file")
    return PriceRows(columns, tuple(rows))


def _require_columns(columns: tuple[str, ...], filename: str) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise Invalid("price.file_columns", f"{filename} 的列名重复：{'、'.join(twice)}。", field="file")
    if "price_usd_per_card_hour" not in columns and "unit_price" not in columns:
        raise Invalid(
            "price.file_columns",
            f"{filename} 的第一行不是价格模板的列名（没有“单价”一列）。",
            field="file",
            hint="请下载模板，在“价格”工作表中填写。",
        )


def _csv(content: bytes, filename: str) -> Iterator[tuple[int, list[Any]]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid(
            "price.file_encoding",
            f"{filename} 不是 UTF-8 或 GB 18030 编码的文本，也不是 Excel。",
            field="file",
        )
    if "\x00" in text:
        raise Invalid("price.file_encoding", f"{filename} 不是文本文件。", field="file")
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline="")), 1)
    except csv.Error as problem:
        raise Invalid("price.file_form", f"CSV 不合格式：{problem}。", field="file") from None


def _sheet(content: bytes) -> Iterator[tuple[int, list[Any]]]:
    """The sheet of prices, or the first one; measured before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
                raise Invalid("price.file_too_large", "工作簿展开后过大。", field="file")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = _SHEET if _SHEET in book.sheet_names else book.sheet_names[0]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, OSError, IndexError, ValueError):
        raise Invalid("price.file_form", "不能读取这个 Excel 文件。", field="file") from None
    yield from enumerate(rows, 1)


def _text(cell: Any) -> str:
    """A cell as it is seen."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return f"{Decimal(f'{cell:.15g}'):f}" if cell == cell and abs(cell) < 1e15 else str(cell)
    return str(cell).replace("\x00", "").strip()


def _code(name: str, text: str) -> str:
    """A word of a list as its code; anything else as it is."""
    column = NAMES.get(name)
    if column is None:
        return text
    return next((code for word, code in column.choices if text == word), text)
