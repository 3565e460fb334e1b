"""A second city, built otherwise: what its text asks of the admin that the first one's (`test_new_city`) does not.

The text (a fiction, for demonstration only):

    例示市支持智能算力应用若干措施　例政办发〔2025〕12号　2025年3月20日

    第一条　在例示市注册的企业可以申领；高等学校不受注册地限制。
    第二条　以 2025 年 4 月 1 日至 2026 年 3 月 31 日实际使用算力的费用（含税，凭发票）为基数；跨越起止日的，按天数折算，天数
    以止日减起日计。
    第三条　年度租金合计 500 万元以下的部分，国产芯片算力按 30%、其他算力按 20% 给予补贴；500 万元以上的部分，分别按 15%、10%。
    第四条　同一集团每年（4 月 1 日起）不超过 500 万元，单个企业任意连续十二个月不超过 300 万元。
    第五条　已获其他财政资金的，就高不重复，只补差额。
    第六条　补贴金额四舍五入到元。
    第七条　本措施自 2025 年 4 月 1 日起施行，有效期两年。

    附　计算示例　（一）国产算力，含税 600 万元，补贴 1,500,000 + 150,000 = 1,650,000 元。
    （二）其他算力，使用期 3 月 2 日至 6 月 30 日共 120 天，含税 120 万元，计入 90 天即 90 万元，补贴 180,000 元。
    （三）国产算力，含税 60 万元，已获其他财政资金 10 万元，补贴 80,000 元。
    （四）国产算力 100 万元，十二个月内已获 295 万元，补贴 50,000 元。
    （五）市外高校，国产算力 60 万元，补贴 180,000 元。
"""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.browser.test_new_city import added, city, opened, saved, typed
from tests.cast import Cast
from vouchers.models import Publication

pytestmark = pytest.mark.browser
__all__ = ["city"]

VERSION = "/admin/vouchers/policyversion/LS-ZN-1"
BOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TENTH = {"合同金额（不含税）": "566037.74", "合同税额": "33962.26"}
CASES: list[tuple[str, dict[str, str], str]] = [
    (
        "国产，跨过五百万",
        {"芯片来源": "国产", "合同金额（不含税）": "5660377.36", "合同税额": "339622.64"},
        "1650000",
    ),
    (
        "跨过起始日，按天折算",
        {
            "芯片来源": "非国产",
            "合同金额（不含税）": "1132075.47",
            "合同税额": "67924.53",
            "租期起": "2025-03-02",
            "租期止": "2025-06-30",
        },
        "180000",
    ),
    (
        "已获其他财政资金",
        {"芯片来源": "国产", "其他财政资金": "有", "其他资金金额": "10万", **TENTH},
        "80000",
    ),
    (
        "十二个月限额只余五万",
        {"芯片来源": "国产", "合同金额（不含税）": "100万", "合同税额": "0", "已用：单个企业限额": "295万"},
        "50000",
    ),
    (
        "市外高校",
        {"芯片来源": "国产", "主体类型": "高等学校", "注册地代码": "110108", **TENTH},
        "180000",
    ),
]


def more(row: Locator, fields: dict[str, str | list[str] | bool]) -> None:
    """Fields that stand under 少用的各项."""
    row.locator("details.more:not([open]) > summary").first.click()
    typed(row, fields)


def begun(page: Page) -> None:
    page.goto("/admin/vouchers/program/add/")
    typed(page, {"专项代码": "LS-ZN", "专项名称": "例示市智能算力应用支持", "主管部门": "例示市数据局"})
    page.get_by_label("行政区划").select_option(label="例示市（990100）")
    typed(page, {"演示专项": True})
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("link", name="新建政策版本", exact=True).click()
    page.get_by_label("政策名称").fill("例示市支持智能算力应用若干措施")
    page.get_by_label("版本名称").fill("2025年度")
    page.get_by_label("依据文件的文号").fill("例政办发〔2025〕12号")
    page.get_by_role("button", name="新建政策版本", exact=True).click()
    page.wait_for_url(f"**{VERSION}/change/")


def filled(page: Page) -> None:
    typed(page, {"施行日期": "2025-04-01", "失效日期": "2027-04-01", "演示版本": True})
    gate = added(page, "申领条件")
    typed(gate, {"条件": "企业在例示市注册，高等学校不受此限", "条件种类": "注册地", "条款": "第一条"})
    typed(gate, {"行政区划代码（前缀）": "例示市"})
    more(gate, {"不适用的主体类型": ["高等学校"]})

    track = opened(page, "算力费用补贴")
    typed(track, {"计税口径": "含税", "分档方式": "超额累进", "分档依据": "年度累计基数", "条款": "第二条"})
    more(
        track,
        {
            "计入起始日": "2025-04-01",
            "计入截止日": "2026-04-01",
            "天数算法": "止日减起日",
            "分档的累计范围": "本方向合并累计",
        },
    )
    rate = opened(page, "rate")
    typed(rate, {"补贴比例": "30%", "芯片来源": ["国产"], "档次终点（不含，元）": "500万", "条款": "第三条"})
    for value, chips, band in (
        ("15%", ["国产"], {"档次起点（含，元）": "500万"}),
        ("20%", [], {"档次终点（不含，元）": "500万"}),
        ("10%", [], {"档次起点（含，元）": "500万"}),
    ):
        rate = added(page, "补贴比例与分档")
        typed(rate, {"补贴比例": value, "芯片来源": chips, "条款": "第三条", **band})
    cap = added(page, "限额")
    typed(cap, {"名称": "集团限额", "限额对象": "同一集团", "期间": "政策年度", "限额（元）": "500万"})
    typed(cap, {"条款": "第四条"})
    more(cap, {"年度起始（月-日）": "4月1日"})
    cap = added(page, "限额")
    typed(
        cap, {"名称": "单个企业限额", "限额对象": "单个企业", "期间": "连续十二个月", "限额（元）": "300万"}
    )
    typed(cap, {"条款": "第四条"})
    typed(page, {"其他财政资金": "就高不重复(补差)", "舍入方法": "四舍五入", "舍入单位": "元"})
    saved(page)
    expect(page.locator(".messagelist")).to_contain_text("各节内容完整")


def read_again(page: Page) -> None:
    """The prose says what the text says."""
    page.goto(f"{VERSION}/text/")
    prose = page.locator(".policy-text")
    for words in (
        "只计自2025年4月1日起至2026年3月31日止发生的费用；跨期的费用按天数折算，止日减起日",
        "国产，年度累计基数 5,000,000.00 元以上（含）的部分，按该部分的 15% 支持",
        "同一集团每个政策年度不超过 5,000,000.00 元，年度自 4 月 1 日起",
        "任意连续十二个月内不超过 3,000,000.00 元",
        "该项不适用于高等学校",
        "例政办发〔2025〕12号第三条",
    ):
        expect(prose).to_contain_text(words)


def workbook(template: bytes, *, wrong: bool) -> dict[str, object]:
    book = load_workbook(io.BytesIO(template))
    sheet = book["算例"]
    heads = {str(cell.value).rstrip("*"): cell.column for cell in sheet[2] if cell.value}
    common = {"环节": "申领", "核算日期": "2025-06-12", "注册地代码": "990100", "主体类型": "企业"}
    common |= {"集团编号": "甲集团", "其他财政资金": "无", "租期起": "2025-04-01", "租期止": "2026-03-31"}
    for place, (title, own, amount) in enumerate(CASES, start=1):
        given = (
            common
            | own
            | {"算例编号": str(place), "算例名称": title, "应得金额": amount, "应得结论": "可予支持"}
        )
        if wrong and place == 2:
            given["租期起"] = "三月二日"
        for head, value in given.items():
            sheet.cell(3 + place, heads[head], value)
    out = io.BytesIO()
    book.save(out)
    return {"name": "算例.xlsx", "mimeType": BOOK, "buffer": out.getvalue()}


def proven(page: Page) -> None:
    """The text's examples; a cell that cannot be read is named by its place, and nothing of that book is taken."""
    page.goto(f"{VERSION}/examples/")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载模板").click()
    template = download.value.path().read_bytes()
    page.set_input_files("input[type=file]", [workbook(template, wrong=True)])
    page.get_by_role("button", name="上传并运算").click()
    wrong = page.locator("tr", has_text="三月二日")
    expect(wrong).to_contain_text(re.compile(r"算例![A-Z]+5"))
    expect(wrong).to_contain_text("租期起")
    expect(page.locator("#content")).to_contain_text("还没有算例")
    page.set_input_files("input[type=file]", [workbook(template, wrong=False)])
    page.get_by_role("button", name="上传并运算").click()
    expect(page.locator("#content")).to_contain_text("一致 5 个")
    expect(page.locator("#content")).to_contain_text("不一致 0 个")


def tried_over_a_year(page: Page) -> None:
    """Two contracts of one enterprise: the second goes on in the band and under the caps where the first ended."""
    page.goto(f"{VERSION}/change/")
    page.get_by_role("link", name="全年试算", exact=True).click()
    typed(page, {"注册地代码": "990100", "主体类型": "企业", "集团编号": "甲集团"})
    for number, day, cost, chip in ((1, "2025-04-10", "400万", "国产"), (2, "2025-05-10", "800万", "非国产")):
        contract = page.locator(f"#contract-{number}")
        typed(contract, {"申领日期": day, "合同金额（不含税）": cost, "合同税额": "0", "芯片来源": chip})
        typed(contract, {"租期起": "2025-04-01", "租期止": "2026-03-31", "其他财政资金": "无"})
    typed(page.locator("#contract-1 .trial__paid"), {"兑付日期": "2025-07-01", "本次金额（不含税）": "100万"})
    page.get_by_role("button", name="试算", exact=True).last.click()
    result = page.locator("#trial-result")
    # 4,000,000 × 30 %; then 1,000,000 × 20 % + 7,000,000 × 10 %
    first, second, paid = (result.locator(".year__step").nth(place) for place in range(3))
    expect(first).to_contain_text("1,200,000.00")
    expect(second).to_contain_text("900,000.00")
    expect(paid).to_contain_text("300,000.00")
    second.locator("summary").click()
    expect(second).to_contain_text("单个企业限额")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert_fits(page)


def test_a_city_with_bands_of_the_year_rolling_caps_and_day_counts_is_configured_from_its_text(
    city: Cast, page: Page
):
    sign_in(page, "policy-editor", "/")
    begun(page)
    filled(page)
    read_again(page)
    proven(page)
    tried_over_a_year(page)
    page.goto(f"{VERSION}/act/propose/")
    expect(page.locator("#content")).to_contain_text("提请前请核对")
    page.get_by_role("button", name="提请发布", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("已提请发布")

    sign_in(page, "publisher", "/")
    page.goto(f"{VERSION}/act/publish/")
    page.get_by_role("link", name="本政策说明", exact=True).click()
    expect(page.locator(".policy-text")).to_contain_text("就高不重复")
    page.goto(f"{VERSION}/act/publish/")
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("发布编号 LS-ZN-1")
    assert Publication.objects.get(publication_no="LS-ZN-1").accepts_applications
