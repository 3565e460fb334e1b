"""免申即享 in the browser: the office's list, what is wrong with it, its review, the enterprise's word; and a project stated.

With PICTURES every page is kept as a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from applications.actions.batch_lists import review_list
from applications.actions.batches import share_out_batch
from applications.models import Application, IssueBatch
from tests import casework
from tests.applications.batch_office import issued, noticed
from tests.applications.project_cases import as_computed, with_project_cap
from tests.applications.test_batch_lists import answered, book, row, settled  # noqa: F401 - a fixture
from tests.applications.test_list_uploads import table
from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.cast import Cast
from vouchers.actions.job_runs import run_waiting
from vouchers.context import acting
from vouchers.models import Party, Publication
from vouchers.workbooks.opening import MOST_BYTES

pytestmark = pytest.mark.browser
LONG = "和林格尔新区绿色算力枢纽国家级算力监测与统一调度公共服务平台运营管理股份有限公司"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PICTURES = os.environ.get("PICTURES", "")


def fits(page: Page, name: str) -> None:
    """At both widths."""
    for size, width in ((PHONE, "390"), (DESK, "1440")):
        page.set_viewport_size(size)
        assert_fits(page)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)


def uploaded(page: Page, content: bytes) -> None:
    page.goto("/desk/issue-batches/")
    page.set_input_files(
        "input[type=file]", [{"name": f"{LONG}名单.xlsx", "mimeType": XLSX, "buffer": content}]
    )
    page.get_by_role("button", name="上传名单").click()
    page.wait_for_load_state()


def test_a_list_is_uploaded_corrected_reviewed_and_the_enterprise_gives_its_word(
    cast: Cast,
    page: Page,
    settled: Publication,  # noqa: F811
):
    Party.objects.filter(pk=cast.beta.pk).update(name=LONG)
    cast.beta.refresh_from_db()
    good = [row(cast.alpha, "100000.00"), row(cast.beta, "90000.00", number="JS-2")]
    faulty = [good[0] | {"拟支持金额（元）": "很多"}, good[1] | {"文号或结算单号": ""}]
    sign_in(page, "handler", "/")
    page.goto("/desk/issue-batches/")
    fits(page, "list-upload")
    uploaded(page, book(settled, *faulty))
    for cell in ("H2", "D3"):
        assert cell in page.inner_text("main")
    assert not IssueBatch.objects.exists()
    fits(page, "list-faulty")
    uploaded(page, b"0" * (MOST_BYTES + 1))
    assert "不能超过 5 MB" in page.inner_text("main")
    uploaded(page, book(settled, *good))
    batch = IssueBatch.objects.get()
    assert page.url.endswith(f"/desk/issue-batches/{batch.batch_no}/")
    assert "名单已载入，共 2 件" in page.inner_text("body")
    fits(page, "list-loaded")
    page.context.clear_cookies()

    answered(cast, batch)
    sign_in(page, "approver", "/")
    page.goto(f"/desk/issue-batches/{batch.batch_no}/")
    assert LONG in page.inner_text("main")
    fits(page, "list-review")
    page.context.clear_cookies()
    with acting(cast.approver, "test"):
        review_list(batch, by=cast.approver)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    issued(cast, noticed(cast, batch))

    case = Application.objects.get(enterprise=cast.alpha, is_listed=True)
    sign_in(page, "filer", "/")
    page.goto(f"/portal/applications/{case.application_no}/")
    form = page.locator("form[action$='/consent/']")
    fits(page, "consent")
    form.locator("input[type=checkbox]").check()
    form.locator("button[type=submit]").click()
    page.wait_for_load_state()
    case.refresh_from_db()
    assert case.consented_by == cast.filer
    assert "已确认申领" in page.inner_text("body")
    fits(page, "consented")


def test_the_project_of_an_application_is_stated_and_kept(cast: Cast, page: Page):
    publication = casework.published(cast, "BJ-AIQ", with_project_cap, as_computed)
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    fields = casework.lease_fields(cast.provider, "5000000.00")
    application = casework.drafted(cast, publication, fields)
    sign_in(page, "filer", "/")
    address = f"/portal/applications/{application.application_no}/statements/"
    page.goto(address)
    fits(page, "statements")
    page.fill("[name=project_name]", LONG)
    page.fill("[name=project_registration]", "2506-110108-04-01-123456")
    page.get_by_label("否", exact=True).check()
    fits(page, "statements-filled")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_load_state()
    application.refresh_from_db()
    assert application.facts["project_name"] == LONG
    page.goto(address)
    assert page.input_value("[name=project_registration]") == "2506-110108-04-01-123456"


def test_a_long_list_is_sent_as_a_table_and_what_was_refused_is_sent_again_from_the_batch(
    cast: Cast,
    page: Page,
    settled: Publication,  # noqa: F811
    tmp_path: Path,
    settings: Any,
):
    settings.VAR_DIR = tmp_path
    Party.objects.filter(pk=cast.beta.pk).update(name=LONG)
    cast.beta.refresh_from_db()
    faulty = [row(cast.beta, "99999999.00", number=f"JS-{number}") for number in range(2, 32)]
    sent = table(settled, [row(cast.alpha, "100.00"), *faulty], name=f"{LONG}名单.csv")
    sign_in(page, "handler", "/")
    page.goto("/desk/issue-batches/")
    page.set_input_files(
        "input[type=file]", [{"name": sent.name, "mimeType": "text/csv", "buffer": sent.read()}]
    )
    page.get_by_role("button", name="上传名单").click()
    page.wait_for_load_state()
    batch = IssueBatch.objects.get()
    assert page.url.endswith(f"/desk/issue-batches/{batch.batch_no}/")
    assert "已转后台载入" in page.inner_text("body")
    fits(page, "long-list-waiting")
    assert run_waiting() == 1
    page.reload()
    assert "载入 1 行，退回 30 行" in page.inner_text("main")
    assert "另有 10 行" in page.inner_text("main")
    fits(page, "long-list-refused")
    with page.expect_download() as started:
        page.get_by_role("link", name="下载", exact=True).click()
    back = Path(started.value.path()).read_text("utf-8-sig")
    corrected = back.replace("99999999.00", "100.00").encode()
    page.set_input_files(
        "input[type=file]", [{"name": "退回.csv", "mimeType": "text/csv", "buffer": corrected}]
    )
    page.get_by_role("button", name="继续上传", exact=True).click()
    page.wait_for_load_state()
    assert run_waiting() == 1
    page.reload()
    assert "载入 30 行，请另一人审核" in page.inner_text("main")
    assert batch.members.count() == 31
