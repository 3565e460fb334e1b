"""price_observations.csv, by the prices' own loader, which reads, normalises, quarantines and refuses."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

from applications.actions.imports.reading import FileRefused, Refusal, Table
from applications.actions.imports.refusals import Spool
from applications.actions.imports.report import FileReport
from vouchers.actions.price_observations import load_observations
from vouchers.actions.price_reading import DATASET_COLUMNS
from vouchers.actions.price_tables import load_price_tables

NEEDED = (
    "observed_on",
    "source",
    "kind",
    "region_code",
    "tier",
    "accelerator",
    "unit",
    "unit_price",
    "currency",
)


def load_prices(table: Table, *, report: FileReport, spool: Spool, progress: Callable[[int], None]) -> None:
    """Load the file; refused rows go into the spool. Raises ``FileRefused`` for a wrong header."""
    missing = [name for name in NEEDED if name not in table.header]
    if missing:
        raise FileRefused(
            "file.columns_missing", f"缺少列：{'、'.join(missing)}。", hint="请核对表头（第一行）。"
        )
    report.unknown_columns = [name for name in table.header if name and name not in DATASET_COLUMNS]
    report.missing_columns = [name for name in DATASET_COLUMNS if name not in table.header]
    header, width = table.header, len(table.header)
    lines = array("q")
    broken: list[Refusal] = []

    def rows() -> Iterator[dict[str, str | None]]:
        for line, row in table.rows():
            report.rows_read += 1
            if isinstance(row, Refusal):
                broken.append(row)
            elif len(row) != width:
                broken.append(Refusal(line, "", "row.cells", f"该行有 {len(row)} 列，表头有 {width} 列"))
            elif any("\x00" in cell or not _is_utf8(cell) for cell in row):
                broken.append(Refusal(line, "", "cell.encoding", "不是 UTF-8 编码，请将文件另存为 UTF-8"))
            else:
                lines.append(line)
                yield dict(zip(header, row, strict=True))

    load_price_tables()
    loaded = load_observations(rows(), first_row=0)
    progress(report.rows_read)
    report.rows_taken, report.rows_known = loaded.taken, loaded.known
    for code, count in loaded.reasons.items():
        report.remarks[f"不参与测算：{code}"] += count
    refused = [Refusal(lines[row.row_no], row.field, row.code, row.message) for row in loaded.refused]
    for refusal in sorted(broken + refused, key=lambda r: r.line):
        spool.add(refusal)


def _is_utf8(cell: str) -> bool:
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
