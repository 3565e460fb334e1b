"""A dry run shows nobody another region's cases: neither when it is asked for, nor when its report is read."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from types import SimpleNamespace

import pytest
from openpyxl import load_workbook

from applications.actions.imports import import_folder
from applications.models import Claim
from applications.sample_year import SHIPPED
from tests import casework
from tests.cast import SINCE
from vouchers.access import Role
from vouchers.actions import job_runs, jobs
from vouchers.actions.dry_runs import ask_dry_run
from vouchers.admin.version_pages import version_address
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid
from vouchers.models import Job, Region, RoleGrant, User

YEARS = {"from_on": date(2024, 1, 1), "to_on": date(2027, 1, 1)}


@pytest.fixture
def office(cast, tmp_path, settings):
    """北京's scheme in force; past years of 北京, 成都 and others; an editor of 北京 alone."""
    settings.VAR_DIR = tmp_path
    made = casework.published(cast, "BJ-AIQ")
    with acting(Actor.service("test"), "test"):
        import_folder(SHIPPED, out=tmp_path)
    return SimpleNamespace(version=made.version, editor=person("jia", "110000"), cast=cast)


def person(name: str, *regions: str, role: str = Role.POLICY_EDITOR) -> User:
    """A person of the office with the role in these regions and nowhere else."""
    someone = User.objects.create(username=name, display_name=name)
    for code in regions:
        region, _created = Region.objects.get_or_create(code=code, defaults={"name": code})
        RoleGrant.objects.create(user=someone, role=role, region=region, effective_from=SINCE)
    return someone


def ask(office, by: User, **more) -> Job:
    with acting(by, "test"):
        return ask_dry_run(office.version, **YEARS, sources=["history"], before="recorded", by=by, **more)


def ran(job: Job) -> Job:
    job_runs.run_job(job_runs.claim_next())
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job


def regions_in(job: Job) -> set[str]:
    """The regions of the claims that the workbook lists."""
    rows = load_workbook(jobs.result_path(job), read_only=True)["逐件"].iter_rows(values_only=True, min_row=2)
    numbers = [row[0] for row in rows]
    return set(Claim.objects.filter(claim_no__in=numbers).values_list("program_region_code", flat=True))


def text_of(content: bytes) -> str:
    """All the text in a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


def test_another_regions_past_is_refused_as_if_there_were_none(office):
    with pytest.raises(Invalid) as foreign:
        ask(office, office.editor, like="CD-SLQ")
    with pytest.raises(Invalid) as nowhere:
        ask(office, office.editor, like="XX-NONE")
    assert foreign.value.code == nowhere.value.code == "dry_run.like"
    assert foreign.value.message.replace("CD-SLQ", "") == nowhere.value.message.replace("XX-NONE", "")
    assert foreign.value.hint == nowhere.value.hint
    assert "成都" not in str(foreign.value.hint)
    assert not Job.objects.exists()


def test_ones_own_past_is_all_that_the_report_and_the_workbook_hold(office):
    job = ran(ask(office, office.editor))
    assert job.case_regions == ["110000"]
    assert regions_in(job) == {"110000"}


def test_a_program_that_is_named_after_another_regions_takes_none_of_its_past(office):
    from vouchers.actions.case_sources import SOURCES, CaseQuery

    query = CaseQuery(program="CD-SLQ-X", region="110000", regions=frozenset({"110000"}), **YEARS)
    assert SOURCES["history"].count(query) == 0


def test_who_has_both_regions_may_and_only_who_has_both_may_read_it(client, office):
    both = person("yi", "110000", "510100")
    job = ran(ask(office, both, like="CD-SLQ"))
    assert job.case_regions == ["510100"]
    assert regions_in(job) == {"510100"}
    here, auditor = office.editor, person("bing", "110000", role=Role.AUDITOR)
    report = version_address(office.version, "dry-run") + f"{job.job_no}/"
    for someone, expected in ((both, 200), (here, 404), (auditor, 404)):
        assert jobs.visible_jobs(someone).filter(pk=job.pk).exists() is (expected == 200)
        client.force_login(someone)
        assert client.get(report).status_code == expected
        for way in ("", "file/", "progress/"):
            answer = client.get(f"/jobs/{job.job_no}/{way}")
            assert answer.status_code in ({200, 302} if expected == 200 else {404})
            if answer.streaming:
                assert b"".join(answer.streaming_content)[:2] == b"PK"
        listed = client.get(version_address(office.version, "dry-run")).content.decode()
        assert (job.job_no in listed) is (expected == 200)
    with pytest.raises(Forbidden):
        jobs.cancel_job(job, by=here)


def test_whoever_loses_the_region_loses_the_report(office):
    both = person("yi", "110000", "510100")
    job = ran(ask(office, both, like="CD-SLQ"))
    RoleGrant.objects.filter(user=both, region__code="510100").delete()
    both.__dict__.pop("_grants_now", None)
    assert not jobs.visible_jobs(both).filter(pk=job.pk).exists()


def test_the_page_offers_the_sample_and_ones_own_past_and_posting_another_shows_nothing(client, office):
    client.force_login(office.editor)
    address = version_address(office.version, "dry-run")
    answer = client.post(
        address,
        {
            "from_on": "2024-01-01",
            "to_on": "2026-12-31",
            "sources": ["history"],
            "like": "SZ-XLQ",
            "before": "recorded",
        },
    )
    assert answer.status_code == 422
    assert "dry_run.like" in answer.content.decode() or "没有您可以使用的专项" in answer.content.decode()
    assert not Job.objects.exists()


def test_the_synthetic_sample_is_open_to_all_and_says_what_it_is(client, office):
    by = office.editor
    with acting(by, "test"):
        job = ask_dry_run(
            office.version, **YEARS, sources=["sample"], before="recorded", like="CD-SLQ", by=by
        )
    job = ran(job)
    assert job.case_regions == []
    client.force_login(by)
    page = client.get(version_address(office.version, "dry-run") + f"{job.job_no}/").content.decode()
    assert "含合成样本年度的案件" in page
    assert "均为虚构" in page
    assert "样本年度为合成数据" in text_of(jobs.result_path(job).read_bytes())


def test_with_the_sample_beside_it_history_stays_ones_own(office):
    by = office.editor
    with acting(by, "test"):
        job = ask_dry_run(
            office.version, **YEARS, sources=["history", "sample"], before="recorded", like="CD-SLQ", by=by
        )
    assert job.case_regions == ["110000"]
    notes = {one["code"]: one["note"] for one in ran(job).result["sources"]}
    assert "（BJ-AIQ）" in notes["history"]
    assert "（CD-SLQ）" in notes["sample"]
