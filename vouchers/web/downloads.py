"""Files that leave the system: always as attachments, always told to whoever listens (the trail)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True)
class Export:
    """A file that is about to leave: what it is (``kind``, as in ``payment_list``), of which case, its name and digest; its size in
    bytes or, where it is written while it is sent, its lines."""

    kind: str
    number: str
    filename: str
    sha256: str
    size: int | None = None
    rows: int | None = None


ExportListener = Callable[[HttpRequest, Export], None]
EXPORT_LISTENERS: list[ExportListener] = []


def on_export(listener: ExportListener) -> None:
    """Register what is to be told of each export. It is called in the request's transaction, before the content is sent."""
    if listener not in EXPORT_LISTENERS:
        EXPORT_LISTENERS.append(listener)


def note_export(
    request: HttpRequest,
    kind: str,
    number: str,
    filename: str,
    *,
    sha256: str,
    size: int | None = None,
    rows: int | None = None,
) -> None:
    """Tell that this file leaves now, to the person of the request."""
    export = Export(kind, number, filename, sha256, size, rows)
    for listener in EXPORT_LISTENERS:
        listener(request, export)


def attachment(
    request: HttpRequest, content: bytes, name: str, content_type: str, kind: str, number: str
) -> HttpResponse:
    """The file as a download."""
    note_export(request, kind, number, name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
