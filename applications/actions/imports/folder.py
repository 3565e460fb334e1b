"""A whole folder in one transaction: all of it is there afterwards, or, after a crash at any moment, nothing.

Why one transaction and not one a file: between two files a scan would see claims without their invoices and call them sound.
A million rows are no burden to PostgreSQL in one transaction, the rows sit in temporary tables until they are moved, and
a folder that was loaded already costs only the reading of its digests.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.utils import OperationalError

from applications.actions.imports.ahead import Ahead, Rows
from applications.actions.imports.catalogue import FILES, FORMATS, PRICES
from applications.actions.imports.formats import Format, Surroundings
from applications.actions.imports.prices import load_prices
from applications.actions.imports.programs import ensure_programs
from applications.actions.imports.reading import FileRefused, Refusal, Table, digest_of
from applications.actions.imports.refusals import (
    Spool,
    database_refusals,
    forget_refused,
    merged,
    write_refused,
)
from applications.actions.imports.report import FileReport, FolderReport
from applications.models import ImportedFile
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, TryLater
from vouchers.models import User

#: (file, rows so far). What is told of reading comes from a thread beside the import's own, and may not use its connection.
Progress = Callable[[str, int], None]
REFUSED_PREFIX = "refused-"
OF_PARTIES = frozenset(
    {
        "parties.csv",
        "shareholdings.csv",
        "declared_affiliations.csv",
        "provider_admissions.csv",
        "capacity.csv",
        "devices.csv",
        "listings.csv",
    }
)
CASEWORK = frozenset({"leases.csv", "applications.csv", "vouchers.csv", "claims.csv"})
"""Read before the first of them is moved: their programs are one another's, and a case's end is told by the case after it."""
#: the order in which the files are read; they are moved in that of the catalogue
READING = tuple(sorted(FORMATS, key=lambda form: (form.name not in OF_PARTIES, form.name not in CASEWORK)))


_TABLE = re.compile(r"\.(csv|tsv|txt|xlsx?|json|parquet)(\.(gz|zip|bz2|xz|zst|7z))?$", re.IGNORECASE)


def _silent(file: str, rows: int) -> None: ...


def import_folder(
    folder: Path,
    *,
    out: Path,
    by: User | None = None,
    progress: Progress = _silent,
    moved: Progress = _silent,
) -> FolderReport:
    """Load a folder of the bulk format. Refused rows are written to ``out`` as ``refused-<file>``.

    ``progress`` is told of the rows read, ``moved`` of those taken in; what they raise ends the import, and nothing of it stays.
    ``by`` is None for a command; a person needs the role of a system administrator. Raises ``Invalid`` (``import.no_folder``,
    ``import.no_files``) and ``TryLater`` (``import.busy``); a file or a row at fault raises nothing and is in the report.
    """
    if by is not None:
        require_role(by, Role.SYSTEM_ADMIN)
    started = time.monotonic()
    report = _survey(folder)
    run = _Run(folder, out, report, progress, moved)
    if run.unchanged():
        for one in report.files:
            one.unchanged = one.collected
    else:
        with transaction.atomic():
            run.load()
    report.seconds = time.monotonic() - started
    return report


def _survey(folder: Path) -> FolderReport:
    if not folder.is_dir():
        raise Invalid(
            "import.no_folder", f"没有找到文件夹 {folder.name}。", hint="请填写存放 CSV 文件的文件夹路径。"
        )
    report = FolderReport(folder=folder)
    for name in FILES:
        path = next((p for p in (folder / name, folder / f"{REFUSED_PREFIX}{name}") if p.is_file()), None)
        report.files.append(FileReport(name=name, path=path))
    used = {one.path for one in report.files}
    # A table under another name, packed or of another kind, is told: else its contents would only seem not to be collected.
    report.strange_files = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path not in used and not path.name.startswith(".") and _TABLE.search(path.name)
    )
    if not any(one.collected for one in report.files):
        raise Invalid(
            "import.no_files",
            f"文件夹 {folder.name} 中没有可导入的文件。",
            hint=f"文件名须与格式说明一致，如 {FILES[0]}、claims.csv。",
        )
    return report


class _Run:
    def __init__(
        self, folder: Path, out: Path, report: FolderReport, progress: Progress, moved: Progress
    ) -> None:
        self.folder, self.out, self.report, self.progress, self.moved = folder, out, report, progress, moved
        self.spools: dict[str, Spool] = {}
        self.waiting = list(FORMATS)
        # A folder of mended rows is not a year in which everything else was not collected.
        self.mending = any(one.path and one.path.name.startswith(REFUSED_PREFIX) for one in report.files)

    def unchanged(self) -> bool:
        """Whether every file was taken before, to the last row."""
        for one in self.report.files:
            if one.path is not None:
                one.sha256 = digest_of(one.path)
        known = set(ImportedFile.objects.filter(rows_refused=0).values_list("name", "sha256"))
        return all((one.name, one.sha256) in known for one in self.report.files if one.collected)

    def load(self) -> None:
        try:
            with transaction.atomic():
                self._call("SELECT public.import_open()")
        except OperationalError as fault:
            raise TryLater("import.busy", "另一项历史数据导入正在进行，请待其完成后再试。") from fault
        try:
            self._load()
            self._prices()
            self._call("SELECT public.import_close()")
        finally:
            for spool in self.spools.values():
                spool.close()

    def _load(self) -> None:
        """Send each file as it is read, and move it as soon as what its rows rest on is there."""
        collected = [form for form in READING if self.report[form.name].collected]
        here = {form.name for form in FORMATS} - {form.name for form in collected}
        # Without a file of their own the parties are made of what all the other files say.
        at_once = self.report["parties.csv"].collected or self.mending
        reading = [(form, self.report[form.name]) for form in collected]
        with Ahead(reading, around=self._around, spools=self.spools, progress=self.progress) as ahead:
            for form, rows in ahead:
                if rows is not None:
                    self._send(form, rows)
                here.add(form.name)
                if at_once:
                    self._move_ready(here)
        if not at_once:
            self._placeholders("parties.csv")
        self._move_ready(here)

    def _move_ready(self, here: set[str]) -> None:
        while self.waiting:
            name = self.waiting[0].name
            if name not in here or (name not in OF_PARTIES and not here >= CASEWORK):
                return
            if name == "leases.csv":
                self._programs()
            if name == "claims.csv":
                self._placeholders("vouchers.csv")
            self._move(self.waiting.pop(0))

    def _call(self, statement: str, parameters: list[Any] | None = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            row = cursor.fetchone()
            return row[0] if row else None

    def _around(self, one: FileReport) -> Surroundings:
        def remark(code: str, sentence: str) -> None:
            one.remarks[sentence] += 1

        return Surroundings(self.folder, remark)

    def _send(self, form: Format, rows: Rows) -> None:
        began = time.monotonic()
        columns = ", ".join(("line", *form.staged))
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY pg_temp.{form.stage} ({columns}) FROM STDIN") as copy,
        ):
            for chunk in rows.chunks():
                copy.write(chunk)
        self._call("SELECT public.import_analyze(%s)", [form.stage])
        self.report[form.name].seconds += time.monotonic() - began

    def _programs(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.code, coalesce(mode() WITHIN GROUP (ORDER BY c.region), '000000') FROM ("
                " SELECT program_code AS code, region_code AS region FROM pg_temp.import_leases"
                " UNION ALL SELECT program_code, NULL FROM pg_temp.import_applications"
                " UNION ALL SELECT program_code, NULL FROM pg_temp.import_vouchers) AS c GROUP BY c.code"
            )
            codes = cursor.fetchall()
            announce("import_dataset", "历史专项")
            found, unknown = ensure_programs(codes)
            cursor.executemany("INSERT INTO pg_temp.import_program VALUES (%s, %s, %s, %s)", found)
        for code in unknown:
            self.report.remarks.append(
                f"专项代码 {code} 不在已知之列：没有比例、上限和申报期，依赖这些参数的规则无法核验。"
            )

    def _placeholders(self, name: str) -> None:
        one = self.report[name]
        if one.collected or self.mending:
            return
        announce("import_dataset", f"{name} 未提供，按引用补建")
        made = self._call("SELECT public.import_placeholders(%s)", [name])
        if made:
            what = "单位" if name == "parties.csv" else "算力券"
            self.report.remarks.append(
                f"{name} 未提供：按其他文件的引用补建了 {made} 个{what}，只有编号，没有其他内容。"
            )

    def _move(self, form: Format) -> None:
        one = self.report[form.name]
        if one.path is None or one.refused_whole:
            return
        began = time.monotonic()
        announce("import_dataset", f"{self.folder.name}/{form.name} sha256={one.sha256}")
        collected = [f.name for f in self.report.files if f.collected]
        moved = self._call(
            "SELECT public.import_history(%s, %s, %s)",
            [form.name, list(FILES) if self.mending else collected, dates.today()],
        )
        counts = moved if isinstance(moved, dict) else json.loads(moved)
        one.rows_taken, one.rows_known = counts["taken"], counts["known"]
        self._write(one, merged(iter(self.spools[form.name]), database_refusals(form)))
        one.seconds += time.monotonic() - began
        self.moved(form.name, one.rows_read)

    def _prices(self) -> None:
        one = self.report[PRICES]
        if one.path is None:
            return
        began = time.monotonic()
        spool = self.spools[PRICES] = Spool()
        try:
            with Table(one.path) as table:
                load_prices(table, report=one, spool=spool, progress=lambda rows: self.progress(PRICES, rows))
        except FileRefused as fault:
            one.refused_whole, one.refused_code = fault.message, fault.code
            return
        self._write(one, iter(spool))
        one.seconds += time.monotonic() - began
        self.moved(PRICES, one.rows_read)

    def _write(self, one: FileReport, refusals: Iterator[Refusal]) -> None:
        assert one.path is not None
        forget_refused(one.name, self.out)
        one.refused_file = write_refused(one.path, one.name, refusals, self.out, one)
        if one.rows_taken or not ImportedFile.objects.filter(name=one.name, sha256=one.sha256).exists():
            ImportedFile.objects.create(
                name=one.name,
                sha256=one.sha256,
                rows_sha256=one.rows_sha256,
                rows_read=one.rows_read,
                rows_taken=one.rows_taken,
                rows_known=one.rows_known,
                rows_refused=one.rows_refused,
            )


__all__ = ["import_folder"]
