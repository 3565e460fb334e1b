"""The trail's list as an auditor narrows it, by each filter; the page of keys and checkpoints for everybody. Wide and narrow."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tests.browser.test_audit_trail import look, paid  # noqa: F401 - the fixture
from tests.browser.test_payments import sign_in

pytestmark = pytest.mark.browser


def narrowed(page, **fields: str) -> list[str]:
    """The rows of the list after these fields were filled in and the form was sent, at most a page of them."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(reverse("audit:trail"))
    for name, value in fields.items():
        field = page.locator(f"form.filter-bar [name={name}]").first
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("form.filter-bar button[type=submit]").first.click()
    page.wait_for_load_state("load")
    return [row.inner_text() for row in page.locator("main table.table tbody tr").all()]


def test_each_filter_narrows_the_list_to_what_was_asked_for(cast, paid, page):  # noqa: F811
    sign_in(page, "auditor")
    by_number = narrowed(page, q=paid.claim_no)
    assert by_number and all(paid.claim_no in row for row in by_number)
    by_handler = narrowed(page, person=cast.approver.username)
    approver = cast.approver.display_name or cast.approver.username
    assert by_handler and all(approver in row for row in by_handler)
    by_verb = narrowed(page, verb="核准")
    assert by_verb and all("核准" in row for row in by_verb)
    by_kind = narrowed(page, kind="voucher")
    assert by_kind and all("算力券" in row for row in by_kind)
    by_region = narrowed(page, region="110000")
    seen = AuditEvent.objects.all().visible_to(cast.auditor)
    assert len(by_region) == min(seen.filter(region_code="110000").count(), 50)
    assert narrowed(page, since="2031-01-01") == []
    assert "没有符合条件的留痕" in page.locator("main").inner_text()
    assert narrowed(page, q=paid.claim_no, until="2020-01-01") == []
    first_of_month = f"{seen.latest('pk').recorded_at:%Y-%m}-01"
    assert narrowed(page, q=paid.claim_no, since=first_of_month) == by_number


def test_the_page_of_keys_and_checkpoints_fits_and_hands_out_its_files(paid, page):  # noqa: F811
    look(page, reverse("public:seals"), "如何离线验证", "seals")
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as coming:
        page.get_by_role("link", name="验证程序", exact=True).click()
    assert coming.value.suggested_filename == "trail-verifier.zip"
    with page.expect_download() as coming:
        page.get_by_role("link", name="公钥", exact=True).click()
    assert coming.value.suggested_filename == "public-key.txt"
    sign_in(page, "auditor")
    look(page, reverse("audit:seals"), "最近的封存点一览", "seals-desk")
    page.goto(reverse("audit:home"))
    page.get_by_role("link", name="封存", exact=True).click()
    assert "指纹（SHA-256）" in page.locator("main").inner_text()


@pytest.mark.parametrize("kind", ["application", "lease", "claim", "payment", "policy_version", "party"])
def test_a_story_of_any_kind_reads_in_chinese_without_json_or_raw_names(cast, paid, page, kind):  # noqa: F811
    from vouchers.models import Payment, PolicyVersion

    number = {
        "application": lambda: paid.voucher.application_no,
        "lease": lambda: paid.lease.lease_no,
        "claim": lambda: paid.claim_no,
        "payment": lambda: Payment.objects.get(claim_no=paid.claim_no).payment_no,
        "policy_version": lambda: (
            AuditEvent.objects.filter(subject_kind="policy_version").latest("pk").subject_no
        ),
        "party": lambda: cast.alpha.uscc,
    }[kind]()
    assert PolicyVersion.objects.exists()
    sign_in(page, "auditor")
    look(page, reverse("audit:trail-story", args=[kind, number]), "的全部经过", f"story-{kind}")
    page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
    said = page.locator("main").inner_text()
    assert '{"' not in said and "': " not in said, said
    heads = page.locator("main .deed th[scope=row], main .deed h2").all_inner_texts()
    raw = sorted({head for head in heads if head.strip().isascii() and "_" in head})
    assert raw == [], raw
