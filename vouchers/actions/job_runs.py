"""Running what waits. The truth is the job's row: a wake-up lost, doubled or killed half-way changes nothing.

A run owns its job by the number of the run (``Job.runs``). It shows itself every few seconds over a connection of its own
(``_Pulse``), which also writes the progress and hears that it is to stop. A run that falls silent is lost: the job
waits again, or has failed when that happened too often; should the silent one come back, it may not write any more.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from vouchers.actions import jobs
from vouchers.actions.jobs import JobResult
from vouchers.context import Actor, Context, acting
from vouchers.errors import DomainError
from vouchers.models import Job
from vouchers.models.jobs import JobState
from vouchers.states import advance

log = logging.getLogger(__name__)

AT_ONCE = 1
"""Jobs that run at a time in the whole installation: short wake-ups must always find a free worker."""
MOST_RUNS = 3
BEAT_SECONDS = 2.0
SERVICE = Actor.service("vouchers.run_jobs")
_QUEUE_LOCK = 7_401_001  # pg_advisory_xact_lock: one process at a time decides what begins


class JobCancelled(Exception):
    """Somebody asked the run to stop."""


class JobLost(Exception):
    """The run fell silent for too long and its job was given to another one."""


class Run:
    """What a handler sees of its job: what was asked, where to say how far it is, and whether to stop."""

    def __init__(self, job: Job) -> None:
        self.job, self.token = job, job.runs
        self.done, self.total, self.unit = 0, job.total, job.unit
        self.files: list[Path] = []
        self._stop = threading.Event()
        self._lost = threading.Event()

    def progress(self, done: int, total: int | None = None, unit: str = "") -> None:
        """Say how far it is; also the place where a cancelled run ends (``JobCancelled``). Cheap enough to be called often."""
        self.done = done
        self.total = total if total is not None else self.total
        self.unit = unit or self.unit
        self.check()

    def check(self) -> None:
        """Raise when the run is to stop."""
        if self._lost.is_set():
            raise JobLost
        if self._stop.is_set():
            raise JobCancelled

    @contextmanager
    def acting(self, verb: str) -> Iterator[Context]:
        """A transaction of the handler's own; the trail names the service, and whoever asked as the reason."""
        with acting(SERVICE, verb, reason_of(self.job)) as context:
            yield context

    def new_file(self, suffix: str) -> Path:
        """Where to write a file of this run; it goes away with a run that does not finish."""
        folder = jobs.jobs_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{self.job.job_no}-{self.token}{suffix}"
        self.files.append(path)
        return path

    def stop(self) -> None:
        """Asked to stop."""
        self._stop.set()

    def lose(self) -> None:
        """The job is another run's."""
        self._lost.set()


class _Pulse:
    """Shows the run's life in short transactions of its own connection, while the handler works in another."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse {run.job.job_no}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_what: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    self._show()
                except (
                    DatabaseError,
                    InterfaceError,
                ):  # the next beat tries again; too long a silence ends the run
                    log.warning("%s: no beat", self._run.job.job_no, exc_info=True)
                    connection.close()
        finally:
            connections.close_all()

    def _show(self) -> None:
        run = self._run
        mine = Job.objects.filter(pk=run.job.pk, state=JobState.RUNNING, runs=run.token)
        if not mine.update(progress=run.done, total=run.total, unit=run.unit, beat_at=Now()):
            # No job ever goes: one that does not show is of a transaction that is under way, and nobody else has it.
            if Job.objects.filter(pk=run.job.pk).exists():
                run.lose()
        elif mine.filter(cancel_asked=True).exists():
            run.stop()


def run_waiting() -> int:
    """Begin and finish what waits, one after the other, as long as there is room; how many jobs were run."""
    done = 0
    while (job := claim_next()) is not None:
        run_job(job)
        done += 1
    return done


def claim_next() -> Job | None:
    """The oldest waiting job, begun; None when nothing waits or enough runs already. Looks after lost ones first."""
    with acting(SERVICE, "job.start") as _context:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_QUEUE_LOCK])
        for lost in Job.objects.lost().select_for_update().order_by("pk"):
            _give_up(lost)
        if Job.objects.filter(state=JobState.RUNNING).count() >= AT_ONCE:
            return None
        job: Job | None = (
            Job.objects.select_for_update().filter(state=JobState.WAITING).order_by("pk").first()
        )
        if job is None:
            return None
        update = {"runs": job.runs + 1, "started_at": Now(), "beat_at": Now(), "progress": 0}
        advance(job, "start", by=None, update=update)
        job.refresh_from_db()
        return job


def _give_up(job: Job) -> None:
    """What becomes of a job whose run fell silent."""
    leaves = _leaves(job)
    if job.cancel_asked:
        jobs.end_job(job, "cancel", "job.cancelled", f"已按要求取消，{leaves}")
    elif job.runs >= MOST_RUNS:
        jobs.end_job(
            job,
            "fail",
            "job.lost",
            f"办理本任务的进程先后 {job.runs} 次中断，已停止重试，{leaves}请稍后重新提请；如仍未完成，请联系系统管理人员。",
        )
    else:
        advance(job, "wait_again", by=None, update={"beat_at": None})


def _leaves(job: Job) -> str:
    kind = jobs.kind_of(job)
    return kind.leaves if kind is not None else "未保留任何结果。"


def run_job(job: Job) -> None:
    """One run of a job that was claimed, to its end, whichever that is."""
    run = Run(job)
    kind = jobs.kind_of(job)
    try:
        with _Pulse(run):
            if kind is None:
                raise DomainError("job.unknown_kind", "本系统当前没有安装办理该事项的模块。")
            outcome = kind.handler(run)
            if not kind.kept:
                run.check()
        _finish(run, outcome)
    except JobCancelled:
        _end(run, "cancel", "job.cancelled", f"已按要求取消，{_leaves(job)}")
    except JobLost:
        _tidy(run)
        log.warning("%s: run %s was lost", job.job_no, run.token)
    except DomainError as refusal:
        hint = f" {refusal.hint}" if refusal.hint else ""
        _end(run, "fail", refusal.code, f"{refusal.message}{hint}")
    except (OperationalError, InterfaceError):
        # The database went away: the row stays as it is, falls silent, and another run begins.
        _tidy(run)
        log.exception("%s: the database is gone", job.job_no)
        connection.close()
    except Exception:
        log.exception("%s failed", job.job_no)
        _end(
            run,
            "fail",
            "job.failed",
            f"本任务未能完成，原因已记入运行日志（{job.job_no}）。您可以稍后重新提请；如仍未完成，请将编号告知系统管理人员。",
        )


def _finish(run: Run, outcome: JobResult) -> None:
    name = digest = ""
    if outcome.file is not None:
        name = outcome.file.name
        with outcome.file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _end(
        run,
        "finish",
        "",
        outcome.message,
        result=outcome.result,
        result_file=name,
        result_sha256=digest,
    )


def _end(run: Run, verb: str, code: str, message: str, **more: object) -> None:
    with acting(SERVICE, f"job.{verb}", reason_of(run.job)), transaction.atomic():
        job = (
            Job.objects.select_for_update()
            .filter(pk=run.job.pk, state=JobState.RUNNING, runs=run.token)
            .first()
        )
        if job is not None:
            total = run.total if verb != "finish" else (run.total or run.done or None)
            done = total or 0 if verb == "finish" else run.done
            jobs.end_job(job, verb, code, message, progress=done, total=total, unit=run.unit, **more)
    if job is None or verb != "finish":
        _tidy(run)


def _tidy(run: Run) -> None:
    for path in run.files:
        path.unlink(missing_ok=True)


def reason_of(job: Job) -> str:
    """Who asked, for the trail."""
    asker = job.asked_by.display_name or job.asked_by.username if job.asked_by else ""
    return f"{job.label}（{asker}提请）" if asker else job.label


__all__ = ["AT_ONCE", "JobCancelled", "JobLost", "Run", "claim_next", "run_job", "run_waiting"]
