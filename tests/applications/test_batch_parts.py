"""分段发放: a batch of a whole city is one allotment and is issued in parts, each member once, whatever happens to the worker."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from applications.actions.batch_endings import close_issue
from applications.actions.batch_issue import issue_batch
from applications.actions.batch_jobs import order_deed
from applications.actions.batch_parts import issued_so_far, to_issue
from applications.actions.batches import open_batch, reopen_batch
from applications.models import Application, IssueBatch, Review
from tests import casework
from tests.applications.batch_office import batched, decided, filed
from tests.applications.crowd import a_city
from tests.cast import Cast
from tests.vouchers.test_jobs_worker import queue as queue
from tests.vouchers.test_jobs_worker import until, worker
from vouchers import dates
from vouchers.actions import holds
from vouchers.actions.budget_withdrawals import available_of
from vouchers.actions.holds import Screener, ScreeningResult, place_hold
from vouchers.actions.job_runs import claim_next, run_job, run_waiting
from vouchers.actions.jobs import cancel_job, wake_up
from vouchers.actions.ledger_chains import event_id
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import make_voucher
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import Job, LedgerAccount, LedgerTransfer, Listing, Party, User, Voucher
from vouchers.models.credit import ListingKind
from vouchers.policy.terms import Shortage
from vouchers.tasks import dispatch_outbox

D = Decimal
POOL = D("2500000.00")


@pytest.fixture
def plainly_screened() -> Iterator[None]:
    """The port filled with a screener that finds nothing: what audit's own rules find is tested there."""
    before = holds._screener
    clear = ScreeningResult("same", {}, "clear", "110000")
    holds.register_screener(Screener(lambda kind, number, moment: clear, lambda kind, number: "same"))
    yield
    holds._screener = before


def city(cast: Cast, count: int, amount: str = "2500000") -> IssueBatch:
    """An open batch of so many approved cases, each of 100,000 yuan."""
    publication = batched(cast, Shortage.PRO_RATA, amount=amount)
    a_city(publication, decided(cast, filed(cast, publication, "500000.00", "HT-1")), count)
    with acting(cast.handler, "test"):
        return open_batch(publication.program, by=cast.handler)


def ordered(batch: IssueBatch, verb: str, by: User, reason: str = "") -> Job | None:
    with acting(by, "test"):
        return order_deed(batch, verb, by=by, reason=reason)


def done(batch: IssueBatch, verb: str, by: User, reason: str = "") -> Job:
    """Asked for, and done by the worker's own function."""
    job = ordered(batch, verb, by, reason)
    assert job is not None and run_waiting() == 1
    job.refresh_from_db()
    batch.refresh_from_db()
    return job


def noticed_city(cast: Cast, count: int, amount: str = "2500000") -> IssueBatch:
    batch = city(cast, count, amount)
    assert done(batch, "share_out", cast.handler).state == "done"
    assert ordered(batch, "approve", cast.second_approver) is None
    assert done(batch, "publish_notice", cast.second_approver).state == "done"
    return batch


@contextmanager
def after_notice(batch: IssueBatch) -> Iterator[None]:
    assert batch.notice_closes_on is not None
    with dates.fixed(batch.notice_closes_on):
        yield


def all_issued_once(batch: IssueBatch, count: int) -> None:
    """Each member has its one voucher of what it was allotted, and the pool gave that and no more."""
    batch.refresh_from_db()
    assert batch.state == "issued"
    allotted = dict(batch.members.values_list("application__application_no", "allotted_amount"))
    vouchers = list(Voucher.objects.values_list("application_no", "face_value"))
    assert len(vouchers) == count and dict(vouchers) == allotted
    pool = LedgerAccount.objects.get(code__contains=":pool.issue:*:")
    assert pool.used == sum(amount or D(0) for amount in allotted.values()) == batch.allotted_amount
    issues = LedgerTransfer.objects.filter(code="issue", debit__kind="budget")
    assert issues.count() == count and len(set(issues.values_list("chain_id", flat=True))) == count
    assert check_ledger() == []


@pytest.mark.long
def test_sixteen_hundred_of_one_window_share_one_allotment_and_are_all_issued(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 1601)
    assert (batch.asked_amount, batch.allotted_amount) == (D("160100000.00"), POOL)
    assert set(batch.members.values_list("allotted_amount", flat=True)) == {D("1561.52"), D("1561.53")}
    with after_notice(batch):
        job = done(batch, "issue", cast.approver)
    assert (job.state, job.progress, job.total, job.unit) == ("done", 3202, 3202, "件"), job.message
    all_issued_once(batch, 1601)
    case = Application.objects.get(application_no="A-2025-700777")
    assert case.issue_id == event_id("issue_batch", str(batch.issue_id), case.application_no)
    assert LedgerTransfer.objects.filter(chain_id=case.issue_id, code="issue").exists()


def test_what_a_person_would_wait_for_too_long_is_given_to_the_worker(committed_db: Any, cast: Cast):
    batch = city(cast, 101)
    job = ordered(batch, "share_out", cast.handler)
    assert job is not None and (job.kind, job.key, job.state) == ("issue_batch", batch.batch_no, "waiting")
    batch.refresh_from_db()
    assert batch.state == "open" and not batch.members.exists()
    # While it is at work nobody else does anything with the batch, and nobody asks for it twice.
    for deed in ("share_out", "cancel"):
        with pytest.raises(NotNow) as refusal:
            ordered(batch, deed, cast.approver, "试")
        assert refusal.value.code == "issue_batch.under_way" and job.job_no in refusal.value.message
    with acting(cast.handler, "test"):
        cancel_job(job, by=cast.handler)
    assert run_waiting() == 0 and ordered(batch, "share_out", cast.handler) is not None
    for person in (cast.finance, cast.other_approver, cast.filer):
        with pytest.raises((Forbidden, NotNow)):
            ordered(batch, "share_out", person)


def test_nobody_is_issued_anything_before_everybody_was_looked_at(committed_db: Any, cast: Cast):
    batch = noticed_city(cast, 101)
    last = Application.objects.order_by("-submitted_at", "-pk").first()
    assert last is not None
    with acting(cast.approver, "test"), pytest.raises(NotNow) as refusal, after_notice(batch):
        issue_batch(batch, by=cast.approver)
    assert refusal.value.code == "issue_batch.in_parts"
    with acting(cast.investigator, "test"):
        place_hold(
            "application",
            last.application_no,
            ground="manual",
            sentence="正在核查合同。",
            evidence=[],
            region_code="110000",
            party=last.enterprise,
            by=cast.investigator,
        )
    with after_notice(batch):
        job = done(batch, "issue", cast.approver)
    assert (job.state, job.outcome_code) == ("failed", "hold.open") and last.application_no in job.message
    assert batch.state == "noticed" and not Voucher.objects.exists()


def test_where_the_money_goes_half_way_whole_parts_stay_and_the_rest_is_issued_once_it_is_back(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 220)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        assert job is not None
        with stopped_once_begun(batch):
            assert run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == (
        "cancelled",
        "job.cancelled",
    ) and "已发放的各件有效" in job.message
    batch.refresh_from_db()
    issued, of = issued_so_far(batch)[:2]
    assert batch.state == "issuing" and of == 220 and issued in (100, 200)
    with pytest.raises(NotNow), acting(cast.approver, "test"):
        reopen_batch(batch, by=cast.approver, reason="试")  # what is issued is issued
    program = batch.program
    casework.taken_back(cast, program, available_of(program, 2025))
    with after_notice(batch):
        job = done(batch, "issue", cast.handler)
    assert (job.state, job.outcome_code) == ("failed", "ledger.insufficient_funds")
    assert issued_so_far(batch)[0] == issued and batch.state == "issuing"
    pause = Review.objects.filter(subject_kind="issue_batch", verb="pause_issue").last()
    assert pause is not None and "可用余额不足" in pause.reason
    casework.funded(cast, program, "3000000.00")
    with after_notice(batch):
        assert done(batch, "issue", cast.handler).state == "done"
    all_issued_once(batch, 220)


@contextmanager
def stopped_once_begun(batch: IssueBatch) -> Iterator[None]:
    """Somebody asks the job to stop while its first part is at work; the run hears of it at its next beat."""
    import threading

    over, looking = threading.Event(), threading.Event()
    members = batch.members.order_by("application__submitted_at", "application")
    first = Application.objects.filter(pk=members.values_list("application", flat=True)[0])

    def watch() -> None:
        try:
            while not over.wait(0.01):
                begun = IssueBatch.objects.filter(pk=batch.pk, state="issuing").exists()
                looking.set()
                if not begun:
                    continue
                with transaction.atomic():  # the first part holds its cases for as long as it is at work
                    at_work = first.select_for_update(skip_locked=True).first() is None
                if at_work:
                    Job.objects.filter(state="running").update(cancel_asked=True)
                    return
        finally:
            connections.close_all()

    from vouchers.actions import job_runs

    thread, beat = threading.Thread(target=watch), job_runs.BEAT_SECONDS
    job_runs.BEAT_SECONDS = 0.01
    thread.start()
    assert looking.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()
        job_runs.BEAT_SECONDS = beat


def test_one_that_comes_under_a_hold_meanwhile_is_passed_over_and_may_be_left_to_a_later_batch(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 120)
    with after_notice(batch):
        assert ordered(batch, "issue", cast.approver) is not None
        with stopped_once_begun(batch):
            run_waiting()
    held = to_issue(batch).order_by("-application__submitted_at").first()
    assert held is not None
    with acting(cast.investigator, "test"):
        place_hold(
            "application",
            held.application.application_no,
            ground="manual",
            sentence="正在核查合同。",
            evidence=[],
            region_code="110000",
            party=held.application.enterprise,
            by=cast.investigator,
        )
    with after_notice(batch), pytest.raises(NotNow) as refusal, acting(cast.second_approver, "test"):
        close_issue(batch, by=cast.second_approver, reason="试")
    assert refusal.value.code == "issue_batch.not_stopped" and "19 件" in refusal.value.message
    with after_notice(batch):
        job = done(batch, "issue", cast.approver)
    assert job.state == "done" and job.result["issued"] == 119
    assert held.application.application_no in job.result["passed"][0] and "暂缓" in job.message
    assert batch.state == "issuing"
    with pytest.raises(Forbidden), acting(cast.handler, "test"):
        close_issue(batch, by=cast.handler, reason="试")
    with after_notice(batch), acting(cast.second_approver, "test"):
        close_issue(batch, by=cast.second_approver, reason="核查未结束，转入下一批。")
    held.refresh_from_db()
    case = Application.objects.get(pk=held.application_id)
    assert (batch.state, case.state, case.batch, case.awaits_batch) == ("issued", "approved", None, True)
    assert held.set_aside_reason == "核查未结束，转入下一批。"
    assert Voucher.objects.count() == 119 and check_ledger() == []


def test_who_is_debarred_or_moves_away_meanwhile_is_named_and_does_not_keep_the_issue_from_being_ended(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 103)
    with after_notice(batch):
        assert ordered(batch, "issue", cast.approver) is not None
        with stopped_once_begun(batch):
            run_waiting()
        debarred, moved, spared = to_issue(batch)
        Listing.objects.create(
            party=debarred.application.enterprise,
            kind=ListingKind.SERIOUS_DISHONESTY,
            effective_from=dates.today(),
            document_no="京经信罚〔2025〕7号",
        )
        Party.objects.filter(pk=moved.application.enterprise_id).update(region_code="440305")
        # While somebody can still be issued it goes on; then nobody is left whom going on would help.
        with pytest.raises(NotNow) as refusal, acting(cast.second_approver, "test"):
            close_issue(batch, by=cast.second_approver, reason="试")
        assert refusal.value.code == "issue_batch.not_stopped" and "1 件" in refusal.value.message
        job = done(batch, "issue", cast.approver)
        assert (job.state, job.result["issued"], batch.state) == ("done", 101, "issuing")
        first, second = job.result["passed"]
        assert debarred.application.application_no in first and "列入" in first
        assert moved.application.application_no in second and "0.00 元" in second
        with acting(cast.second_approver, "test"):
            close_issue(batch, by=cast.second_approver, reason="两家单位目前不符合条件。")
    for one in (debarred, moved):
        case = Application.objects.get(pk=one.application_id)
        assert (case.state, case.batch, case.voucher_no) == ("approved", None, "")
    assert batch.state == "issued"
    assert Voucher.objects.filter(application_no=spared.application.application_no).count() == 1
    assert Voucher.objects.count() == 101 and check_ledger() == []


def test_the_database_keeps_an_application_from_a_second_voucher(db: Any, cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)

    def voucher(number: str) -> Voucher:
        return make_voucher(
            publication=publication,
            enterprise=cast.alpha,
            application_no=number,
            amount=D("100.00"),
            on=dates.today(),
        )

    voucher("A-2025-900001")
    with pytest.raises(IntegrityError, match="voucher_once_an_application"), transaction.atomic():
        voucher("A-2025-900001")
    voucher("A-2025-900002")


def _child(barrier: Any, sending: Any) -> None:
    try:
        barrier.wait(30)
        answer: Any = run_waiting()
    except BaseException:
        answer = traceback.format_exc()
    sending.send(answer)
    sending.close()
    connections.close_all()
    os._exit(0)


def test_of_two_workers_one_has_the_job_and_nothing_is_doubled(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 101)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        connections.close_all()
        context = multiprocessing.get_context("fork")
        barrier = context.Barrier(2)
        running = []
        for _worker in range(2):
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(barrier, sending), daemon=True)
            process.start()
            sending.close()
            running.append((process, receiving))
        answers = []
        for process, receiving in running:
            assert receiving.poll(120), "a process said nothing"
            answers.append(receiving.recv())
            process.join(10)
    assert sorted(answers) == [0, 1] and job is not None
    all_issued_once(batch, 101)


def test_a_run_that_was_given_up_and_comes_back_does_nothing(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 101)
    with after_notice(batch):
        ordered(batch, "issue", cast.approver)
        silent = claim_next()
        assert silent is not None and silent.runs == 1
        Job.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
        other = claim_next()
        assert other is not None and (other.pk, other.runs) == (silent.pk, 2)
        run_job(silent)
        assert not Voucher.objects.exists()
        run_job(other)
    all_issued_once(batch, 101)


@pytest.mark.long
def test_a_worker_killed_in_the_midst_of_a_part_leaves_whole_parts_and_the_next_one_issues_the_rest(
    committed_db: Any, cast: Cast, queue: str, tmp_path: Any, settings: Any
):
    settings.VAR_DIR = tmp_path
    batch = noticed_city(cast, 260)
    assert batch.notice_closes_on is not None
    os.environ["DEMO_DATE"] = batch.notice_closes_on.isoformat()
    try:
        with worker(committed_db, queue, tmp_path) as first:
            with after_notice(batch):
                job = ordered(batch, "issue", cast.approver)
            assert job is not None
            dispatch_outbox()
            _wait_for_vouchers(100)
            time.sleep(0.5)  # within the next part
            _kill(first)
        job.refresh_from_db()
        batch.refresh_from_db()
        assert (job.state, batch.state) == ("running", "issuing")
        assert Voucher.objects.count() in (100, 200)  # whole parts
        assert Voucher.objects.count() == issued_so_far(batch)[0]
        Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=2))
        with worker(committed_db, queue, tmp_path):
            with acting(Actor.service("test"), "test"):
                wake_up()
            dispatch_outbox()
            until(job, "done", "failed", seconds=180)
    finally:
        os.environ.pop("DEMO_DATE", None)
    assert (job.state, job.runs) == ("done", 2), job.message
    all_issued_once(batch, 260)


def _wait_for_vouchers(count: int, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if Voucher.objects.count() >= count:
            return
        time.sleep(0.02)
    pytest.fail("nothing was issued")


def _kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
