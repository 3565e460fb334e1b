"""导出证据: a case's events, proofs and papers as a file that whoever receives it can verify without us."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from typing import Any, cast
from urllib.parse import quote

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.actions.trail import log_event
from audit.case_file import papers_of, provable, write_case_file
from audit.case_parts import Part
from audit.models import AuditEvent
from audit.trail.proofs import Evidence
from audit.trail.subjects import region_of
from audit.web.access import audit_view
from audit.web.event_words import kind_label, tell
from audit.web.stories import open_story
from audit.web.trail import visible_events
from vouchers import dates
from vouchers.models import User

IN_MEMORY = 16 * 1024 * 1024


@require_POST
@audit_view
def case(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """The zip of a whole case. Making it is an event of the case, with the file's digest."""
    parts, found = open_story(request, kind, number)
    by = cast(User, request.user)
    proven = provable([*found.deeds, *found.readings])
    return _handed_out(request, kind, number, proven, parts, by)


@audit_view
def event(request: HttpRequest, event_no: uuid.UUID) -> HttpResponse:
    """The zip of one event with its proof."""
    row = visible_events(request).filter(event_no=event_no).first()
    if row is None:
        raise Http404
    by = cast(User, request.user)
    return _handed_out(request, "audit_event", str(event_no), provable([row.pk]), [], by)


def _handed_out(
    request: HttpRequest, kind: str, number: str, proven: Evidence, parts: list[Part], by: User
) -> HttpResponse:
    papers = papers_of(parts, by)
    label = kind_label(kind) if kind != "audit_event" else _("事件")
    index = render_to_string(
        "documents/case_evidence.html",
        {
            "label": label,
            "number": number,
            "rows": [(told, proof) for told, proof in zip(_told(proven), proven.proven, strict=True)],
            "checkpoints": proven.checkpoints,
            "papers": papers,
            "unsealed": len(proven.unsealed),
            "made_at": dates.now(),
            "made_by": by,
        },
    )
    stream: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - FileResponse closes it
    made = write_case_file(stream, proven, papers, index, case={"kind": kind, "number": number}, by=by)
    stream.seek(0)
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    size = stream.tell()
    stream.seek(0)
    name = f"证据-{number if kind != 'audit_event' else number[:13]}.zip"
    log_event(
        "export",
        "trail.evidence",
        kind,
        number,
        region=region_of(kind, number) if kind != "audit_event" else "",
        facts={
            "file": name,
            "sha256": digest.hexdigest(),
            "bytes": size,
            "events": made.events,
            "papers": made.papers,
            "manifest_sha256": made.manifest_sha256,
        },
    )
    response = FileResponse(stream, content_type="application/zip")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "no-store"
    return cast(HttpResponse, response)


def _told(proven: Evidence) -> list[Any]:
    events: list[AuditEvent] = [one.event for one in proven.proven]
    return tell(events, {one.event.pk: one.place for one in proven.proven})
