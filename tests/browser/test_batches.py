"""A batch in the browser, from what waits to what is issued: each by its own person, on a desk and on a phone."""

from __future__ import annotations

import os

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from applications.models import IssueBatch, PublicNotice
from tests.applications.batch_office import batched, decided, filed
from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.cast import Cast
from vouchers.models import Party
from vouchers.policy.terms import Shortage

pytestmark = pytest.mark.browser
LONG = "和林格尔新区绿色算力枢纽国家级算力监测与统一调度公共服务平台运营管理股份有限公司"
PICTURES = os.environ.get("PICTURES", "")


def fits(page: Page, name: str) -> None:
    """At both widths."""
    for size, width in ((PHONE, "390"), (DESK, "1440")):
        page.set_viewport_size(size)
        assert_fits(page)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)


def decide(page: Page, verb: str, reason: str = "") -> None:
    page.click(f'a[href="#{verb}"]')
    if reason:
        page.fill(f"#{verb} textarea", reason)
    page.click(f"#{verb} button[type=submit]")
    page.wait_for_load_state()


def enter(page: Page, account: str, address: str) -> None:
    sign_in(page, account, "/")
    page.goto(address)


def leave(page: Page) -> None:
    page.context.clear_cookies()


def test_a_batch_is_shared_out_approved_and_noticed_on_the_desk(cast: Cast, page: Page):
    publication = batched(cast, Shortage.PRO_RATA)
    Party.objects.filter(pk=cast.beta.pk).update(name=LONG)
    cast.beta.refresh_from_db()
    beta = {"party": cast.beta, "by": cast.other_filer}
    for rent, number, who in (("10000000.00", "HT-1", {}), ("5000000.00", "HT-2", beta)):
        decided(cast, filed(cast, publication, rent, number, **who))
    waiting = filed(cast, publication, "1000000.00", "HT-3")

    enter(page, "filer", "/portal/applications/")
    fits(page, "portal-list")
    page.click("tr:has-text('待整批核定') a.row-link")
    page.wait_for_load_state()
    assert "待整批核定" in page.inner_text(".timeline")
    assert "分配和批准最迟在" in page.inner_text("main")
    fits(page, "portal-waiting")
    leave(page)

    enter(page, "handler", "/desk/issue-batches/")
    fits(page, "desk-list")
    page.click("button:has-text('建立批次')")
    page.wait_for_load_state()
    batch = IssueBatch.objects.get()
    assert page.url.endswith(f"/desk/issue-batches/{batch.batch_no}/")
    fits(page, "desk-open")
    page.click("text=试算分配")
    page.wait_for_load_state()
    assert "1,666,666.67" in page.inner_text("main") and "尚未生效" in page.inner_text("main")
    fits(page, "desk-preview")
    assert not batch.members.exists()
    decide(page, "share_out", f"{waiting.application_no} 材料尚在补正，转入下一批。")
    assert "2,500,000.00" in page.inner_text("main")
    fits(page, "desk-shared")
    page.goto(f"/desk/applications/{batch.members.first().application.application_no}/")
    assert batch.batch_no in page.inner_text("main")
    fits(page, "desk-case")
    leave(page)

    enter(page, "second-approver", f"/desk/issue-batches/{batch.batch_no}/")
    decide(page, "approve")
    assert "发放预览" in page.inner_text("main")
    decide(page, "publish_notice")
    fits(page, "desk-noticed")
    leave(page)

    page.goto(reverse("public:notices"))
    fits(page, "public-list")
    page.goto(reverse("public:notice_batch", args=[batch.batch_no]))
    assert LONG in page.inner_text("main") and "833,333.33" in page.inner_text("main")
    fits(page, "public-batch")
    with page.expect_download() as download:
        page.click("text=下载名单（Excel）")
    assert download.value.suggested_filename == f"{batch.batch_no}.xlsx"

    enter(page, "second-approver", f"/desk/issue-batches/{batch.batch_no}/")
    decide(page, "reopen", "发现一件材料有误，重新分配。")
    assert "归集中" in page.inner_text("main")
    fits(page, "desk-reopened")
    notice = PublicNotice.objects.first()
    assert notice is not None and notice.recalled_on is not None
    page.goto(reverse("public:notice", args=[notice.notice_no]))
    assert "已撤回" in page.inner_text("main")
    fits(page, "public-recalled")


def test_with_nothing_to_do_the_page_says_what_to_do(cast: Cast, page: Page):
    enter(page, "handler", "/desk/issue-batches/")
    assert "还没有批次" in page.inner_text("main")
    fits(page, "desk-empty")
