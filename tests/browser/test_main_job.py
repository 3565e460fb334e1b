"""A filer files an application with papers, a handler accepts it: in a real browser, step by step, on a desk screen and on a phone.

The browser's own log is the witness (tests.browser.conftest): nothing is asked for outside of the site, and no page complains
(script errors, things that the content policy forbids).
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from applications.models import Application
from tests import casework
from tests.applications.web.portal.filing import PDF, contract
from tests.browser.fit import assert_fits
from tests.cast import PASSWORD, Cast
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting

pytestmark = pytest.mark.browser
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def open_scheme(cast: Cast) -> Cast:
    """北京's scheme in force and funded, and 甲公司 fit for it: all of it committed, for the server is another process."""
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return cast


def sign_in(page: Page, account: str, lands_on: str) -> None:
    page.context.clear_cookies()
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", account)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"**{lands_on}**")


def fits(page: Page) -> None:
    """No page scrolls sideways, on a desk screen or on a phone."""
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert_fits(page)


def pressed(page: Page, label: str) -> None:
    """A button or link by its word."""
    page.get_by_role("button", name=label, exact=True).or_(
        page.get_by_role("link", name=label, exact=True)
    ).first.click()


def keyed(page: Page, fields: dict[str, str]) -> None:
    """Fill the form in as a person does, whatever the widgets are."""
    for name, value in fields.items():
        field = page.locator(f"[name={name}]").first
        kind = field.evaluate("element => element.tagName + ':' + element.type")
        if kind.startswith("SELECT"):
            field.select_option(value)
        elif kind == "INPUT:radio":
            page.check(f"[name={name}][value='{value}']")
        else:
            field.fill(value)


def test_filed_at_the_portal_and_accepted_at_the_desk(open_scheme: Cast, page: Page):
    sign_in(page, "filer", "/portal/")
    fits(page)

    pressed(page, "我的申领")
    fits(page)
    page.goto("/portal/applications/new/?program=BJ-AIQ")
    fits(page)
    pressed(page, "开始填写")

    page.wait_for_url("**/contract/")
    number = re.search(r"A-\d{4}-\d+", page.url).group()  # type: ignore[union-attr]
    fits(page)
    keyed(page, contract(open_scheme, amount="一千五百万"))
    page.locator("form[data-guard] button[type=submit]").first.click()
    expect(page.locator("body")).to_contain_text("不是金额")
    assert page.input_value("[name=contract_no]") == "HT-2025-001", "what was typed stays"
    fits(page)
    keyed(page, {"amount": "15,000,000.00"})
    page.locator("form[data-guard] button[type=submit]").first.click()

    page.wait_for_url("**/statements/")
    fits(page)
    keyed(page, {"other_money": "no"})
    page.locator("form[data-guard] button[type=submit]").first.click()

    page.wait_for_url("**/papers/")
    fits(page)
    for name in ("truth_statement", "contract", "other_public_money"):
        file = {"name": f"{name}.pdf", "mimeType": "application/pdf", "buffer": PDF + name.encode()}
        page.set_input_files(f"input[name={name}]", files=[file])
    pressed(page, "上传并继续")

    page.wait_for_url("**/estimate/")
    expect(page.locator("main")).to_contain_text("2,000,000.00")
    fits(page)
    pressed(page, "继续：核对并提交")

    page.wait_for_url("**/check/")
    fits(page)
    page.check("[name=statement_accepted]")
    pressed(page, "提交申领")
    page.wait_for_url("**/submitted/")
    expect(page.locator("main")).to_contain_text(number)
    fits(page)

    sign_in(page, "handler", "/desk/")
    expect(page.locator("main")).to_contain_text(number)
    fits(page)
    page.goto(f"/desk/applications/{number}/")
    expect(page.locator("main")).to_contain_text("甲智能科技（北京）有限公司")
    fits(page)
    page.locator("a[href='#accept']").click()
    page.locator("#accept button[type=submit]").click()
    expect(page.locator("body")).to_contain_text("已受理")
    assert Application.objects.get(application_no=number).state == "accepted"
    fits(page)

    sign_in(page, "filer", "/portal/")
    page.goto(f"/portal/applications/{number}/")
    expect(page.locator("main")).to_contain_text("已受理")
    fits(page)
