"""The rows that were not taken, written back with the reason so that they can be mended and loaded again."""

from __future__ import annotations

import csv
import heapq
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.db import connection

from applications.actions.imports.formats import Format
from applications.actions.imports.reading import REFUSAL_COLUMNS, Refusal, Table
from applications.actions.imports.report import FileReport

_SENTENCES = {
    "row.duplicate": "与第 {detail} 行重复：{column} 相同，只取第一行",
    "row.unknown_reference": "“{detail}”不存在：{target} 及已入库的数据中都没有",
    "row.key_taken": "“{detail}”已在库中而内容不同，已入库的历史不再更改",
    "row.after_lease": "开始日 {detail} 在合同结束之后",
    "row.live_voucher": "“{detail}”是本系统正在使用的算力券，不能并入历史兑付",
}


class Spool:
    """Refusals in the order of the file, on disk, so that a file of nothing but wrong rows does not fill the memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.count = 0

    def add(self, refusal: Refusal) -> None:
        """Keep a refusal; lines must come in ascending order."""
        self._file.write(json.dumps([refusal.line, refusal.column, refusal.code, refusal.reason]) + "\n")
        self.count += 1

    def __iter__(self) -> Iterator[Refusal]:
        self._file.seek(0)
        for text in self._file:
            line, column, code, reason = json.loads(text)
            yield Refusal(line, column, code, reason)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()


def database_refusals(form: Format) -> Iterator[Refusal]:
    """What import_history refused of the file, one a row, in the order of the file."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (line) line, column_name, code, detail FROM pg_temp.import_refusal WHERE file = %s "
            "ORDER BY line, code, column_name",
            [form.name],
        )
        for line, column, code, detail in cursor:
            reason = _SENTENCES[code].format(
                detail=(detail or "")[:60], column=column, target=form.refers_to.get(column, form.name)
            )
            yield Refusal(line, column, code, reason)


def write_refused(
    path: Path, name: str, refusals: Iterator[Refusal], out: Path, report: FileReport
) -> Path | None:
    """Write ``refused-<file>`` into ``out`` by a second pass over the file; None when there is nothing to refuse.

    The cells are written as they stood. A cell that could not even be kept (over 128 KiB) is left empty.
    """
    pending = next(refusals, None)
    if pending is None:
        return None
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"refused-{name}"
    part = target.with_suffix(".part")
    part.touch(mode=0o600)  # the rows hold names, phones and accounts
    with Table(path) as table, part.open("w", encoding="utf-8-sig", errors="replace", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((*REFUSAL_COLUMNS, *table.header))
        for line, row in table.rows():
            if pending is None:
                break
            if line != pending.line:
                continue
            cells = [] if isinstance(row, Refusal) else row
            writer.writerow((name, line, pending.column, pending.reason, *cells))
            report.rows_refused += 1
            report.reasons[pending.code] += 1
            pending = next(refusals, None)
    part.replace(target)
    return target


def merged(*sources: Iterator[Refusal]) -> Iterator[Refusal]:
    """Several ordered sources as one, a line once."""
    last = 0
    for refusal in heapq.merge(*sources, key=lambda r: r.line):
        if refusal.line != last:
            last = refusal.line
            yield refusal


def forget_refused(name: str, out: Path) -> None:
    """Take away the file of an earlier run."""
    with suppress(FileNotFoundError):
        (out / f"refused-{name}").unlink()
