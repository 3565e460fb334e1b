"""A workbook for auditors: its cover says what it covers, who made it when, and the hash of every sheet; then the sheets.

Rows are written as they come (write-only), so that a register of twenty thousand needs no more memory than one of twenty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from audit.actions.scans import latest_run
from audit.reports.workbook import Made
from vouchers import dates
from vouchers.sheets import Sheet, new_book, save

CHUNK = 500
NOTE = "预警不是认定：硬性预警暂缓办理，可以申诉并由两人解除；提示性预警只用于排定核查顺序。“无法检验”不等于通过。"


class Book:
    """One workbook under way."""

    def __init__(self, title: str, covers: str, *, by: str) -> None:
        """``covers``: the filter in words; ``by``: who makes it."""
        self._title, self._covers, self._by = title, covers, by
        self._book = new_book()
        self._cover = Sheet(self._book, "说明", (("项目", 22, ""), ("内容", 90, "")))
        self._sheets: list[Sheet] = []

    def sheet(self, title: str, columns: Sequence[tuple[str, int, str]]) -> Sheet:
        """One more sheet: heading, width, number format."""
        sheet = Sheet(self._book, title, columns)
        self._sheets.append(sheet)
        return sheet

    def finish(self, out: Path | IO[bytes], notes: Iterable[tuple[str, Any]] = ()) -> Made:
        """Fill the cover and write the file."""
        digests = {sheet.title: sheet.close() for sheet in self._sheets}
        whole = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
        run = latest_run()
        until = run.known_at.astimezone(dates.SHANGHAI).strftime("%Y-%m-%d %H:%M") if run else "尚未扫描"
        for name, value in (
            ("名称", self._title),
            ("范围", self._covers),
            ("制作人", self._by),
            ("制作时间", dates.now().astimezone(dates.SHANGHAI).strftime("%Y-%m-%d %H:%M")),
            ("预警数据截至", until),
            ("内容摘要", f"SHA-256 {whole}（各表各行依次散列）"),
            *((sheet.title, f"{sheet.rows} 行，SHA-256 {digests[sheet.title]}") for sheet in self._sheets),
            *notes,
            ("说明", NOTE),
        ):
            self._cover.add(name, value)
        self._cover.close()
        save(self._book, out)
        return Made({sheet.title: sheet.rows for sheet in self._sheets}, whole, self._covers)


def chunks(rows: Any, size: int = CHUNK) -> Iterable[list[Any]]:
    """The rows of a queryset in parts, read by a cursor of the server."""
    part: list[Any] = []
    for row in rows.iterator(chunk_size=size):
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
