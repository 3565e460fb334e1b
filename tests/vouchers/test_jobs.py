"""Long work: begun once, seen while it runs, stopped when asked, and never left behind as running."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from vouchers.access import Role
from vouchers.actions import job_runs, jobs
from vouchers.actions.job_runs import Run, claim_next, run_job, run_waiting
from vouchers.actions.jobs import JobKind, JobResult, ask_job, cancel_job, visible_jobs
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Job, OutboxMessage
from vouchers.tasks import run_jobs

EDITORS = (Role.POLICY_EDITOR,)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, settings):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def kind():
    """A kind of work whose doing the test sets."""

    def make(handler, **more):
        made = JobKind("drill", "演练", handler, **{"roles": EDITORS, **more})
        jobs.register_job_kind(made)
        return made

    yield make
    jobs.KINDS.pop("drill", None)


def asked(by, **more) -> Job:
    with acting(by, "test"):
        return ask_job("drill", label="演练一项", params={"n": 3}, by=by, region="110000", **more)


def counted(run: Run) -> JobResult:
    for number in range(run.job.params["n"]):
        run.progress(number + 1, run.job.params["n"], "件")
    path = run.new_file(".txt")
    path.write_text("三件", encoding="utf-8")
    return JobResult({"counted": run.done}, path, "已点三件。")


def test_work_that_was_asked_for_is_done_and_its_result_kept(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    assert job.state == "waiting"
    message = OutboxMessage.objects.get(task="vouchers.run_jobs")
    assert run_jobs(outbox_id=message.pk) == 1
    job.refresh_from_db()
    assert (job.state, job.progress, job.total, job.unit) == ("done", 3, 3, "件")
    assert job.result == {"counted": 3}
    assert job.message == "已点三件。"
    path = jobs.result_path(job)
    assert path is not None
    assert job.result_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    message.refresh_from_db()
    assert message.done_at is not None


def test_a_wake_up_that_comes_twice_does_nothing_more(committed_db, cast, kind):
    began = []
    kind(lambda run: began.append(run.job.job_no) or JobResult())
    job = asked(cast.policy_editor)
    message = OutboxMessage.objects.get()
    run_jobs(outbox_id=message.pk)
    run_jobs(outbox_id=message.pk)
    assert began == [job.job_no]


def test_only_who_does_such_work_in_the_region_may_ask(db, cast, kind):
    kind(counted)
    for person in (cast.other_policy_editor, cast.handler, cast.filer, cast.stranger):
        with pytest.raises(Forbidden) as refused:
            asked(person)
        assert refused.value.code == "access.role"


def test_one_of_a_key_at_a_time(db, cast, kind):
    kind(counted)
    first = asked(cast.policy_editor, key="BJ-AIQ-1")
    with pytest.raises(NotNow) as refused:
        asked(cast.policy_editor, key="BJ-AIQ-1")
    assert refused.value.code == "job.under_way"
    assert refused.value.detail == {"job_no": first.job_no}
    asked(cast.policy_editor, key="BJ-AIQ-2")
    with acting(cast.policy_editor, "test"):
        cancel_job(first, by=cast.policy_editor)
    asked(cast.policy_editor, key="BJ-AIQ-1")


def test_what_waits_is_taken_back_at_once(db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    with acting(cast.policy_editor, "test"):
        job = cancel_job(job, by=cast.policy_editor)
    assert (job.state, job.outcome_code) == ("cancelled", "job.cancelled")
    with pytest.raises(NotNow) as refused, acting(cast.policy_editor, "test"):
        cancel_job(job, by=cast.policy_editor)
    assert refused.value.code == "job.not_now"


def test_a_stranger_may_not_cancel(db, cast, kind):
    kind(counted, readers=(Role.AUDITOR,))
    job = asked(cast.policy_editor)
    for person in (cast.auditor, cast.other_policy_editor, cast.stranger):
        with pytest.raises(Forbidden) as refused, acting(person, "test"):
            cancel_job(job, by=person)
        assert refused.value.code == "job.not_yours"


def test_readers_of_the_region_see_it_others_do_not(db, cast, kind):
    kind(counted, readers=(Role.AUDITOR,))
    job = asked(cast.policy_editor)
    for person in (cast.policy_editor, cast.auditor):
        assert list(visible_jobs(person)) == [job]
    for person in (cast.other_policy_editor, cast.other_auditor, cast.handler, cast.filer, cast.stranger):
        assert list(visible_jobs(person)) == []


def test_what_runs_stops_at_its_next_step_and_leaves_nothing(committed_db, cast, kind, monkeypatch):
    monkeypatch.setattr(job_runs, "BEAT_SECONDS", 0.05)
    started, written = threading.Event(), []

    def endless(run: Run) -> JobResult:
        path = run.new_file(".txt")
        path.write_text("half", encoding="utf-8")
        written.append(path)
        started.set()
        for number in range(100_000):
            run.progress(number, 100_000, "件")
            time.sleep(0.01)
        return JobResult({}, path)

    kind(endless)
    job = asked(cast.policy_editor)
    worker = threading.Thread(target=_worker)
    worker.start()
    assert started.wait(10)
    with acting(cast.policy_editor, "test"):
        cancel_job(job, by=cast.policy_editor)
    worker.join(20)
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == ("cancelled", "job.cancelled")
    assert job.progress > 0
    assert job.total == 100_000
    assert not written[0].exists()


def _worker() -> None:
    try:
        run_waiting()
    finally:
        connections.close_all()


def test_how_far_it_is_is_seen_from_outside_while_the_work_is_in_a_transaction(
    committed_db, cast, kind, monkeypatch
):
    monkeypatch.setattr(job_runs, "BEAT_SECONDS", 0.05)
    go_on, seen = threading.Event(), []

    def slow(run: Run) -> JobResult:
        with run.acting("test"):
            run.progress(40, 100, "件")
            go_on.wait(10)
        return JobResult()

    kind(slow)
    job = asked(cast.policy_editor)
    worker = threading.Thread(target=_worker)
    worker.start()
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        job.refresh_from_db()
        if job.progress:
            seen.append((job.state, job.progress, job.total))
        time.sleep(0.02)
    go_on.set()
    worker.join(20)
    assert seen == [("running", 40, 100)]


def test_a_refusal_is_told_with_its_code(committed_db, cast, kind):
    def refuse(run: Run) -> JobResult:
        raise Invalid("drill.nothing", "所选期间没有可以测算的事项。", hint="请改选期间。")

    kind(refuse)
    job = asked(cast.policy_editor)
    run_waiting()
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == ("failed", "drill.nothing")
    assert job.message == "所选期间没有可以测算的事项。 请改选期间。"


def test_a_fault_of_ours_is_told_courteously_and_the_next_job_runs(committed_db, cast, kind):
    def stumble(run: Run) -> JobResult:
        if run.job.key == "bad":
            run.new_file(".txt").write_text("half", encoding="utf-8")
            raise ZeroDivisionError
        return JobResult()

    kind(stumble)
    bad, good = asked(cast.policy_editor, key="bad"), asked(cast.policy_editor)
    assert run_waiting() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.outcome_code, good.state) == ("failed", "job.failed", "done")
    assert bad.job_no in bad.message
    assert "ZeroDivision" not in bad.message
    assert list(jobs.jobs_folder().iterdir()) == []


def _silent(job: Job) -> None:
    """As a killed process leaves it."""
    Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=5))


def test_a_run_whose_process_died_is_begun_again(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    assert claim_next() == job  # and then the process is killed
    _silent(job)
    assert run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.runs) == ("done", 2)


def test_a_run_whose_row_does_not_show_yet_is_nobody_elses(db, cast, kind):
    """Its beat, on a connection of its own, finds no row: that is another's transaction under way, not another's run."""

    def slow(run: Run) -> JobResult:
        time.sleep(1.5 * job_runs.BEAT_SECONDS)
        run.check()
        return JobResult(message="办完")

    kind(slow)
    job = asked(cast.policy_editor)
    assert run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.message) == ("done", "办完")


def test_a_job_that_kills_its_process_every_time_is_given_up(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    for _ in range(job_runs.MOST_RUNS):
        assert claim_next() == job
        _silent(job)
    assert claim_next() is None
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == ("failed", "job.lost")


def test_a_run_that_was_to_stop_and_died_is_cancelled(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    assert claim_next() == job
    with acting(cast.policy_editor, "test"):
        cancel_job(job, by=cast.policy_editor)
    _silent(job)
    assert claim_next() is None
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_run_that_was_thought_dead_writes_nothing_when_it_comes_back(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    first = claim_next()
    assert first is not None
    _silent(job)
    second = claim_next()
    assert second is not None
    assert second.runs == 2
    run_job(first)
    job.refresh_from_db()
    assert (job.state, job.runs, job.result) == ("running", 2, {})
    run_job(second)
    job.refresh_from_db()
    assert job.state == "done"
    assert [path.name for path in jobs.jobs_folder().iterdir()] == [job.result_file]


def test_so_many_run_at_a_time_the_others_wait(committed_db, cast, kind):
    kind(counted)
    first, second = asked(cast.policy_editor), asked(cast.policy_editor)
    assert jobs.ahead_of(second) == 1
    assert claim_next() == first
    assert claim_next() is None
    second.refresh_from_db()
    assert second.state == "waiting"


def test_the_end_is_news_to_who_asked_until_it_is_looked_at(committed_db, cast, kind):
    kind(counted)
    job = asked(cast.policy_editor)
    run_waiting()
    job.refresh_from_db()
    assert jobs.unseen_count(cast.policy_editor) == 1
    jobs.note_seen(job, by=cast.auditor)
    assert jobs.unseen_count(cast.policy_editor) == 1
    jobs.note_seen(job, by=cast.policy_editor)
    assert jobs.unseen_count(cast.policy_editor) == 0


def test_files_of_jobs_lie_outside_the_web_root(settings):
    assert jobs.jobs_folder() == Path(settings.VAR_DIR) / "jobs"
