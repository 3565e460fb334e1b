"""What people see of platforms: the pages of the interface's problems, a credential, and an address for events with its log."""

from __future__ import annotations

import pytest

from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from vouchers.actions import webhooks
from vouchers.context import acting
from vouchers.models import ApiCredential, Webhook, WebhookDelivery

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_the_pages_of_problems_credentials_and_addresses_fit(cast, page):
    for place in ("/api/problems/", "/api/problems/settlement.key_reused", "/api/problems/request.throttled"):
        page.goto(place)
        page.wait_for_load_state("load")
        assert_fits(page)
    with acting(cast.security_admin, "test"):
        webhook, _secret = webhooks.propose_webhook(
            provider=cast.provider,
            region=cast.beijing,
            url="http://127.0.0.1:9/" + "a-long-way/" * 20,
            by=cast.security_admin,
        )
    Webhook.objects.update(failures=3)
    for attempt in range(1, 4):
        WebhookDelivery.objects.create(
            webhook=webhook,
            first=1,
            last=100,
            attempt=attempt,
            milliseconds=8000,
            error="ConnectTimeout: " + "x" * 200,
        )
    page.goto("/accounts/sign-in/?next=/admin/")
    page.fill("input[name=username]", "security-admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/**")
    credential = ApiCredential.objects.get()
    for place in (
        f"/admin/vouchers/webhook/{webhook.webhook_no}/change/",
        "/admin/vouchers/webhook/",
        "/admin/vouchers/webhook/add/",
        f"/admin/vouchers/apicredential/{credential.token_prefix}/change/",
        f"/admin/vouchers/apicredential/{credential.token_prefix}/act/narrow/",
        "/admin/vouchers/apicredential/add/",
    ):
        answer = page.goto(place)
        assert answer.status == 200, place
        page.wait_for_load_state("load")
        assert_fits(page)
