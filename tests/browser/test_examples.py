"""The pages of worked examples, and of a version's file, as people see them on a desk and on a phone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.browser.fit import assert_fits
from tests.browser.test_main_job import sign_in
from tests.cast import Cast
from vouchers.actions import policies, policy_examples
from vouchers.context import acting
from vouchers.policy.documents import SHIPPED, shipped_scheme
from vouchers.policy.examples import shipped_examples

pytestmark = pytest.mark.browser
VERSIONS = "/admin/vouchers/policyversion/"


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_workbook_is_refused_cell_by_cell_and_each_example_is_read_with_its_working(
    cast: Cast, page: Page, tmp_path: Path
):
    with acting(cast.policy_editor, "test"):
        version = policies.load_scheme(
            shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor
        )
        book = load_workbook(io.BytesIO(policy_examples.examples_workbook(version)))
    for row in range(3, 9):
        book["算例"].cell(row, 4).value = "下月初，具体日期另行通知，以公告为准" * 3
    wrong = tmp_path / "wrong.xlsx"
    book.save(wrong)

    sign_in(page, "policy-editor", "/")
    page.goto(f"{VERSIONS}BJ-AIQ-1/examples/")
    assert_fits(page)
    page.set_input_files("input[type=file]", wrong)
    page.get_by_role("button", name="上传并运算").click()
    expect(page.locator(".examples__faults")).to_contain_text("算例!D3")
    assert_fits(page)

    page.get_by_role("link", name="兑付：算力发票100万元").click()
    expect(page.locator("main")).to_contain_text("计算过程")
    assert_fits(page)


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_file_is_refused_line_by_line(cast: Cast, page: Page, tmp_path: Path):
    file = tmp_path / "wrong.yaml"
    text = (SHIPPED / "BJ-AIQ.yaml").read_text(encoding="utf-8")
    file.write_text(
        text.replace("office:", "colour:").replace("calendar_year", "fortnight"), encoding="utf-8"
    )
    sign_in(page, "policy-editor", "/")
    page.goto(VERSIONS)
    page.get_by_role("link", name="载入 YAML").click()
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="载入", exact=True).click()
    expect(page.locator("main")).to_contain_text("caps.enterprise_year.period")
    assert_fits(page)
