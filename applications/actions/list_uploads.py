"""免申即享 by the hundred thousand: a long list is sent as a table (CSV), kept on disk, and taken in by the worker, row by row.

A workbook of up to ``MOST_ROWS`` rows is taken in at once and whole (``batch_lists.make_list``). A long list is not undone for one
faulty row: what is sound is kept, part by part, and what is not is handed back as a table that can be corrected and
sent again. A row is known by whom and what it lists (``ListedRow.key``): the same list sent again, or begun anew after its
worker was killed, adds what is not there yet and nothing twice. While the batch is open, a further table adds to it.
"""

from __future__ import annotations

import csv
import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from applications.actions.batch_lists import list_title, listing_version, take_in
from applications.actions.batch_rows import JOB_KINDS, OFFICE, as_it_stands, require_idle, working_on
from applications.actions.batches import make_batch
from applications.batch_lists import MOST_LONG, ListedRow, columns_of, places_of, read_row
from applications.models import BatchMember, IssueBatch
from applications.models.batches import IssueBatchState
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.holds import screen
from vouchers.actions.job_runs import JobLost, Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.actions.payment_lists import plain_cell
from vouchers.context import acting
from vouchers.errors import Invalid, Problems
from vouchers.models import Job, Program, User
from vouchers.models.holds import ScreeningMoment
from vouchers.money import thousands
from vouchers.policy.rules import Scheme

KIND = JOB_KINDS[2]
LARGEST = 64 * 1024 * 1024
CHUNK = 100
"""Rows a transaction: what a killed run loses at most."""
LONGEST_LINE = 20_000
SHOWN_REFUSALS = 20
ABANDONED_SECONDS = 60 * 60
LINE, REASON = "原行号", "退回原因"
_ENCODINGS = ("utf-8-sig", "gb18030")


class Sent(Protocol):
    """A file as the browser sent it."""

    name: str | None
    size: int | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]: ...


def lists_folder() -> Path:
    """Where long lists wait for the worker, outside the web root."""
    folder: Path = settings.VAR_DIR / "lists"
    return folder


def ask_list(program: Program, file: Sent, *, by: User, title: str = "") -> tuple[IssueBatch, Job]:
    """Keep the table and have the worker take it in: into a new batch, or the program's open one of the same version.

    Raises what ``make_list`` raises for the program, ``Invalid`` (``issue_list.too_large``, ``.not_a_table``, ``.columns``, ``.empty``,
    ``.too_long``) for the table, and ``NotNow`` (``issue_batch.under_way``) while the worker has the batch."""
    publication = listing_version(program, by=by)
    if (file.size or 0) > LARGEST:
        raise Invalid(
            "issue_list.too_large", f"名单文件不能超过 {LARGEST // 1024 // 1024} MB。", field="file"
        )
    tidy_lists()
    path = lists_folder() / f"{secrets.token_hex(16)}.csv"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        digest = _keep(file, path)
        rows = _measured(path, publication.scheme)
        batch = IssueBatch.objects.filter(
            program=program, publication=publication, is_listed=True, state=IssueBatchState.OPEN
        ).first()
        if batch is None:
            batch = make_batch(
                publication,
                by=by,
                filed_before=dates.now(),
                title=list_title(program, title),
                is_listed=True,
            )
        require_idle(batch)
        name = (file.name or "名单.csv")[-60:]
        job = ask_job(
            KIND,
            label=f"{batch.batch_no} 载入名单 {name}（{rows} 行）",
            params={"batch_no": batch.batch_no, "upload": path.name, "sha256": digest, "rows": rows},
            by=by,
            region=program.region.code,
            key=batch.batch_no,
            unit="行",
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return batch, job


def tidy_lists() -> None:
    """Take away what no waiting or running job needs any more."""
    needed = {
        params.get("upload")
        for params in Job.objects.under_way().filter(kind=KIND).values_list("params", flat=True)
    }
    for path in lists_folder().glob("*.csv"):
        if path.name not in needed and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
            path.unlink(missing_ok=True)


def _keep(file: Sent, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as out:
        path.chmod(0o600)
        for chunk in file.chunks():
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


# The table ------------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[list[str]]]:
    """The rows of the table, in UTF-8 or, as older spreadsheets save it, in GB 18030. Raises ``Invalid`` (``issue_list.not_a_table``)."""
    encoding = next((one for one in _ENCODINGS if _reads(path, one)), None)
    if encoding is None:
        raise _no_table("文件不是文本，或编码无法识别。")
    with path.open(encoding=encoding, newline="") as stream:
        try:
            yield csv.reader(_lines(stream), strict=True)
        except csv.Error:
            raise _no_table("有引号不成对的单元格。") from None


def _reads(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as stream:
            return all("\0" not in chunk for chunk in iter(lambda: stream.read(1 << 20), ""))
    except UnicodeDecodeError:
        return False


def _lines(stream: Any) -> Iterator[str]:
    """The lines, none without bound: a mark that is never closed must not fill the memory."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise _no_table("有过长的行。")
        yield line


def _no_table(why: str) -> Invalid:
    return Invalid(
        "issue_list.not_a_table",
        f"这个文件不是可以读取的表格（CSV）：{why}",
        field="file",
        hint="请用 Excel 或 WPS 打开模板，填好后另存为“CSV UTF-8（逗号分隔）”再上传。",
    )


def _filled(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with its number in the table."""
    for number, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            yield number, [_as_meant(cell) for cell in cells]


def _as_meant(cell: str) -> str:
    """What we set before a text lest a spreadsheet take it for a formula is not part of it."""
    return cell[1:] if cell[:1] == "'" and plain_cell(cell[1:]) == cell else cell


def _measured(path: Path, scheme: Scheme) -> int:
    """How many rows it has; refused is what has none, too many, or not the columns of the version."""
    with _opened(path) as rows:
        places_of(columns_of(scheme), next(rows, []), "名单")
        count = sum(1 for _row in islice(_filled(rows), MOST_LONG + 1))
    if not count:
        raise Invalid("issue_list.empty", "名单中没有内容。", field="file")
    if count > MOST_LONG:
        raise Invalid(
            "issue_list.too_long",
            f"一份名单最多 {MOST_LONG:,} 行。",
            field="file",
            hint="请分成几份；前一份载入后，在同一批次下继续上传下一份。",
        )
    return count


# Taking in ------------------------------------------------------------------------------------------------------------


@dataclass
class _Outcome:
    """How far a run came: rows looked at, taken in now, there already, refused with the first sentences."""

    read: int = 0
    taken: int = 0
    known: int = 0
    refused: int = 0
    refusals: list[list[str]] = field(default_factory=list)


class _HandedBack:
    """The refused rows as they were sent, each with its number and the reasons: corrected, the table is sent again."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._stream = path.open("x", encoding="utf-8-sig", newline="")
        path.chmod(0o600)
        self._writer = csv.writer(self._stream)
        # A table that was handed back before has these two already.
        self._own = [place for place, heading in enumerate(headings) if heading.strip() not in (LINE, REASON)]
        self._writer.writerow([*(headings[place] for place in self._own), LINE, REASON])

    def add(self, number: int, cells: Sequence[str], reason: str) -> None:
        kept = [plain_cell(cells[place]) if place < len(cells) else "" for place in self._own]
        self._writer.writerow([*kept, str(number), plain_cell(reason)])

    def close(self) -> None:
        self._stream.close()


def run_list(run: Run) -> JobResult:
    """The worker's part. What is taken in stays, whatever becomes of the run."""
    params = run.job.params
    path = lists_folder() / str(params["upload"])
    if not path.is_file():
        raise Invalid(
            "issue_list.gone", "上传的名单已不在服务器上。", hint="请重新上传，已载入的行不会重复。"
        )
    batch = IssueBatch.objects.select_related("program__region", "publication__program").get(
        batch_no=params["batch_no"]
    )
    keep = False
    try:
        with working_on(batch.batch_no):
            return _taken_in(run, batch, path)
    except (OperationalError, InterfaceError, JobLost):
        keep = True  # another run begins with it
        raise
    finally:
        if not keep:
            path.unlink(missing_ok=True)


def _taken_in(run: Run, batch: IssueBatch, path: Path) -> JobResult:
    outcome, total = _Outcome(), int(run.job.params["rows"])
    file = run.new_file(".csv")
    run.progress(0, total, "行")
    assert batch.publication is not None
    columns = columns_of(batch.publication.scheme)
    with _opened(path) as rows:
        headings = next(rows)
        places = places_of(columns, headings, "名单")
        back = _HandedBack(file, headings)
        try:
            seen: dict[tuple[str, str, str], int] = {}
            filled = _filled(rows)
            while part := list(islice(filled, CHUNK)):
                sound: list[tuple[ListedRow, list[str]]] = []
                for number, cells in part:
                    try:
                        row = read_row(number, cells, places, columns, batch.publication.scheme)
                        if row.same in seen:
                            raise row.fault("twice", columns[0].heading, f"与第 {seen[row.same]} 行重复。")
                        seen[row.same] = number
                        sound.append((row, cells))
                    except Invalid as fault:
                        _refuse(outcome, back, number, cells, fault)
                _part(run, batch, sound, outcome, back)
                outcome.read += len(part)
                run.progress(outcome.read, total, "行")
        finally:
            back.close()
    result = {
        "read": outcome.read,
        "taken": outcome.taken,
        "known": outcome.known,
        "refused": outcome.refused,
        "refusals": outcome.refusals,
    }
    if not outcome.refused:
        file.unlink()
    return JobResult(result=result, file=file if outcome.refused else None, message=_sentence(outcome))


def _part(
    run: Run,
    batch: IssueBatch,
    rows: Sequence[tuple[ListedRow, list[str]]],
    outcome: _Outcome,
    back: _HandedBack,
) -> None:
    """Some rows in one transaction; each that is refused is undone by itself."""
    by = run.job.asked_by
    assert by is not None and batch.publication is not None
    with acting(by, "issue_batch.list", run.job.label):
        as_it_stands(batch, "share_out", shared=True)
        listing_version(batch.program, by=by)  # whose role was taken meanwhile lists nobody
        there = {
            key: (line, amount)
            for key, line, amount in BatchMember.objects.filter(
                batch=batch, row_key__in=[row.key for row, _cells in rows]
            ).values_list("row_key", "listed_row", "application__requested_amount")
        }
        taken = known = 0
        for row, cells in rows:
            try:
                if row.key in there:
                    line, amount = there[row.key]
                    if amount == row.amount:
                        known += 1
                        continue
                    raise row.fault(
                        "listed_otherwise",
                        columns_of(batch.publication.scheme)[-1].heading,
                        f"本批已按 {thousands(amount)} 元载入（原第 {line} 行）；需更改的，请先将该件移出名单。",
                    )
                with transaction.atomic():
                    made = take_in(batch, batch.publication, row, by=by)
                    screen("application", made.application_no, ScreeningMoment.FILING)
                taken += 1
            except Invalid as fault:
                _refuse(outcome, back, row.number, cells, fault)
    outcome.taken += taken
    outcome.known += known


def _refuse(outcome: _Outcome, back: _HandedBack, number: int, cells: Sequence[str], fault: Invalid) -> None:
    told = [one.message for one in fault.problems] if isinstance(fault, Problems) else [fault.message]
    outcome.refused += 1
    if len(outcome.refusals) < SHOWN_REFUSALS:
        outcome.refusals.append([str(number), "；".join(told)[:300]])
    back.add(number, cells, "；".join(told))


def _sentence(outcome: _Outcome) -> str:
    said = f"载入 {outcome.taken:,} 行"
    if outcome.known:
        said += f"，{outcome.known:,} 行此前已载入"
    if not outcome.refused:
        return f"{said}，请另一人审核。"
    return f"{said}，退回 {outcome.refused:,} 行。请下载退回的行，按所列原因改正后在此继续上传；不再补充的，请另一人审核。"


LONG_LISTS = JobKind(
    KIND,
    "载入免申即享名单",
    run_list,
    roles=(Role.HANDLER,),
    readers=(*OFFICE, Role.AUDITOR),
    kept="已载入的各行有效；再次上传同一份名单即可继续，不会重复。",
)

__all__ = ["KIND", "LONG_LISTS", "ask_list", "lists_folder", "run_list", "tidy_lists"]
