"""The dry run on its page: asked for, followed, shown, cancelled, and by whom."""

# ruff: noqa: F811 - fixtures of another module

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.dry_run_cases import asked, draft, own_folder, publication, ran  # noqa: F401 - fixtures
from vouchers.actions import job_runs
from vouchers.actions.dry_runs import before_choices
from vouchers.models import Job, PolicyRate, PolicyVersion


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
