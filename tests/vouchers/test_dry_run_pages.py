"""The page of a dry run when things go wrong: its worker is killed half-way, and two are asked for in the same instant."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import casework
from tests.at_once import ON, at_once
from tests.cast import Cast
from vouchers import dates
from vouchers.actions import job_runs
from vouchers.actions.policies import clone_version
from vouchers.context import acting
from vouchers.models import Job, PolicyVersion, User

ASKED = {
    "from_on": "2024-01-01",
    "to_on": "2026-12-31",
    "sources": ["sample"],
    "like": "",
    "before": "recorded",
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, settings):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def draft(committed_db, cast: Cast) -> PolicyVersion:
    """The sample year under it takes long enough to be killed."""
    publication = casework.published(cast, "BJ-AIQ")
    with acting(cast.policy_editor, "test"):
        return clone_version(publication.version, by=cast.policy_editor, label="征求意见稿")


def page_of(version_no: str) -> str:
    return reverse("admin:vouchers_policyversion_dry-run", args=[version_no])


def asks(version_no: str) -> str:
    """The editor presses the button: the page's status and where it led, or what it said."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username="policy-editor"))
    answer = client.post(page_of(version_no), ASKED)
    return f"{answer.status_code} {answer.get('Location', '')} {answer.content.decode()}"


def test_of_two_that_are_asked_for_at_once_one_runs_and_the_other_is_led_to_it_in_words(
    cast: Cast, draft: PolicyVersion
):
    answers = at_once((asks, draft.version_no), (asks, draft.version_no))
    job = Job.objects.get()
    led = [answer for answer in answers if answer.startswith("302")]
    told = [answer for answer in answers if not answer.startswith("302")]
    assert len(led) == 1 and job.job_no in led[0]
    assert told[0].startswith("409") and "同一事项正在办理" in told[0] and job.job_no in told[0]
    assert job_runs.run_waiting() == 1
    job.refresh_from_db()
    assert job.state == "done", job.message


def _works() -> None:
    with dates.fixed(ON):
        connections["default"].ensure_connection()
        job_runs.run_waiting()
    os._exit(0)


def _killed_while_running(job: Job) -> None:
    """A worker of its own takes the job and is killed as soon as it runs."""
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=_works, daemon=True)
    worker.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Job.objects.get(pk=job.pk).state == "waiting":
        time.sleep(0.001)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(10)
    assert Job.objects.get(pk=job.pk).state == "running"  # nobody could say otherwise


def _silent(job: Job) -> None:
    """So long ago that it is taken for lost."""
    Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=5))


def test_a_worker_that_is_killed_leaves_a_page_that_says_so_and_the_next_one_finishes(
    client: Client, cast: Cast, draft: PolicyVersion
):
    client.force_login(cast.policy_editor)
    here = client.post(page_of(draft.version_no), ASKED).url
    job = Job.objects.get()
    _killed_while_running(job)
    shown = client.get(here)
    assert shown.status_code == 200 and "hx-get" in shown.text and "取消本任务" in shown.text
    assert "从头算起" not in shown.text
    _silent(job)
    assert job_runs.claim_next() == job
    assert "现为第 2 次运行，从头算起" in client.get(here).text
    _silent(job)
    assert job_runs.run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.runs) == ("done", 3), job.message
    file = client.get(reverse("jobs:file", args=[job.job_no]))
    assert file.status_code == 200
    file.close()


def test_one_that_kills_its_worker_every_time_is_given_up_with_what_to_do(
    client: Client, cast: Cast, draft: PolicyVersion
):
    client.force_login(cast.policy_editor)
    here = client.post(page_of(draft.version_no), ASKED).url
    job = Job.objects.get()
    for _time in range(job_runs.MOST_RUNS):
        assert job_runs.claim_next() == job
        _silent(job)
    assert job_runs.claim_next() is None
    shown: Any = client.get(here)
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == ("failed", "job.lost")
    assert shown.status_code == 200 and job.message in shown.text and "hx-get" not in shown.text
    assert client.get(reverse("jobs:file", args=[job.job_no])).status_code == 404
    again = client.post(page_of(draft.version_no), ASKED)
    assert again.status_code == 302 and again.url != here  # a new one may be asked for
