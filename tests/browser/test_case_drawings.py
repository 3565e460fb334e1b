"""What the scan linked, the samples and the workbooks in a real browser: wide and on a phone, with long names."""

from __future__ import annotations

import os
from datetime import date

import pytest
from django.urls import reverse

from audit.actions.samples import Population, draw_sample
from audit.actions.scans import run_scan
from audit.models import Suspicion
from tests.audit import scenes
from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from vouchers.context import Actor, acting
from vouchers.models import Party

pytestmark = pytest.mark.browser
LONG = "北京市经济技术开发区云上智能计算与大数据融合创新应用技术研究院有限责任公司"


def sign_in(page, account: str) -> None:
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", account)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url)


def linked(cast) -> tuple[str, str]:
    """One machine let twice in one region, with a claim each; a sample. The group's and the sample's numbers."""
    with acting(Actor.service("test"), "test"):
        Party.objects.filter(pk=cast.alpha.pk).update(name=LONG, phone="13800000000")
        Party.objects.filter(pk=cast.provider.pk).update(phone="13800000000")
        cast.alpha.refresh_from_db()
        scene = scenes.build(cast)
        first = scene.lease(serials=("NVH800-0001", "NVH800-0002"))
        second = scene.lease(lessee=cast.beta, serials=("NVH800-0001",), starts=date(2025, 4, 1))
        scene.claim(first, [(scene.invoice(first, "25112000000000000001"), "100000.00")])
        scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "60000.00")])
        run_scan()
        sample = draw_sample(Population("110000"), size=1, reason="年度专项审计", by=cast.auditor)
    return Suspicion.objects.filter(subject_kind="claim").first().case_no, sample.sample_no


def test_drawings_samples_and_workbooks_fit_wide_and_on_a_phone(cast, page):
    group, sample = linked(cast)
    sign_in(page, "auditor")
    for name, args in (("group", (group,)), ("sample", (sample,)), ("samples", ()), ("draw-sample", ()), ("workbooks", ())):  # fmt: skip
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(reverse(f"audit:{name}", args=args))
            assert_fits(page)
            if name == "group":
                wide, narrow = page.locator(".links__wide"), page.locator(".links__narrow")
                assert wide.is_visible() is (width == 1440) and narrow.is_visible() is (width == 390)
            if folder := os.environ.get("PICTURES"):
                page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(reverse("audit:group", args=(group,)))
    with page.expect_download() as coming:
        page.get_by_role("button", name="导出案卷工作簿").click()
    assert coming.value.suggested_filename == f"案卷-{group}.xlsx"
