"""The audit desk as people see it: what to do next, the list, a whole story, its evidence; wide and narrow, with long names."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from audit.models import AuditEvent
from audit.trail.sealer import seal_all
from tests import banking, casework
from tests.browser.fit import assert_fits
from tests.browser.test_payments import NAME, sign_in, sign_out
from vouchers import dates
from vouchers.context import acting
from vouchers.models import Hold, Party, Payment

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture
def paid(cast):
    """A paid claim of a company with a long name, and a change around the application."""
    Party.objects.filter(pk=cast.alpha.pk).update(name=NAME)
    cast.alpha.refresh_from_db()
    publication = casework.published(cast, "BJ-AIQ")
    with dates.fixed(date(2025, 7, 1)):
        casework.funded(cast, publication.program)
        casework.fit_for_beijing(cast.alpha)
        application = casework.submitted(
            cast, publication, casework.lease_fields(cast.provider, "5000000.00")
        )
        voucher = casework.issued(cast, application)
    bill = casework.invoice(application.lease, "1000000.00")
    item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=bill)
    claim = casework.claimed(cast, voucher, application.lease, [item])
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        verify_claim(claim, by=cast.handler)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    banking.paid(cast)
    with acting(cast.investigator, "hold.place", reason="同一发票两次申报"):
        hold = Hold.objects.create(
            hold_no="H-2025-000001", subject_kind="claim", subject_no=claim.claim_no, region_code="110000",
            party=cast.alpha, ground="F01", sentence="发票已在另一件中使用。", placed_at=dates.now(),
            placed_by=cast.investigator,
        )  # fmt: skip
    Hold.objects.filter(pk=hold.pk).update(sentence="悄悄改写")
    seal_all()
    return claim


def look(page, address: str, said: str, shot: str = "") -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        page.wait_for_load_state("load")
        assert said in page.locator("main").inner_text(), address
        if SHOTS and shot:
            page.screenshot(path=f"{SHOTS}/{shot}-{width}.png", full_page=True)
        assert_fits(page)


def test_the_pages_of_the_trail_fit_and_lead_from_one_to_the_next(cast, paid, page, tmp_path):
    sign_in(page, "auditor")
    look(page, reverse("audit:home"), "未经系统的改动", "home")
    page.get_by_role("link", name="未经系统的改动").click()
    assert "未经系统" in page.locator("main").inner_text()
    look(page, reverse("audit:trail"), "京核查", "list")
    look(page, reverse("audit:trail") + "?q=" + paid.claim_no, paid.claim_no, "list-case")
    look(page, reverse("audit:trail") + "?q=nothing", "没有符合条件的留痕", "list-none")
    look(page, reverse("audit:trail") + "?kind=ledger_transfer", "核销", "list-transfers")
    story = reverse("audit:trail-story", args=["claim", paid.claim_no])
    look(page, story, "谁查阅过", "story")
    event = AuditEvent.objects.filter(subject_no="H-2025-000001").order_by("-pk")[0]
    look(page, reverse("audit:trail-event", args=[event.event_no]), "直接在数据库中进行", "event")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(story)
    with page.expect_download() as coming:
        page.get_by_role("button", name="导出证据（zip）").click()
    path = tmp_path / "case.zip"
    coming.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        archive.extract("evidence/index.html", tmp_path)
    assert {"evidence/verify.py", "evidence/events.jsonl", "evidence/proofs.jsonl"} <= names
    page.goto(reverse("audit:trail") + "?operation=export")
    assert "导出案卷证据" in page.locator("main").inner_text()
    page.fill("#filter-name", "每周看一次的导出") if page.locator("#filter-name").count() else None
    page.goto(reverse("audit:trail") + "?operation=export&person=京审计")
    page.fill("#filter-name", "京审计的导出")
    page.get_by_role("button", name="保存").click()
    assert "京审计的导出" in page.locator("main").inner_text()
    look(page, reverse("audit:trail") + "?operation=export&person=京审计", "移除常用筛选", "saved")
    if SHOTS:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="dark")
        page.goto(story)
        page.screenshot(path=f"{SHOTS}/story-dark.png", full_page=True)
        page.goto(reverse("audit:home"))
        page.screenshot(path=f"{SHOTS}/home-dark.png", full_page=True)
        page.emulate_media(media="print", color_scheme="light")
        page.goto(story)
        page.screenshot(path=f"{SHOTS}/story-print.png", full_page=True)
        page.emulate_media(media="screen")
    sign_out(page)
    sign_in(page, "investigator")
    page.goto(reverse("desk:claim", args=[paid.claim_no]))
    page.get_by_role("link", name="全部经过").click()
    assert "的全部经过" in page.locator("main").inner_text()
    sign_out(page)
    sign_in(page, "finance")
    payment = Payment.objects.get(claim_no=paid.claim_no)
    look(page, reverse("desk:refunds"), "没有退还事项", "refunds-none")
    look(page, reverse("desk:payables"), "没有应付款项", "payables-none")
    look(page, reverse("desk:batch", args=[payment.batch.batch_no]), NAME, "batch")
