"""The trail's pages and the pages of what comes back, with nothing and with a thousand rows, wide and narrow."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

import os
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from django.urls import reverse

from audit.models import AuditEvent
from audit.trail.sealer import seal
from tests.applications.web.test_long_lists import MANY, crowd, refunds  # noqa: F401 - fixtures
from tests.browser.fit import assert_fits
from tests.browser.test_payments import NAME, sign_in, sign_out
from vouchers import dates
from vouchers.context import Actor, acting
from vouchers.models import Clawback, Party, ReceivingAccount, Region

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SCREENSHOTS", "")
WORDS = "注册地址变更，依据市场监督管理部门的变更登记通知书，由企业申报、工作人员核对后更正。" * 4


def look(page, address: str, said: str, shot: str) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        page.wait_for_load_state("load")
        if shot.startswith("accounts"):
            page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true })")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{shot}-{width}.png", full_page=not shot.startswith("story"))
        assert said in page.locator("main").inner_text(), address
        assert_fits(page)


def test_with_nothing_the_pages_say_so(cast, page):
    look(page, reverse("public:seals"), "尚未封存", "public-none")
    sign_in(page, "auditor")
    look(page, reverse("audit:seals"), "封存", "seals-none")
    look(page, reverse("audit:trail") + "?q=" + "无" * 60, "没有符合条件的留痕", "trail-none")
    sign_out(page)
    sign_in(page, "finance")
    look(page, reverse("desk:clawbacks"), "没有", "clawbacks-none")
    look(page, reverse("desk:refunds"), "没有退还事项", "refunds-none")
    look(page, reverse("desk:receiving_accounts"), "", "accounts-none")


@pytest.fixture
def busy(committed_db, cast) -> Party:
    """A company with a long name whose register was changed a thousand times by two people, sealed by and by, once around the application."""
    Party.objects.filter(pk=cast.alpha.pk).update(name=NAME)
    for turn in range(MANY):
        person = (cast.handler, cast.approver)[turn % 2]
        with acting(Actor.of(person), "party.correct", reason=WORDS if turn % 7 == 0 else ""):
            Party.objects.filter(pk=cast.alpha.pk).update(address=f"{WORDS[: turn % 90]}第 {turn} 号")
        if turn % 40 == 0:
            seal()
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("UPDATE vouchers_party SET address = '悄悄' WHERE id = %s", [cast.alpha.pk])
    seal()
    cast.alpha.refresh_from_db()
    return cast.alpha


def test_a_thousand_events_of_one_case_are_read_by_pages(cast, busy, page):
    look(page, reverse("public:seals"), "封存点", "public-many")
    sign_in(page, "auditor")
    look(page, reverse("audit:trail"), "核", "trail-many")
    look(page, reverse("audit:trail") + f"?q={busy.uscc}", "登记", "trail-case")
    story = reverse("audit:trail-story", args=["party", busy.uscc])
    look(page, story, "下一页", "story-many")
    look(page, story + "?order=newest", "未经系统", "story-newest")
    look(page, reverse("audit:seals"), "封存点", "seals-many")
    changed = AuditEvent.objects.filter(subject_kind="party", operation="update").order_by("-pk")
    look(page, reverse("audit:trail-event", args=[changed[0].event_no]), "未经系统", "event-around")
    base = (
        AuditEvent.objects.filter(operation="schema", verb="adopt")
        .exclude(subject_no="base")
        .order_by("pk")[0]
    )
    look(page, reverse("audit:trail-event", args=[base.event_no]), "纳入留痕", "event-base")
    told = AuditEvent.objects.get(subject_kind="schema", subject_no="base")
    look(page, reverse("audit:trail-event", args=[told.event_no]), "底本所载", "event-bases")


def test_a_thousand_demands_refunds_and_many_accounts_fit(cast, refunds, page):
    one = refunds[0].clawback
    Clawback.objects.bulk_create(
        [
            Clawback(
                clawback_no=f"CB-2025-8{n:06d}",
                region=one.region,
                program=one.program,
                payment=one.payment,
                claim_no=one.claim_no,
                party=one.party,
                ground="finding",
                ground_no=f"K-{n + 2}",
                paid_amount=Decimal("123456789.01"),
                founded_amount=Decimal("0.00"),
                principal_amount=Decimal("123456789.01"),
                drafted_by=cast.handler,
                drafted_on=date(2025, 7, 3),
            )
            for n in range(MANY)
        ]
    )
    for n in range(30):
        ReceivingAccount.objects.create(
            receiving_account_no=f"RA-2025-9{n:07d}",
            region=cast.beijing,
            account_name="北京市财政局非税收入暨财政专项资金追回款项归集专用账户（算力券补贴）",
            account_no=f"1100998877665544{n:04d}",
            bank_name="中国工商银行股份有限公司北京市分行海淀支行中关村科技园区营业部",
            document_no=f"京财库〔2025〕第 {n:04d} 号（关于指定算力券补贴追回款项归集账户的通知）",
            entered_by=cast.finance,
            entered_at=dates.now(),
            confirmed_by=cast.second_finance,
            confirmed_at=dates.now(),
            superseded_at=dates.now(),
        )
    Region.objects.bulk_create(
        [Region(code=f"11{n:04d}", name=f"北京市第{n}经济技术开发区") for n in range(5000, 5020)]
    )
    sign_in(page, "finance")
    look(page, reverse("desk:clawbacks"), "CB-2025-", "clawbacks-many")
    look(page, reverse("desk:refunds"), "RF-2025-", "refunds-many")
    look(page, reverse("desk:receiving_accounts"), "账户", "accounts-many")
