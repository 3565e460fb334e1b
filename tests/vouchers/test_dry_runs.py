"""What would it cost? A draft held against what its cases got, with figures that anyone can work out by hand."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from openpyxl import load_workbook

from applications.actions.basis_items import ItemFields
from tests import casework
from tests.cast import SINCE
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import job_runs, jobs
from vouchers.actions.case_sources import SOURCES, CaseQuery
from vouchers.actions.dry_runs import ask_dry_run, before_choices, changed_since, latest_dry_run
from vouchers.actions.policies import clone_version
from vouchers.actions.policy_files import export_version
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Job, Party, PolicyGate, PolicyRate, PolicyVersion, RoleGrant, User

YEAR = {"from_on": date(2025, 1, 1), "to_on": date(2026, 1, 1)}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, settings):
    settings.VAR_DIR = tmp_path


def enterprise(name: str, uscc: str, industry: str, size: str) -> tuple[Party, User]:
    """A company of 北京 with a filer of its own."""
    party = Party.objects.create(
        uscc=uscc,
        name=name,
        region_code="110108",
        is_enterprise=True,
        industry_code=industry,
        registered_on=date(2019, 5, 1),
        ownership="private",
        size=size,
    )
    filer = User.objects.create(username=f"filer-{uscc[-4:].lower()}", display_name=f"{name}经办")
    RoleGrant.objects.create(user=filer, role=Role.FILER, party=party, effective_from=SINCE)
    return party, filer


@pytest.fixture
def publication(cast):
    """北京's scheme with three applications: 15, 5 and 2 million of rent, and a claim of one million on the second."""
    made = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, made.program)
    casework.fit_for_beijing(cast.alpha)
    casework.submitted(cast, made, casework.lease_fields(cast.provider, "15000000.00"))
    second, filer = enterprise("丁智能有限公司", "91110108MA01DELT0X", "6513", "small")
    application = casework.submitted(
        cast, made, casework.lease_fields(cast.provider, "5000000.00"), party=second, by=filer
    )
    third, other = enterprise("戊制造有限公司", "91110108MA01EPSI0X", "3911", "large")
    casework.submitted(cast, made, casework.lease_fields(cast.provider, "2000000.00"), party=third, by=other)
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        item = ItemFields(
            kind="invoice_line",
            net_amount=Decimal("1000000.00"),
            invoice=casework.invoice(application.lease, "1000000.00", owner=second),
        )
        casework.claimed(cast, voucher, application.lease, [item], by=filer)
    return made


@pytest.fixture
def draft(cast, publication) -> PolicyVersion:
    """The next version: three tenths instead of a fifth, and for the software industry alone."""
    with acting(cast.policy_editor, "test"):
        version = clone_version(publication.version, by=cast.policy_editor, label="2026年度")
        version.effective_from, version.effective_to = date(2026, 1, 1), None
        version.save()
        PolicyRate.objects.filter(version=version).update(rate=Decimal("0.3"))
        PolicyGate.objects.filter(version=version, code="sector").update(industries=["65"])
    return version


def asked(cast, version, **more) -> Job:
    with acting(cast.policy_editor, "test"):
        return ask_dry_run(version, **{**YEAR, "sources": ["cases"], "by": cast.policy_editor, **more})


def ran(cast, version, **more) -> Job:
    job = asked(cast, version, **more)
    job_runs.run_waiting()
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job


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


# -- the command ----------------------------------------------------------------------------------------------------


def command(*args: str) -> dict:
    out = io.StringIO()
    call_command("dry_run", *args, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_prints_the_same_figures(cast, draft, tmp_path):
    answer = command(
        draft.version_no, "--from", "2025-01-01", "--to", "2025-12-31", "--xlsx", str(tmp_path / "out.xlsx")
    )
    assert answer["report"]["commitments"]["total"]["difference"] == "100000.00"
    assert load_workbook(tmp_path / "out.xlsx")["逐件"].max_row == 5
    assert not Job.objects.exists()


def test_more_processes_give_the_same_answer(cast, draft):
    asked = (draft.version_no, "--from", "2024-01-01", "--to", "2026-12-31", "--source", "sample")
    alone, together = command(*asked), command(*asked, "--processes", "2")
    assert together == alone
    assert alone["report"]["cases"] > 150


def test_a_file_that_is_not_in_the_database_can_be_run(cast, draft, tmp_path):
    path = tmp_path / "scheme.yaml"
    path.write_text(
        export_version(draft, with_examples=False).replace("rate: '0.3'", "rate: '0.25'"), encoding="utf-8"
    )
    answer = command("--file", str(path), "--from", "2025-01-01", "--to", "2025-12-31", "--source", "cases")
    expected = "3250000.00" if "0.25" in path.read_text(encoding="utf-8") else "3500000.00"
    assert answer["report"]["commitments"]["total"]["after"] == expected


def test_the_command_says_what_is_wrong(cast, draft, tmp_path):
    for arguments, words in (
        ([], "二者取一"),
        (["BJ-AIQ-99"], "BJ-AIQ-99"),
        ([draft.version_no, "--source", "tea"], "dry_run.unknown_source"),
        (["--file", str(tmp_path / "none.yaml")], "不能读取"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("dry_run", *arguments)


# -- the pages ------------------------------------------------------------------------------------------------------


def page_of(version: PolicyVersion) -> str:
    return reverse("admin:vouchers_policyversion_dry-run", args=[version.version_no])


def test_the_page_asks_follows_and_shows(committed_db, client, cast, draft):
    client.force_login(cast.policy_editor)
    answer = client.get(page_of(draft))
    assert "本版本尚未测算" in answer.content.decode()
    given = {
        "from_on": "2025-01-01",
        "to_on": "2025-12-31",
        "sources": ["cases"],
        "like": "",
        "before": "recorded",
    }
    answer = client.post(page_of(draft), {**given, "to_on": "2024-12-31"})
    assert answer.status_code == 422
    assert "期间的结束日不能早于开始日" in answer.content.decode()
    given["before"] = before_choices(draft)[0][0]
    answer = client.post(page_of(draft), given)
    assert answer.status_code == 302
    here = answer.url
    waiting = client.get(here).content.decode()
    assert "排队中" in waiting
    assert "取消本任务" in waiting
    assert "hx-get" in waiting
    assert client.get(reverse("jobs:list")).content.decode().count("影响测算") >= 1
    job_runs.run_waiting()
    job = Job.objects.get()
    poll = client.get(reverse("jobs:progress", args=[job.job_no]), headers={"HX-Request": "true"})
    assert poll["HX-Refresh"] == "true"
    shown = client.get(here).content.decode()
    for words in ("+100,000.00", "戊制造有限公司", "软件和信息服务业", "2026-01-01", "1 件增加"):
        assert words.replace(" ", "") in shown.replace(" ", "").replace("\n", "") or words in shown, words
    file = client.get(reverse("jobs:file", args=[job.job_no]))
    content = b"".join(file.streaming_content)
    assert hashlib.sha256(content).hexdigest() == job.result_sha256 == file["X-Content-SHA256"]
    assert "2025年1月1日至2025年12月31日" in client.get(page_of(draft)).content.decode()


def test_whoever_proposes_or_publishes_sees_the_last_one_or_that_there_is_none(
    committed_db, client, cast, draft
):
    client.force_login(cast.policy_editor)
    propose = reverse("admin:vouchers_policyversion_act", args=[draft.version_no, "propose"])
    page = reverse("admin:vouchers_policyversion_change", args=[draft.version_no])
    for address in (propose, page):
        assert "尚未测算" in client.get(address).content.decode()
    ran(cast, draft)
    for address in (propose, page):
        shown = client.get(address).content.decode()
        assert "3,400,000.00 → 3,500,000.00" in shown
        assert "请重新测算" not in shown
    PolicyRate.objects.filter(version=draft).update(rate=Decimal("0.4"))
    assert "请重新测算" in client.get(propose).content.decode()


def test_a_waiting_one_is_cancelled_from_its_page(client, cast, draft):
    client.force_login(cast.policy_editor)
    job = asked(cast, draft)
    answer = client.post(reverse("jobs:cancel", args=[job.job_no]), follow=True)
    assert "已取消" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_the_auditor_reads_and_does_not_ask(committed_db, client, cast, draft):
    job = ran(cast, draft)
    client.force_login(cast.auditor)
    page = client.get(page_of(draft)).content.decode()
    assert "开始测算" not in page
    assert job.job_no in page
    report = reverse("admin:vouchers_policyversion_dry-run-report", args=[draft.version_no, job.job_no])
    assert "/audit/trail/stories/application/" in client.get(report).content.decode()
    assert client.post(page_of(draft), {}).status_code == 403
    file = client.get(reverse("jobs:file", args=[job.job_no]))
    assert file.status_code == 200
    file.close()
    assert client.post(reverse("jobs:cancel", args=[job.job_no])).status_code in (302, 403)


@pytest.mark.parametrize(
    ("account", "expected"),
    [("other_policy_editor", 404), ("handler", 404), ("stranger", 403), ("filer", 403)],
)
def test_others_find_nothing(client, cast, draft, account, expected):
    job = asked(cast, draft)
    client.force_login(getattr(cast, account))
    for name in ("job", "progress", "file"):
        assert client.get(reverse(f"jobs:{name}", args=[job.job_no])).status_code == expected
    assert client.post(reverse("jobs:cancel", args=[job.job_no])).status_code == expected
    report = reverse("admin:vouchers_policyversion_dry-run-report", args=[draft.version_no, job.job_no])
    assert client.get(report).status_code in (403, 404)
