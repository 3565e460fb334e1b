"""The budget page and the ledger's days fit a desk and a phone: with nothing, with two treasuries, long names and many rows."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from tests import casework
from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.cast import Cast
from tests.vouchers.test_budgets import approved, closed, given, proposed, shared
from vouchers.actions.ledger_days import close_day, keep_check

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SHOTS", "")


def seen(page: Page, address: str, name: str) -> None:
    """Fits at both widths; kept as a picture where SHOTS names a folder."""
    page.goto(address)
    for size, word in ((PHONE, "phone"), (DESK, "desk")):
        page.set_viewport_size(size)
        assert_fits(page)
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{word}.png", full_page=True)


def test_budgets_and_days_fit_whatever_they_show(cast: Cast, page: Page):
    sign_in(page, "finance", "/desk/")
    seen(page, "/desk/budgets/", "budgets-empty")
    seen(page, "/desk/ledger/", "days-empty")
    publication = casework.published(cast, "BJ-AIQ", change=shared)
    program = publication.program
    program.name = "例示市面向中小企业和科研机构的智能算力服务券专项资金（第二批扩围试点）"
    program.save()
    for year in (2024, 2025):
        for code, amount in (("province", "600000000.00"), ("city", "400000000.55")):
            given(
                cast,
                program,
                amount,
                f"例财建指〔{year}〕第12345号关于下达智能算力券专项资金的通知",
                year,
                treasury=code,
            )
    row = closed(cast, program)
    approved(cast, proposed(cast, program, "123456789.01", treasury="city"))
    proposed(
        cast, program, "1000.00", "例财结〔2026〕第2号关于同意结转使用上年结余资金的批复", treasury="province"
    )
    for n in range(40):
        close_day(date(2025, 7, 15) + timedelta(days=n), timezone.now())
    keep_check("test")
    assert row.year == 2025
    seen(page, "/desk/budgets/", "budgets")
    page.locator("a[href^='#carry-2025']").click()
    assert_fits(page)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/budgets-dialog.png")
    seen(page, "/desk/ledger/", "days")
    seen(page, "/desk/ledger/2025-07-15/", "day")
