"""Difference, prose and trial of a version in a real browser: the trial answers as one types, and no page is too wide."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fit import assert_fits
from tests.casework import published
from tests.cast import PASSWORD, Cast
from tests.vouchers.test_trial import CASE
from vouchers.actions import policies
from vouchers.context import acting
from vouchers.models import PolicyCap, PolicyExample, PolicyRate, PolicyVersion


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    first = published(cast, "BJ-AIQ")
    with acting(cast.policy_editor, "test"):
        made = policies.clone_version(
            first.version, by=cast.policy_editor, label="例示市" * 8 + "二〇二六年度"
        )
        PolicyRate.objects.filter(version=made).update(rate=Decimal("0.25"))
        PolicyCap.objects.filter(version=made).update(amount=Decimal("3000000"))
    return made


def sign_in(page: Page, account: str) -> None:
    page.goto("/accounts/sign-in/")
    page.fill("[name=username]", account)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state()


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_case_is_tried_and_kept_and_every_page_fits(page: Page, cast: Cast, draft: PolicyVersion):
    sign_in(page, "policy-editor")
    base = f"/admin/vouchers/policyversion/{draft.version_no}"
    for name in ("compare", "text"):
        page.goto(f"{base}/{name}/")
        assert_fits(page)
    page.goto(f"{base}/trial/")
    for name, value in CASE.items():
        field = page.locator(f"[name='{name}']")
        if name == "items":
            continue
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.keyboard.press("Tab")
    result = page.locator("#trial-result")
    expect(result.locator(".estimate__amount")).to_contain_text("1,250,000.00")
    expect(result).to_contain_text("本版本多 250,000.00 元")
    assert_fits(page)
    page.fill("[name='facts.used.caps.enterprise_year']", "290万")
    page.keyboard.press("Tab")
    expect(result.locator(".estimate__amount")).to_contain_text("100,000.00")
    result.locator("summary", has_text="存为算例").click()
    expect(page.locator("[name=keep_amount]")).to_have_value("")
    page.fill("[name=keep_code]", "余额不足")
    page.fill("[name=keep_title]", "年度限额将用完")
    page.fill("[name=keep_amount]", "100000")
    page.click("button[value=keep]")
    expect(page.locator(".messagelist")).to_contain_text("与您填写的应得结果一致")
    assert PolicyExample.objects.get(version=draft, code="余额不足").expected["amount"] == "100000"
