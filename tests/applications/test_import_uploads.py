"""历史数据 sent from the desk: measured before it is unpacked, loaded by a job, refused rows handed back."""

from __future__ import annotations

import hashlib
import io
import os
import time
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.actions.imports import uploads
from applications.actions.imports.packed import open_dataset, parts_of
from applications.actions.imports.uploads import ask_import, run_import, tidy_uploads, uploads_folder
from applications.models import Claim, ImportedFile, Lease
from audit.models import AuditEvent
from tests.applications import past_year
from tests.cast import Cast
from vouchers.actions import jobs
from vouchers.actions.job_runs import JobCancelled, Run, claim_next, run_waiting
from vouchers.actions.jobs import JobResult, cancel_job
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Job, Party


@pytest.fixture(autouse=True)
def somewhere(tmp_path, settings):
    settings.VAR_DIR = tmp_path / "var"


def zipped(tmp_path: Path, rows: past_year.Rows, inside: str = "", **more: bytes) -> SimpleUploadedFile:
    """The rows as a zip of their folder, as a browser sends it."""
    folder = past_year.write(tmp_path / "year", rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("*.csv")):
            archive.write(path, f"{inside}{path.name}")
        for name, content in more.items():
            archive.writestr(f"{inside}{name}", content)
    return SimpleUploadedFile("2024年度.zip", packed.getvalue())


def sent(files: list[SimpleUploadedFile], by) -> Job:
    with acting(by, "test"):
        return ask_import(files, by=by)


def loaded(files: list[SimpleUploadedFile], by) -> JobResult:
    """What the worker's function gives back. Without the pulse of a run, which looks from a connection of its own."""
    sent(files, by)
    job = claim_next()
    assert job is not None
    outcome = run_import(Run(job))
    jobs.end_job(job, "finish", "", outcome.message)
    return outcome


def finished(files: list[SimpleUploadedFile], by) -> Job:
    """The job that a worker has run to its end, in a database whose commits are real."""
    job = sent(files, by)
    assert run_waiting() == 1
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job


@pytest.mark.parametrize("inside", ["", "2024/", "数据/2024/"])
def test_a_zip_of_the_folder_is_loaded_to_the_last_row(cast: Cast, tmp_path, inside):
    job = loaded([zipped(tmp_path, past_year.rows(), inside)], cast.system_admin)
    assert job.message == "入库 18 行，退回 0 行。"  # two of the parties are in the register
    assert (
        job.result["refused"] == 0
        and job.result["taken"] == sum(f["taken"] for f in job.result["files"]) == 18
    )
    assert Claim.objects.filter(origin="imported").count() == 1 and ImportedFile.objects.count() == 18
    assert job.file is None and not list(uploads_folder().iterdir())


def test_the_files_themselves_may_be_sent_and_what_is_missing_is_said(cast: Cast, tmp_path):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    files = [SimpleUploadedFile(n, (folder / n).read_bytes()) for n in ("parties.csv", "leases.csv")]
    job = loaded(files, cast.system_admin)
    assert Lease.objects.filter(origin="imported").count() == 1
    assert {f["name"] for f in job.result["files"] if f["collected"]} == {"parties.csv", "leases.csv"}


def test_refused_rows_come_back_as_a_csv_that_can_be_mended_and_sent_again(cast: Cast, tmp_path):
    rows = past_year.rows()
    rows["leases"][0]["ends_on"] = "2024-03-31"
    rows = {name: lines for name, lines in rows.items() if name in ("parties", "leases")}
    job = loaded([zipped(tmp_path, rows)], cast.system_admin)
    assert "退回 1 行" in job.message
    assert job.result["refusals"] == [
        ["leases.csv", "2", "ends_on", "合同结束日 2024-03-31 早于开始日 2024-04-01"]
    ]
    path = job.file
    assert path is not None and path.suffix == ".csv" and path.stat().st_mode & 0o777 == 0o600
    mended = path.read_bytes().replace(b"2024-03-31", b"2024-06-30")
    again = loaded([SimpleUploadedFile("refused-leases.csv", mended)], cast.system_admin)
    assert again.result["refused"] == 0 and Lease.objects.count() == 1


def test_refused_rows_of_several_files_come_back_in_one_zip(cast: Cast, tmp_path):
    rows = past_year.rows()
    rows["leases"][0]["amount"] = "-1.00"
    job = loaded([zipped(tmp_path, rows)], cast.system_admin)
    path = job.file
    assert path is not None and path.suffix == ".zip"
    with zipfile.ZipFile(path) as packed:
        assert "refused-leases.csv" in packed.namelist() and "refused-lease_devices.csv" in packed.namelist()


def test_the_same_data_twice_changes_nothing_and_says_so(cast: Cast, tmp_path):
    loaded([zipped(tmp_path, past_year.rows())], cast.system_admin)
    again = loaded([zipped(tmp_path, past_year.rows())], cast.system_admin)
    assert again.message == "此前已全部导入，没有变化。"


def test_the_trail_tells_who_sent_what_by_its_digest(cast: Cast, tmp_path):
    file = zipped(tmp_path, past_year.rows())
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    job = sent([file], cast.system_admin)
    assert job.params["sha256"] == digest
    asked = AuditEvent.objects.filter(subject_kind="job", subject_no=job.job_no, operation="insert").get()
    told = bytes(asked.canonical).decode()
    assert digest in told and cast.system_admin.display_name in told


@pytest.mark.parametrize("person", ["handler", "auditor", "filer", "security_admin", "stranger"])
def test_only_a_system_administrator_may_send(cast: Cast, tmp_path, person):
    with pytest.raises(Forbidden) as refusal:
        sent([zipped(tmp_path, past_year.rows())], getattr(cast, person))
    assert refusal.value.code == "access.role" and not uploads_folder().exists()


def test_a_second_load_waits_its_turn_and_keeps_no_file(cast: Cast, tmp_path):
    sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    with pytest.raises(NotNow) as refusal:
        sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    assert refusal.value.code == "job.under_way" and len(list(uploads_folder().iterdir())) == 1


# What is no folder of the format -------------------------------------------------------------------------------------


def archive(*parts: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts:
            made.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "name,content,code",
    [
        ("a.zip", b"", "upload.not_zip"),
        ("a.zip", b"Rar!\x1a\x07\x00rest", "upload.not_zip"),
        ("a.zip", archive(("parties.csv", b"uscc\n"))[:-30], "upload.broken"),
        ("a.zip", archive(("readme.txt", b"x")), "upload.no_tables"),
        ("a.zip", archive(("parties.csv", b"uscc\n"), ("../../evil.csv", b"x")), "upload.path"),
        ("a.zip", archive(("parties.csv", b"uscc\n"), ("/etc/evil", b"x")), "upload.path"),
        ("a.zip", archive(("parties.csv", b"0" * 30_000_000)), "upload.bomb"),
        ("people.csv", b"uscc\n", "upload.unknown_file"),
    ],
)
def test_what_is_no_folder_is_refused_before_it_is_unpacked(cast: Cast, name, content, code):
    with pytest.raises(Invalid) as refusal:
        sent([SimpleUploadedFile(name, content)], cast.system_admin)
    assert refusal.value.code == code and refusal.value.field == "files"
    assert not Job.objects.exists() and not list(uploads_folder().iterdir())


def test_nothing_chosen_and_too_much_are_refused(cast: Cast):
    with pytest.raises(Invalid) as refusal:
        sent([], cast.system_admin)
    assert refusal.value.code == "upload.missing"
    file = SimpleUploadedFile("a.zip", b"x")
    file.size = uploads.LARGEST_UPLOAD + 1
    with pytest.raises(Invalid) as refusal:
        sent([file], cast.system_admin)
    assert refusal.value.code == "upload.too_large"


def test_a_part_that_is_larger_than_the_directory_says_is_not_written_beyond_that():
    content = bytearray(archive(("parties.csv", b"uscc,name,roles,region_code\n" * 1000)))
    true, told = (28_000).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert true in content
    with open_dataset(io.BytesIO(bytes(content.replace(true, told)))) as packed:
        part = parts_of(packed)["parties.csv"]
        with packed.open(part) as stream, pytest.raises(zipfile.BadZipFile):
            assert len(stream.read(1_000_000)) <= 100
            stream.read()


# A run that does not finish ------------------------------------------------------------------------------------------


def test_a_cancelled_load_leaves_nothing_and_takes_the_upload_away(cast: Cast, tmp_path):
    job = sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    claimed = claim_next()
    assert claimed is not None
    with acting(cast.system_admin, "test"):
        cancel_job(claimed, by=cast.system_admin)
    run = Run(claimed)
    run.stop()  # what its pulse does when it reads the mark
    with pytest.raises(JobCancelled):
        run_import(run)
    job.refresh_from_db()
    assert job.cancel_asked
    assert not Party.objects.filter(origin="imported").exists() and not list(uploads_folder().iterdir())


def test_a_run_that_was_killed_is_begun_again_from_what_was_kept(committed_db, cast: Cast, tmp_path):
    job = sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    place = uploads_folder() / job.params["upload"]
    (place / "run-1" / "folder").mkdir(parents=True)
    (place / "run-1" / "folder" / "parties.csv").write_text("half")
    assert run_waiting() == 1
    job.refresh_from_db()
    assert job.state == "done" and Claim.objects.filter(origin="imported").count() == 1


def test_an_upload_that_nobody_waits_for_is_taken_away_in_time(cast: Cast, tmp_path):
    job = sent([zipped(tmp_path, past_year.rows())], cast.system_admin)
    left, new = uploads_folder() / "left", uploads_folder() / "new"
    left.mkdir(), new.mkdir()
    for place in (left, uploads_folder() / job.params["upload"]):
        os.utime(place, (time.time() - 7200,) * 2)
    tidy_uploads()
    assert {p.name for p in uploads_folder().iterdir()} == {"new", job.params["upload"]}


# The pages -----------------------------------------------------------------------------------------------------------


def test_the_page_takes_a_folder_and_shows_what_became_of_it(committed_db, cast: Cast, client, tmp_path):
    client.force_login(cast.system_admin)
    rows = past_year.rows()
    rows["leases"] += [
        rows["leases"][0] | {"lease_no": f"L-2024-{n:06d}", "amount": "-1"} for n in range(2, 1002)
    ]
    answer = client.post(reverse("desk:imports"), {"files": zipped(tmp_path, rows)})
    job = Job.objects.get()
    assert answer.status_code == 302 and answer.url == reverse("desk:import_job", args=[job.job_no])
    assert run_waiting() == 1
    page = client.get(answer.url).content.decode()
    assert "leases.csv" in page and "另有 950 行" in page and "下载退回的行" in page
    file = client.get(reverse("jobs:file", args=[job.job_no]))
    content = b"".join(file.streaming_content).decode("utf-8-sig")
    assert content.count("\n") == 1001
    assert job.job_no in client.get(reverse("desk:imports")).content.decode()


def test_a_refusal_is_said_on_the_page_with_what_to_do(cast: Cast, client):
    client.force_login(cast.system_admin)
    answer = client.post(reverse("desk:imports"), {"files": SimpleUploadedFile("a.zip", b"Rar!")})
    assert answer.status_code == 422 and "不是 ZIP 压缩包" in answer.content.decode()


def test_an_auditor_of_the_region_looks_on_and_another_region_sees_nothing(
    committed_db, cast: Cast, client, tmp_path
):
    job = finished([zipped(tmp_path, past_year.rows())], cast.system_admin)
    client.force_login(cast.auditor)
    page = client.get(reverse("desk:imports")).content.decode()
    assert job.job_no in page and 'name="files"' not in page
    assert (
        client.post(reverse("desk:imports"), {"files": zipped(tmp_path, past_year.rows())}).status_code == 403
    )
    client.force_login(cast.other_auditor)
    assert job.job_no not in client.get(reverse("desk:imports")).content.decode()
    assert client.get(reverse("desk:import_job", args=[job.job_no])).status_code == 404
