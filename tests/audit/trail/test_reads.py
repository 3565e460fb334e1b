"""Who has read what: every file that leaves, every page with personal data, every sign-in and refusal is an event."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from audit.models import AuditEvent
from tests import banking, casework
from tests.cast import PASSWORD
from vouchers import dates
from vouchers.context import acting
from vouchers.models import BankAccount, Job, PolicyVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(cast):
    """A claim in 北京 whose payment the bank was told of, with its batch."""
    publication = casework.published(cast, "BJ-AIQ")
    with dates.fixed(date(2025, 7, 1)):
        casework.funded(cast, publication.program)
        casework.fit_for_beijing(cast.alpha)
        application = casework.submitted(
            cast, publication, casework.lease_fields(cast.provider, "5000000.00")
        )
        voucher = casework.issued(cast, application)
    bill = casework.invoice(application.lease, "1000000.00")
    item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=bill)
    claim = casework.claimed(cast, voucher, application.lease, [item])
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        verify_claim(claim, by=cast.handler)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    return claim, banking.exported(cast)


def fetched(client, person, name, *args):
    """What the person is sent, whole."""
    client.force_login(person)
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return b"".join(response.streaming_content) if response.streaming else response.content


def last(*operations: str) -> AuditEvent:
    return AuditEvent.objects.filter(operation__in=operations).order_by("-pk")[0]


def told(event: AuditEvent) -> tuple[str, str, str, str, str, str]:
    subject = event.case_no or event.subject_no
    return (
        event.operation,
        event.verb,
        event.actor,
        event.case_kind or event.subject_kind,
        subject,
        event.region_code,
    )


def test_each_file_that_leaves_is_told_with_its_digest_under_its_case(client, cast, paid):
    import hashlib

    claim, batch = paid
    voucher_no, batch_no = claim.voucher.voucher_no, batch.batch_no
    account = BankAccount.objects.filter(party=cast.alpha).latest("pk")
    for person, name, args, expected in (
        (cast.finance, "desk:batch_workbook", [batch_no], ("export", "payment_list.export", "finance", "payment_batch", batch_no, "110000")),
        (cast.finance, "desk:batch_instructions", [batch_no], ("export", "payment_list.export", "finance", "payment_batch", batch_no, "110000")),
        (cast.filer, "portal:certificate", [voucher_no], ("export", "certificate.export", "filer", "voucher", voucher_no, "110000")),
    ):  # fmt: skip
        content = fetched(client, person, name, *args)
        event = last("export")
        assert told(event) == expected
        assert event.changes["sha256"] == hashlib.sha256(content).hexdigest()
        assert event.changes["bytes"] == len(content)
    fetched(client, cast.handler, "desk:claim_letter", claim.claim_no)
    assert told(last("read"))[:5] == ("read", "decision_letter.open", "handler", "claim", claim.claim_no)
    paper = claim_paper(claim)
    fetched(client, cast.handler, "papers:download", paper.paper_no)
    assert told(last("read")) == ("read", "paper.open", "handler", "claim", claim.claim_no, "110000")
    fetched(client, cast.finance, "desk:payee", cast.alpha.uscc)  # the account stands there in full
    assert told(last("read")) == (
        "read", "party_accounts.open", "finance", "party", cast.alpha.uscc, "110000",
    )  # fmt: skip
    assert account.account_no not in bytes(last("read").canonical).decode()


def claim_paper(claim):
    from applications.models import Paper

    return Paper.objects.filter(subject_kind="claim", subject_no=claim.claim_no).order_by("pk")[0]


def test_the_pages_of_the_configuration_that_show_personal_data_are_told(client, cast):
    account = BankAccount.objects.get(party=cast.alpha)
    for person, name, number, expected in (
        (cast.handler, "party", cast.alpha.uscc, ("party.open", "party", cast.alpha.uscc)),
        (cast.finance, "bankaccount", account.entry_no, ("bank_account.open", "party", cast.alpha.uscc)),
        (cast.security_admin, "user", "handler", ("user.open", "user", "handler")),
    ):
        client.force_login(person)
        response = client.get(reverse(f"admin:vouchers_{name}_change", args=[number]))
        assert response.status_code == 200, name
        event = last("read")
        assert (
            event.verb,
            event.case_kind or event.subject_kind,
            event.case_no or event.subject_no,
        ) == expected
        assert event.actor == person.username


def test_a_page_that_is_refused_is_no_reading_of_it(client, cast):
    client.force_login(cast.handler)
    response = client.get(reverse("admin:vouchers_user_change", args=["filer"]))
    assert response.status_code in (302, 403, 404)
    assert not AuditEvent.objects.filter(operation="read").exists()


def test_the_result_of_a_long_task_and_the_text_of_a_version_are_told(client, cast, settings, tmp_path):
    casework.published(cast, "BJ-AIQ")
    version = PolicyVersion.objects.get()
    client.force_login(cast.policy_editor)
    page = reverse("admin:vouchers_policyversion_change", args=[version.version_no])
    content = client.get(page.replace("change/", "yaml/"))
    assert content.status_code == 200
    event = last("export")
    assert told(event)[:5] == (
        "export",
        "policy_file.export",
        "policy-editor",
        "policy_version",
        version.version_no,
    )

    settings.VAR_DIR = tmp_path
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "J-2025-000001.csv").write_bytes(b"a,b\r\n")
    job = Job.objects.create(
        job_no="J-2025-000001",
        kind="dry_run",
        label="影响测算",
        region_code="110000",
        asked_by=cast.policy_editor,
    )
    Job.objects.filter(pk=job.pk).update(state="running")
    Job.objects.filter(pk=job.pk).update(
        state="done", result_file="J-2025-000001.csv", result_sha256="ab" * 32
    )
    fetched(client, cast.policy_editor, "jobs:file", job.job_no)
    event = last("export")
    assert told(event) == ("export", "job_result.export", "policy-editor", "job", "J-2025-000001", "110000")
    assert event.changes["sha256"] == "ab" * 32


def test_sign_ins_and_failed_ones_are_told(client, cast):
    address = reverse("accounts:login")
    client.post(address, {"username": "handler", "password": "wrong"})
    client.post(address, {"username": "handler", "password": PASSWORD})
    client.post(reverse("accounts:logout"))
    events = AuditEvent.objects.filter(operation="sign_in").order_by("pk")
    assert [(event.verb, event.subject_no) for event in events] == [
        ("sign_in_failed", "handler"),
        ("sign_in", "handler"),
        ("sign_out", "handler"),
    ]
    assert "wrong" not in "".join(bytes(event.canonical).decode() for event in events)


def test_refusals_of_each_kind_are_told_after_the_rollback(client, cast, paid):
    claim, batch = paid
    client.force_login(cast.filer)
    assert client.get(reverse("desk:batch", args=[batch.batch_no])).status_code == 403
    client.force_login(cast.other_handler)
    assert client.get(reverse("desk:claim", args=[claim.claim_no])).status_code == 404
    client.force_login(cast.finance)  # an exported batch is not proposed once more
    client.post(reverse("desk:decide_batch", args=[batch.batch_no, "propose"]))
    events = AuditEvent.objects.filter(operation="refusal").order_by("pk")
    assert [(event.actor, event.changes["code"], event.changes["status"], event.subject_no) for event in events] == [
        ("filer", "desk.staff_only", 403, batch.batch_no),
        ("other-handler", "http.404", 404, claim.claim_no),
        ("finance", "payment_batch.not_now", 409, batch.batch_no),
    ]  # fmt: skip
    # A stranger's region is told the refusal; what it was about is not told to them by it.
    assert [event.region_code for event in events] == ["", "440300", "110000"]


def test_personal_data_of_the_register_never_stands_in_an_event(cast):
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_no FROM vouchers_bankaccount")
        numbers = [row[0] for row in cursor.fetchall()]
    written = "".join(bytes(one).decode() for one in AuditEvent.objects.values_list("canonical", flat=True))
    assert numbers
    assert not [number for number in numbers if number in written]
