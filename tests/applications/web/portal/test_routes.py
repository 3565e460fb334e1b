"""Every address of portal and public surface: one's own, another enterprise's, the office's, and nobody's."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
)
from applications.actions.issuing import issue_application, publish_notice
from applications.actions.messages import tell_about_application
from applications.actions.objections import file_objection
from applications.models import Claim, Invoice
from applications.web.portal.urls import urlpatterns
from tests import casework
from tests.applications.web.portal import filing
from vouchers import dates
from vouchers.context import acting
from vouchers.models import Listing

pytestmark = pytest.mark.django_db


@pytest.fixture
def year(filer, cast, beijing):
    """甲公司 with an issued voucher, a draft claim with an invoice, a draft application, an objection and a message."""
    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    application.refresh_from_db()
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        recommend_application(application, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)
        notice = publish_notice(application, by=cast.approver)
    with dates.fixed(notice.closes_on), acting(cast.approver, "test"):
        voucher = issue_application(application, by=cast.approver)
    with dates.fixed(date(2025, 8, 1)):
        draft = filing.fill_in(filer, cast, contract_no="HT-2")
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        filing.add_invoice(filer, cast, claim, "100000.00")
        with acting(cast.filer, "test"):
            objection = file_objection(application, text="对金额有异议。", by=cast.filer, party=cast.alpha)
            tell_about_application("voucher_issued", application)
        yield {
            "application_no": draft.application_no,
            "voucher_no": voucher.voucher_no,
            "claim_no": claim.claim_no,
            "lease_no": application.lease.lease_no,
            "invoice_no": Invoice.objects.get().number_key,
            "objection_no": objection.objection_no,
            "paper_no": "F-0",
            "position": 1,
            "notice_no": notice.notice_no,
            "issued": application.application_no,
        }


POSTED = {
    "application_paper_remove", "application_withdraw", "application_object", "claim_start", "claim_preview",
    "claim_item_remove", "claim_paper_remove", "claim_withdraw", "claim_object", "messages_read", "account_confirm",
    "account_withdraw", "application_consent",
}  # fmt: skip
# Only the party's own rows: no number in the address, an empty page for another enterprise.
LISTS = {
    "home", "applications", "application_new", "vouchers", "claims", "leases", "messages", "objections", "unit",
    "messages_read", "account_confirm", "account_withdraw", "clawbacks", "price_reports", "price_report_template", "credit",
}  # fmt: skip
FILES = {"price_report_template"}
# Lead back to the case while it is a draft; Beijing admits invoices alone.
REDIRECTS = {"application_submitted", "application_track", "claim_submitted", "claim_item"}
# Nothing is decided on a draft.
UNDECIDED = {"application_letter", "claim_letter"}


# A demand for money back, what was paid, a report of prices and what stands in a credit file have no number in this year: tests/config/test_routes.py walks
# them with the others.
PAGES = [
    pattern
    for pattern in urlpatterns
    if not {"clawback_no", "payment_no", "report_no", "debarment_no", "entry_no", "repair_no", "kind"}
    & set(pattern.pattern.converters)
]


def _address(pattern, year) -> str:
    names = pattern.pattern.converters
    return reverse(f"portal:{pattern.name}", kwargs={name: year[name] for name in names})


def test_every_page_opens_for_its_owner(filer, year):
    for pattern in PAGES:
        if pattern.name in POSTED:
            continue
        page = filer.get(_address(pattern, year))
        expected = 302 if pattern.name in REDIRECTS else 409 if pattern.name in UNDECIDED else 200
        assert page.status_code == expected, (pattern.name, page.status_code)


def test_the_pages_of_an_issued_application_open(filer, year):
    for name in ("application", "application_submitted"):
        page = filer.get(reverse(f"portal:{name}", args=[year["issued"]]))
        assert page.status_code == 200
        assert year["voucher_no"] in page.text or year["issued"] in page.text


def test_another_enterprise_finds_nothing(client, cast, year):
    client.force_login(cast.other_filer)
    for pattern in PAGES:
        address = _address(pattern, year)
        answer = client.post(address) if pattern.name in POSTED else client.get(address)
        if pattern.name in ("account_confirm", "account_withdraw"):
            assert answer.status_code == 404
        elif pattern.name in LISTS:
            assert answer.status_code in (200, 302)
            if answer.status_code == 200 and pattern.name not in FILES:
                assert year["voucher_no"] not in answer.text
                assert year["issued"] not in answer.text
                assert year["claim_no"] not in answer.text
        else:
            assert answer.status_code == 404, (pattern.name, answer.status_code)


def test_the_office_and_strangers_are_refused(client, cast, year):
    for person in (cast.handler, cast.other_handler, cast.auditor, cast.stranger):
        client.force_login(person)
        for pattern in PAGES:
            address = _address(pattern, year)
            answer = client.post(address) if pattern.name in POSTED else client.get(address)
            assert answer.status_code == 403, (person.username, pattern.name)


def test_who_is_not_signed_in_is_asked_to(client, year):
    client.logout()
    for pattern in PAGES:
        address = _address(pattern, year)
        answer = client.post(address) if pattern.name in POSTED else client.get(address)
        assert answer.status_code == 302, pattern.name
        assert answer.url.startswith(reverse("accounts:login")), pattern.name


def test_the_second_person_of_the_enterprise_sees_all_and_files_nothing(client, cast, year):
    client.force_login(cast.enterprise_approver)
    page = client.get(reverse("portal:application", args=[year["application_no"]]))
    assert page.status_code == 200
    assert "继续填写" not in page.text
    answer = client.post(
        reverse("portal:application_contract", args=[year["application_no"]]), filing.contract(cast)
    )
    assert answer.status_code == 302
    answer = client.post(reverse("portal:application_withdraw", args=[year["application_no"]]))
    assert answer.status_code == 302
    assert "等您办理" in client.get(reverse("portal:home")).text


def test_the_lessor_sees_the_contract_and_not_the_lessees_claims(client, cast, year):
    from vouchers.access import Role
    from vouchers.models import RoleGrant

    RoleGrant.objects.create(
        user=cast.stranger, role=Role.FILER, party=cast.provider, effective_from=date(2020, 1, 1)
    )
    client.force_login(cast.stranger)
    page = client.get(reverse("portal:lease", args=[year["lease_no"]]))
    assert page.status_code == 200
    assert year["issued"] not in page.text
    assert client.get(reverse("portal:application", args=[year["issued"]])).status_code == 404


PUBLIC = ("home", "precheck", "notices", "prices", "verify", "debarred")


def test_the_public_pages_open_for_everybody(client, cast, year):
    Listing.objects.create(
        party=cast.beta, kind="serious_dishonesty", effective_from=date(2025, 1, 1), reason="提供虚假材料"
    )
    client.logout()
    for name in PUBLIC:
        assert client.get(reverse(f"public:{name}")).status_code == 200, name
    assert cast.beta.name in client.get(reverse("public:debarred")).text
    page = client.get(reverse("public:program", args=["BJ-AIQ"]))
    assert "20%" in page.text
    assert "演示设定" in page.text
    page = client.get(reverse("public:notice", args=[year["notice_no"]]))
    assert cast.alpha.name in page.text
    for address in (
        reverse("public:program", args=["NO-SUCH"]),
        reverse("public:notice", args=["N-0"]),
    ):
        assert client.get(address).status_code == 404
