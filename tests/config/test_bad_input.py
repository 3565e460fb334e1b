"""Bad input at the edges: a clear refusal with a stable code, what was typed kept, and nothing half written.

That nothing was written is read from the trail, which the database itself writes for every table of business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.actions.applications import accept_application
from applications.actions.basis_items import ItemFields
from applications.models import Application, Claim, Invoice, Lease
from audit.models import AuditEvent
from tests import casework
from tests.applications.web.portal import filing
from vouchers import dates
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting
from vouchers.models import Party

pytestmark = pytest.mark.django_db
AUGUST = date(2025, 8, 1)


@pytest.fixture
def beijing(cast):
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return publication


@pytest.fixture
def unchanged() -> Callable[[], bool]:
    """Whether nothing of business was written since the test called ``unchanged.since()`` (or began)."""
    return Unchanged()


class Unchanged:
    """A mark in the trail."""

    def __init__(self) -> None:
        self.since()

    def since(self) -> None:
        """From here on."""
        self.mark = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def __call__(self) -> bool:
        written = AuditEvent.objects.filter(pk__gt=self.mark, operation__in=("insert", "update", "delete"))
        return not written.exists()


def field_codes(answer: Any) -> set[tuple[str, str]]:
    """(field, code) of what the form refused."""
    faults = answer.context["form"].errors.as_data()
    return {(field, fault.code) for field, errors in faults.items() for fault in errors}


def refusal(answer: Any) -> tuple[int, str]:
    """(kind, code) of the domain's refusal, also where the page leads back to the case."""
    found = answer.wsgi_request.refusal
    return found.status, found.code


# -- the contract ---------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(client, cast, beijing) -> Application:
    client.force_login(cast.filer)
    client.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    return Application.objects.get()


# given, field, code
CONTRACT_FAULTS: list[Any] = [
    ({"amount": "1.005"}, "amount", "fen"),
    ({"amount": "很多"}, "amount", "invalid"),
    ({"amount": "-1"}, "amount", "minimum"),
    ({"amount": "9" * 30}, "amount", "invalid"),
    ({"amount": ""}, "amount", "required"),
    ({"unit_price": "1.0000001"}, "unit_price", "fen"),
    ({"quantity": "1.00001"}, "quantity", "fen"),
    ({"signed_on": "2025-02-30"}, "signed_on", "invalid"),
    ({"region_code": "999999"}, "region_code", "invalid_choice"),
    ({"quantity": ""}, "quantity", "required"),
    ({"cards": "1.5"}, "cards", "invalid"),
    ({"cards": ""}, "cards", "required"),
    ({"contract_no": "甲" * 61}, "contract_no", "max_length"),
    ({"serials": "S" * 61}, "serials", "too_long"),
]


def test_a_contracts_fault_stands_at_its_field(client, cast, draft, unchanged):
    for given, field, code in CONTRACT_FAULTS:
        unchanged.since()
        page = client.post(
            reverse("portal:application_contract", args=[draft.application_no]),
            filing.contract(cast, **given),
        )
        assert page.status_code == 422
        assert (field, code) in field_codes(page)
        assert unchanged()


# given, code
CONTRADICTIONS: list[Any] = [
    ({"ends_on": "2024-01-01"}, "lease.invalid"),
    ({"lessor_uscc": "9111"}, "party.uscc"),
    ({"lessor_uscc": "91110108MA01NEWX00"}, "party.name"),  # unknown, and without a name
    ({"amount": "1"}, "lease.invalid"),
]


def test_a_contract_that_contradicts_itself_is_refused_whole(client, cast, draft, unchanged):
    for given, code in CONTRADICTIONS:
        unchanged.since()
        page = client.post(
            reverse("portal:application_contract", args=[draft.application_no]),
            filing.contract(cast, **given),
        )
        assert (page.status_code, refusal(page)[1]) == (422, code)
        assert next(iter(given.values())) in page.text
        assert unchanged()


def test_a_sign_that_no_text_holds_is_refused_before_any_page(client, cast, draft, unchanged):
    given = filing.contract(cast, lessor_name="甲\x00乙")
    page = client.post(reverse("portal:application_contract", args=[draft.application_no]), given)
    assert page.status_code == 400
    assert unchanged()


def test_a_new_lessor_is_not_kept_when_the_contract_is_refused(client, cast, draft, unchanged):
    given = filing.contract(cast, lessor_uscc="91110108MA01NEWX00", lessor_name="新服务商", amount="1")
    assert (
        client.post(reverse("portal:application_contract", args=[draft.application_no]), given).status_code
        == 422
    )
    assert not Party.objects.filter(name="新服务商").exists()
    assert unchanged()


def test_a_wrong_check_digit_of_the_lessors_code_is_a_warning_only(client, cast, draft):
    given = filing.contract(cast, lessor_uscc="91110108MA01NEWX00", lessor_name="新服务商")
    page = client.post(
        reverse("portal:application_contract", args=[draft.application_no]), given, follow=True
    )
    assert "91110108MA01NEWX00 的校验位不符" in page.text
    assert Lease.objects.get().lessor.name == "新服务商"


def test_a_right_code_is_not_warned_of(client, cast, draft):
    page = client.post(
        reverse("portal:application_contract", args=[draft.application_no]),
        filing.contract(cast),
        follow=True,
    )
    assert "校验位" not in page.text


# -- files ----------------------------------------------------------------------------------------------------------

DTD = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


# content, code
NO_PAPERS: list[Any] = [
    (b"MZ\x90\x00 not a paper", "paper.kind_not_allowed"),
    (b"", "paper.empty"),
    (DTD, "paper.xml_dtd"),
    (b"<a><b></a>", "paper.xml_broken"),
]


def test_a_file_that_is_no_paper_is_refused_and_not_kept(client, draft, unchanged, settings):
    for content, code in NO_PAPERS:
        unchanged.since()
        page = client.post(
            reverse("portal:application_papers", args=[draft.application_no]),
            {"contract": SimpleUploadedFile("合同.pdf", content, "application/pdf")},
        )
        assert (page.status_code, refusal(page)[1]) == (422, code)
        assert unchanged()
        kept = list(settings.MEDIA_ROOT.rglob("*")) if settings.MEDIA_ROOT.exists() else []
        assert [path for path in kept if path.is_file()] == []


# -- the basis of a claim -------------------------------------------------------------------------------------------


@pytest.fixture
def claim(client, cast, beijing) -> Iterator[Claim]:
    """A draft claim of 甲公司, in August, with an invoice of 100,000 filed and not used yet."""
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    with dates.fixed(AUGUST):
        casework.invoice(application.lease, "100000.00")
        client.force_login(cast.filer)
        client.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        yield Claim.objects.get()


ITEM = {"net_amount": "100000.00", "period_from": "2025-03-01", "period_to": "2025-06-30"}


# given, field, code
ITEM_FAULTS: list[Any] = [
    ({"net_amount": "0.001"}, "net_amount", "fen"),
    ({"net_amount": "0"}, "net_amount", "minimum"),
    ({"period_from": "2025-13-01"}, "period_from", "invalid"),
    ({"period_from": "2025-06-30", "period_to": "2025-03-01"}, "period_to", "crossed"),
    ({"paid_amount": "1.005", "bank_ref": "X", "paid_on": "2025-07-01"}, "paid_amount", "fen"),
]


def test_an_items_fault_stands_at_its_field(client, claim, unchanged):
    for given, field, code in ITEM_FAULTS:
        unchanged.since()
        here = reverse("portal:claim_invoice", args=[claim.claim_no])
        page = client.post(here, {**ITEM, "invoice": Invoice.objects.get().number_key, **given})
        assert page.status_code == 422
        assert (field, code) in field_codes(page)
        assert unchanged()


# given, code
NOT_CARRIED: list[Any] = [
    ({"net_amount": "100000.01"}, "claim.item_over_invoice"),
    ({"period_from": "2023-01-01", "period_to": "2023-06-30"}, "claim.item_outside_lease"),
]


def test_an_item_that_the_invoice_or_the_contract_does_not_carry_is_refused(client, claim, unchanged):
    for given, code in NOT_CARRIED:
        unchanged.since()
        here = reverse("portal:claim_invoice", args=[claim.claim_no])
        page = client.post(here, {**ITEM, "invoice": Invoice.objects.get().number_key, **given})
        assert page.status_code == 422
        problems = getattr(page.wsgi_request.refusal, "problems", [page.wsgi_request.refusal])
        assert code in {one.code for one in problems}
        assert unchanged()


def test_a_claim_without_an_item_is_not_filed(client, claim, unchanged):
    unchanged.since()
    page = client.post(reverse("portal:claim_check", args=[claim.claim_no]))
    assert (page.status_code, refusal(page)) == (422, (422, "claim.no_items"))
    assert unchanged()


# -- the desk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def application(cast, beijing) -> Application:
    return casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))


# person, verb, given, kind, code
REFUSED_DEEDS: list[Any] = [
    ("handler", "approve", {}, 403, "access.role"),
    ("finance", "accept", {}, 403, "access.role"),
    ("approver", "approve", {}, 409, "application.not_now"),
    ("approver", "issue", {}, 409, "application.not_now"),
    ("approver", "publish_notice", {}, 409, "application.not_now"),
    ("handler", "recommend", {}, 409, "application.not_now"),
    ("approver", "approve", {"amount": "1.005"}, 422, "case.amount"),
    ("approver", "approve", {"amount": "一百万"}, 422, "case.amount"),
    ("handler", "return", {"reason": " "}, 422, "case.reason"),
    ("handler", "reject", {}, 422, "case.reason"),
    ("handler", "recommend", {"rate-main": "120"}, 422, "case.rate"),
]


def test_a_deed_that_may_not_be_done_now_by_this_person_or_so_is_told_apart(
    client, cast, application, unchanged
):
    for person, verb, given, kind, code in REFUSED_DEEDS:
        client.force_login(getattr(cast, person))
        unchanged.since()
        answer = client.post(
            reverse("desk:decide_application", args=[application.application_no, verb]), given
        )
        assert refusal(answer) == (kind, code)
        assert unchanged()
        application.refresh_from_db()
        assert application.state == "submitted"


def test_who_accepted_does_not_recommend(client, cast, application, unchanged):
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    client.force_login(cast.handler)
    unchanged.since()
    answer = client.post(reverse("desk:decide_application", args=[application.application_no, "recommend"]))
    assert refusal(answer) == (403, "access.same_person")
    assert unchanged()


def test_a_verb_that_there_is_not_is_not_found(client, cast, application, unchanged):
    client.force_login(cast.handler)
    unchanged.since()
    answer = client.post(reverse("desk:decide_application", args=[application.application_no, "fly"]))
    assert answer.status_code == 404
    assert unchanged()


def test_an_item_of_nothing_is_refused_by_the_action_too(cast, claim, unchanged):
    """The forms ask first; a caller without a form meets the same rule."""
    from applications.actions.basis_items import set_items
    from vouchers.errors import Problems

    unchanged.since()
    with acting(cast.filer, "test"), pytest.raises(Problems) as refused:
        set_items(claim, [ItemFields(kind="invoice_line", net_amount=Decimal("0.00"))], by=cast.filer)
    assert {one.code for one in refused.value.problems} >= {"claim.item_amount"}
    assert unchanged()
