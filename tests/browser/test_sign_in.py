"""A person signs in with a real browser, on a desk screen and on a phone."""

from __future__ import annotations

import pytest

from tests.browser.fit import assert_fits
from tests.cast import PASSWORD

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_a_filer_signs_in_and_is_led_to_the_portal(cast, page):
    page.goto("/accounts/sign-in/")
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    page.fill("input[name=username]", "filer")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/portal/**")
    assert cast.filer.display_name in page.content()
    assert_fits(page)
