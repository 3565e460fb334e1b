"""历史数据 brought along at the desk: a zip of the folder, or its files, kept on disk until the worker has loaded them.

What is sent is measured before it is unpacked and again while it is, so that neither a bomb nor a mistake fills the disk. The
load is that of the command (``folder``): one transaction, so that a run that is cancelled or killed leaves nothing, and the next
run of the same job begins anew from what was kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError

from applications.actions.file_types import BROKEN_PACKED
from applications.actions.imports.catalogue import FILES
from applications.actions.imports.folder import import_folder
from applications.actions.imports.packed import KNOWN, MB, open_dataset, parts_of
from applications.actions.imports.reading import Refusal, Table
from applications.actions.imports.report import FileReport, FolderReport
from vouchers.access import Role, require_role, scope_of
from vouchers.actions.job_runs import JobLost, Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import acting, announce
from vouchers.errors import Invalid
from vouchers.models import Job, User

KIND = "import_dataset"
LARGEST_UPLOAD = 1024 * MB
CHUNK = MB
SHOWN_REFUSALS = 50
ABANDONED_SECONDS = 60 * 60


class Sent(Protocol):
    """A file as the browser sent it."""

    name: str | None
    size: int | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]: ...


def uploads_folder() -> Path:
    """Where uploads wait, outside the web root; the rows hold names, phones and accounts."""
    folder: Path = settings.VAR_DIR / "imports" / "uploads"
    return folder


def ask_import(files: Sequence[Sent], *, by: User) -> Job:
    """Keep what was sent and have the worker load it.

    Raises ``Forbidden`` (``access.role``), ``Invalid`` (``upload.…``) for what is no folder of the format, and ``NotNow``
    (``job.under_way``) while another load waits or runs.
    """
    require_role(by, Role.SYSTEM_ADMIN)
    if not files:
        raise Invalid(
            "upload.missing",
            "请选择要导入的文件。",
            field="files",
            hint="可选一个 ZIP 压缩包，或多个 CSV 文件。",
        )
    if sum(file.size or 0 for file in files) > LARGEST_UPLOAD:
        raise Invalid(
            "upload.too_large",
            f"一次上传最多 {LARGEST_UPLOAD // MB} MB。",
            field="files",
            hint="请压缩为 ZIP 后上传；更大的数据请由系统管理人员在服务器上用 import_dataset 命令导入。",
        )
    tidy_uploads()
    token = secrets.token_hex(16)
    place = uploads_folder() / token
    place.mkdir(mode=0o700, parents=True)
    try:
        packed = len(files) == 1 and not (files[0].name or "").lower().endswith(".csv")
        name, digest = _keep_packed(files[0], place) if packed else _keep_tables(files, place)
        announce("dataset.upload", f"{name} sha256={digest}")
        return ask_job(
            KIND,
            label=f"导入历史数据 {name}",
            params={"upload": token, "name": name, "sha256": digest, "packed": packed},
            by=by,
            region=min(scope_of(by, Role.SYSTEM_ADMIN).regions),
            key=KIND,
            unit="行",
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def tidy_uploads() -> None:
    """Take away what no waiting or running job needs any more."""
    needed = {
        params.get("upload")
        for params in Job.objects.under_way().filter(kind=KIND).values_list("params", flat=True)
    }
    for place in uploads_folder().glob("*"):
        if place.name not in needed and time.time() - place.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(place, ignore_errors=True)


# Keeping ----------------------------------------------------------------------------------------------------------


def _short(name: str | None) -> str:
    plain = re.sub(r"[^\w.()（）\- ]", "", PurePosixPath((name or "").replace("\\", "/")).name)
    return plain[-60:] or "upload"


def _write(file: Sent, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as out:
        path.chmod(0o600)
        for chunk in file.chunks():
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _keep_packed(file: Sent, place: Path) -> tuple[str, str]:
    path = place / "upload.zip"
    digest = _write(file, path)
    with path.open("rb") as stream, open_dataset(stream) as packed:
        parts_of(packed)
    return _short(file.name), digest


def _keep_tables(files: Sequence[Sent], place: Path) -> tuple[str, str]:
    folder = place / "files"
    folder.mkdir(mode=0o700)
    digests = []
    for file in files:
        name = PurePosixPath((file.name or "").replace("\\", "/")).name
        if name not in KNOWN:
            raise Invalid(
                "upload.unknown_file",
                f"“{_short(file.name)}”不是本格式的文件。",
                field="files",
                hint=f"文件名须与格式说明一致，如 {FILES[0]}、claims.csv；也可将整个文件夹压缩为一个 ZIP。",
            )
        if (folder / name).exists():
            raise Invalid("upload.twice", f"{name} 选择了两次。", field="files")
        digests.append(f"{_write(file, folder / name)}  {name}\n")
    if len(files) == 1:
        return name, digests[0].split()[0]
    return f"{len(files)} 个文件", hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


# Loading ----------------------------------------------------------------------------------------------------------


def run_import(run: Run) -> JobResult:
    """The worker's part: unpack, load, and hand back the refused rows. Nothing is kept of a run that does not finish."""
    job = run.job
    assert job.asked_by is not None
    place = uploads_folder() / str(job.params["upload"])
    if not place.is_dir():
        raise Invalid("upload.gone", "上传的文件已不在服务器上。", hint="请重新上传。")
    for left in place.glob("run-*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    work = place / f"run-{run.token}"
    work.mkdir(mode=0o700)
    keep = False
    try:
        folder = _unpack(place, work, run) if job.params["packed"] else place / "files"
        outcome = _load(run, folder, work / "refused")
    except (OperationalError, InterfaceError, JobLost):
        keep = True  # another run begins with it
        raise
    finally:
        shutil.rmtree(work if keep else place, ignore_errors=True)
    return outcome


def _unpack(place: Path, work: Path, run: Run) -> Path:
    folder = work / "folder"
    with (place / "upload.zip").open("rb") as stream, open_dataset(stream) as packed:
        parts = parts_of(packed)
        if shutil.disk_usage(work).free < 2 * sum(part.file_size for part in parts.values()):
            raise Invalid("upload.no_room", "服务器磁盘空间不足，无法展开。", hint="请联系系统管理人员。")
        for name, part in parts.items():
            target = folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with packed.open(part) as source, target.open("xb") as out:
                    while chunk := source.read(CHUNK):
                        run.check()
                        out.write(chunk)
            except BROKEN_PACKED:
                raise Invalid(
                    "upload.broken",
                    f"压缩包中的 {_short(name)} 已损坏，无法展开。",
                    hint="请重新压缩后再上传。",
                ) from None
    return folder


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(CHUNK), b""))


def _load(run: Run, folder: Path, out: Path) -> JobResult:
    assert run.job.asked_by is not None
    params = run.job.params
    tables = [path for path in folder.glob("*.csv") if path.name in KNOWN]
    total = sum(max(0, _lines(path) - 1) for path in tables)
    read: dict[str, int] = {}
    moved: dict[str, int] = {}

    def tell(done: dict[str, int], file: str, rows: int) -> None:
        done[file] = rows
        # Reading and taking in are half the work each.
        run.progress(min(total, (sum(read.values()) + sum(moved.values())) // 2), total, "行")

    run.progress(0, total, "行")
    with acting(run.job.asked_by, "import_dataset", f"{params['name']} sha256={params['sha256']}"):
        report = import_folder(
            folder,
            out=out,
            by=run.job.asked_by,
            progress=lambda file, rows: tell(read, file, rows),
            moved=lambda file, rows: tell(moved, file, rows),
        )
        run.check()
    result = as_result(report)
    result["refusals"] = [list(one) for one in islice(_refusals(report), SHOWN_REFUSALS)]
    return JobResult(result=result, file=_refused_file(run, report), message=_sentence(report))


def as_result(report: FolderReport) -> dict[str, Any]:
    """The report as it is kept with the job."""
    return {
        "files": [_file(one) for one in report.files],
        "remarks": list(report.remarks),
        "strange_files": report.strange_files,
        "taken": report.taken,
        "refused": report.refused,
        "seconds": round(report.seconds, 1),
    }


def _file(one: FileReport) -> dict[str, Any]:
    return {
        "name": one.name,
        "collected": one.collected,
        "unchanged": one.unchanged,
        "sha256": one.sha256,
        "read": one.rows_read,
        "taken": one.rows_taken,
        "known": one.rows_known,
        "refused": one.rows_refused,
        "refused_whole": one.refused_whole,
        "remarks": dict(one.remarks),
        "unknown_columns": one.unknown_columns,
        "missing_columns": one.missing_columns,
    }


def _refusals(report: FolderReport) -> Iterator[tuple[str, str, str, str]]:
    """(file, line, column, reason) of the refused rows."""
    for one in report.files:
        if one.refused_file is None:
            continue
        with Table(one.refused_file, skip_reasons=False) as table:
            for _line, row in table.rows():
                if not isinstance(row, Refusal):
                    yield row[0], row[1], row[2], row[3]


def _refused_file(run: Run, report: FolderReport) -> Path | None:
    refused = [one.refused_file for one in report.files if one.refused_file is not None]
    if not refused:
        return None
    if len(refused) == 1:
        target = run.new_file(".csv")
        shutil.copyfile(refused[0], target)
    else:
        target = run.new_file(".zip")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in refused:
                packed.write(path, path.name)
    target.chmod(0o600)
    return target


def _sentence(report: FolderReport) -> str:
    collected = [one for one in report.files if one.collected]
    if all(one.unchanged for one in collected):
        return "此前已全部导入，没有变化。"
    whole = [one.name for one in collected if one.refused_whole]
    said = f"入库 {report.taken:,} 行，退回 {report.refused:,} 行。"
    if whole:
        said += f"{'、'.join(whole)} 整个文件未能读取。"
    if report.refused:
        said += "请下载退回的行，按所列原因改正后再次上传。"
    return said


IMPORTS = JobKind(KIND, "导入历史数据", run_import, roles=(Role.SYSTEM_ADMIN,), readers=(Role.AUDITOR,))

__all__ = ["IMPORTS", "KIND", "LARGEST_UPLOAD", "as_result", "ask_import", "run_import", "tidy_uploads"]
