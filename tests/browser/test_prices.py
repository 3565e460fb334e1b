"""The price pages before a person's eyes: the chart with and without its script, the explorer, what an issue changes, the public table."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fit import assert_fits
from tests.browser.test_payments import sign_in
from tests.vouchers.prices.feeds import row, uscc
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import Party

pytestmark = pytest.mark.browser
CELL = "china/H800/SXM/specialist/east/1_6m"
LONG = "内蒙古自治区呼和浩特市和林格尔新区云计算数据中心产业发展投资集团有限责任公司智能算力服务第一分公司"
PHONE = {"width": 390, "height": 844}
MONTHS = (3, 4, 5, 6)


def rows_of(month: int, level: int) -> list[dict[str, str]]:
    day = date(2025, month, 20)
    quotes = [row(uscc(n), str(level + n), day, bookable_since="2024-12-01") for n in range(9)]
    deals = [
        row(
            uscc(n),
            str(level + n - 1),
            date(2025, month, 8),
            kind="transaction",
            evidence="imported",
            sku="d",
        )
        for n in range(4)
    ]
    return [*quotes, *deals]


@pytest.fixture
def world(committed_db, cast):
    """Four months of a cell, a thin one beside it, and July proposed with a jump."""
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        Party.objects.create(uscc=uscc(1), name=LONG, region_code="150000", is_provider=True)
        for month in MONTHS:
            level = 18 + month % 2 + (9 if month == 6 else 0)
            prices.load_observations(rows_of(month, level))
            if month == 4:
                prices.load_observations(
                    [
                        row(uscc(n), "30", date(2025, 4, 20), accelerator="L40S", form_factor="PCIe")
                        for n in range(2)
                    ]
                )
    for month in MONTHS:
        with acting(cast.policy_editor, "test"):
            issue = prices.compute_index(date(2025, month + 1, 1), by=cast.policy_editor)
            prices.propose_index(issue, by=cast.policy_editor, jump_text="新一代芯片到货前供应紧张。")
        if month != 6:
            with acting(cast.price_publisher, "test"):
                prices.publish_index(issue, by=cast.price_publisher, confirmation="已核对。")
    return issue


def test_a_chips_chart_can_be_pointed_at_and_stands_in_the_table_too(world, page: Page):
    for size in ({"width": 1440, "height": 900}, PHONE):
        page.set_viewport_size(size)
        page.goto(f"/public/prices/H800/?cell={CELL}")
        stage = page.locator(".chart__stage")
        expect(stage).to_have_attribute("role", "img")
        assert page.locator(".chart__stage canvas").count() == 1
        expect(page.locator(".chart__svg")).to_be_hidden()
        assert_fits(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.8)
    tip = page.locator(".chart__tip")
    expect(tip).to_contain_text("评级")
    expect(tip).to_contain_text("四分位")
    expect(tip).to_contain_text("供应方")
    expect(page.locator("table").first).to_contain_text("2025年6月")


def test_the_chart_is_drawn_anew_in_the_dark_and_by_the_server_on_paper(world, page: Page):
    page.emulate_media(color_scheme="dark")
    page.goto(f"/public/prices/H800/?cell={CELL}")
    expect(page.locator(".chart__stage canvas")).to_have_count(1)
    assert_fits(page)
    page.emulate_media(media="print")
    expect(page.locator(".chart__svg")).to_be_visible()
    expect(page.locator(".chart__stage")).to_be_hidden()


def test_without_script_the_servers_drawing_stands(world, chromium, site):
    context = chromium.new_context(java_script_enabled=False, base_url=site, viewport=PHONE)
    page = context.new_page()
    page.goto(f"/public/prices/H800/?cell={CELL}")
    expect(page.locator(".chart__svg")).to_be_visible()
    assert page.locator(".chart__dot").count() == 3
    assert page.locator(".chart__speck").count() > 6
    context.close()


def test_the_public_table_its_files_its_issues_and_its_method(world, page: Page):
    for size in ({"width": 1440, "height": 900}, PHONE):
        page.set_viewport_size(size)
        for address, words in (
            ("/public/prices/", "H800 SXM"),
            ("/public/prices/?tier=cloud", "没有符合条件的单元"),
            ("/public/prices/?market=reference", "尚未公布价格"),
            ("/public/prices/issues/", "PI-china-2025-06-1"),
            ("/public/prices/method/china/2/", "每组只投一票"),
        ):
            page.goto(address)
            expect(page.locator("main")).to_contain_text(words)
            assert_fits(page)
    page.goto("/public/prices/")
    for name, suffix in (("下载 CSV", "csv"), ("下载 JSON", "json"), ("下载 PDF", "pdf")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename.endswith(suffix)


def test_a_person_of_the_office_walks_from_the_issue_to_the_working_and_publishes(world, cast, page: Page):
    sign_in(page, "price-publisher")
    for size in ({"width": 1440, "height": 900}, PHONE):
        page.set_viewport_size(size)
        page.goto(f"/admin/vouchers/priceindexissue/{world.issue_no}/changes/")
        expect(page.locator("#content")).to_contain_text("▲ 变动超过阈值")
        expect(page.locator("#content")).to_contain_text("调价 9 组")
        assert_fits(page)
        page.goto(f"/admin/vouchers/priceindexrow/explore/?cell={CELL}&issue={world.issue_no}")
        expect(page.locator("#content")).to_contain_text("一组一票（9 组）")
        expect(page.locator("#content")).to_contain_text(LONG)
        assert_fits(page)
        page.goto("/admin/vouchers/priceindexrow/explore/")
        expect(page.locator("#content")).to_contain_text("请选择单元与日期")
        assert_fits(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/admin/vouchers/priceindexrow/explore/?cell={CELL}&issue={world.issue_no}")
    page.locator("details", has_text=re.compile("条价格")).first.locator("summary").click()
    page.get_by_role("link", name="不计此组再测算").first.click()
    expect(page.locator("#content")).to_contain_text("未计：")
    page.goto(f"/admin/vouchers/priceindexissue/{world.issue_no}/act/publish/")
    expect(page.locator("#content")).to_contain_text("新一代芯片到货前供应紧张。")
    page.locator("input[type=submit]").click()
    expect(page.locator("#content")).to_contain_text("price.confirmation_missing")
    page.fill("textarea[name=confirmation]", "已电话核实三家，属实。")
    page.locator("input[type=submit]").click()
    page.wait_for_url(re.compile("/change/$"))
    page.goto("/public/prices/")
    expect(page.locator("main")).to_contain_text("已电话核实三家，属实。")
