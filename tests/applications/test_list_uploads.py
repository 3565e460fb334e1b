"""免申即享 by the hundred thousand: a long list is taken in by the worker, row by row; what is refused is handed back, nothing twice."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from applications.actions.batch_jobs import order_deed
from applications.actions.batch_lists import make_list, review_list
from applications.actions.batch_members import unlist
from applications.actions.list_uploads import CHUNK, LARGEST, ask_list, lists_folder, run_list
from applications.batch_lists import MOST_LONG, columns_of
from applications.models import Application, BatchMember, IssueBatch
from audit.models import AuditEvent
from tests.applications.test_batch_lists import answered, book, row, settled  # noqa: F401
from tests.applications.test_batch_parts import _kill
from tests.applications.web.test_holdings import at
from tests.cast import Cast
from tests.conftest import TODAY
from tests.vouchers.test_jobs_worker import queue as queue
from tests.vouchers.test_jobs_worker import until, worker
from vouchers.actions.job_runs import JobCancelled, Run, claim_next, run_job
from vouchers.actions.jobs import result_path, wake_up
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Job, Party, Publication, RoleGrant, Voucher
from vouchers.tasks import dispatch_outbox


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    yield


def rows_of(party: Party, count: int, first: int = 1) -> list[dict[str, Any]]:
    """So many settlements of one company, each with a number of its own."""
    return [row(party, "100.00", number=f"JS-{number}") for number in range(first, first + count)]


def table(
    publication: Publication,
    rows: Sequence[dict[str, Any]],
    encoding: str = "utf-8-sig",
    name: str = "名单.csv",
) -> SimpleUploadedFile:
    headings = [one.heading for one in columns_of(publication.scheme)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([[one.get(heading, "") for heading in headings] for one in rows])
    return SimpleUploadedFile(name, text.getvalue().encode(encoding))


def asked(cast: Cast, publication: Publication, file: SimpleUploadedFile) -> tuple[IssueBatch, Job]:
    with acting(cast.handler, "test"):
        return ask_list(publication.program, file, by=cast.handler)


def done(job: Job) -> Job:
    mine = claim_next()
    assert mine is not None and mine.pk == job.pk
    run_job(mine)
    job.refresh_from_db()
    return job


def handed_back(job: Job) -> list[dict[str, str]]:
    path = result_path(job)
    assert path is not None
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


class TestALongList:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
    def test_it_is_taken_in_by_the_worker_and_goes_the_way_of_every_list(
        self, cast: Cast, settled: Publication, encoding: str
    ):
        batch, job = asked(cast, settled, table(settled, rows_of(cast.alpha, 3), encoding))
        assert (batch.state, batch.is_listed, batch.members.count()) == ("open", True, 0)
        job = done(job)
        assert (job.state, job.message) == ("done", "载入 3 行，请另一人审核。")
        assert not lists_folder().exists() or list(lists_folder().iterdir()) == []
        assert {one.state for one in Application.objects.all()} == {"accepted"}
        assert [one.listed_row for one in batch.members.order_by("pk")] == [2, 3, 4]
        answered(cast, batch)
        with acting(cast.second_approver, "test"):
            review_list(batch, by=cast.second_approver)
        assert Application.objects.filter(state="approved").count() == 3

    def test_a_faulty_row_is_handed_back_with_its_reason_and_the_others_are_kept(
        self, cast: Cast, settled: Publication
    ):
        good, too_much, nobody, empty, again = (
            row(cast.alpha, "100.00"),
            row(cast.beta, "99999999.00"),
            row(cast.beta, "100.00") | {"统一社会信用代码": "91110108MA00000000"},
            row(cast.beta, "100.00", number="JS-9") | {"期间起": ""},
            row(cast.alpha, "100.00"),
        )
        batch, job = asked(cast, settled, table(settled, [good, too_much, nobody, empty, again]))
        job = done(job)
        assert (job.state, job.result["taken"], job.result["refused"]) == ("done", 1, 4)
        back = handed_back(job)
        assert [one["原行号"] for one in back] == ["5", "6", "3", "4"]
        reasons = {one["原行号"]: one["退回原因"] for one in back}
        assert "“期间起”：请填写。" in reasons["5"]
        assert "与第 2 行重复" in reasons["6"]
        assert "不得超过" in reasons["3"]
        assert "没有登记代码为 91110108MA00000000 的单位" in reasons["4"]
        assert batch.members.count() == 1
        assert Application.objects.count() == 1  # nothing of a refused row is left

    def test_what_was_handed_back_is_corrected_and_sent_again_into_the_same_batch(
        self, cast: Cast, settled: Publication
    ):
        first, job = asked(
            cast, settled, table(settled, [row(cast.alpha, "100.00"), row(cast.beta, "99999999.00")])
        )
        path = result_path(done(job))
        assert path is not None
        corrected = path.read_text("utf-8-sig").replace("99999999.00", "200.00")
        batch, job = asked(cast, settled, SimpleUploadedFile("退回.csv", corrected.encode()))
        assert batch.pk == first.pk
        job = done(job)
        assert (job.result["taken"], job.result["refused"]) == (1, 0)
        assert {one.requested_amount for one in Application.objects.all()} == {Decimal(100), Decimal(200)}

    def test_the_same_list_sent_again_adds_what_is_not_there_and_nothing_twice(
        self, cast: Cast, settled: Publication
    ):
        done(asked(cast, settled, table(settled, rows_of(cast.alpha, 2)))[1])
        changed = [*rows_of(cast.alpha, 3), row(cast.beta, "100.00")]
        changed[1] = row(cast.alpha, "150.00", number="JS-2")
        batch, job = asked(cast, settled, table(settled, changed))
        job = done(job)
        assert (job.result["taken"], job.result["known"], job.result["refused"]) == (2, 1, 1)
        assert "本批已按 100.00 元载入（原第 3 行）" in handed_back(job)[0]["退回原因"]
        assert batch.members.count() == 4
        with pytest.raises(NotNow) as refused, acting(cast.handler, "test"):
            make_list(settled.program, book(settled, row(cast.beta, "1.00")), by=cast.handler)
        assert refused.value.code == "issue_batch.unfinished"

    def test_what_was_taken_off_the_list_may_be_listed_again_by_another_amount(
        self, cast: Cast, settled: Publication
    ):
        done(asked(cast, settled, table(settled, rows_of(cast.alpha, 2)))[1])
        first = Application.objects.order_by("pk")[0]
        with acting(cast.handler, "test"):
            unlist(first, by=cast.handler, reason="金额有误。")
        again = [row(cast.alpha, "150.00", number="JS-1"), row(cast.alpha, "100.00", number="JS-2")]
        _batch, job = asked(cast, settled, table(settled, again))
        job = done(job)
        assert (job.result["taken"], job.result["known"], job.result["refused"]) == (1, 1, 0)
        live = Application.objects.exclude(state="withdrawn")
        assert sorted(one.requested_amount for one in live) == [100, 150]

    def test_what_is_stopped_half_way_keeps_its_whole_parts_and_goes_on_with_the_same_list(
        self, cast: Cast, settled: Publication
    ):
        class Stopping(Run):
            def progress(self, done: int, total: int | None = None, unit: str = "") -> None:
                if done:
                    self.stop()
                super().progress(done, total, unit)

        rows = rows_of(cast.alpha, CHUNK + 5)
        _batch, job = asked(cast, settled, table(settled, rows))
        mine = claim_next()
        assert mine is not None
        with pytest.raises(JobCancelled):
            run_list(Stopping(mine))
        assert BatchMember.objects.count() == CHUNK
        Job.objects.filter(pk=job.pk).update(state="cancelled", ended_at=timezone.now())
        batch, job = asked(cast, settled, table(settled, rows))
        job = done(job)
        assert (job.result["taken"], job.result["known"]) == (5, CHUNK)
        assert batch.members.count() == CHUNK + 5

    def test_nobody_does_anything_else_with_the_batch_meanwhile(self, cast: Cast, settled: Publication):
        batch, job = asked(cast, settled, table(settled, rows_of(cast.alpha, 1)))
        with pytest.raises(NotNow) as refused, acting(cast.second_approver, "test"):
            order_deed(batch, "review_list", by=cast.second_approver)
        assert refused.value.code == "issue_batch.under_way"
        with pytest.raises(NotNow) as refused:
            asked(cast, settled, table(settled, rows_of(cast.alpha, 1)))
        assert refused.value.code == "issue_batch.under_way"
        assert len(list(lists_folder().iterdir())) == 1  # only what the job needs
        done(job)

    def test_whose_role_was_taken_before_the_worker_came_lists_nobody(self, cast: Cast, settled: Publication):
        _batch, job = asked(cast, settled, table(settled, rows_of(cast.alpha, 1)))
        RoleGrant.objects.filter(user=cast.handler).update(effective_to=TODAY)
        job = done(job)
        assert (job.state, job.outcome_code) == ("failed", "access.role")
        assert not Application.objects.exists()

    def test_who_listed_and_from_which_file_is_in_the_trail(self, cast: Cast, settled: Publication):
        _batch, job = asked(cast, settled, table(settled, rows_of(cast.alpha, 1)))
        done(job)
        made = AuditEvent.objects.filter(
            subject_no=Application.objects.get().application_no, operation="insert"
        ).first()
        assert made is not None
        assert made.actor == cast.handler.username
        assert made.verb == "issue_batch.list"


class TestWhatIsNoList:
    def refused(self, cast: Cast, publication: Publication, content: bytes) -> str:
        with pytest.raises(Invalid) as refused:
            asked(cast, publication, SimpleUploadedFile("名单.csv", content))
        assert not IssueBatch.objects.exists()
        assert not lists_folder().exists() or list(lists_folder().iterdir()) == []
        return refused.value.code

    def test_it_is_refused_at_once_and_nothing_is_kept_of_it(self, cast: Cast, settled: Publication):
        headings = ",".join(one.heading for one in columns_of(settled.scheme))
        for content, code in (
            (b"", "issue_list.columns"),
            ("统一社会信用代码\n9".encode(), "issue_list.columns"),
            (headings.encode(), "issue_list.empty"),
            (f"{headings}\n,,,\n\n".encode(), "issue_list.empty"),
            (b"PK\x03\x04\x00\x00\xff\xff", "issue_list.not_a_table"),
            (b"\xff\xfe\x81", "issue_list.not_a_table"),
            (f'{headings}\n"{"x" * 30_000}'.encode(), "issue_list.not_a_table"),
            (f'{headings}\n"a"b,1\n'.encode(), "issue_list.not_a_table"),
            (f"{headings}\n".encode() + b"1\n" * (MOST_LONG + 1), "issue_list.too_long"),
            (b" " * (LARGEST + 1), "issue_list.too_large"),
        ):
            assert self.refused(cast, settled, content) == code, content[:60]

    def test_only_a_handler_of_the_region_lists(self, cast: Cast, settled: Publication):
        for person in (cast.approver, cast.other_handler, cast.auditor):
            with pytest.raises(Forbidden), acting(person, "test"):
                ask_list(settled.program, table(settled, rows_of(cast.alpha, 1)), by=person)


def test_on_the_page_it_is_sent_followed_and_what_was_refused_is_taken_along(
    cast: Cast, settled: Publication
):
    office = at(cast.handler)
    assert "CSV UTF-8" in office.get(reverse("desk:issue_batches")).content.decode()
    file = table(settled, [row(cast.alpha, "100.00"), row(cast.beta, "99999999.00")])
    answer = office.post(
        reverse("desk:upload_issue_list"), {"program": settled.program.code, "file": file}, follow=True
    )
    page = answer.content.decode()
    assert "已转后台载入" in page
    batch, job = IssueBatch.objects.get(), Job.objects.get()
    assert job.label in page
    done(job)
    page = office.get(reverse("desk:issue_batch", args=[batch.batch_no])).content.decode()
    assert "载入 1 行，退回 1 行" in page
    assert "不得超过" in page
    assert reverse("jobs:file", args=[job.job_no]) in page
    assert "继续上传名单（CSV）" in page
    reviewer = at(cast.second_approver).get(reverse("desk:issue_batch", args=[batch.batch_no]))
    assert "继续上传名单（CSV）" not in reviewer.content.decode()


@pytest.mark.long
def test_a_worker_that_was_killed_in_the_midst_is_followed_by_one_that_adds_the_rest(
    committed_db: Any, cast: Cast, settled: Publication, queue: str, tmp_path: Path
):
    os.environ["DEMO_DATE"] = TODAY.isoformat()
    rows = rows_of(cast.alpha, 250)
    try:
        batch, job = asked(cast, settled, table(settled, rows))
        with worker(committed_db, queue, tmp_path) as first:
            dispatch_outbox()
            deadline = time.monotonic() + 180
            while BatchMember.objects.count() < CHUNK and time.monotonic() < deadline:
                time.sleep(0.02)
            _kill(first)
        job.refresh_from_db()
        assert job.state == "running"
        assert BatchMember.objects.count() in (CHUNK, 2 * CHUNK)  # whole parts
        Job.objects.filter(pk=job.pk).update(beat_at=timezone.now() - timedelta(minutes=2))
        with worker(committed_db, queue, tmp_path):
            with acting(Actor.service("test"), "test"):
                wake_up()
            dispatch_outbox()
            until(job, "done", "failed", seconds=240)
    finally:
        os.environ.pop("DEMO_DATE", None)
    assert (job.state, job.runs, job.result["refused"]) == ("done", 2, 0), job.message
    assert batch.members.count() == 250
    assert len(set(batch.members.values_list("row_key", flat=True))) == 250
    assert Application.objects.count() == 250
    assert not Voucher.objects.exists()
    assert check_ledger() == []
