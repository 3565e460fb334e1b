"""The same with Celery's own worker: woken through the outbox and the broker, killed half-way, and begun again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.utils import timezone

from config.celery import app
from config.embedded import REPOSITORY
from tests import casework
from vouchers.actions import jobs
from vouchers.actions.dry_runs import ask_dry_run
from vouchers.actions.jobs import wake_up
from vouchers.context import Actor, acting
from vouchers.models import Job, OutboxMessage
from vouchers.tasks import dispatch_outbox

pytestmark = pytest.mark.long


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of the test's own on the broker that the tests share."""
    name, usual = f"jobs_{os.getpid()}", app.conf.task_default_queue
    _send_to(name)
    yield name
    _send_to(usual)


def _send_to(name: str) -> None:
    app.conf.task_default_queue = name
    for known in ("queues", "router"):  # remembered from the first sending
        app.amqp.__dict__.pop(known, None)


@contextmanager
def worker(committed_db, queue: str, folder) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of the installation, on the test's database and queue."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "-Q",
        queue,
        "-c",
        "1",
        "-l",
        "WARNING",
    ]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    environment = committed_db.environment | {"VAR_DIR": str(folder)}
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, *quiet],
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def until(job: Job, *states: str, seconds: float = 90) -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.state in states:
            return job
        time.sleep(0.02)
    pytest.fail(f"{job} is {job.state} ({job.message})")


def test_a_worker_does_it_and_another_one_after_the_first_was_killed(
    committed_db, cast, queue, tmp_path, settings
):
    settings.VAR_DIR = tmp_path
    publication = casework.published(cast, "BJ-AIQ")

    def ask() -> Job:
        with acting(cast.policy_editor, "test"):
            return ask_dry_run(
                publication.version,
                from_on=date(2024, 1, 1),
                to_on=date(2027, 1, 1),
                sources=["sample"],
                before="recorded",
                by=cast.policy_editor,
            )

    with worker(committed_db, queue, tmp_path) as first:
        done = ask()
        assert dispatch_outbox() == 1
        until(done, "done", "failed")
        assert done.state == "done", done.message
        assert jobs.result_path(done) is not None
        assert OutboxMessage.objects.get().done_at is not None

        killed = ask()
        dispatch_outbox()
        until(killed, "running")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(20)
    killed.refresh_from_db()
    assert killed.state == "running"  # nobody could say otherwise

    Job.objects.filter(pk=killed.pk).update(beat_at=timezone.now() - timedelta(minutes=2))
    with worker(committed_db, queue, tmp_path):
        with acting(Actor.service("test"), "test"):
            wake_up()
        dispatch_outbox()
        until(killed, "done", "failed")
    assert (killed.state, killed.runs) == ("done", 2), killed.message
    assert killed.result["report"] == done.result["report"]
    assert {path.name for path in jobs.jobs_folder().iterdir()} >= {done.result_file, killed.result_file}
