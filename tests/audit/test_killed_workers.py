"""A shadow run, a scan and the load of a past year are killed half-way (kill -9): nothing is lost, and nothing is half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from applications.models import Claim
from audit.actions.rules import load_rules
from audit.actions.shadow_runs import ask_shadow_run
from audit.models import Flag, ScanRun, ShadowRun, Suspicion
from config.embedded import REPOSITORY
from tests.applications import past_year
from tests.applications.test_import_uploads import sent, zipped
from tests.applications.test_imports_crash import wait_until_blocked
from tests.audit import scenes
from tests.audit.test_rule_versions import FROM, TO, draft
from tests.vouchers import test_jobs_worker
from tests.vouchers.test_jobs_worker import until, worker
from vouchers.actions.job_runs import run_waiting
from vouchers.actions.jobs import cancel_job, wake_up
from vouchers.context import Actor, acting
from vouchers.models import Job, Party
from vouchers.tasks import dispatch_outbox

pytestmark = pytest.mark.long

queue = test_jobs_worker.queue


def killed_at(table: str, job: Job, committed_db, queue: str, folder) -> None:
    """A worker takes the job, comes as far as the table, and is killed there."""
    with psycopg.connect(committed_db.superuser_dsn) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with worker(committed_db, queue, folder) as process:
            dispatch_outbox()
            until(job, "running")
            wait_until_blocked(holder, table)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
    job.refresh_from_db()
    assert job.state == "running"  # nobody could say otherwise


def begun_again(job: Job, committed_db, queue: str, folder) -> Job:
    """So long after that it is taken for lost; another worker takes it."""
    Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=2))
    with worker(committed_db, queue, folder):
        with acting(Actor.service("test"), "test"):
            wake_up()
        dispatch_outbox()
        until(job, "done", "failed")
    assert (job.state, job.runs) == ("done", 2), job.message
    return job


def test_a_shadow_run_whose_worker_is_killed_is_run_again_and_tells_once(
    committed_db,
    cast,
    queue,
    tmp_path,
    settings,
):
    settings.VAR_DIR = tmp_path
    with acting(Actor.service("test"), "test"):
        load_rules()
        scene = scenes.build(cast)
        lease = scene.lease(serials=("NVA1",))
        scene.claim(lease, [(scene.invoice(lease, "25112000000000000001"), "100000.00")])
    with acting(cast.audit_admin, "test"):
        version = draft(cast.audit_admin)
        job = ask_shadow_run(version, from_on=FROM, to_on=TO, by=cast.audit_admin)
    killed_at("vouchers_listing", job, committed_db, queue, tmp_path)
    assert not ShadowRun.objects.exists()
    begun_again(job, committed_db, queue, tmp_path)
    run = ShadowRun.objects.get()
    assert (run.job_no, run.digest, run.claims) == (job.job_no, version.digest, 1)
    assert not Flag.objects.exists() and not ScanRun.objects.exists()


def test_the_load_of_a_year_whose_worker_is_killed_leaves_nothing_and_is_done_again(
    committed_db,
    cast,
    queue,
    tmp_path,
    settings,
):
    settings.VAR_DIR = tmp_path / "var"
    (tmp_path / "var").mkdir()
    with acting(cast.system_admin, "test"):
        job = sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    killed_at("applications_basisitem", job, committed_db, queue, tmp_path / "var")
    assert not Party.objects.filter(origin="imported").exists() and not Claim.objects.exists()
    begun_again(job, committed_db, queue, tmp_path / "var")
    assert Claim.objects.filter(origin="imported").count() == 1


def test_a_load_that_is_cancelled_while_a_dead_worker_holds_it_is_never_begun(
    committed_db,
    cast,
    queue,
    tmp_path,
    settings,
):
    settings.VAR_DIR = tmp_path / "var"
    (tmp_path / "var").mkdir()
    with acting(cast.system_admin, "test"):
        job = sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    killed_at("applications_basisitem", job, committed_db, queue, tmp_path / "var")
    with acting(cast.system_admin, "test"):
        cancel_job(job, by=cast.system_admin)
    Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=2))
    run_waiting()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not Party.objects.filter(origin="imported").exists() and not Claim.objects.exists()


@pytest.mark.parametrize("table", ["vouchers_listing", "audit_flag", "audit_suspicion"])
def test_a_scan_that_is_killed_leaves_the_queue_as_it_was(committed_db, cast, tmp_path, table: str):
    with acting(Actor.service("test"), "test"):
        load_rules()
        scene = scenes.build(cast)
        lease = scene.lease(serials=("NVA1",))
        scene.claim(
            lease,
            [(scene.invoice(lease, "25112000000000000001", issued=FROM - timedelta(days=90)), "100000.00")],
        )

    def scan() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "scan_claims", "--out", str(tmp_path / "scan.jsonl")],
            cwd=REPOSITORY, env=committed_db.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def there() -> list[int]:
        counted: list[Callable[[], int]] = [one.objects.count for one in (ScanRun, Flag, Suspicion)]
        return [count() for count in counted]

    with psycopg.connect(committed_db.superuser_dsn) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        process = scan()
        try:
            wait_until_blocked(holder, table)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    assert there() == [0, 0, 0] and not (tmp_path / "scan.jsonl").exists()
    again = scan()
    said = again.communicate(timeout=120)[0].decode()
    assert again.returncode == 0, said
    runs, flags, rows = there()
    assert (
        runs == 1
        and flags
        and rows
        and (tmp_path / "scan.jsonl").read_text(encoding="utf-8").count("\n") == 1
    )
