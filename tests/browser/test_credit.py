"""信用 in a browser: the file and a restriction at the desk, the party's pages, the public list with a thousand rows, wide and on a phone."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from tests.browser.fit import assert_fits
from tests.cast import PASSWORD
from vouchers.actions.credit_entries import record_entry
from vouchers.actions.debarments import notify_debarment, propose_debarment
from vouchers.context import Actor, acting
from vouchers.models import Listing, Party

TODAY = date(2025, 7, 15)
LONG = "北京市海淀区中关村人工智能算力调度与数据要素流通技术（集团）股份有限公司"


def sign_in(page, account: str) -> None:
    page.context.clear_cookies()
    page.goto("/accounts/sign-in/")
    page.fill("input[name=username]", account)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url)


def filled(cast) -> str:
    """A long name with an adverse entry and a restriction that it may answer; a thousand other companies on the list."""
    Party.objects.filter(pk=cast.alpha.pk).update(name=LONG)
    law = {"basis": "《北京市算力券管理办法（试行）》", "article": "第二十条第一款第三项"}
    with acting(cast.investigator, "test"):
        record_entry(
            cast.alpha, region=cast.beijing, aspect="performance", bearing="adverse", found_on=TODAY, document_no="京经信〔2025〕13号",
            sentence="连续两期未按合同约定使用算力，实际用量不足约定的三成，经书面提醒后仍未改正。", by=cast.investigator, **law,
        )  # fmt: skip
        row = propose_debarment(
            cast.alpha, region=cast.beijing, ground="fabricated", facts="合同所列设备在租用期内并不存在。", proposed_from=date(2025, 8, 1),
            proposed_to=date(2026, 8, 1), repair_from=date(2025, 11, 1), repair_terms="退回全部资金并公开作出守信承诺。",
            by=cast.investigator, **law,
        )  # fmt: skip
        notify_debarment(row, document_no="京经信告〔2025〕7号", by=cast.investigator)
    with acting(Actor.service("test"), "test"):
        others = Party.objects.bulk_create(
            Party(uscc=f"91110000MA{n:07d}X", name=f"{LONG}第{n}分公司", region_code="110000")
            for n in range(1000)
        )
        Listing.objects.bulk_create(
            Listing(
                party=party,
                kind="serious_dishonesty",
                effective_from=date(2025, 1, 1),
                document_no=f"京〔2025〕{n}号",
            )
            for n, party in enumerate(others)
        )
    return row.debarment_no


@pytest.mark.parametrize("page", [1440, 390], indirect=True)
def test_the_pages_of_credit_are_read_wide_and_on_a_phone(cast, page):
    page.goto(reverse("public:debarred"))
    page.wait_for_load_state("load")
    assert "目前没有列入名单的单位" in page.content()
    assert_fits(page)
    number = filled(cast)
    page.goto(reverse("public:debarred"))
    page.wait_for_load_state("load")
    assert "共 1000 条" in page.content()
    assert_fits(page)
    sign_in(page, "investigator")
    for address in (
        reverse("audit:credit-files"),
        reverse("audit:credit-file", args=[cast.alpha.uscc]),
        reverse("audit:debarments"),
        reverse("audit:debarment", args=[number]),
        reverse("audit:debar", args=[cast.alpha.uscc]),
    ):
        page.goto(address)
        page.wait_for_load_state("load")
        assert LONG[:10] in page.content()
        assert_fits(page)
    sign_in(page, "filer")
    page.goto(reverse("portal:credit"))
    page.wait_for_load_state("load")
    assert_fits(page)
    page.get_by_role("link", name="去陈述申辩").click()
    page.get_by_label("事实和理由").fill("设备在另一机房，附清单。")
    page.get_by_label("要求听证").check()
    assert_fits(page)
    page.get_by_role("button", name="提交陈述申辩").click()
    page.wait_for_load_state("load")
    assert "已要求听证" in page.content()
