"""The rules at the audit desk as people see them: a draft with faults beside its fields, a shadow run's diff, what is set aside; wide
and narrow, with nothing, with long names and with a thousand rows."""

from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.urls import reverse

from audit.actions.rules import draft_rule_version, load_rules
from audit.actions.scans import run_scan
from audit.actions.shadow_runs import ask_shadow_run
from audit.models import ReviewDraw, ReviewPick, RuleStop, RuleVersion, ScanRun, Snooze
from tests.audit import scenes
from tests.browser.fit import assert_fits
from tests.browser.test_payments import NAME, sign_in, sign_out
from vouchers import dates
from vouchers.actions.job_runs import run_waiting
from vouchers.context import acting
from vouchers.models import Party

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SCREENSHOTS", "")


def look(page, address: str, said: str, shot: str) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        page.wait_for_load_state("load")
        assert said in page.locator("main").inner_text(), address
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{shot}-{width}.png", full_page=True)
        assert_fits(page)


def test_rules_from_draft_to_diff_with_nothing_and_with_a_thousand_rows(page, cast, tmp_path):
    for address, said in (
        (reverse("audit:rules"), "尚未扫描"),
        (reverse("audit:snoozes"), "没有暂不计分的规则"),
        (reverse("audit:review-draws"), "还没有抽取过"),
    ):
        if page.url == "about:blank":
            sign_in(page, "audit-admin")
        look(page, address, said, f"rules-nothing-{address.strip('/').replace('/', '-')}")
    _fill(cast, tmp_path)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(reverse("audit:rule-draft", args=["F22"]))
    page.get_by_label("成立不久").fill("三十天")
    page.get_by_label("修订理由").fill("园区新设企业多")
    page.get_by_role("button", name="保存草稿").click()
    page.wait_for_load_state("load")
    assert "不是数字" in page.locator("main").inner_text()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/rules-fault.png", full_page=True)
    look(page, reverse("audit:rule-draft", args=["S01"]), "每类上限", "rules-form")
    look(page, reverse("audit:rules"), "影子（熔断）", "rules-list")
    look(page, reverse("audit:rule", args=["F04"]), "恢复规则", "rules-page")
    look(page, reverse("audit:rule-version", args=["F04", 2]), "您的地区的例子", "rules-version")
    look(page, reverse("audit:snoozes"), NAME, "rules-snoozes")
    look(page, reverse("audit:review-draws"), "种子", "rules-draws")
    sign_out(page)


def _fill(cast, tmp_path) -> None:
    Party.objects.filter(pk=cast.alpha.pk).update(name=NAME)
    cast.alpha.refresh_from_db()
    scene = scenes.build(cast)
    lease = scene.lease(serials=("NVA1",))
    paper = scene.invoice(lease, "25112000000000000001", issued=date(2025, 2, 18))
    made = scene.claim(lease, [(paper, "100000.00")])
    settings.VAR_DIR = tmp_path
    with acting(cast.audit_admin, "test"):
        load_rules()
        run_scan()
        version = draft_rule_version(
            "F04",
            by=cast.audit_admin,
            parameters={"days_before_signing": 30},
            reason="三件结论为资料瑕疵，框架合同先行签订而订单在后，开票日早于订单签订日。" * 3,
        )
        ask_shadow_run(version, from_on=date(2025, 5, 1), to_on=date(2025, 7, 1), by=cast.audit_admin)
    assert run_waiting() == 1
    with acting(cast.audit_admin, "test"):
        run = ScanRun.objects.order_by("-pk")[0]
        RuleStop.objects.create(
            rule="F04", rule_version=RuleVersion.objects.get(rule="F04", version=1), scan_run=run, claims=200, flagged=40,
            sentence="本批 200 件中提示 40 件，超过 15%，规则已自行停用。", stopped_at=dates.now(),
        )  # fmt: skip
        today = dates.today()
        Snooze.objects.bulk_create(
            Snooze(
                snooze_no=f"SN-2025-{n:08d}", rule="F22", party_uscc=f"{n:018d}", party_name=NAME, region_code="110000",
                reason="现场核查属实，设备、人员与合同相符。" * 3, from_on=today, to_on=today + timedelta(days=n % 180 + 1),
                placed_by=cast.investigator,
            )
            for n in range(1, 1001)
        )  # fmt: skip
        lot = "\n".join(f"C-2024-{n:07d}" for n in range(1, 1001))
        draw = ReviewDraw.objects.create(
            draw_no="RV-2025-00000901", scan_run=run, seed="ab" * 32, lot=lot, lot_digest="cd" * 32, lot_size=1000,
            per_mille=1000, drawn_at=dates.now(),
        )  # fmt: skip
        ReviewPick.objects.bulk_create(
            ReviewPick(
                draw=draw, position=n, claim_no=number, program_code="EX-BJ-AIQ", region_code="110000", amount=Decimal("9999999.99")
            )
            for n, number in enumerate(lot.split("\n"), start=1)
        )  # fmt: skip
    assert made.claim_no
