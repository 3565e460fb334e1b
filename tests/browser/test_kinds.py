"""The forms of every kind of basis fit a desk and a phone: empty, faulty, and with the longest names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from playwright.sync_api import Page

from applications.actions.applications import start_application
from applications.actions.basis_items import ItemFields
from applications.actions.claims import start_claim
from applications.actions.projects import ProjectFields
from tests.applications import kinds
from tests.browser.fit import assert_fits
from tests.browser.test_main_job import DESK, PHONE, sign_in
from tests.cast import Cast
from vouchers.context import acting
from vouchers.models import Party

pytestmark = pytest.mark.browser
LONG = "和林格尔新区绿色算力枢纽国家级算力监测与统一调度公共服务平台（二期扩容工程）"
FORMS = (
    (
        "NM-JS",
        "settlement",
        {"site": LONG, "counterparties": f"{LONG}有限公司\n乙公司", "period_to": "2024-01-01"},
    ),
    ("QH-DDPT-DEMO", "investment", {"name": LONG * 2, "amount": "一千万", "completed_on": "2026-01-01"}),
    ("SH-BSJL-DEMO", "deployment", {"name": LONG, "site": LONG, "scale": "很大", "cards": "0"}),
    ("GZ-SLQ-DEMO", "data_product", {"product": LONG * 2, "lessor_uscc": "1", "amount": "12.345"}),
    ("GZ-SLQ-DEMO", "", {}),
    ("BDA-SLQ-v2", "track", {}),
    ("BDA-SLQ-v2", "purchase", {"lessor_name": LONG, "accelerator": LONG}),
)


def fits(page: Page) -> None:
    """At both widths."""
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        assert_fits(page)
    page.set_viewport_size(DESK)


def test_what_an_application_rests_on_fits_whatever_its_kind(cast: Cast, page: Page):
    opened = {name: kinds.opened(cast, name) for name in dict.fromkeys(form[0] for form in FORMS)}
    sign_in(page, "filer", "/")
    for scheme, kind, typed in FORMS:
        with acting(cast.filer, "test"):
            track = "cloud_purchase" if kind == "purchase" else ""
            application = start_application(opened[scheme].program, cast.alpha, by=cast.filer, track=track)
        step = "track" if kind == "track" else "contract"
        page.goto(
            f"/portal/applications/{application.application_no}/{step}/" + (f"?kind={kind}" if typed else "")
        )
        fits(page)
        if not typed:
            continue
        for name, value in typed.items():
            page.fill(f"[name={name}]", value)
        page.click("form[data-guard] button[type=submit]")
        page.wait_for_selector(".error-summary, .field--invalid")
        fits(page)


def test_the_payment_of_a_subsidy_without_a_voucher_fits(cast: Cast, page: Page):
    Party.objects.filter(pk=cast.alpha.pk).update(name=f"{LONG}运营管理股份有限公司")
    cast.alpha.refresh_from_db()
    publication = kinds.opened(cast, "NM-JS")
    kinds.connect(cast, cast.alpha, publication, date(2024, 1, 1))
    fields = ProjectFields(
        kind="settlement",
        name=LONG,
        site=LONG,
        document_no="JS-2025-H1",
        period_from=date(2025, 1, 1),
        period_to=date(2025, 5, 31),
        counterparties="\n".join(f"{LONG}第{number}分公司" for number in range(12)),
        amount=Decimal("98765432.10"),
    )
    application = kinds.project_application(cast, publication, fields)
    entitlement = kinds.granted(cast, application)
    items = [
        ItemFields(
            kind="settlement_line",
            reference=f"JS-2025-{number:02d}",
            description=LONG,
            net_amount=Decimal("1000000.00"),
            period_from=date(2025, 1, 1),
            period_to=date(2025, 5, 31),
        )
        for number in range(1, 13)
    ]
    claim = kinds.claimed(cast, entitlement, items)
    with acting(cast.filer, "test"):
        draft = start_claim(entitlement, None, by=cast.filer)
    sign_in(page, "filer", "/")
    for name, path in (
        ("application", f"applications/{application.application_no}"),
        ("entitlement", f"vouchers/{entitlement.voucher_no}"),
        ("claim", f"claims/{claim.claim_no}"),
        ("items", f"claims/{draft.claim_no}/items"),
        ("item-settlement", f"claims/{draft.claim_no}/items/other"),
    ):
        page.goto(f"/portal/{path}/" + ("?kind=settlement_line" if name == "item-settlement" else ""))
        fits(page)
    page.context.clear_cookies()
    sign_in(page, "handler", "/")
    for kind, number in (("applications", application.application_no), ("claims", claim.claim_no)):
        page.goto(f"/desk/{kind}/{number}/")
        fits(page)
