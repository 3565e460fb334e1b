"""材料: files are taken in, handed out and removed here and nowhere else.

A file is kept under a random name outside the web root, known by the SHA-256 of its bytes, and typed by its content.
When a transaction is rolled back after the file was written, the bytes stay behind without a row; nothing refers to them.
"""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from django.core.files import File

from applications.actions.file_types import LARGEST, LARGEST_MB, FileKind, recognise
from applications.models import Application, Claim, Lease, Paper
from applications.reads import note_read
from vouchers import dates
from vouchers.access import DESK_ROLES, PARTY_ROLES, has_role
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Party, User
from vouchers.numbers import next_no

CHUNK = 64 * 1024
LONGEST_NAME = 120
#: States in which the party itself may still take a paper away.
OPEN_STATES = frozenset({"draft", "returned"})


def receive_paper(
    file: IO[bytes],
    *,
    kind: str,
    subject_kind: str,
    subject_no: str,
    owner: Party,
    region_code: str,
    by: User,
    filename: str = "",
) -> Paper:
    """Take a file in for a subject. The same bytes for the same subject and kind are the same paper, so a retry is harmless.

    ``file`` is an upload or any readable, seekable binary file; its name is kept for people to recognise and for nothing else.
    Raises ``Forbidden`` (``paper.not_yours``) and ``Invalid`` (``paper.empty``, ``paper.too_large``,
    ``paper.kind_not_allowed``, ``paper.xml_dtd``, ``paper.xml_broken``, ``paper.bomb``, ``paper.encrypted``,
    ``paper.macro``, ``paper.broken``).
    """
    announce("receive_paper")
    _require_hand(by, owner, region_code)
    stream = cast(BinaryIO, file)
    size, digest = _measure(stream)
    recognised = recognise(stream)
    known = Paper.objects.filter(
        owner=owner,
        subject_kind=subject_kind,
        subject_no=subject_no,
        kind=kind,
        sha256=digest,
        removed_at=None,
    ).first()
    if known is not None:
        return known
    name = clean_name(filename or str(getattr(file, "name", "") or ""), recognised)
    stream.seek(0)
    return Paper.objects.create(
        paper_no=next_no("F", dates.today()),
        owner=owner,
        region_code=region_code,
        subject_kind=subject_kind,
        subject_no=subject_no,
        kind=kind,
        filename=name,
        content_type=recognised.content_type,
        size=size,
        sha256=digest,
        file=File(stream, name=name),
        uploaded_by=by,
    )


def _require_hand(by: User, owner: Party, region_code: str) -> None:
    if has_role(by, *PARTY_ROLES, party=owner) or has_role(by, *DESK_ROLES, region=region_code):
        return
    raise Forbidden(
        "paper.not_yours",
        f"您不是“{owner.name}”的经办人，也不是受理地区的工作人员，不能办理其材料。",
        hint="请由该单位的经办人登录后办理。",
    )


def _measure(stream: BinaryIO) -> tuple[int, str]:
    """Size in bytes and SHA-256. Stops reading as soon as the file is too large."""
    stream.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            break
        digest.update(chunk)
    stream.seek(0)
    if size == 0:
        raise Invalid(
            "paper.empty", "该文件是空的（0 字节）。", field="file", hint="请打开文件确认有内容后重新上传。"
        )
    if size > LARGEST:
        raise Invalid(
            "paper.too_large",
            f"单个文件不能超过 {LARGEST_MB} MB。",
            field="file",
            hint="扫描件请用黑白或灰度、200—300 dpi 重新扫描，或分拆为几个文件上传。",
            detail={"limit": LARGEST},
        )
    return size, digest.hexdigest()


def clean_name(name: str, recognised: FileKind) -> str:
    """The name that people see: no path, no control or direction marks, the extension of what the file really is."""
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    plain = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip(" .")
    stem = PurePosixPath(plain).stem[:LONGEST_NAME].strip(" .") if plain else ""
    return f"{stem or '材料'}{recognised.extension}"


def remove_paper(paper: Paper, *, by: User) -> Paper:
    """Take a paper away from its subject. The bytes are kept: the trail names their digest.

    The party may do so while its case is open to it; after that the office decides on what was handed in
    (``paper.case_closed``). Raises ``Forbidden`` when ``by`` does not act for the owner.
    """
    announce("remove_paper")
    if not has_role(by, *PARTY_ROLES, party=paper.owner_id):
        raise Forbidden(
            "paper.not_yours", "材料只能由提交单位的经办人移除。", hint="如材料有误，请将事项退回企业补正。"
        )
    if paper.removed_at is not None:
        return paper
    if not _subject_open(paper.subject_kind, paper.subject_no):
        raise NotNow(
            "paper.case_closed",
            "本件已提交，材料不能再移除。",
            hint="可先撤回本件，或待退回补正后更换材料。",
        )
    paper.removed_at = dates.now()
    paper.save(update_fields=["removed_at"])
    return paper


def _subject_open(subject_kind: str, subject_no: str) -> bool:
    state: str | None = None
    if subject_kind == "application":
        state = Application.objects.filter(application_no=subject_no).values_list("state", flat=True).first()
    elif subject_kind == "claim":
        state = Claim.objects.filter(claim_no=subject_no).values_list("state", flat=True).first()
    elif subject_kind == "lease":
        state = Lease.objects.filter(lease_no=subject_no).values_list("state", flat=True).first()
    return state is None or state in OPEN_STATES


def open_paper(paper: Paper, *, by: User) -> File[bytes]:
    """The bytes, for somebody whose scope holds the paper; the read is told to the listeners."""
    note_read(
        "paper",
        paper.paper_no,
        by=by,
        region_code=paper.region_code,
        facts={
            "sha256": paper.sha256,
            "kind": paper.kind,
            "subject_kind": paper.subject_kind,
            "subject_no": paper.subject_no,
        },
    )
    return cast("File[bytes]", paper.file.open("rb"))


__all__ = ["clean_name", "open_paper", "receive_paper", "remove_paper"]
