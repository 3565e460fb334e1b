"""A case's story is whole, and its evidence convinces another machine: intact, or it names what was altered."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from audit.models import AuditEvent
from audit.trail.sealer import seal_all
from tests import banking, casework
from vouchers import dates
from vouchers.actions.job_runs import run_waiting
from vouchers.context import acting
from vouchers.models import Job, LedgerAccount, Payment


@pytest.fixture
def paid(cast):
    """A claim in 北京 that was paid, from the application on."""
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
    banking.paid(cast)
    return claim


def story(client, reader, kind, number, **asked):
    client.force_login(reader)
    return client.get(reverse("audit:trail-story", args=[kind, number]), asked)


@pytest.mark.django_db
def test_the_story_of_a_case_goes_from_the_application_to_the_money(client, cast, paid):
    payment = Payment.objects.get(claim_no=paid.claim_no)
    response = story(client, cast.auditor, "claim", paid.claim_no)
    assert response.status_code == 200
    named = {(part.label, part.number) for part in response.context["parts"]}
    assert {
        ("申领", paid.voucher.application_no),
        ("算力券", paid.voucher.voucher_no),
        ("兑付申请", paid.claim_no),
        ("拨付", payment.payment_no),
        ("拨付批次", payment.batch.batch_no),
    } <= named
    kinds = {part.event.subject_kind for deed in response.context["deeds"] for part in deed.parts}
    assert {
        "application", "lease", "voucher", "claim", "basis_item", "invoice", "paper", "check", "payment", "payment_line",
        "payment_batch", "ledger_transfer", "screening",
    } <= kinds  # fmt: skip
    times = [deed.head.event.recorded_at for deed in response.context["deeds"]]
    assert times == sorted(times)
    newest = story(client, cast.auditor, "claim", paid.claim_no, order="newest")
    assert newest.context["deeds"][0].head.event.recorded_at >= times[-1]
    said = response.content.decode()
    assert "核销" in said and f"算力券 {paid.voucher.voucher_no}" in said
    # an account by its words, not by its code
    assert not [
        part for deed in response.context["deeds"] for part in deed.parts if "voucher:" in part.subject
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application", "voucher", "lease", "payment", "claim"])
def test_each_part_of_a_case_has_the_story_of_all_of_it(client, cast, paid, kind):
    payment = Payment.objects.get(claim_no=paid.claim_no)
    number = {
        "application": paid.voucher.application_no,
        "voucher": paid.voucher.voucher_no,
        "lease": paid.lease.lease_no,
        "payment": payment.payment_no,
        "claim": paid.claim_no,
    }[kind]
    response = story(client, cast.auditor, kind, number)
    subjects = {
        (part.event.subject_kind, part.event.subject_no)
        for deed in response.context["deeds"]
        for part in deed.parts
    }
    assert ("payment", payment.payment_no) in subjects
    assert ("application", paid.voucher.application_no) in subjects
    assert story(client, cast.other_auditor, kind, number).status_code == 404


@pytest.mark.django_db
def test_the_list_names_accounts_by_their_words_with_a_link_to_their_case(client, cast, paid):
    client.force_login(cast.auditor)
    rows = client.get(reverse("audit:trail"), {"kind": "ledger_account"}).context["rows"]
    code = LedgerAccount.objects.get(code=f"voucher:{paid.voucher.voucher_no}").code
    (row,) = [row for row in rows if row.event.subject_no == code]
    assert row.subject == f"算力券 {paid.voucher.voucher_no}"
    assert row.story == ("voucher", paid.voucher.voucher_no)


@pytest.fixture
def unpacked(committed_db, client, cast, paid, tmp_path) -> Path:
    """The evidence of a claim, as it lies on an auditor's own machine."""
    seal_all()
    client.force_login(cast.auditor)
    response = client.post(reverse("audit:trail-evidence", args=["claim", paid.claim_no]))
    assert response.status_code == 200
    content = b"".join(response.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "elsewhere")
    told = AuditEvent.objects.get(verb="trail.evidence")
    assert (told.operation, told.actor, told.case_no or told.subject_no, told.region_code) == (
        "export",
        "auditor",
        paid.claim_no,
        "110000",
    )
    assert told.changes["sha256"] == hashlib.sha256(content).hexdigest()
    manifest = (tmp_path / "elsewhere/evidence/manifest.json").read_bytes()
    assert told.changes["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    return tmp_path / "elsewhere"


def judged(folder: Path, *more: str) -> tuple[int, str]:
    """What the program in the evidence says, run as an auditor would: alone, without anything of ours on its path."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "evidence/verify.py", "evidence/", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def test_the_evidence_of_a_case_is_verified_elsewhere_and_names_what_was_altered(
    unpacked, client, cast, paid
):
    evidence = unpacked / "evidence"
    status, said = judged(unpacked)
    assert status == 0, said
    events = (evidence / "events.jsonl").read_bytes().splitlines()
    assert f"✓ {len(events)} 条事件全部完好" in said
    assert len(events) > 50
    papers = [path for path in (evidence / "papers").rglob("*") if path.is_file()]
    assert papers
    index = (evidence / "index.html").read_text(encoding="utf-8")
    assert paid.claim_no in index and "甲智能科技（北京）有限公司" in index

    # one byte of one event: that event is named
    place = 20
    start = sum(len(line) + 1 for line in events[:place])
    middle = start + events[place].index(b'"verb"') + 10
    kept = (evidence / "events.jsonl").read_bytes()
    flip(evidence / "events.jsonl", middle)
    status, said = judged(unpacked)
    assert status == 1
    assert f"第 {place + 1} 条" in said and json.loads(events[place])["event"] in said
    (evidence / "events.jsonl").write_bytes(kept)

    # one byte of each other file: the file is named, never a traceback, never "intact"
    for path in sorted(path for path in evidence.rglob("*") if path.is_file()):
        name = path.relative_to(evidence).as_posix()
        if name == "events.jsonl" or path.suffix == ".py" or not path.stat().st_size:
            continue
        kept = path.read_bytes()
        flip(path, len(kept) // 2)
        status, said = judged(unpacked)
        assert status in (1, 2), name
        assert path.name in said or "封存点" in said, (name, said)
        if name.startswith("papers/"):
            assert path.parent.name in said  # the paper's number
        path.write_bytes(kept)

    # taken out, put in, exchanged
    (evidence / "papers" / "added.pdf").write_bytes(b"x")
    status, said = judged(unpacked)
    assert status == 1 and "papers/added.pdf" in said
    (evidence / "papers" / "added.pdf").unlink()
    papers[0].rename(papers[0].with_name("moved"))
    status, said = judged(unpacked)
    assert status == 1 and papers[0].name in said
    papers[0].with_name("moved").rename(papers[0])
    swapped = [*events[:5], events[6], events[5], *events[7:]]
    (evidence / "events.jsonl").write_bytes(b"\n".join(swapped) + b"\n")
    assert judged(unpacked)[0] == 1
    (evidence / "events.jsonl").write_bytes(b"\n".join(events[:-1]) + b"\n")
    status, said = judged(unpacked)
    assert status == 1 and "被删除" in said
    (evidence / "events.jsonl").write_bytes(b"\n".join(events) + b"\n")
    assert judged(unpacked)[0] == 0

    # what was written since is fresh, and the sealer comes every five seconds
    client.force_login(cast.auditor)
    signs = {one.label: one.word for one in client.get(reverse("audit:home")).context["signs"]}
    assert signs["封存"] == "正在封存"

    # a key that the auditor holds decides, not the one in the folder
    stranger = unpacked / "other-key.txt"
    stranger.write_text("A" * 43 + "=\n")
    assert judged(unpacked, "--key", str(stranger))[0] == 1


def test_one_event_leaves_with_its_proof(committed_db, client, cast, tmp_path):
    seal_all()
    event = AuditEvent.objects.filter(subject_kind="party").order_by("pk")[0]
    client.force_login(cast.auditor)
    response = client.get(reverse("audit:trail-event-evidence", args=[event.event_no]))
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        archive.extractall(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/evidence/events.jsonl").read_bytes() == bytes(event.canonical) + b"\n"
    assert judged(tmp_path / "elsewhere")[0] == 0


def test_a_large_case_is_put_together_by_a_job_and_convinces_elsewhere(
    committed_db, client, cast, paid, tmp_path
):
    with acting(cast.investigator, "claim.read"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(audit_log_event('read', 'claim.read', 'claim', %s, '110000', '{}')) FROM generate_series(1, 1000)",
            [paid.claim_no],
        )
    seal_all()
    client.force_login(cast.auditor)
    address = reverse("audit:trail-evidence", args=["claim", paid.claim_no])
    asked = client.post(address)
    job = Job.objects.get(kind="case_evidence")
    assert (asked.status_code, asked.headers["Location"]) == (302, reverse("jobs:job", args=[job.job_no]))
    assert client.post(address).headers["Location"] == asked.headers["Location"]  # the same one, not another
    assert run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.progress, job.total) == ("done", job.total, job.progress), job.message
    assert job.total > 1_000

    answer = client.get(reverse("jobs:file", args=[job.job_no]))
    content = b"".join(answer.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "elsewhere")
    status, said = judged(tmp_path / "elsewhere")
    assert status == 0 and f"✓ {job.result['events']} 条事件全部完好" in said, said
    made = AuditEvent.objects.get(verb="trail.evidence", operation="export")
    assert (made.actor, made.subject_no) == ("auditor", paid.claim_no)
    assert made.changes["sha256"] == hashlib.sha256(content).hexdigest() == job.result_sha256
    assert AuditEvent.objects.filter(verb="job_result.export", actor="auditor").exists()

    client.force_login(cast.other_auditor)
    assert client.get(reverse("jobs:file", args=[job.job_no])).status_code == 404


@pytest.mark.django_db
def test_what_is_not_sealed_yet_is_no_evidence(client, cast, paid):
    client.force_login(cast.auditor)
    response = client.post(reverse("audit:trail-evidence", args=["claim", paid.claim_no]))
    assert response.status_code == 503
    assert not AuditEvent.objects.filter(verb="trail.evidence", operation="export").exists()


@pytest.mark.django_db
def test_nobody_else_is_given_the_evidence(client, cast, paid):
    address = reverse("audit:trail-evidence", args=["claim", paid.claim_no])
    for person, status in ((cast.handler, 403), (cast.other_auditor, 404), (cast.filer, 403)):
        client.force_login(person)
        assert client.post(address).status_code == status
