"""封存与公钥: what an outsider needs to hold the trail to its word: keys, checkpoints, co-signatures, the verifier. Public, and at the audit desk."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit.models import Checkpoint, KeyRotation, PendingEvent, WitnessSignature
from audit.trail import checkpoints, keys
from audit.trail.export import program, rotation_lines, witness_lines
from audit.trail.offline.files import Unverifiable
from audit.trail.teller import standing
from audit.web.access import audit_view
from vouchers.errors import DomainError
from vouchers.web.public.limits import count_question

NEWEST = 12
"""Checkpoints on the page."""
IN_FILE = 2_000
"""Checkpoints in one file; the older ones by ``?before=``."""
LINES = "application/jsonl; charset=utf-8"


@dataclass(frozen=True)
class Key:
    """One public key as people compare it by eye, and from which event on to which it signs."""

    key_id: str
    text: str
    fingerprint: str
    first: int
    last: int | None

    @property
    def in_use(self) -> bool:
        return self.last is None


@dataclass(frozen=True)
class Seal:
    """A checkpoint, with who outside has signed for it."""

    checkpoint: Checkpoint
    witnesses: list[WitnessSignature]

    @property
    def root(self) -> str:
        return bytes(self.checkpoint.root_hash).hex()


def known_keys() -> list[Key]:
    """The keys in the order of their use. None when no key is at hand here: the page says so, and never makes one."""
    changes = list(KeyRotation.objects.order_by("pk"))
    try:
        publics = keys.public_keys() if Checkpoint.objects.exists() else {}
    except (DomainError, Unverifiable, OSError):
        publics = {}
    named = {one.new_key_id: base64.b64decode(one.public_key) for one in changes}
    last = Checkpoint.objects.order_by("-size").values_list("key_id", flat=True).first()
    order = [*(one.old_key_id for one in changes[:1]), *(one.new_key_id for one in changes)] or (
        [last] if last else []
    )
    found, first = [], 1
    for place, name in enumerate(order):
        until = changes[place].size if place < len(changes) else None
        public = publics.get(name) or named.get(name)
        if public is not None:
            digest = hashlib.sha256(public).hexdigest()
            grouped = " ".join(digest[at : at + 4] for at in range(0, 64, 4))
            found.append(Key(name, base64.b64encode(public).decode(), grouped, first, until))
        first = (until or 0) + 1
    return found


def _seals(newest: list[Checkpoint]) -> list[Seal]:
    signed: dict[int, list[WitnessSignature]] = {}
    for one in WitnessSignature.objects.filter(size__in=[one.size for one in newest]):
        signed.setdefault(one.size, []).append(one)
    return [Seal(one, signed.get(one.size, [])) for one in newest]


def _shown() -> dict[str, Any]:
    newest = list(Checkpoint.objects.order_by("-size")[:NEWEST])
    seals = _seals(newest)
    latest = seals[0] if seals else None
    signed = WitnessSignature.objects.order_by("-size").first()
    downloads = [
        (_("验证程序"), reverse("public:seals_verifier"), _("verify.py 与 offline 文件夹，只需 Python 3.11，不联网")),
        (_("公钥"), reverse("public:seals_key"), _("本页所列各公钥，退役的也在内")),
        (_("封存点"), reverse("public:seals_checkpoints"), _("最近 %(count)s 个，每行一个，正文与签名") % {"count": f"{IN_FILE:,}"}),
        (_("见证签名"), reverse("public:seals_witness"), _("见证方对上述封存点的签名")),
        (_("换钥声明"), reverse("public:seals_rotations"), _("历次由旧密钥签署的新公钥")),
    ]  # fmt: skip
    return {
        "keys": known_keys(),
        "latest": latest,
        "seals": seals,
        "witness": signed,
        "standing": standing(),
        "waiting": PendingEvent.objects.count(),
        "downloads": downloads,
        "origin": settings.TRAIL_ORIGIN,
    }


@require_safe
def seals(request: HttpRequest) -> HttpResponse:
    """For everybody: the page on which one compares what one holds."""
    return render(request, "public/seals.html", _shown())


@audit_view
def desk(request: HttpRequest) -> HttpResponse:
    """The same at the audit desk."""
    crumbs = [(_("审计留痕"), reverse("audit:trail"))]
    return render(request, "audit/seals.html", {**_shown(), "crumbs": crumbs})


def _taken(request: HttpRequest, what: str) -> None:
    count_question(request, f"seals:{what}", most=30, seconds=60)


def _file(content: bytes | Iterator[bytes], name: str, content_type: str) -> HttpResponse:
    make: Any = HttpResponse if isinstance(content, bytes) else StreamingHttpResponse
    answer: HttpResponse = make(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_safe
def key_file(request: HttpRequest) -> HttpResponse:
    """The public keys, as ``--key`` reads them."""
    text = keys.public_text(base64.b64decode(one.text) for one in known_keys())
    return _file(text.encode(), "public-key.txt", "text/plain; charset=utf-8")


def _asked(request: HttpRequest) -> list[Checkpoint]:
    """The checkpoints of one file, oldest first."""
    before = request.GET.get("before", "")
    rows = Checkpoint.objects.order_by("-size")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(size__lt=int(before))
    return list(rows[:IN_FILE])[::-1]


@require_safe
def checkpoints_file(request: HttpRequest) -> HttpResponse:
    """The newest checkpoints, or those before a size, as ``--witness`` reads them; the next older file is named in ``Link``."""
    _taken(request, "checkpoints")
    rows = _asked(request)
    answer = _file("".join(checkpoints.as_line(one) for one in rows).encode(), "checkpoints.jsonl", LINES)
    if len(rows) == IN_FILE:
        answer["Link"] = f'<{reverse("public:seals_checkpoints")}?before={rows[0].size}>; rel="prev"'
    return answer


@require_safe
def witness_file(request: HttpRequest) -> HttpResponse:
    """The witness's signatures for the checkpoints of the same file."""
    _taken(request, "witness")
    sizes = [one.size for one in _asked(request)]
    return _file("".join(witness_lines(sizes=sizes)).encode(), "witness.jsonl", LINES)


@require_safe
def rotations_file(request: HttpRequest) -> HttpResponse:
    """The changes of keys."""
    return _file("".join(rotation_lines()).encode(), "rotations.jsonl", LINES)


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The program, the same bytes for everybody, so that its digest can be compared."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in program():
            archive.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    content = stream.getvalue()
    answer = _file(content, "trail-verifier.zip", "application/zip")
    answer["X-Content-SHA256"] = hashlib.sha256(content).hexdigest()
    return answer


urlpatterns = [
    path("trail/", seals, name="seals"),
    path("trail/public-key.txt", key_file, name="seals_key"),
    path("trail/checkpoints.jsonl", checkpoints_file, name="seals_checkpoints"),
    path("trail/witness.jsonl", witness_file, name="seals_witness"),
    path("trail/rotations.jsonl", rotations_file, name="seals_rotations"),
    path("trail/verifier.zip", verifier, name="seals_verifier"),
]
