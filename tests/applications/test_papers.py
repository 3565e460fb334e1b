"""材料: typed by content, limited, kept under a random name, handed out within the scope only."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications import reads
from applications.actions import file_types
from applications.actions.papers import receive_paper, remove_paper
from applications.models import Application, Paper
from vouchers.errors import Forbidden, Invalid, NotNow

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
XML = b'<?xml version="1.0" encoding="UTF-8"?><EInvoice><Header/></EInvoice>'


def zipped(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return buffer.getvalue()


OFD = zipped({"OFD.xml": b"<OFD/>", "Doc_0/Document.xml": b"<Document/>"})
XLSX = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})


@pytest.fixture
def hand_in(cast):
    def hand_in(content: bytes, name: str = "合同.pdf", by=None, **changes) -> Paper:
        fields = {
            "kind": "contract",
            "subject_kind": "lease",
            "subject_no": "L-2025-00000001",
            "owner": cast.alpha,
            "region_code": "110000",
        } | changes
        return receive_paper(SimpleUploadedFile(name, content), by=by or cast.filer, **fields)

    return hand_in


@pytest.mark.parametrize(
    ("content", "content_type", "extension"),
    [
        (PDF, file_types.PDF, ".pdf"),
        (PNG, file_types.PNG, ".png"),
        (JPEG, file_types.JPEG, ".jpg"),
        (XML, file_types.XML, ".xml"),
        (OFD, file_types.OFD, ".ofd"),
        (XLSX, file_types.XLSX, ".xlsx"),
        (b"\xef\xbb\xbf" + XML, file_types.XML, ".xml"),
    ],
)
def test_the_kind_follows_the_content_and_never_the_name(hand_in, content, content_type, extension):
    paper = hand_in(content, name="随便.exe")
    assert paper.content_type == content_type
    assert paper.filename == f"随便{extension}"


def test_a_paper_is_known_by_its_digest_and_kept_under_a_random_name(hand_in, settings):
    paper = hand_in(PDF, name="甲方合同.pdf")
    assert paper.sha256 == hashlib.sha256(PDF).hexdigest()
    assert paper.size == len(PDF)
    stored = Path(settings.MEDIA_ROOT) / paper.file.name
    assert stored.read_bytes() == PDF
    assert "合同" not in paper.file.name
    assert stored.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "paper.empty"),
        (b"MZ\x90\x00" + b"\0" * 100, "paper.kind_not_allowed"),
        (b"just a text", "paper.kind_not_allowed"),
        (b"<html><body>hello</body></html>", "paper.kind_not_allowed"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "paper.kind_not_allowed"),
        (zipped({"readme.txt": b"x"}), "paper.kind_not_allowed"),
        (b"<?xml version='1.0'?><EInvoice><a></EInvoice>", "paper.xml_broken"),
        (b"<?xml version='1.0'?><!DOCTYPE EInvoice><EInvoice/>", "paper.xml_dtd"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "paper.xml_dtd"),
        (b"PK\x03\x04 broken", "paper.broken"),
        (zipped({"OFD.xml": b"<OFD/>", "x.bin": b"\0" * (2 * 1024 * 1024)}), "paper.bomb"),
        (zipped(
            {"[Content_Types].xml": b"<T/>", "xl/workbook.xml": b"<w/>", "xl/vbaProject.bin": b"x"}), "paper.macro"),
    ],
)  # fmt: skip
def test_what_is_not_fit_to_be_kept_is_refused_and_nothing_is_written(hand_in, settings, content, code):
    with pytest.raises(Invalid) as refusal:
        hand_in(content)
    assert refusal.value.code == code
    assert refusal.value.hint
    assert not Paper.objects.exists()
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.*"))


def test_a_file_over_twenty_megabytes_is_refused(hand_in):
    with pytest.raises(Invalid) as refusal:
        hand_in(PDF + b"\0" * file_types.LARGEST)
    assert refusal.value.code == "paper.too_large"
    assert "20 MB" in str(refusal.value)


def test_xml_that_would_fill_the_memory_is_refused(hand_in):
    with pytest.raises(Invalid) as refusal:
        hand_in(b"<x>" + b" " * file_types.LARGEST_XML + b"</x>")
    assert refusal.value.code == "paper.too_large"


def test_a_packed_file_of_very_many_parts_is_refused(hand_in):
    many = zipped({f"{n}.xml": b"" for n in range(file_types.MOST_PARTS + 1)}, zipfile.ZIP_STORED)
    with pytest.raises(Invalid) as refusal:
        hand_in(many)
    assert refusal.value.code == "paper.bomb"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\资料\\合同.docx", "合同.pdf"),
        ("合同\u202efdp.exe", "合同fdp.pdf"),
        ("x\r\nSet-Cookie: a=b.pdf", "xSet-Cookie: a=b.pdf"),
        ("", "材料.pdf"),
        ("合" * 300 + ".pdf", "合" * 120 + ".pdf"),
    ],
)
def test_names_are_for_people_only(hand_in, name, shown):
    from applications.actions.file_types import FileKind
    from applications.actions.papers import clean_name

    assert clean_name(name, FileKind(file_types.PDF)) == shown


def test_the_same_file_for_the_same_subject_is_the_same_paper(hand_in):
    assert hand_in(PDF).pk == hand_in(PDF, name="再次.pdf").pk
    assert hand_in(PDF, kind="licence").pk != hand_in(PDF).pk


def test_only_the_owners_people_and_the_regions_staff_hand_in(hand_in, cast):
    assert hand_in(PDF, by=cast.handler).owner == cast.alpha
    for person in (cast.other_filer, cast.other_handler, cast.stranger, cast.auditor):
        with pytest.raises(Forbidden) as refusal:
            hand_in(PNG, by=person)
        assert refusal.value.code == "paper.not_yours"


def test_a_paper_is_taken_away_while_the_case_is_open(hand_in, cast):
    draft = Application.objects.create(
        application_no="A-2025-00000001",
        program_code="BJ-AIQ",
        enterprise=cast.alpha,
        statement_accepted=True,
    )
    paper = hand_in(PDF, subject_kind="application", subject_no=draft.application_no)
    with pytest.raises(Forbidden):
        remove_paper(paper, by=cast.handler)
    remove_paper(paper, by=cast.filer)
    assert Paper.objects.get().removed_at is not None
    assert hand_in(PDF, subject_kind="application", subject_no=draft.application_no).pk != paper.pk


def test_a_paper_of_a_submitted_case_stays(hand_in, cast):
    from applications.models import Lease
    from vouchers import dates

    lease = Lease.objects.create(
        lease_no="L-2025-00000001", lessee=cast.alpha, lessor=cast.provider, program_code="BJ-AIQ",
        program_region_code="110000", region_code="110000", signed_on=dates.today(), starts_on=dates.today(),
        ends_before=dates.today().replace(year=2026), amount=1,
    )  # fmt: skip
    Lease.objects.filter(pk=lease.pk).update(state="filed")
    paper = hand_in(PDF)
    with pytest.raises(NotNow) as refusal:
        remove_paper(paper, by=cast.filer)
    assert refusal.value.code == "paper.case_closed"


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("filer", 200),
        ("enterprise_approver", 200),
        ("handler", 200),
        ("auditor", 200),
        ("other_filer", 404),
        ("platform", 404),
        ("other_handler", 404),
        ("stranger", 404),
    ],
)
def test_a_paper_is_handed_out_within_the_scope_only(hand_in, cast, client, person, status):
    paper = hand_in(PDF)
    client.force_login(getattr(cast, person))
    response = client.get(reverse("papers:download", args=[paper.paper_no]))
    assert response.status_code == status
    if status == 200:
        assert b"".join(response.streaming_content) == PDF
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]


def test_whoever_has_not_signed_in_is_sent_to_sign_in(hand_in, client):
    assert client.get(reverse("papers:download", args=[hand_in(PDF).paper_no])).status_code == 302


def test_a_removed_paper_is_for_the_office_only(hand_in, cast, client):
    paper = hand_in(PDF)
    remove_paper(paper, by=cast.filer)
    address = reverse("papers:download", args=[paper.paper_no])
    client.force_login(cast.filer)
    assert client.get(address).status_code == 404
    client.force_login(cast.handler)
    response = client.get(address)
    assert response.status_code == 200
    response.close()


def test_each_read_is_told_to_the_listeners(hand_in, cast, client):
    paper, told = hand_in(PDF), []
    reads.READ_LISTENERS.append(lambda *args: told.append(args))
    try:
        client.force_login(cast.handler)
        client.get(reverse("papers:download", args=[paper.paper_no])).close()
    finally:
        reads.READ_LISTENERS.pop()
    (kind, number, by, region, facts) = told[0]
    assert (kind, number, by, region) == ("paper", paper.paper_no, cast.handler, "110000")
    assert facts["sha256"] == paper.sha256
