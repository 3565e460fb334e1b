"""What a dry run's page and workbook say: where a pool counts, what is invented, where the cases of a large run are listed."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal

from django.urls import reverse
from openpyxl import load_workbook

from tests.vouchers.dry_run_cases import asked, draft, own_folder, publication, ran  # noqa: F401 - fixtures
from vouchers.actions import jobs
from vouchers.actions.dry_run_workbook import MOST_CASES, DryRunBook
from vouchers.actions.dry_runs import compute, plan_of
from vouchers.models import Job, PolicyCap


def test_more_cases_than_a_workbook_is_read_with_are_listed_in_a_file_beside_it(
    committed_db,
    cast,
    draft,  # noqa: F811
    tmp_path,
):
    """The book is made for the number of cases that the sources counted; here as if they had counted a quarter of a million."""
    report = DryRunBook(tmp_path / "many.xlsx", MOST_CASES + 1)
    assert report.beside == tmp_path / "many.csv"
    plan = plan_of(asked(cast, draft).params, ["110000"])
    report.save(compute(plan, each=report.each), basis=[], job_no="J-1", scheme_sha256="0" * 64)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "many.csv").read_text(encoding="utf-8-sig"))))
    assert {row["企业"]: row["测算后（元）"] for row in rows if row["环节"] == "申领"} == {
        "甲智能科技（北京）有限公司": "2000000.00", "丁智能有限公司": "1500000.00", "戊制造有限公司": "0.00"
    }  # fmt: skip
    assert {row["规模"] for row in rows} == {"小型", "中型", "大型"}
    (line,) = load_workbook(tmp_path / "many.xlsx")["逐件"].iter_rows(min_row=2, values_only=True)
    digest = hashlib.sha256((tmp_path / "many.csv").read_bytes()).hexdigest()
    assert "many.csv" in line[0]
    assert digest in line[0]


def test_a_run_that_was_cut_off_says_that_it_begins_anew(committed_db, client, cast, draft):  # noqa: F811
    job = asked(cast, draft)
    client.force_login(cast.policy_editor)
    report = reverse("admin:vouchers_policyversion_dry-run-report", args=[draft.version_no, job.job_no])
    assert "从头算起" not in client.get(report).content.decode()
    Job.objects.filter(pk=job.pk).update(runs=2)
    assert "现为第 2 次运行，从头算起" in client.get(report).content.decode()


def test_the_report_speaks_in_words_and_says_where_a_pool_counts(committed_db, client, cast, draft):  # noqa: F811
    job = ran(cast, draft)
    sizes = {
        group["value"]: group["label"]
        for one in job.result["report"]["commitments"]["breakdowns"]
        if one["by"] == "size"
        for group in one["groups"]
    }
    assert sizes == {"small": "小型", "medium": "中型", "large": "大型"}
    client.force_login(cast.policy_editor)
    address = reverse("admin:vouchers_policyversion_dry-run-report", args=[draft.version_no, job.job_no])
    page = client.get(address).content.decode()
    assert "2025年 · 发券时计入" in page
    assert "private" not in page.partition("<main")[2]
    path = jobs.result_path(job)
    assert path is not None
    pools = list(load_workbook(path)["资金池"].iter_rows(values_only=True))
    assert pools[0][3] == "计入环节"
    assert {row[3] for row in pools[1:]} <= {"发券", "兑付"}


def test_who_proposes_is_told_that_the_sample_is_invented(committed_db, client, cast, draft):  # noqa: F811
    client.force_login(cast.policy_editor)
    propose = reverse("admin:vouchers_policyversion_act", args=[draft.version_no, "propose"])
    ran(cast, draft)
    assert "虚构" not in client.get(propose).content.decode()
    ran(cast, draft, sources=["cases", "sample"], from_on=date(2024, 1, 1), to_on=date(2026, 12, 31))
    assert "含合成样本年度的案件：其中的企业和金额均为虚构。" in client.get(propose).content.decode()


def test_a_cap_that_counts_at_payment_is_told_with_what_it_leaves_for_later(
    committed_db,
    client,
    cast,
    draft,  # noqa: F811
):
    one = PolicyCap.objects.filter(version=draft).order_by("pk").first()
    assert one is not None
    one.pk, one.code, one.name, one.subject, one.amount = (
        None,
        "paid_year",
        "年度拨付限额",
        "enterprise",
        Decimal("250000"),
    )
    one.share, one.period, one.counts_at, one.tracks, one.classes = None, "calendar_year", "payment", [], []
    one.save()
    job = ran(cast, draft)
    assert job.result["report"]["payment_before"] is None
    outlook = job.result["report"]["payment_after"]
    # Three tenths of a million, in one piece: more than the year's cap by itself.
    assert (outlook["cases"], outlook["asked"], outlook["never_cases"]) == (1, "300000.00", 1)
    assert any("不减少核定金额" in sentence for sentence in job.result["basis"])
    client.force_login(cast.policy_editor)
    page = reverse("admin:vouchers_policyversion_dry-run-report", args=[draft.version_no, job.job_no])
    text = client.get(page).content.decode()
    assert "拨付限额放得下多少" in text and "1 件单笔超过限额、无法拨付" in text and "不减少核定金额" in text
    rows = list(load_workbook(jobs.result_path(job))["拨付限额"].iter_rows(min_row=2, values_only=True))
    assert [(row[1], row[2], row[5], row[11]) for row in rows if row[1] == "年度拨付限额"] == [
        ("年度拨付限额", "2025年", 250000, 300000)
    ]
    assert rows[-1][1:2] + rows[-1][7:9] == ("其中单笔超过限额、无法拨付", 1, 300000)
