"""What would it cost, as the policy office asks it: the form, the wait, the report, on a desk screen and on a phone."""

from __future__ import annotations

import pytest

from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from tests.vouchers.dry_run_cases import draft, publication  # noqa: F401 - fixtures
from vouchers.actions import job_runs
from vouchers.models import PolicyRate

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def the_servers_folder(tmp_path, settings):
    settings.VAR_DIR = tmp_path


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_it_is_asked_for_followed_and_read(cast, draft, page):  # noqa: F811
    here = f"/admin/vouchers/policyversion/{draft.version_no}/dry-run/"
    page.goto(f"/accounts/sign-in/?next={here}")
    page.fill("input[name=username]", "policy-editor")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("text=本版本尚未测算")
    assert_fits(page)
    page.fill("#id_from_on", "2024-06-01")
    page.fill("#id_to_on", "2026-06-30")
    page.check("input[value=sample]")
    page.click("text=开始测算")
    page.wait_for_selector(".job progress")
    assert_fits(page)
    page.click("text=取消本任务")  # and thought better of it
    page.wait_for_selector("dialog[open] >> text=已算出的部分不保留")
    page.click("dialog[open] >> text=返回")
    job_runs.run_waiting()
    page.wait_for_selector("text=资金池何时用完")  # by itself
    report = page.locator("main").inner_text()
    for words in ("丁智能有限公司", "因哪些条件获得或失去资格", "合成数据", "各月数字"):
        assert words in report
    assert page.locator("svg.chart__svg rect").count() > 20
    assert_fits(page)
    page.locator("details > summary", has_text="为什么").first.click()
    assert_fits(page)
    with page.expect_download() as download:
        page.click("text=下载 Excel")
    assert download.value.suggested_filename.endswith(".xlsx")
    PolicyRate.objects.filter(version=draft).update(rate="0.4")
    page.reload()
    page.wait_for_selector("text=本版本的内容在测算之后有变动")
    page.goto("/jobs/")
    page.wait_for_selector("text=已完成")
    assert_fits(page)
