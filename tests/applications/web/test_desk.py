"""The desk: queues by role, cases on one page, every address for one's own region, another region, and strangers."""

from __future__ import annotations

import hashlib
import io
import time
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from applications.models import Application, Objection
from tests import casework
from vouchers import dates
from vouchers.actions.payments import create_batch
from vouchers.context import acting
from vouchers.models import Payment, Voucher


@pytest.fixture
def beijing(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    casework.with_account(cast, cast.alpha)
    return publication


@pytest.fixture
def application(cast, beijing) -> Application:
    return casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))


@pytest.fixture
def claim(cast, application):
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        invoice = casework.invoice(application.lease, "5000000.00")
        item = ItemFields(kind="invoice_line", net_amount=Decimal("5000000.00"), invoice=invoice)
        yield casework.claimed(cast, voucher, application.lease, [item])


@pytest.fixture
def batch(cast, claim):
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        verify_claim(claim, by=cast.handler)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    with acting(cast.finance, "test"):
        return create_batch(claim.voucher.program, list(Payment.objects.all()), by=cast.finance)


@pytest.fixture
def objection(cast, application):
    from applications.actions.objections import file_objection

    with acting(cast.filer, "test"):
        return file_objection(application, text="请复核。", by=cast.filer, party=cast.alpha)


def pages(application, claim, batch, objection) -> dict[str, str]:
    return {
        "home": reverse("desk:home"),
        "applications": reverse("desk:applications"),
        "application": reverse("desk:application", args=[application.application_no]),
        "claims": reverse("desk:claims"),
        "claim": reverse("desk:claim", args=[claim.claim_no]),
        "payables": reverse("desk:payables"),
        "batch": reverse("desk:batch", args=[batch.batch_no]),
        "objections": reverse("desk:objections"),
        "objection": reverse("desk:objection", args=[objection.objection_no]),
    }


CASES = {"application", "claim", "batch", "objection"}


def test_every_page_opens_for_its_region_hides_from_another_and_refuses_strangers(
    client, cast, application, claim, batch, objection
):
    addresses = pages(application, claim, batch, objection)
    for name, address in addresses.items():
        client.logout()
        assert client.get(address).status_code == 302, name
        client.force_login(cast.handler)
        assert client.get(address).status_code == 200, name
        client.force_login(cast.other_handler)
        assert client.get(address).status_code == (404 if name in CASES else 200), name
        for outsider in (cast.stranger, cast.filer):
            client.force_login(outsider)
            assert client.get(address).status_code == 403, name


def test_a_queue_of_another_region_shows_nothing_of_ours(client, cast, application):
    client.force_login(cast.other_handler)
    answer = client.get(reverse("desk:applications"), {"view": "all"})
    assert application.application_no not in answer.content.decode()


def test_a_filter_stays_in_the_view_in_which_it_is_set(client, cast, claim, application):
    """Who looks for a decided case among all of them does not find himself among his own again."""
    client.force_login(cast.handler)
    for name, number in (("desk:applications", application.application_no), ("desk:claims", claim.claim_no)):
        page = client.get(reverse(name), {"view": "all", "q": number}).content.decode()
        assert number in page
        assert '<input type="hidden" name="view" value="all"' in page


def test_the_queue_shows_what_waits_for_my_role(client, cast, application):
    client.force_login(cast.handler)
    assert application.application_no in client.get(reverse("desk:home")).content.decode()
    client.force_login(cast.approver)
    assert application.application_no not in client.get(reverse("desk:home")).content.decode()


def test_a_case_goes_from_hand_to_hand_by_the_desks_buttons(client, cast, application):
    number = application.application_no

    def press(person, verb, **data):
        client.force_login(person)
        answer = client.post(reverse("desk:decide_application", args=[number, verb]), data, follow=True)
        assert answer.status_code == 200
        application.refresh_from_db()
        return answer.content.decode()

    press(cast.handler, "accept")
    assert application.state == "accepted"
    page = press(cast.handler, "recommend")
    assert "经办与复核须由不同的人完成" in page
    assert application.state == "accepted"
    page = press(cast.second_handler, "recommend")
    assert "还有核验项未作结论" in page
    for check in application_checks(application):
        client.force_login(cast.handler)
        client.post(
            reverse("desk:answer_check", args=["application", number, check.code]),
            {"result": "passed", "sentence": "已核对。"},
        )
    press(cast.second_handler, "recommend")
    press(cast.approver, "approve", amount="900000.00")
    assert (application.state, application.approved_amount) == ("approved", Decimal("900000.00"))
    press(cast.approver, "publish_notice")
    assert "期满前不能发券" in press(cast.approver, "issue")
    with dates.fixed(application.notice.closes_on):
        press(cast.approver, "issue")
    assert application.state == "issued"
    assert Voucher.objects.get().face_value == Decimal("900000.00")


def application_checks(application):
    from applications.actions import cases

    return [check for check in cases.checks_of(application) if check.result == "waiting"]


def test_a_refusal_without_a_reason_is_asked_for_one_and_nothing_happens(client, cast, application):
    client.force_login(cast.handler)
    page = client.post(
        reverse("desk:decide_application", args=[application.application_no, "reject"]),
        {"reason": " "},
        follow=True,
    )
    assert "请写明不予支持的条件、事实和救济途径" in page.content.decode()
    application.refresh_from_db()
    assert application.state == "submitted"


def test_an_amount_with_three_decimals_is_refused_in_words(client, cast, application):
    client.force_login(cast.approver)
    page = client.post(
        reverse("desk:decide_application", args=[application.application_no, "approve"]),
        {"amount": "1.005"},
        follow=True,
    )
    assert "不能有三位小数" in page.content.decode()


def test_an_objection_is_answered_by_one_without_a_hand_in_the_case(client, cast, objection):
    address = reverse("desk:answer_objection", args=[objection.objection_no])
    client.force_login(cast.handler)
    client.post(address, {"outcome": "dismiss", "answer": "不成立。"})
    objection.refresh_from_db()
    assert objection.state == "filed"
    client.force_login(cast.investigator)
    client.post(address, {"outcome": "dismiss", "answer": "经复核，原决定无误。"})
    assert Objection.objects.get().state == "dismissed"


@pytest.mark.parametrize("rate", ["NaN", "sNaN", "Infinity", "-1", "101", "二成"])
def test_a_rate_that_is_none_is_refused_with_a_sentence(cast, client, application, rate):
    client.force_login(cast.second_handler)
    address = reverse("desk:decide_application", args=[application.application_no, "recommend"])
    answer = client.post(address, {"rate-standard": rate}, follow=True)
    assert answer.status_code == 200
    assert "比例" in answer.content.decode()


def test_the_list_that_is_downloaded_is_the_one_whose_hash_the_export_kept(cast, client, batch):
    from vouchers.actions.payments import approve_batch, propose_batch

    with acting(cast.finance, "test"):
        propose_batch(batch, by=cast.finance)
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)
    client.force_login(cast.finance)
    client.post(reverse("desk:decide_batch", args=[batch.batch_no, "export"]))
    batch.refresh_from_db()
    assert batch.state == "exported"
    time.sleep(2.1)  # a workbook's own clock counts in two seconds
    answer = client.get(reverse("desk:batch_workbook", args=[batch.batch_no]))
    content = answer.content
    assert hashlib.sha256(content).hexdigest() == batch.export_sha256
    assert load_workbook(io.BytesIO(content)).active["C3"].value.startswith("1,000,000")
