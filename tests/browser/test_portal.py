"""What script adds to the portal: the amount is worked out while it is typed, on a desk screen and on a phone."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from tests import casework
from tests.applications.web.portal.conftest import beijing, filer  # noqa: F401 - fixtures
from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from vouchers import dates

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_the_amount_of_a_claim_is_worked_out_while_it_is_typed(cast, beijing, filer, page):  # noqa: F811
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with dates.fixed(date(2025, 7, 1)):  # so that the notice has run by the server's day
        voucher = casework.issued(cast, application)
    answer = filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
    here = answer.url + "invoice/?key=1"
    page.goto(f"/accounts/sign-in/?next={here}")
    page.fill("input[name=username]", "filer")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/portal/**")
    page.goto(here)
    page.fill("#id_net_amount", "1,000,000")
    page.locator("#id_net_amount").blur()
    page.wait_for_selector("#preview .estimate__amount")
    assert "200,000.00" in page.locator("#preview").inner_text()
    assert_fits(page)
