"""规则 at the desk: drafting with validation beside each field, the shadow run's diff, publication by two, and what is set aside."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from audit.actions.rules import load_rules
from audit.actions.scans import run_scan
from audit.models import ReviewDraw, RuleStop, RuleVersion, ScanRun, Snooze
from audit.rules import VERSIONED
from audit.rules.parameters import shown
from tests.audit import scenes
from vouchers import dates
from vouchers.actions.job_runs import run_waiting
from vouchers.models import RoleGrant, User

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def typed(rule: str, **more: str) -> dict[str, str]:
    """The form as it stands when it is opened, with other entries."""
    values = {one.name: shown(one, one.default) for one in VERSIONED[rule].parameters}
    return {
        **values,
        "reason": "三件结论为资料瑕疵",
        "legal_basis": "实施细则第八条",
        "effective_on": "",
        **more,
    }


@pytest.fixture
def second(cast):
    load_rules()
    person = User.objects.create(username="second-audit-admin", display_name="京审管二")
    RoleGrant.objects.create(
        user=person, role="audit_admin", region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return person


def test_a_version_from_draft_to_publication(client, cast, second, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    scene = scenes.build(cast)
    lease = scene.lease(serials=("NVA1",))
    made = scene.claim(
        lease, [(scene.invoice(lease, "25112000000000000001", issued=date(2025, 2, 18)), "100000.00")]
    )
    client.force_login(cast.audit_admin)
    form = reverse("audit:rule-draft", args=["F04"])
    assert "可早于签订日" in text(client.get(form))
    wrong = client.post(form, typed("F04", days_before_signing="0.5", days_after_end="30天", reason=""))
    page = text(wrong)
    assert wrong.status_code == 422 and "须为整数" in page and "不必写出" in page and "0.5" in page
    same = client.post(form, typed("F04", legal_basis=RuleVersion.objects.get(rule="F04").legal_basis))
    assert "完全相同" in text(same)
    answer = client.post(form, typed("F04", days_before_signing="３０"), follow=True)
    page = text(answer)
    assert "还没有做过影子运行" in page and "<b>30</b>" in page
    here = reverse("audit:rule-version", args=["F04", 2])

    def decide(verb: str, **given: str):
        return client.post(reverse("audit:rule-decide", args=["F04", 2, verb]), given)

    assert decide("shadow-run", from_on="2025-05-01", last_on="").status_code == 422
    assert decide("shadow-run", from_on="2025-05-01", last_on="2025-06-30").status_code == 302
    assert "取消本任务" in text(client.get(here))
    run_waiting()
    page = text(client.get(here))
    assert made.claim_no in page and "拦截 → 通过" in page and "下载明细" in page
    assert decide("propose").status_code == 302
    assert decide("publish").status_code == 403
    client.force_login(second)
    assert 'id="publish"' in text(client.get(here))
    assert decide("return").status_code == 422
    assert decide("publish").status_code == 302
    page = text(client.get(reverse("audit:rule", args=["F04"])))
    assert "第 2 版" in page and "30 天" in page
    client.force_login(cast.other_auditor)
    assert made.claim_no not in text(client.get(here))  # another region's case is counted, not named


def test_who_does_not_keep_the_rules_reads_them_only(client, cast, second):
    client.force_login(cast.auditor)
    page = text(client.get(reverse("audit:rule", args=["S01"])))
    assert "每类上限" in page and "修订参数" not in page
    assert client.get(reverse("audit:rule-draft", args=["F04"])).status_code == 403
    assert client.get(reverse("audit:rule", args=["F99"])).status_code == 404
    assert client.get(reverse("audit:rule-version", args=["F04", 9])).status_code == 404


def test_a_rule_in_the_shadow_is_seen_and_put_back(client, cast, second):
    run = ScanRun.objects.create(
        kind="nightly", state="done", known_at=dates.now(), started_at=dates.now(), claims=200,
        rule_counts={"F04": {"soft": 40, "hard": 1}},
    )  # fmt: skip
    RuleStop.objects.create(
        rule="F04", rule_version=RuleVersion.objects.get(rule="F04"), scan_run=run, claims=200, flagged=40,
        sentence="本批 200 件中提示 40 件", stopped_at=dates.now(),
    )  # fmt: skip
    client.force_login(cast.audit_admin)
    assert "影子（熔断）" in text(client.get(reverse("audit:rules")))
    page = text(client.get(reverse("audit:rule", args=["F04"])))
    assert "本批 200 件中提示 40 件" in page and "20.5%" in page and "恢复规则" in page
    address = reverse("audit:rule-put-back", args=["F04"])
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "年度集中开票"}).status_code == 302
    assert "影子（熔断）" not in text(client.get(reverse("audit:rules")))


def test_a_soft_flag_is_snoozed_from_its_case_and_the_draw_is_shown(client, cast):
    scene = scenes.build(cast)
    young = scene.party("91110108MA0NEWCX0T", "新设企业有限公司", registered_on=date(2025, 2, 1))
    lease = scene.lease(lessee=young, serials=("NVA1",))
    made = scene.claim(
        lease, [(scene.invoice(lease, "25112000000000000001"), "100000.00")], voucher=scene.voucher(young)
    )
    run_scan()
    client.force_login(cast.investigator)
    case = reverse("audit:suspicion", args=("claim", made.claim_no))
    assert 'id="snooze-F22"' in text(client.get(case))
    address = reverse("audit:snooze", args=("claim", made.claim_no, "F22"))
    last = dates.today() + timedelta(days=29)
    assert client.post(address, {"last_on": "", "reason": "x"}).status_code == 422
    assert client.post(address, {"last_on": f"{last:%Y-%m-%d}", "reason": "现场核查属实"}).status_code == 302
    run_scan()
    assert "见暂不计分" in text(client.get(case))
    row = Snooze.objects.get()
    assert row.to_on == last + timedelta(days=1)
    assert row.snooze_no in text(client.get(reverse("audit:snoozes")))
    page = text(client.get(reverse("audit:review-draws")))
    assert made.claim_no in page and ReviewDraw.objects.get().seed in page
    client.force_login(cast.other_auditor)
    assert made.claim_no not in text(client.get(reverse("audit:review-draws")))
    assert row.snooze_no not in text(client.get(reverse("audit:snoozes")))
    client.force_login(cast.investigator)
    assert client.post(reverse("audit:end-snooze", args=(row.snooze_no,))).status_code == 302
    row.refresh_from_db()
    assert row.ended_on == dates.today()
