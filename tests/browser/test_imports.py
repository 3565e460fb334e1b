"""历史数据 in a browser: nothing yet, a folder sent, a thousand refused rows; wide and on a phone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.applications import past_year
from tests.applications.test_import_uploads import zipped
from tests.browser.fit import assert_fits
from tests.browser.test_holdings import sign_in
from tests.cast import Cast
from vouchers.actions.job_runs import run_waiting
from vouchers.models import Job


def look(page: Page) -> None:
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page)


def test_a_folder_is_sent_and_its_refused_rows_are_shown_and_handed_back(
    page: Page, site: str, cast: Cast, tmp_path: Path, settings
) -> None:
    settings.VAR_DIR = tmp_path
    sign_in(page, "system-admin")
    page.goto("/desk/imports/")
    look(page)
    assert page.get_by_text("还没有从页面导入过数据").is_visible()

    page.set_input_files("input[name=files]", {"name": "年.rar", "mimeType": "x/x", "buffer": b"Rar!"})
    page.click("main button[type=submit]")
    assert page.get_by_text("不是 ZIP 压缩包").first.is_visible()
    look(page)

    rows = past_year.rows()
    lease = rows["leases"][0]
    rows["leases"] += [lease | {"lease_no": f"L-2024-{n:06d}", "amount": "-1"} for n in range(2, 1002)]
    rows["parties"][0] |= {"note": "x"}
    rows["parties"][1] |= {"note": ""}
    file = zipped(tmp_path, rows)
    name = "某某市大数据管理局二〇二四年度算力券申领兑付合同发票设备用量等全部历史数据移交稿最终版.zip"
    page.set_input_files(
        "input[name=files]", {"name": name, "mimeType": "application/zip", "buffer": file.read()}
    )
    page.click("main button[type=submit]")
    page.wait_for_url("**/desk/imports/J-*/")
    look(page)
    assert run_waiting() == 1
    assert Job.objects.get().state == "done"
    page.reload()
    look(page)
    assert page.get_by_text("另有 950 行").is_visible() and page.get_by_text("忽略的列：note").is_visible()
    with page.expect_download() as download:
        page.click("text=下载退回的行")
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("\n") == 1001
    page.goto("/desk/imports/")
    look(page)
