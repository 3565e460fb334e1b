"""One pass over a CSV file: sound rows go on to the staging table, wrong ones to the refused file. Memory stays bounded.

Lines longer than a megabyte are dropped while they are read; cells longer than 128 KiB are refused by the csv reader.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from applications.actions.imports.cells import Wrong, check_encoding
from applications.actions.imports.formats import Format, Surroundings, WrongRow
from applications.actions.imports.report import FileReport
from vouchers.errors import Invalid

LONGEST_LINE = 1024 * 1024
LONGEST_CELL = 128 * 1024
CHUNK = 256 * 1024
PROGRESS_ROWS = 20_000
#: what stands in place of a line that was too long to be kept
_DROPPED = "\x00dropped\n"
#: the columns that a file of refused rows has before its own
REFUSAL_COLUMNS = ("file", "line", "column", "reason")


@dataclass(frozen=True)
class Refusal:
    """Why a row is not taken: the line on which it begins, the column at fault, a stable code and the sentence."""

    line: int
    column: str
    code: str
    reason: str


class FileRefused(Invalid):
    """The whole file cannot be read as what it should be: ``file.…``."""


def _lines(stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                pass
            line = _DROPPED
        yield line


class Table:
    """A CSV file as rows with the number of the line on which each begins (the header is line 1). The file, line, column and
    reason of a file of refused rows are left out, unless they are asked for."""

    def __init__(self, path: Path, *, skip_reasons: bool = True) -> None:
        self.path = path
        self._skip_reasons = skip_reasons
        self._stream = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        csv.field_size_limit(LONGEST_CELL)
        self._reader = csv.reader(_lines(self._stream), strict=False)
        self.header: list[str] = []
        self._skipped = 0

    def __enter__(self) -> Table:
        try:
            self._read_header()
        except FileRefused:
            self._stream.close()
            raise
        return self

    def _read_header(self) -> None:
        try:
            first = next(self._reader, None)
        except csv.Error:
            first = ["\x00"]
        if first is None or not any(first):
            raise FileRefused("file.empty", "文件是空的，没有表头。")
        self.header = [name.strip() for name in first]
        if any("\x00" in name or not name.isascii() for name in self.header):
            raise FileRefused(
                "file.encoding", "表头不是 UTF-8 编码的列名。", hint="请将文件另存为“CSV UTF-8（逗号分隔）”。"
            )
        if self._skip_reasons and tuple(self.header[:4]) == REFUSAL_COLUMNS:
            self._skipped = 4
            self.header = self.header[4:]
        twice = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if twice:
            raise FileRefused("file.duplicate_column", f"表头中有重复的列：{'、'.join(twice)}。")

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def rows(self) -> Iterator[tuple[int, list[str] | Refusal]]:
        """(line, cells) of every row that is not blank, or the refusal of one that cannot be split into cells."""
        reader, skipped = self._reader, self._skipped
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield line, Refusal(line, "", "cell.too_long", f"有单元格超过 {LONGEST_CELL // 1024} KB")
                continue
            if not row:
                continue
            if row[0][:1] == "\x00":
                yield line, Refusal(line, "", "cell.too_long", "该行超过 1 MB")
                continue
            yield line, row[skipped:] if skipped else row


def digest_of(path: Path) -> str:
    """SHA-256 of the file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def plan_of(table: Table, form: Format, report: FileReport) -> list[int]:
    """For each column of the format its place in the file, -1 where the file lacks it. Raises ``FileRefused``."""
    places = {name: place for place, name in enumerate(table.header)}
    missing = [column.name for column in form.columns if column.header and column.name not in places]
    if missing:
        raise FileRefused(
            "file.columns_missing",
            f"缺少列：{'、'.join(missing)}。",
            hint="请核对表头（第一行）的列名，列名与格式说明须完全一致，逗号分隔。",
        )
    known = {column.name for column in form.columns}
    report.unknown_columns = [name for name in table.header if name not in known and name]
    report.missing_columns = [column.name for column in form.columns if column.name not in places]
    return [places.get(column.name, -1) for column in form.columns]


def stage(
    table: Table,
    form: Format,
    *,
    around: Surroundings,
    report: FileReport,
    send: Callable[[bytes], object],
    refuse: Callable[[Refusal], None],
    progress: Callable[[int], None],
) -> None:
    """Read every row; send the sound ones in COPY's text format (line first) and hand over the refusals."""
    plan = plan_of(table, form, report)
    width = len(table.header)
    readers = [column.read for column in form.columns]
    pairs = list(zip(plan, readers, strict=True))
    whole = all(place >= 0 for place in plan)
    kept = [i for i, column in enumerate(form.columns) if column.staged]
    keep_all = len(kept) == len(form.columns)
    checks, derive = form.checks, form.derive
    digest = hashlib.sha256()
    out: list[str] = []
    size = 0
    for line, row in table.rows():
        report.rows_read += 1
        if not report.rows_read % PROGRESS_ROWS:
            progress(report.rows_read)
        if isinstance(row, Refusal):
            refuse(row)
            continue
        if len(row) != width:
            refuse(Refusal(line, "", "row.cells", f"该行有 {len(row)} 列，表头有 {width} 列"))
            continue
        try:
            if whole:
                values = [read(row[place]) for place, read in pairs]
            else:
                values = [read(row[place] if place >= 0 else "") for place, read in pairs]
            for check in checks:
                check(values)
            extra: Sequence[str] = derive(values, row, around) if derive else ()
        except Wrong:
            refuse(_first_wrong(line, row, form, pairs))
            continue
        except WrongRow as wrong:
            refuse(Refusal(line, wrong.column, wrong.code, wrong.message))
            continue
        if not keep_all:
            values = [values[i] for i in kept]
        text = "\t".join((*values, *extra))
        digest.update(text.encode())
        out.append(f"{line}\t{text}\n")
        size += len(text)
        if size > CHUNK:
            send("".join(out).encode())
            out.clear()
            size = 0
    if out:
        send("".join(out).encode())
    report.rows_sha256 = digest.hexdigest()


def _first_wrong(
    line: int, row: list[str], form: Format, pairs: list[tuple[int, Callable[[str], str]]]
) -> Refusal:
    for column, (place, read) in zip(form.columns, pairs, strict=True):
        cell = row[place] if place >= 0 else ""
        try:
            read(cell)
        except Wrong as wrong:
            try:
                check_encoding(cell)
            except Wrong as encoding:
                return Refusal(line, column.name, encoding.code, encoding.message)
            return Refusal(line, column.name, wrong.code, wrong.message)
    return Refusal(line, "", "row.invalid", "该行无法读取")
