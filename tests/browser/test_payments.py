"""Payments and clawbacks as people see them: at the office and at the enterprise, on a desk screen and on a phone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from applications.tasks import payment_confirmed
from tests import banking, casework
from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from vouchers import dates
from vouchers.actions.bank_inquiries import record_finding
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import (
    approve_clawback,
    draft_clawback,
    notice_clawback,
    propose_clawback,
)
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.recoveries import ask_instalments, record_receipt
from vouchers.context import acting
from vouchers.models import Clawback, Party, Payment, PaymentBatch

pytestmark = pytest.mark.browser
NAME = "甲智能科技（北京）人工智能大模型训练推理算力调度与数据要素流通技术研究院有限责任公司"


@pytest.fixture
def world(cast) -> tuple[PaymentBatch, Clawback]:
    """A batch with a line that arrived, one that came back and one that nobody knows of; a clawback of the first."""
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
    with dates.fixed(date(2025, 7, 10)):
        for number in range(4):
            bill = casework.invoice(application.lease, "1000000.00", number=f"2511200000000000001{number}")
            item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=bill)
            claim = casework.claimed(cast, voucher, application.lease, [item])
            with acting(cast.handler, "test"):
                casework.answer_all(cast, claim)
                verify_claim(claim, by=cast.handler)
            with acting(cast.approver, "test"):
                approve_claim(claim, by=cast.approver)
        batch = banking.exported(cast, *Payment.objects.order_by("pk")[:3])
        first, second, third = lines_of(batch)
        banking.answer(
            cast,
            batch,
            banking.said(first),
            banking.said(second, "returned", reason="收款人户名与账号不符，请核对开户许可证后重新办理"),
            banking.said(third, "unknown"),
        )
        paid = first.payment
        payment_confirmed(claim_no=paid.claim_no, payment_no=paid.payment_no, paid_on="2025-07-10")
        paid.refresh_from_db()
        third.refresh_from_db()
        with acting(cast.finance, "test"):
            record_finding(
                third, outcome="confirmed", document_no="工银查复〔2025〕第 0710 号", by=cast.finance
            )
        with acting(cast.handler, "test"):
            clawback = draft_clawback(
                paid,
                Reassessed(Decimal("50000.00")),
                ground="finding",
                ground_no="K-2025-00000001",
                reason="经核查，合同自 2025 年 6 月起提前终止，其后的租金没有发生，以其计算的补贴失去依据，应予退回。",
                by=cast.handler,
            )
            propose_clawback(clawback, by=cast.handler)
        with acting(cast.second_approver, "test"):
            approve_clawback(clawback, by=cast.second_approver)
        with acting(cast.finance, "test"):
            notice_clawback(clawback, by=cast.finance)
            record_receipt(
                clawback,
                amount=Decimal("10000.00"),
                received_on=dates.today(),
                bank_reference="ICBC202507100001",
                by=cast.finance,
            )
        with acting(cast.filer, "test"):
            ask_instalments(
                clawback,
                [(date(2025, 8, 1), Decimal("70000.00")), (date(2025, 9, 1), Decimal("70000.00"))],
                reason="本季度集中支付设备款，资金周转困难。",
                by=cast.filer,
            )
    return batch, clawback


def sign_in(page, name: str) -> None:
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url)


def test_the_pages_of_payments_and_clawbacks_fit_and_say_what_is_so(cast, world, page):
    batch, clawback = world
    sign_in(page, "second-finance")
    for name, arguments, said in (
        ("desk:payables", (), "待账户更正"),
        ("desk:batch", (batch.batch_no,), "工银查复"),
        ("desk:payee", (cast.alpha.uscc,), "停用"),
        ("desk:clawbacks", (), clawback.clawback_no),
        ("desk:clawback", (clawback.clawback_no,), "尚应退回"),
    ):
        look(page, name, arguments, said)
    sign_out(page)
    sign_in(page, "handler")
    look(page, "desk:clawback_start", (clawback.claim_no,), "发票状态")
    sign_out(page)
    sign_in(page, "filer")
    for name, arguments, said in (
        ("portal:claim", (clawback.claim_no,), "银行确认到账"),
        ("portal:clawbacks", (), clawback.clawback_no),
        ("portal:clawback", (clawback.clawback_no,), "140,000.00"),
    ):
        look(page, name, arguments, said)


def look(page, name: str, arguments: tuple[str, ...], said: str) -> None:
    """The page on a desk screen and on a phone."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(reverse(name, args=arguments))
        page.wait_for_load_state("load")
        assert said in page.locator("main").inner_text()
        assert_fits(page)


def sign_out(page) -> None:
    page.context.clear_cookies()


def test_another_officer_confirms_the_banks_letter_and_agrees_to_the_instalments(cast, world, page):
    batch, clawback = world
    sign_in(page, "second-finance")
    page.goto(reverse("desk:batch", args=[batch.batch_no]))
    page.get_by_role("button", name="与查复书一致，确认").click()
    page.wait_for_load_state("load")
    assert "查复已确认" in page.locator("main").inner_text()
    batch.refresh_from_db()
    assert batch.state == "settled"
    page.goto(reverse("desk:clawback", args=[clawback.clawback_no]))
    page.get_by_role("link", name="同意分期").click()
    page.locator("dialog[open]").get_by_role("button").last.click()
    page.wait_for_load_state("load")
    assert clawback.plans.get().state == "agreed"
    page.get_by_role("button", name="提请抵扣这一笔").first.click()
    page.wait_for_load_state("load")
    assert clawback.set_offs.get().state == "proposed"
    sign_out(page)
    sign_in(page, "finance")
    page.goto(reverse("desk:clawback", args=[clawback.clawback_no]))
    page.get_by_role("button", name="确认抵扣").click()
    page.wait_for_load_state("load")
    assert clawback.set_offs.get().state == "booked"
