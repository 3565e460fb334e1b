"""Where prices come in, before a person's eyes: what waits, files, the quarantine, an expert's statement, a provider's report."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fit import assert_fits
from tests.browser.test_payments import PASSWORD, sign_in
from tests.casework import admitted
from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers.access import Role
from vouchers.actions import price_duties, price_files, prices
from vouchers.context import Actor, acting
from vouchers.models import PriceFile, PriceObservation, PriceReport, Program, RoleGrant, User
from vouchers.tasks import compute_prices

pytestmark = pytest.mark.browser
LONG = "内蒙古自治区呼和浩特市和林格尔新区云计算数据中心产业发展投资集团有限责任公司智能算力服务第一分公司"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
ON = date(2025, 6, 20)
ADMIN = "/admin/vouchers"


@pytest.fixture
def world(committed_db, cast):
    """A thousand rows that wait, a file with every outcome from a source with a long name, a month's draft, a provider asked to report."""
    Program.objects.get_or_create(code="BJ-AIQ", defaults={"name": "北京算力券", "region": cast.beijing})
    admitted(cast.provider, "BJ-AIQ", "算力")
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [*market_rows(ON), *(row(uscc(100 + n), f"{15 + n % 9}", ON, unit="") for n in range(1000))]
        )
    header = ",".join(row("a", "1", ON))
    lines = [
        row(uscc(2000), "18", ON),
        row(LONG, "18", ON, unit=""),
        row(LONG, "0", ON),
        row(LONG, "1e12", ON, reference="BJ-2025-000000000000000000000000000000000000000001"),
        row(uscc(2001), "18", ON, kind="transaction"),
    ]
    content = "\n".join([header, *(",".join(one.values()) for one in lines)]).encode()
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(
            content, f"{LONG[:30]}价格.csv", backfilled=True, by=cast.price_publisher
        )
        price_duties.open_duty(
            region=cast.beijing,
            program=None,
            title=f"2025年第二季度价格与成本报送（{LONG[:20]}）",
            document_no="京价〔2025〕7号",
            period_from=date(2025, 4, 1),
            period_to=date(2025, 7, 16),
            due_on=date(2025, 7, 31),
            remind_days=[5, 1],
            by=cast.price_publisher,
        )
    compute_prices()
    second = User.objects.create(username="price-publisher-2", display_name="京价格二")
    second.set_password(PASSWORD)
    second.save()
    RoleGrant.objects.create(
        user=second, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return file


def look(page: Page, address: str, *said: str) -> None:
    """The page says so and fits, wide and on a phone."""
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        page.goto(address)
        assert_fits(page)
        for text in said:
            expect(page.get_by_text(text).first).to_be_attached()


def test_the_price_office_sees_what_waits_and_a_second_person_lets_the_file_in(world, cast, page: Page):
    waiting = PriceObservation.objects.filter(state="quarantined").order_by("pk").first()
    sign_in(page, "price-publisher")
    look(page, "/admin/", "价格待办", "2025年7月价格", "1000 条价格待核对")
    look(page, f"{ADMIN}/pricefile/", world.file_no)
    look(page, f"{ADMIN}/pricefile/add/", "历史数据移交")
    look(page, f"{ADMIN}/pricefile/{world.file_no}/change/", "退回")
    look(page, f"{ADMIN}/priceobservation/?state__exact=quarantined", "待人工核对")
    look(page, f"{ADMIN}/priceobservation/?q=nobody-has-this")
    look(page, f"{ADMIN}/priceobservation/{waiting.observation_no}/change/", "单位不明")
    look(page, f"{ADMIN}/priceobservation/{waiting.observation_no}/act/settle/", "核对依据")
    look(page, f"{ADMIN}/priceobservation/add/", "专家所在单位")
    page.context.clear_cookies()
    sign_in(page, "price-publisher-2")
    page.goto(f"{ADMIN}/pricefile/{world.file_no}/act/load/")
    page.locator("#content form button, #content form input[type=submit]").last.click()
    expect(page.get_by_text("已导入").first).to_be_visible()
    assert PriceFile.objects.get().state == "loaded"


def test_a_provider_reads_its_duty_and_fills_in_its_report(world, cast, page: Page):
    report = PriceReport.objects.get()
    sign_in(page, "platform")
    look(page, "/portal/prices/", report.report_no)
    look(page, f"/portal/prices/{report.report_no}/", "京价〔2025〕7号")
