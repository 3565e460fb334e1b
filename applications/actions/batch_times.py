"""For which times of the filing windows a batch may be opened: each time of a window that repeats is a batch of its own.

What a batch went on without (set aside, or not decided yet) waits for the next one, of whatever time.
"""

from __future__ import annotations

from dataclasses import dataclass

from applications.actions.batch_members import PENDING
from applications.models import Application, IssueBatch
from applications.models.applications import ApplicationState
from applications.models.batches import IssueBatchState
from vouchers import dates
from vouchers.errors import Invalid
from vouchers.models import Publication
from vouchers.policy.rules import Window
from vouchers.policy.terms import Repeats, Stage
from vouchers.policy.windows import closed_by
from vouchers.policy.words import day_words

WAITING = (*PENDING, ApplicationState.APPROVED)


@dataclass(frozen=True)
class EndedTime:
    """A filing window as it stood one time that is over; ``key`` names the time within its version."""

    key: str
    name: str
    window: Window


def _time(stated: Window, time: Window) -> EndedTime:
    if stated.repeats is Repeats.NONE:
        return EndedTime(stated.code, stated.name, time)
    opened_on = time.opens_at.astimezone(dates.SHANGHAI).date()
    return EndedTime(
        f"{stated.code}@{opened_on.isoformat()}", f"{stated.name}（{day_words(opened_on)}起）", time
    )


def ended_times(publication: Publication) -> list[EndedTime]:
    """The times that a batch may be opened for, the first first: those that have no batch yet though something filed in
    them waits, and always the last one, which gathers whatever earlier ones left."""
    now = dates.now()
    over = [
        _time(window, time)
        for window in publication.scheme.windows
        if window.stage is Stage.APPLICATION
        for time in closed_by(window, now)
    ]
    over.sort(key=lambda one: (one.window.closes_at, one.window.opens_at))
    batched = set(
        IssueBatch.objects.filter(publication=publication)
        .exclude(state=IssueBatchState.CANCELLED)
        .values_list("window_code", "filed_before")
    )
    filed = list(
        Application.objects.filter(
            publication=publication, origin="live", is_listed=False, batch=None, state__in=WAITING
        ).values_list("submitted_at", flat=True)
    )
    return [
        one
        for one in over
        if one is over[-1]
        or (
            (one.window.code, one.window.closes_at) not in batched
            and any(at is not None and one.window.opens_at <= at < one.window.closes_at for at in filed)
        )
    ]


def chosen_time(publication: Publication, key: str) -> EndedTime:
    """The time of that key, or the first that waits. Raises ``Invalid`` (``issue_batch.window``)."""
    for one in ended_times(publication):
        if key in ("", one.key):
            return one
    raise Invalid("issue_batch.window", "请选择已经截止的申报期；申报期未截止时不能分配。", field="window")


def time_name(batch: IssueBatch) -> str:
    """What the time that the batch gathers is called; empty where its version has no windows."""
    for window in batch.publication.scheme.windows:
        if window.code == batch.window_code:
            times = closed_by(window, batch.filed_before)
            return _time(window, times[-1]).name if times else window.name
    return ""
