"""决定书: offered when a case is decided, the same for the enterprise and the office, in scope, and each reading told to the trail."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from pypdf import PdfReader

from applications.actions.applications import accept_application, reject_application
from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, reject_claim, verify_claim
from applications.models import Application
from audit.models import AuditEvent
from tests import casework
from vouchers.context import acting
from vouchers.models import Voucher

REASON = "合同签订价 31.20 元/卡时，高于签订日公允价格区间上限 25.31 元/卡时（《实施方案》）。"


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")


@pytest.fixture
def waiting(db, cast) -> Application:
    """北京, submitted."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))


@pytest.fixture
def voucher(cast, waiting) -> Voucher:
    """Granted."""
    return casework.issued(cast, waiting)


@pytest.fixture
def refused(cast, waiting) -> Application:
    """Refused by the handler, with the reason that the enterprise reads."""
    with acting(cast.handler, "test"):
        accept_application(waiting, by=cast.handler)
        reject_application(waiting, by=cast.handler, reason=REASON)
    return waiting


def letter(client, person, name: str, number: str):
    client.force_login(person)
    return client.get(reverse(name, args=[number]))


def test_a_granted_application_has_its_letter_with_amount_working_and_what_to_do_next(client, cast, voucher):
    number = voucher.application_no
    answer = letter(client, cast.filer, "portal:application_letter", number)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert "attachment" in answer["Content-Disposition"] and "no-store" in answer["Cache-Control"]
    said = text_of(answer.content).replace(" ", "")
    for part in (
        "申领准予支持决定书",
        f"决定-{number}",
        cast.alpha.name,
        cast.alpha.uscc,
        f"{voucher.face_value:,.2f}",
        "测算过程",
        voucher.voucher_no,
        "行政复议",
        voucher.publication.sha256[:16],
    ):
        assert part.replace(" ", "") in said, part


def test_a_refusal_is_read_as_it_was_written_with_objection_and_remedies_and_no_amount(client, cast, refused):
    said = text_of(
        letter(client, cast.filer, "portal:application_letter", refused.application_no).content
    ).replace(" ", "")
    for part in ("不予支持决定书", REASON, "提出异议", "行政复议", "行政诉讼"):
        assert part.replace(" ", "") in said, part
    assert "支持金额" not in said and "合计" not in said


def test_the_case_pages_offer_the_letter_only_when_there_is_one(client, cast, waiting):
    for person, case_page, name in (
        (cast.filer, "portal:application", "portal:application_letter"),
        (cast.handler, "desk:application", "desk:application_letter"),
    ):
        address = reverse(name, args=[waiting.application_no])
        assert address not in letter(client, person, case_page, waiting.application_no).content.decode()
        early = client.get(address)
        assert early.status_code == 409 and "还没有作出决定" in early.content.decode()
    with acting(cast.handler, "test"):
        accept_application(waiting, by=cast.handler)
        reject_application(waiting, by=cast.handler, reason=REASON)
    for person, case_page, name in (
        (cast.filer, "portal:application", "portal:application_letter"),
        (cast.handler, "desk:application", "desk:application_letter"),
    ):
        shown = letter(client, person, case_page, waiting.application_no).content.decode()
        assert reverse(name, args=[waiting.application_no]) in shown


def test_during_the_public_notice_there_is_no_letter_yet(client, cast, waiting):
    """An objection may still change the outcome."""
    with acting(cast.handler, "test"):
        accept_application(waiting, by=cast.handler)
        casework.answer_all(cast, waiting)
    with acting(cast.second_handler, "test"):
        casework.recommend_application(waiting, by=cast.second_handler)
    with acting(cast.approver, "test"):
        casework.approve_application(waiting, by=cast.approver)
    assert letter(client, cast.filer, "portal:application_letter", waiting.application_no).status_code == 409


def test_both_sides_have_the_same_letter_whenever_they_ask(client, cast, voucher):
    number = voucher.application_no
    first = letter(client, cast.filer, "portal:application_letter", number).content
    assert letter(client, cast.handler, "desk:application_letter", number).content == first
    assert letter(client, cast.approver, "desk:application_letter", number).content == first


@pytest.mark.parametrize("outcome", ["granted", "less", "refused"])
def test_a_claim_has_its_letter(client, cast, voucher, outcome):
    lease = Application.objects.get(application_no=voucher.application_no).lease
    bill = casework.invoice(lease, "2000000.00")
    claim = casework.claimed(
        cast,
        voucher,
        lease,
        [ItemFields(kind="invoice_line", net_amount=bill.net_amount, invoice=bill)],
    )
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        if outcome == "refused":
            reject_claim(claim, by=cast.handler, reason=REASON)
        else:
            verify_claim(claim, by=cast.handler)
    if outcome != "refused":
        less = claim.claimed_amount - 100 if outcome == "less" else None
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver, amount=less, reason="按实际用量核减。" if less else "")
    said = text_of(letter(client, cast.filer, "portal:claim_letter", claim.claim_no).content).replace(" ", "")
    assert claim.claim_no in said
    if outcome == "refused":
        assert REASON.replace(" ", "") in said and "支持金额" not in said
    else:
        claim.refresh_from_db()
        assert f"核定支持金额{claim.approved_amount:,.2f}元" in said and "收款账户" in said
        assert ("按实际用量核减" in said) == (outcome == "less")


def test_strangers_other_enterprises_and_other_regions_get_no_letter(client, cast, refused):
    number = refused.application_no
    assert letter(client, cast.other_filer, "portal:application_letter", number).status_code == 404
    assert letter(client, cast.other_handler, "desk:application_letter", number).status_code == 404
    assert letter(client, cast.stranger, "portal:application_letter", number).status_code == 403
    assert letter(client, cast.stranger, "desk:application_letter", number).status_code == 403
    assert letter(client, cast.handler, "portal:application_letter", number).status_code == 403
    client.logout()
    assert client.get(reverse("portal:application_letter", args=[number])).status_code == 302
    assert not AuditEvent.objects.filter(subject_kind="decision_letter").exists()


def test_each_reading_is_an_event_of_the_case(client, cast, refused):
    number = refused.application_no
    letter(client, cast.handler, "desk:application_letter", number)
    letter(client, cast.filer, "portal:application_letter", number)
    events = AuditEvent.objects.filter(subject_kind="decision_letter", subject_no=f"决定-{number}")
    assert sorted(events.values_list("actor", flat=True)) == sorted(
        [cast.handler.username, cast.filer.username]
    )
    for event in events:
        assert event.verb == "decision_letter.open" and event.region_code == "110000"
        assert (event.case_kind, event.case_no) == ("application", number)


def test_what_a_person_judged_stands_on_the_letter_as_judged(client, cast, voucher):
    """Nobody is granted something on conditions that his own letter says were not verified."""
    content = letter(client, cast.filer, "portal:application_letter", voucher.application_no).content
    said = text_of(content).replace(" ", "")
    assert "未能核验" not in said and "暂无法判定" not in said
    assert "经本机关核实，符合条件" in said
    assert "已核对材料原件" not in said, "the words of the handler are for the office"
