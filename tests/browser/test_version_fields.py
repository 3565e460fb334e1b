"""What a text says of its borders, of whom a condition binds and of windows that come again is typed, and is there again."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_main_job import sign_in
from tests.browser.test_new_city import added, fits, opened, saved, typed
from tests.casework import published
from tests.cast import Cast
from vouchers.actions import policies
from vouchers.context import acting
from vouchers.models import PolicyApplicantClass, PolicyGate, PolicyTrack, PolicyVersion, PolicyWindow

pytestmark = pytest.mark.browser
GATE = "成立不满三年的企业"


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    first = published(cast, "BJ-AIQ")
    with acting(cast.policy_editor, "test"):
        return policies.clone_version(first.version, by=cast.policy_editor, label="二〇二六年度")


def rarely_needed(row: Locator) -> Locator:
    """The fields of a row that are rarely needed, unfolded."""
    more = row.locator("details.more").last
    if more.get_attribute("open") is None:
        more.locator("> summary").click()
    return row


def checked(row: Locator, group: str) -> list[str]:
    boxes = row.get_by_role("group", name=group, exact=True).locator("input:checked")
    return [str(box.evaluate("element => element.labels[0].innerText")).strip() for box in boxes.all()]


def chosen(row: Locator, label: str) -> str:
    return str(row.get_by_label(label).locator("option:checked").inner_text())


def test_borders_scopes_and_windows_that_repeat_are_saved_and_come_back(
    cast: Cast, page: Page, draft: PolicyVersion
):
    sign_in(page, "policy-editor", "/")
    page.goto(f"/admin/vouchers/policyversion/{draft.version_no}/change/")
    kind = added(page, "申领主体类别")
    typed(kind, {"名称": "初创企业", "成立不超过（月）": "36"})
    track = rarely_needed(opened(page, "算力租用费用补贴"))
    typed(track, {"分档的累计范围": "本方向合并累计", "档次起点是否含本数": "不含本数"})
    gate = added(page, "申领条件")
    typed(gate, {"条件": GATE, "条件种类": "成立不超过若干月", "月数": "36", "月数是否含本数": "不含本数"})
    rarely_needed(gate)
    typed(gate, {"限于支持这些对象的方向": ["算力需求方"]})
    typed(gate, {"只适用的主体类型": ["企业"], "不适用的主体类型": ["高等学校", "科研机构"]})
    window = added(page, "申报期")
    typed(window, {"名称": "每年一次", "开始时间": "2025-12-20T09:00", "截止时间": "2026-01-11T18:00"})
    typed(window, {"重复": "每年", "重复至（不含）": "2028-01-01"})
    saved(page)

    page.reload()
    gate = rarely_needed(opened(page, GATE))
    expect(gate.locator(".row__short").first).to_contain_text("不含本数")
    expect(gate.locator(".row__short").first).to_contain_text("只适用于企业")
    assert checked(gate, "限于支持这些对象的方向") == ["算力需求方"]
    assert checked(gate, "只适用的主体类型") == ["企业"]
    assert checked(gate, "不适用的主体类型") == ["高等学校", "科研机构"]
    assert chosen(gate, "月数是否含本数") == "不含本数"
    track = rarely_needed(opened(page, "算力租用费用补贴"))
    assert chosen(track, "分档的累计范围") == "本方向合并累计"
    assert chosen(track, "档次起点是否含本数") == "不含本数"
    window = opened(page, "每年一次")
    expect(window.locator(".row__short").first).to_contain_text("每年重复")
    expect(window.get_by_label("重复至（不含）")).to_have_value("2028-01-01")
    expect(window.get_by_label("开始时间")).to_have_value("2025-12-20T09:00")
    fits(page)

    # A class that is stored can be named by a condition.
    typed(gate, {"只适用的主体类别": ["初创企业"]})
    saved(page)
    page.reload()
    expect(opened(page, GATE).locator(".row__short").first).to_contain_text("只适用于初创企业")

    stored = PolicyGate.objects.get(version=draft, text=GATE)
    code = PolicyApplicantClass.objects.get(version=draft).code
    assert (stored.months, stored.border, stored.sides) == (36, "excluded", ["demand"])
    assert (stored.for_kinds, stored.not_for_kinds) == (["enterprise"], ["university", "institute"])
    assert stored.classes == [code]
    row = PolicyTrack.objects.get(version=draft)
    assert (row.tier_base, row.band_border) == ("track", "excluded")
    again = PolicyWindow.objects.get(version=draft)
    assert (again.repeats, again.repeats_until) == ("yearly", date(2028, 1, 1))
