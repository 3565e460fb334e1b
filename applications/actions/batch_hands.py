"""A second worker at an issue in parts: it takes parts of its own beside the worker that runs the job.

It owns nothing. The job is the other's: its progress, its end, and whoever was refused together with others, whom it
takes one by one. Killed in the midst of a part, this one leaves the part undone, and the other issues it.
"""

from __future__ import annotations

import time

from applications.actions.batch_parts import HELP, IN_SIGHT, NO_MONEY, PART, Refused, issue_part, to_issue
from applications.actions.batch_rows import JOB_KINDS, working_on
from applications.models import IssueBatch
from applications.models.batches import IssueBatchState
from vouchers.actions.job_runs import JobLost, Run
from vouchers.actions.outbox import enqueue
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.models import Job
from vouchers.models.jobs import JobState

TURN_SECONDS = 20.0
"""So long it goes on before it lets the short work go first that waits for a worker."""


A_MOMENT = 0.2


def help_issue(job_no: str, token: int) -> int:
    """Issue parts of the batch of this run of the job, for one turn, and ask for the next; how many parts. For a caller that stands in
    no transaction."""
    until, parts, refused = time.monotonic() + TURN_SECONDS, 0, set[int]()
    seen: list[int] = []
    while True:
        job = _still_at_it(job_no, token)
        if job is None or job.asked_by is None:
            return parts
        if time.monotonic() >= until:
            break
        batch = IssueBatch.objects.select_related("program__region", "publication__program").get(
            batch_no=job.params["batch_no"]
        )
        left = to_issue(batch).exclude(application__in=refused)
        keys = list(left.values_list("application", flat=True)[:IN_SIGHT])
        if batch.state != IssueBatchState.ISSUING or len(keys) <= PART:
            return parts  # the last part is the run's own
        if keys == seen:
            time.sleep(A_MOMENT)  # all in sight are in other hands
        seen = keys
        try:
            with working_on(batch.batch_no):
                refused |= set(issue_part(batch, keys, by=job.asked_by, run=Run(job), waits=False))
            parts += 1
        except Refused as together:
            if together.refusal.code == NO_MONEY:
                return parts  # who gets the last of it goes by the order of filing
            refused |= set(together.keys)
        except (JobLost, DomainError):
            return parts  # the run meets it as well, and says it
    with acting(Actor.service(HELP), "issue_batch.issue"):
        enqueue(HELP, {"job_no": job_no, "token": token}, key=f"{HELP}:{job_no}")
    return parts


def _still_at_it(job_no: str, token: int) -> Job | None:
    return (
        Job.objects.select_related("asked_by")
        .filter(job_no=job_no, kind__in=JOB_KINDS, state=JobState.RUNNING, runs=token, cancel_asked=False)
        .first()
    )


__all__ = ["help_issue"]
