"""Files that leave the system: always as attachments, always told to whoever listens (the trail)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

ExportListener = Callable[[HttpRequest, str, str, str, bytes], None]
EXPORT_LISTENERS: list[ExportListener] = []


def on_export(listener: ExportListener) -> None:
    """Register what is to be told of each export: request, kind, number, file name, content."""
    EXPORT_LISTENERS.append(listener)


def attachment(
    request: HttpRequest, content: bytes, name: str, content_type: str, kind: str, number: str
) -> HttpResponse:
    """The file as a download."""
    for listener in EXPORT_LISTENERS:
        listener(request, kind, number, name, content)
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
