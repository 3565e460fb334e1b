"""算力券与合同 at the desk, in a browser: two persons take a voucher back; nothing scrolls sideways on a phone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from playwright.sync_api import Page

from applications.models import Lease, MeteringDay
from applications.models.metering import MeteringSource
from tests import casework
from tests.browser.fit import assert_fits
from tests.cast import PASSWORD, Cast
from vouchers.models import Party, Voucher

LONG = "北京市海淀区某某某某人工智能与大规模分布式训练推理一体化算力基础设施技术研究发展有限责任公司"


def sign_in(page: Page, account: str) -> None:
    page.context.clear_cookies()
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", account)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url)


def decide(page: Page, verb: str, reason: str) -> None:
    page.click(f"a[href='#deed-{verb}']")
    dialog = page.locator(f"#deed-{verb}")
    if reason:
        dialog.locator("textarea").fill(reason)
    dialog.locator("button[type=submit]").click()
    page.wait_for_load_state("load")


def test_a_voucher_is_frozen_by_one_and_taken_back_by_another_and_a_contract_is_verified(
    page: Page, site: str, cast: Cast
) -> None:
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    Party.objects.filter(pk=cast.alpha.pk).update(name=LONG)
    fields = casework.lease_fields(cast.provider, "3000000.00", contract_no="HT-2025-北京-00000001")
    voucher = casework.issued(cast, casework.submitted(cast, publication, fields))
    lease = Lease.objects.get()
    MeteringDay.objects.bulk_create(
        MeteringDay(
            lease=lease,
            day=date(2025, 6, 1) + timedelta(days=n),
            card_hours=Decimal("1536.25"),
            source=MeteringSource.PLATFORM,
        )
        for n in range(40)
    )
    sign_in(page, "handler")
    for path in pages(voucher, lease):
        page.goto(path)
        look(page)
    page.goto("/desk/vouchers/?q=nothing")
    look(page)
    page.goto(f"/desk/vouchers/{voucher.voucher_no}/")
    decide(page, "freeze", "企业已注销，" * 20)
    page.goto(f"/desk/contracts/{lease.lease_no}/")
    decide(page, "verify", "")
    assert page.locator("text=已核验").first.is_visible()
    sign_in(page, "approver")
    page.goto(f"/desk/vouchers/{voucher.voucher_no}/")
    decide(page, "void", "企业已注销，收回。")
    look(page)
    assert Voucher.objects.get().state == "voided"


def pages(voucher: Voucher, lease: Lease) -> list[str]:
    return [
        "/desk/vouchers/",
        f"/desk/vouchers/{voucher.voucher_no}/",
        "/desk/contracts/",
        f"/desk/contracts/{lease.lease_no}/",
    ]


def look(page: Page) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page)
