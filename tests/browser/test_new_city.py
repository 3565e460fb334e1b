"""A city that is not shipped is configured in the admin alone, from its text, and its published examples come out to the fen.

The text (a fiction, for demonstration only):

    例示市人民政府关于印发《例示市算力券管理办法（试行）》的通知　例政发〔2025〕8号　2025年1月10日

    第一条　在例示市注册的企业，租用算力用于人工智能大模型训练的，可以申领算力券。
    第二条　以租用合同实际发生的算力费用（不含税，凭发票）为基数；存储、网络费用不计入。
    第三条　单次申领的费用，100 万元以下的部分按 20%、100 万元以上的部分按 10% 给予补贴；租用国产芯片算力的，分别按
    30%、15% 给予补贴。
    第四条　单次申领的费用不足 10 万元的，不予补贴。
    第五条　每家企业每年补贴最高不超过 30 万元。
    第六条　2025 年度申报期为 3 月 1 日 9 时至 12 月 31 日 18 时。
    第七条　申领时提交真实性承诺书、算力租用合同、费用测算表，兑付时提交发票和付款凭证；材料和审核程序由主管部门另定。
    第八条　市经济和信息化局自受理之日起 5 个工作日内初审，15 个工作日内核准。
    第九条　本办法自 2025 年 2 月 1 日起施行，有效期至 2027 年 12 月 31 日。

    附　计算示例　（一）租用国产芯片算力，费用 900,000.33 元，补贴 270,000.09 元（不足一分的舍去）。
    （二）租用其他算力，费用 1,234,567.89 元，补贴 200,000 + 23,456.78 = 223,456.78 元。
    （三）租用国产芯片算力，费用 1,500,000 元，按比例为 375,000 元，补贴 300,000 元。
    （四）费用 99,999.99 元，不予补贴。
"""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect

from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.cast import SINCE, Cast
from vouchers.access import Role
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting
from vouchers.models import Publication, Region, RoleGrant

pytestmark = pytest.mark.browser

VERSION = "/admin/vouchers/policyversion/LS-SLQ-1"


@pytest.fixture
def city(cast: Cast) -> Cast:
    """例示市 exists as a place, and the two persons work for it: that is the system's and the security administrators' work."""
    region = Region.objects.create(code="990100", name="例示市")
    for person, role in ((cast.policy_editor, Role.POLICY_EDITOR), (cast.publisher, Role.PUBLISHER)):
        RoleGrant.objects.create(user=person, role=role, region=region, effective_from=SINCE)
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    return cast


def typed(row: Locator | Page, fields: dict[str, str | list[str] | bool]) -> None:
    """Fill fields by the labels that stand beside them: texts, lists by their words, boxes by theirs."""
    for label, value in fields.items():
        if isinstance(value, list):
            for word in value:
                row.get_by_role("group", name=label, exact=True).get_by_label(word, exact=True).check()
            continue
        field = row.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*[:：]?\s*$"))
        if isinstance(value, bool):
            field.set_checked(value)
        elif field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)


def added(page: Page, noun: str) -> Locator:
    """One more row, by keyboard."""
    button = page.get_by_role("button", name=f"＋ 增加一条{noun}", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    return button.locator("xpath=ancestor::*[@data-rows]").locator("details[data-row]").last


def opened(page: Page, title: str) -> Locator:
    """A row that is there, unfolded."""
    row = page.locator("details[data-row]", has=page.locator(".row__title", has_text=title)).first
    if row.get_attribute("open") is None:
        row.locator("> summary").click()
    return row


def saved(page: Page) -> None:
    page.get_by_role("button", name="保存草稿", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("草稿已保存")


def fits(page: Page) -> None:
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert_fits(page)


def begun(page: Page) -> None:
    """The program, and its first version."""
    page.goto("/admin/")
    page.locator("tr.model-program .addlink").click()
    typed(page, {"专项代码": "LS-SLQ", "专项名称": "例示市算力券", "主管部门": "例示市经济和信息化局"})
    page.get_by_label("行政区划").select_option(label="例示市（990100）")
    typed(page, {"演示专项": True})
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url("**/program/LS-SLQ/change/")
    page.get_by_role("link", name="新建政策版本", exact=True).click()
    page.get_by_label("政策名称").fill("例示市算力券管理办法（试行）")
    page.get_by_label("版本名称").fill("试行")
    page.get_by_label("依据文件的文号").fill("例政发〔2025〕8号")
    page.get_by_label("发文日期").fill("2025-01-10")
    page.get_by_role("button", name="新建政策版本", exact=True).click()
    page.wait_for_url(f"**{VERSION}/change/")


def filled(page: Page) -> None:
    """Every section, from the text."""
    typed(page, {"施行日期": "2025-02-01", "失效日期": "2028-01-01", "演示版本": True})

    gate = added(page, "申领条件")
    typed(gate, {"条件": "申领单位在例示市注册", "条件种类": "注册地", "条款": "第一条"})
    typed(gate, {"行政区划代码（前缀）": "例示市"})
    assert gate.get_by_label("月数", exact=True).is_hidden(), "a condition shows what its kind needs"
    gate = added(page, "申领条件")
    typed(
        gate, {"条件": "算力用于人工智能大模型训练", "条件种类": "用途", "取值": ["训练"], "条款": "第一条"}
    )

    track = opened(page, "算力费用补贴")
    typed(track, {"不计入的费用": ["存储", "网络"], "分档方式": "超额累进", "条款": "第二条"})

    rate = opened(page, "rate")
    typed(rate, {"补贴比例": "30%", "芯片来源": ["国产"], "档次终点（不含，元）": "100万", "条款": "第三条"})
    rate = added(page, "补贴比例与分档")
    typed(rate, {"补贴比例": "15%", "芯片来源": ["国产"], "档次起点（含，元）": "90万", "条款": "第三条"})
    rate = added(page, "补贴比例与分档")
    typed(rate, {"补贴比例": "20%", "档次终点（不含，元）": "1,000,000", "条款": "第三条"})
    rate = added(page, "补贴比例与分档")
    typed(rate, {"补贴比例": "10", "档次起点（含，元）": "100万元", "条款": "第三条"})

    floor = added(page, "起补线")
    typed(floor, {"名称": "单次最低费用", "起补依据": "本次基数", "起补线（元）": "10万", "条款": "第四条"})
    cap = added(page, "限额")
    typed(cap, {"名称": "单个企业年度限额", "限额对象": "单个企业", "期间": "自然年度"})
    typed(cap, {"限额（元）": "30万", "条款": "第五条"})

    window = added(page, "申报期")
    typed(window, {"名称": "2025年度", "条款": "第六条"})
    typed(window, {"开始时间": "2025-03-01T09:00", "截止时间": "2025-12-31T18:00"})
    paper = added(page, "申报材料")
    typed(paper, {"材料名称": "费用测算表", "条款": "第七条"})
    step = opened(page, "初审")
    typed(step, {"时限（工作日）": "5", "依据文件": "例政发〔2025〕8号", "条款": "第八条"})
    step = opened(page, "核准")
    typed(step, {"时限（工作日）": "15", "依据文件": "例政发〔2025〕8号", "条款": "第八条"})


def corrected(page: Page) -> None:
    """Two slips: what cannot be stored is told before anything is lost, what contradicts itself is told beside its field."""
    page.get_by_role("button", name="保存草稿", exact=True).click()
    expect(page.locator("[data-summary]")).to_contain_text("如果原文是 10%，请写作“10%”")
    assert page.locator("[id$='-text']").first.input_value() == "申领单位在例示市注册", (
        "nothing typed is lost"
    )
    page.locator("[data-summary] a").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("10%")
    saved(page)
    expect(page.locator(".version__summary")).to_contain_text("档次重叠")
    page.locator(".version__summary a").first.click()
    focused = page.locator(":focus")
    assert focused.input_value() == "900,000.00"
    focused.fill("100万")
    saved(page)
    expect(page.locator(".messagelist")).to_contain_text("各节内容完整")
    expect(
        page.locator(".row__short", has_text="990100").or_(page.locator(".row__short", has_text="9901")).first
    ).to_be_visible()


def workbook(template: bytes) -> bytes:
    """The template with the text's own examples in it."""
    book = load_workbook(io.BytesIO(template))
    sheet = book["算例"]
    heads = {str(cell.value).rstrip("*"): cell.column for cell in sheet[2] if cell.value}
    cases = [
        ("国产，不足一分的舍去", "国产", "900000.33", "270000.09", "可予支持"),
        ("其他算力，超过 100 万元", "非国产", "1234567.89", "223456.78", "可予支持"),
        ("国产，达到年度限额", "国产", "1500000.00", "300000.00", "可予支持"),
        ("差一分到起补线", "国产", "99999.99", "0.00", "不予支持"),
    ]
    for place, (title, origin, cost, amount, outcome) in enumerate(cases, start=1):
        given = {
            "算例编号": str(place),
            "算例名称": title,
            "环节": "申领",
            "核算日期": "2025-05-12",
            "提交时间": "2025-05-12 10:00",
            "注册地代码": "990100",
            "用途": "训练",
            "芯片来源": origin,
            "合同金额（不含税）": cost,
            "应得金额": amount,
            "应得结论": outcome,
        }
        for head, value in given.items():
            sheet.cell(3 + place, heads[head], value)  # below the sample row, which is passed over
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def proven(page: Page) -> None:
    """The examples, by the workbook."""
    page.get_by_role("link", name="算例", exact=True).first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载模板").click()
    content = download.value.path().read_bytes()
    name = "算例.xlsx"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.set_input_files("input[type=file]", [{"name": name, "mimeType": kind, "buffer": workbook(content)}])
    page.get_by_role("button", name="上传并运算").click()
    expect(page.locator("body")).to_contain_text("4 个与应得结果一致，0 个不一致")
    fits(page)


def test_a_city_that_is_not_shipped_is_configured_in_the_admin_alone(city: Cast, page: Page):
    sign_in(page, "policy-editor", "/")
    begun(page)
    fits(page)
    filled(page)
    corrected(page)
    fits(page)
    proven(page)
    page.goto(f"{VERSION}/act/propose/")
    page.get_by_role("button", name="提请发布", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("已提请发布")

    sign_in(page, "publisher", "/")
    page.goto(f"{VERSION}/change/")
    expect(page.locator("main")).to_contain_text("请核对以下内容")
    fits(page)
    page.get_by_role("link", name="发布", exact=True).click()
    page.get_by_role("button", name="发布", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("发布编号 LS-SLQ-1")
    assert Publication.objects.get(publication_no="LS-SLQ-1").accepts_applications

    page.context.clear_cookies()
    page.goto("/public/programs/LS-SLQ/")
    expect(page.locator("main")).to_contain_text("例示市算力券")
    expect(page.locator("main")).to_contain_text("第三条")
    page.goto("/public/precheck/?program=LS-SLQ")
    page.get_by_label("合同金额（不含税）").fill("1,234,567.89")
    page.get_by_label("加速卡来源").select_option(label="非国产")
    page.get_by_label("注册地行政区划代码").fill("990100")
    page.get_by_label("算力用途").select_option(label="训练")
    page.locator("main form[method=post] button[type=submit], main form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text(re.compile(r"223,456\.78"))
