"""核查案件 in a real browser, wide and on a phone: nothing yet, a thousand of them, and one worked to its conclusion."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from django.urls import reverse

from audit.models import Case, CaseSubject, ScanRun
from tests.browser.fit import assert_fits
from tests.browser.test_case_drawings import LONG, linked, sign_in
from vouchers import dates
from vouchers.context import Actor, acting

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


def many(count: int) -> None:
    with acting(Actor.service("test"), "test"):
        run = ScanRun.objects.first()
        cases = Case.objects.bulk_create(
            Case(
                case_no=f"K-2025-{number:08d}",
                region_code="110000",
                outcome="review",
                rank=number,
                weight=Decimal(1),
                amount=Decimal("1234567.89"),
                opened_by_run=run,
                opened_at=dates.now(),
            )
            for number in range(50_000, 50_000 + count)
        )
        CaseSubject.objects.bulk_create(
            CaseSubject(
                case=case,
                subject_kind="claim",
                subject_no=f"C-2025-{case.rank:08d}",
                enterprise_name=LONG,
                lessor_name=LONG,
                amount=case.amount,
                outcome="review",
                rank=case.rank,
            )
            for case in cases
        )


def test_the_list_is_read_with_nothing_and_with_a_thousand(cast, page):
    sign_in(page, "auditor")
    look(page, reverse("audit:cases"), "没有符合条件的案件", "cases-none")
    look(page, reverse("audit:precision"), "尚无结论", "precision")
    linked(cast)
    many(1000)
    look(page, reverse("audit:cases"), LONG[:12], "cases-many")


def test_a_case_is_assigned_noted_and_concluded_on_the_page(cast, page):
    linked(cast)
    case = Case.objects.order_by("rank").first()
    sign_in(page, "investigator")
    look(page, reverse("audit:case", args=(case.case_no,)), "一机多租", "case-open")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(reverse("audit:case", args=(case.case_no,)))
    page.get_by_role("link", name="分派", exact=True).click()
    page.get_by_role("button", name="确认分派").click()
    page.get_by_text("承办。").wait_for()
    page.select_option("#step-kind", "inspection")
    page.fill("#step-words", "到机房核对设备序列号，与合同所列一致。")
    page.get_by_role("button", name="记录", exact=True).click()
    page.get_by_text("到机房核对设备序列号").wait_for()
    while page.get_by_text("尚无结论").count():
        article = page.locator("article.flag").filter(has_text="尚无结论").first
        article.locator("select").select_option("confirmed")
        article.locator("textarea").fill("序列号一致，租期重叠三个月。")
        article.get_by_role("button", name="记录结论").click()
        page.wait_for_load_state("load")
    look(page, reverse("audit:case", args=(case.case_no,)), "属实", "case-concluded")
