"""后台任务: asking for long work, cancelling it, and who may see it. How it runs is `job_runs`.

Each kind of work is registered by the app that owns it, with its handler; the row and the wake-up are written in one
transaction, so that work is neither lost nor begun for a deed that was rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from vouchers import dates
from vouchers.access import has_role, require_role, scope_of
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Forbidden, NotNow
from vouchers.models import Job, User
from vouchers.models.jobs import JobQuerySet, JobState
from vouchers.numbers import next_no
from vouchers.states import advance, not_now

if TYPE_CHECKING:
    from vouchers.actions.job_runs import Run

WAKE_UP = "vouchers.run_jobs"


@dataclass(frozen=True)
class JobResult:
    """What a handler gives back: figures for pages, the file to download, the sentence for people."""

    result: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None
    message: str = ""


Handler = Callable[["Run"], JobResult]


@dataclass(frozen=True)
class JobKind:
    """One kind of long work. ``roles`` may ask for it and cancel it, ``readers`` (beside them) may see it, both for the
    job's region; without roles it is the asker's own. ``kept`` says what a run leaves behind that does not finish; such a run is
    done when its handler says so, whoever asked meanwhile that it stop. Empty: nothing is left of it."""

    code: str
    label: str
    handler: Handler
    roles: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    kept: str = ""

    @property
    def leaves(self) -> str:
        """What is left of a run that did not finish, as the end of a sentence."""
        return self.kept or "未保留任何结果。"


KINDS: dict[str, JobKind] = {}


def register_job_kind(kind: JobKind) -> None:
    """Called in ``AppConfig.ready`` of the app that does the work."""
    KINDS[kind.code] = kind


def kind_of(job: Job) -> JobKind | None:
    """The kind, or None when the app that did it is not installed any more."""
    return KINDS.get(job.kind)


@transaction.atomic
def ask_job(
    kind: str,
    *,
    label: str,
    params: dict[str, Any],
    by: User,
    region: str = "",
    case_regions: Collection[str] = (),
    key: str = "",
    unit: str = "",
) -> Job:
    """Ask for long work: the row, and the wake-up that begins it once this is committed. `case_regions` are the regions
    whose cases it reads: who has no role in every one of them does not see it.

    Raises ``Forbidden`` (``access.role``) without a role of the kind in the region, ``NotNow`` (``job.under_way``, with the
    other's ``job_no``) while one of the same key waits or runs."""
    announce("job.ask", label)
    known = KINDS[kind]
    if known.roles:
        require_role(by, *known.roles, region=region or None)
        for one in case_regions:
            require_role(by, *known.roles, region=one)
    job = Job(
        job_no=next_no("J", dates.today()),
        kind=kind,
        label=label[:120],
        region_code=region,
        case_regions=sorted(case_regions),
        key=key,
        params=params,
        unit=unit,
        asked_by=by,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        other = Job.objects.under_way().filter(kind=kind, key=key).exclude(key="").first()
        if other is None:
            raise
        raise NotNow(
            "job.under_way",
            f"同一事项正在办理（{other.job_no}，{other.get_state_display()}），不必重复提请。",
            hint="请在“我的后台任务”中查看进度，或先取消后再提请。",
            detail={"job_no": other.job_no},
        ) from None
    job.refresh_from_db()
    wake_up()
    return job


def wake_up() -> None:
    """Have the queue look for waiting jobs once this transaction is committed."""
    enqueue(WAKE_UP, key="jobs")


def may_cancel(job: Job, user: User) -> bool:
    """Whoever asked, and whoever may do the same work in the region."""
    kind = kind_of(job)
    if kind is None or not kind.roles:
        return bool(job.asked_by_id == user.pk)
    return has_role(user, *kind.roles, region=job.region_code or None) and all(
        has_role(user, *kind.roles, region=one) for one in job.case_regions
    )


@transaction.atomic
def cancel_job(job: Job, *, by: User) -> Job:
    """Take back what waits; ask what runs to stop, which it does at its next step. Nothing of it is kept.

    Raises ``Forbidden`` (``job.not_yours``) and ``NotNow`` (``job.not_now``) when it is over already."""
    announce("job.cancel")
    if not may_cancel(job, by):
        raise Forbidden("job.not_yours", "只有提请人或有权办理该事项的人员可以取消。", hint="请联系提请人。")
    locked: Job = Job.objects.select_for_update().get(pk=job.pk)
    if locked.state == JobState.RUNNING:
        locked.cancel_asked = True
        locked.save(update_fields=["cancel_asked"])
    elif locked.state == JobState.WAITING:
        end_job(locked, "cancel", "job.cancelled", "已在开始前取消。")
    else:
        raise not_now(locked, "cancel")
    return locked


def end_job(job: Job, verb: str, code: str, message: str, **more: Any) -> None:
    """The job's end, by one of its verbs. The caller holds its row."""
    update = {"outcome_code": code, "message": message, "ended_at": Now(), "beat_at": None, **more}
    advance(job, verb, by=None, update=update)
    job.refresh_from_db()


def visible_jobs(user: User) -> JobQuerySet:
    """The jobs that the person may see: one's own, and those of the regions where one holds a role of the kind; of those
    that read other regions' cases as well, the ones whose regions are all one's own."""
    seen = Q(pk__in=[])
    for kind in KINDS.values():
        roles = (*kind.roles, *kind.readers)
        if roles:
            regions = sorted(scope_of(user, *roles).regions)
            seen |= Q(kind=kind.code, region_code__in=regions, case_regions__contained_by=regions)
        else:
            seen |= Q(kind=kind.code, asked_by=user)
    rows: JobQuerySet = Job.objects.filter(seen)
    return rows


def unseen_count(user: User) -> int:
    """How many of one's own jobs have ended since one last looked."""
    return (
        visible_jobs(user).filter(asked_by=user, seen_at=None, ended_at__isnull=False).count()
        if user.is_authenticated
        else 0
    )


def note_seen(job: Job, *, by: User) -> None:
    """The person who asked has seen the end."""
    if job.over and job.asked_by_id == by.pk and job.seen_at is None:
        Job.objects.filter(pk=job.pk, seen_at=None).update(seen_at=Now())


def ahead_of(job: Job) -> int:
    """How many jobs begin before this one."""
    if job.state != JobState.WAITING:
        return 0
    return Job.objects.under_way().filter(pk__lt=job.pk).count()


def result_path(job: Job) -> Path | None:
    """The file of a finished job; None when there is none or it was tidied away."""
    if job.state != JobState.DONE or not job.result_file:
        return None
    path = jobs_folder() / job.result_file
    return path if path.is_file() else None


def jobs_folder() -> Path:
    """Where files of jobs lie, outside the web root."""
    folder: Path = settings.VAR_DIR / "jobs"
    return folder


__all__ = [
    "KINDS",
    "WAKE_UP",
    "Handler",
    "JobKind",
    "JobResult",
    "ahead_of",
    "ask_job",
    "cancel_job",
    "end_job",
    "jobs_folder",
    "kind_of",
    "may_cancel",
    "note_seen",
    "register_job_kind",
    "result_path",
    "unseen_count",
    "visible_jobs",
    "wake_up",
]
