"""What would it cost? A draft held against what its cases got, with figures that anyone can work out by hand."""

# ruff: noqa: F811 - fixtures of another module

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from tests.vouchers.dry_run_cases import YEAR, asked, draft, own_folder, publication, ran  # noqa: F401 - fixtures
from vouchers.actions import job_runs, jobs
from vouchers.actions.case_sources import SOURCES, CaseQuery
from vouchers.actions.dry_runs import ask_dry_run, before_choices, changed_since, latest_dry_run
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Job, PolicyRate


def test_the_figures_are_those_of_a_hand_calculation(committed_db, cast, draft):
    report = ran(cast, draft).result["report"]
    total = report["commitments"]["total"]
    # before: 15,000,000 × 20 % = 3,000,000, at most 2,000,000 · 5,000,000 × 20 % · 2,000,000 × 20 %
    assert total["before"] == "3400000.00"
    # after: at most 2,000,000 · 5,000,000 × 30 % · not the software industry
    assert total["after"] == "3500000.00"
    assert (total["difference"], total["won"], total["lost"]) == ("100000.00", "500000.00", "400000.00")
    assert (total["cases"], total["winners"], total["losers"]) == (3, 1, 1)
    (shift,) = report["commitments"]["shifts"]
    assert (shift["code"], shift["lost"], shift["gained"]) == ("sector", 1, 0)
    paid = report["payments"]["total"]
    assert (paid["before"], paid["after"]) == ("200000.00", "300000.00")
    sizes = {
        group["value"]: group["difference"]
        for one in report["commitments"]["breakdowns"]
        if one["by"] == "size"
        for group in one["groups"]
    }
    assert sizes == {"medium": "0.00", "small": "500000.00", "large": "-400000.00"}
    assert [change["enterprise_name"] for change in report["commitments"]["losses"]] == ["戊制造有限公司"]


def test_against_what_was_decided_the_undecided_are_told_apart(committed_db, cast, draft):
    report = ran(cast, draft, before="recorded").result["report"]
    # one application is decided (1,000,000), two are not; the claim is not either
    total = report["commitments"]["total"]
    assert (total["cases"], total["before"], total["after"]) == (1, "1000000.00", "1500000.00")
    assert report["commitments"]["undecided"] == 2
    assert report["commitments"]["undecided_after"] == "2000000.00"
    assert report["payments"]["undecided"] == 1


def test_the_budget_is_the_pool_and_its_last_day_is_told(committed_db, cast, draft):
    from vouchers.models import ProgramBudget

    ProgramBudget.objects.filter(program=draft.program, year=2025).update(amount=Decimal("2500000.00"))
    report = ran(cast, draft).result["report"]
    (pool,) = [one for one in report["pools_after"] if one["code"] == "budget"]
    assert (pool["limit"], pool["used"]) == ("2500000.00", "2500000.00")
    assert pool["spent_on"] == "2025-07-15" or pool["spent_on"] > "2025-07-15"


def test_the_workbook_has_every_case_and_its_hash(committed_db, cast, draft):
    job = ran(cast, draft)
    path = jobs.result_path(job)
    assert path is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == job.result_sha256
    book = load_workbook(path)
    rows = list(book["逐件"].iter_rows(min_row=2))
    assert len(rows) == 4
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d"}
    by_name = {row[4].value: row for row in rows if row[1].value == "申领"}
    assert by_name["丁智能有限公司"][10].value == 1_000_000
    assert by_name["丁智能有限公司"][12].value == 1_500_000
    assert by_name["丁智能有限公司"][5].value == "91110108MA01DELT0X"
    assert by_name["戊制造有限公司"][13].value == "不予支持"
    cover = {row[0].value: row[1].value for row in book["说明"].iter_rows(min_row=2)}
    assert job.params["scheme_sha256"] in cover["版本内容摘要"]


def test_what_was_run_stays_what_was_asked_for_and_a_later_change_is_told(committed_db, cast, draft):
    job = asked(cast, draft)
    PolicyRate.objects.filter(version=draft).update(rate=Decimal("0.4"))  # while it waits
    job_runs.run_waiting()
    job.refresh_from_db()
    assert job.result["report"]["commitments"]["total"]["after"] == "3500000.00"
    assert changed_since(job, draft)
    PolicyRate.objects.filter(version=draft).update(rate=Decimal("0.3"))
    assert not changed_since(job, draft)
    assert latest_dry_run(draft, by=cast.publisher) == job


def test_no_case_is_changed_by_it(committed_db, cast, draft):
    from applications.models import Application, Claim

    def held():
        return (
            list(Application.objects.order_by("pk").values()),
            list(Claim.objects.order_by("pk").values()),
        )

    before = held()
    ran(cast, draft)
    assert held() == before


def test_the_sample_year_stands_for_a_program_without_cases(committed_db, cast, draft):
    job = ran(cast, draft, sources=["sample"], from_on=date(2024, 1, 1), to_on=date(2026, 12, 31))
    report, (source,) = job.result["report"], job.result["sources"]
    assert report["cases"] == source["cases"] > 150
    assert "合成数据" in source["note"]
    assert Decimal(report["commitments"]["total"]["before"]) > 0


def test_a_city_that_the_sample_does_not_know_takes_the_cases_of_the_one_that_is_chosen(db):
    query = CaseQuery(
        program="HZ-SLQ", region="330100", from_on=date(2024, 1, 1), to_on=date(2027, 1, 1), like="GZ-SLQ"
    )
    cases = list(SOURCES["sample"].read(query))
    assert len(cases) == SOURCES["sample"].count(query) > 100
    assert cases == sorted(cases, key=lambda case: (case.on, case.case_no))
    places = {case.facts.applicant.region_code for case in cases}
    assert "330100" in places
    assert "520000" not in places


def test_a_sample_program_that_is_none_is_refused(db):
    query = CaseQuery(
        program="HZ-SLQ", region="330100", from_on=date(2024, 1, 1), to_on=date(2027, 1, 1), like="XX"
    )
    with pytest.raises(Invalid) as refused:
        SOURCES["sample"].count(query)
    assert refused.value.code == "dry_run.sample_program"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"to_on": date(2025, 1, 1)}, "dry_run.period"),
        ({"from_on": date(1990, 1, 1)}, "dry_run.period"),
        ({"sources": []}, "dry_run.no_source"),
        ({"sources": ["tea_leaves"]}, "dry_run.unknown_source"),
        ({"before": "NO-SUCH-1"}, "dry_run.before"),
        ({"from_on": date(2019, 1, 1), "to_on": date(2019, 2, 1)}, "dry_run.no_cases"),
    ],
)
def test_what_cannot_be_run_is_refused_when_it_is_asked_for(cast, draft, more, code):
    with pytest.raises(Invalid) as refused:
        asked(cast, draft, **more)
    assert refused.value.code == code
    assert not Job.objects.exists()


def test_a_draft_that_is_no_scheme_yet_says_what_it_lacks(cast, draft):
    draft.title = ""
    draft.save()
    with pytest.raises(Problems):
        asked(cast, draft)


def test_the_default_is_the_version_in_force(cast, draft, publication):
    codes = [code for code, _words in before_choices(draft)]
    assert codes == [publication.publication_no, "recorded"]


@pytest.mark.parametrize("account", ["other_policy_editor", "auditor", "handler", "filer", "stranger"])
def test_only_editors_and_publishers_of_the_region_may_ask(cast, draft, account):
    person = getattr(cast, account)
    with pytest.raises(Forbidden), acting(person, "test"):
        ask_dry_run(draft, **YEAR, sources=["cases"], by=person)


def test_one_of_a_version_at_a_time(cast, draft):
    first = asked(cast, draft)
    with pytest.raises(NotNow) as refused:
        asked(cast, draft)
    assert refused.value.detail == {"job_no": first.job_no}
