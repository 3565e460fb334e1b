"""Reading a file of settlements: JSON lines, CSV or Excel, a line a settlement, every cell as text."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from vouchers.errors import Invalid

MOST_BYTES = 5 * 1024 * 1024
MOST_LINES = 20_000
MOST_UNPACKED = 100 * 1024 * 1024
LONGEST_CELL = 300

#: The columns, by the names of the interface; a heading in Chinese is understood as well.
COLUMNS = {
    "action": "办理事项",
    "idempotency_key": "幂等键",
    "settlement_no": "抵扣编号",
    "voucher_no": "券号",
    "lease_no": "合同备案号",
    "reference": "结算单行号",
    "net_amount": "不含税金额",
    "tax_amount": "税额",
    "period_from": "使用期间自",
    "period_to": "使用期间至",
    "accelerator": "型号",
    "invoice_no": "发票号码",
    "invoice_code": "发票代码",
    "invoice_issued_on": "开票日期",
    "invoice_net_amount": "发票不含税金额",
}
#: PostgreSQL keeps neither NUL nor half a character.
_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_NAMES = {**{name: name for name in COLUMNS}, **{label: name for name, label in COLUMNS.items()}}


@dataclass(frozen=True)
class SentLine:
    """One line by its number in the file (a heading is line 1), with what is wrong with it if it cannot be read."""

    line_no: int
    fields: dict[str, str] = field(default_factory=dict)
    problem: Invalid | None = None


def read_lines(content: bytes, filename: str) -> list[SentLine]:
    """All lines. Raises ``Invalid`` (``settlement_batch.too_large``, ``.empty``, ``.form``, ``.columns``, ``.too_many``) for a
    file that is none as a whole; a single line that cannot be read is only that line's fault."""
    if len(content) > MOST_BYTES:
        raise Invalid(
            "settlement_batch.too_large", f"文件不得超过 {MOST_BYTES // 1024 // 1024} MB。", field="file"
        )
    if not content.strip():
        raise Invalid("settlement_batch.empty", "文件是空的。", field="file")
    if content[:4] == b"PK\x03\x04":
        rows = _table(_sheet(content))
    elif content.lstrip()[:1] == b"{":
        rows = _json_lines(_text(content))
    else:
        rows = _table(enumerate(_csv(_text(content)), 1))
    found: list[SentLine] = []
    for line in rows:
        if len(found) == MOST_LINES:
            raise Invalid(
                "settlement_batch.too_many", f"一个文件至多 {MOST_LINES} 行，请拆分。", field="file"
            )
        found.append(line)
    if not found:
        raise Invalid("settlement_batch.empty", "文件中没有明细行。", field="file")
    return found


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(
        "settlement_batch.form", "文件须为 UTF-8（或 GB 18030）编码的 JSON 行、CSV，或 Excel。", field="file"
    )


def _csv(text: str) -> Iterator[list[Any]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as problem:
        raise Invalid("settlement_batch.form", f"CSV 不合格式：{problem}。", field="file") from None


def _sheet(content: bytes) -> Iterator[tuple[int, list[Any]]]:
    """The first sheet, measured before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
                raise Invalid("settlement_batch.too_large", "工作簿展开后过大。", field="file")
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    except (CalamineError, zipfile.BadZipFile, OSError, IndexError, ValueError):
        raise Invalid("settlement_batch.form", "不能读取这个 Excel 文件。", field="file") from None
    yield from enumerate(rows, 1)


def _table(rows: Iterator[tuple[int, list[Any]]]) -> Iterator[SentLine]:
    """Lines under a heading that names the columns."""
    names: list[str] | None = None
    for number, cells in rows:
        if not any(str(cell).strip() for cell in cells):
            continue
        if names is None:
            names = [_NAMES.get(str(cell).strip().removeprefix("\ufeff"), "") for cell in cells]
            if "idempotency_key" not in names:
                raise Invalid(
                    "settlement_batch.columns",
                    "第一行应为列名，至少有 idempotency_key（幂等键）。",
                    field="file",
                    hint="列名：" + "、".join(COLUMNS),
                )
            continue
        values = {name: cell for name, cell in zip(names, cells, strict=False) if name}
        yield _line(number, values)


def _json_lines(text: str) -> Iterator[SentLine]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError, ArithmeticError):
            yield SentLine(number, problem=Invalid("settlement_batch.line", "该行不是合法的 JSON。"))
            continue
        if not isinstance(value, dict):
            yield SentLine(number, problem=Invalid("settlement_batch.line", "该行应为一个 JSON 对象。"))
            continue
        invoice = value.pop("invoice", None)
        if isinstance(invoice, dict):
            for name, inner in invoice.items():
                value[name if name.startswith("invoice_") else f"invoice_{name}"] = inner
        yield _line(number, {name: value[name] for name in COLUMNS if name in value})


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _line(number: int, values: dict[str, Any]) -> SentLine:
    fields: dict[str, str] = {}
    for name, value in values.items():
        text = _cell(value)
        if text is None or len(text) > LONGEST_CELL or _UNKEPT.search(text):
            return SentLine(number, fields, Invalid("input.invalid", "该字段的内容不能读取。", field=name))
        if text:
            fields[name] = text
    return SentLine(number, fields)


def _cell(value: Any) -> str | None:
    """A cell as text: dates as ISO, figures as they are written, never through a binary fraction."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):  # a cell of a workbook
        return f"{value:.15g}" if value == value and abs(value) < 1e15 else None
    if isinstance(value, int | Decimal):
        return f"{value:f}" if abs(Decimal(value).adjusted()) < 40 else None
    return None
