"""Two workers share the parts of one issue, and each member is issued once, whatever happens to either."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from applications.actions.batch_hands import help_issue
from applications.actions.batch_parts import HELP, issued_so_far
from tests.applications.test_batch_parts import after_notice, all_issued_once, noticed_city, ordered
from tests.applications.test_batch_parts import plainly_screened as plainly_screened
from tests.cast import Cast
from vouchers.actions.job_runs import run_waiting
from vouchers.models import Job, OutboxMessage, Voucher

pytestmark = pytest.mark.long
_FORK = multiprocessing.get_context("fork")


def _child(work: Callable[[], Any], sending: Any) -> None:
    try:
        answer: Any = work()
    except BaseException:
        answer = traceback.format_exc()
    sending.send(answer)
    sending.close()
    connections.close_all()
    os._exit(0)


def _begun(work: Callable[[], Any]) -> tuple[Any, Any]:
    connections.close_all()
    receiving, sending = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(work, sending), daemon=True)
    process.start()
    sending.close()
    return process, receiving


def _answer(process: Any, receiving: Any) -> Any:
    assert receiving.poll(300), "a process said nothing"
    answer = receiving.recv()
    process.join(10)
    return answer


def _helped() -> int:
    """What a free worker does with the message: turn after turn until the run has no more need of it."""
    until, parts = time.monotonic() + 240, 0
    while time.monotonic() < until:
        message = OutboxMessage.objects.filter(task=HELP, done_at=None).first()
        if message is not None:
            OutboxMessage.objects.filter(pk=message.pk).update(done_at=timezone.now())
            parts += help_issue(**message.payload)
        if Job.objects.filter(kind="issue_batch_parts", state="done").exists():
            return parts
        time.sleep(0.02)
    raise AssertionError("the run did not end")


def test_two_workers_share_the_parts_and_each_member_is_issued_once(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 310)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        assert job is not None
        helper, run = _begun(_helped), _begun(run_waiting)
        assert _answer(*run) == 1
        parts = _answer(*helper)
    job.refresh_from_db()
    assert isinstance(parts, int) and parts >= 1, parts
    assert (job.state, job.progress, job.total) == ("done", 620, 620), job.message
    all_issued_once(batch, 310)


def test_a_helper_killed_in_the_midst_of_its_part_leaves_nothing_of_it_and_the_run_issues_all(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 260)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        assert job is not None
        helper, run = _begun(_helped), _begun(run_waiting)
        until = time.monotonic() + 240
        while not OutboxMessage.objects.filter(task=HELP).exists() and time.monotonic() < until:
            time.sleep(0.005)
        while OutboxMessage.objects.filter(task=HELP, done_at=None).exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(0.3)  # within its first part
        os.kill(helper[0].pid, signal.SIGKILL)
        assert _answer(*run) == 1
    job.refresh_from_db()
    assert job.state == "done", job.message
    all_issued_once(batch, 260)


def test_whoever_helps_a_run_that_is_over_or_was_given_to_another_does_nothing(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 101)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        assert job is not None
        assert help_issue(job.job_no, 1) == 0 and issued_so_far(batch)[0] == 0
        assert run_waiting() == 1
        assert help_issue(job.job_no, 1) == 0
    assert Voucher.objects.count() == 101
