"""导出证据: a case's events, proofs and papers as a file that whoever receives it can verify without us."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Callable
from typing import IO, Any, cast
from urllib.parse import quote

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.models import Paper
from audit.actions.trail import log_event
from audit.case_file import CaseFile, papers_of, provable, write_case_file
from audit.case_parts import Part
from audit.models import AuditEvent
from audit.trail.proofs import Evidence
from audit.trail.subjects import region_of
from audit.web.access import audit_view
from audit.web.event_words import kind_label, tell
from audit.web.stories import open_story
from audit.web.trail import visible_events
from vouchers import dates
from vouchers.actions.job_runs import Run, reason_of
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import User

IN_MEMORY = 16 * 1024 * 1024
AT_ONCE_EVENTS = 1_000
"""A case of more events than these is proven by a job: a page must not keep its reader waiting."""
AT_ONCE_BYTES = 40 * 1024 * 1024
EVENT = "audit_event"


@require_POST
@audit_view
def case(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """The zip of a whole case. Making it is an event of the case, with the file's digest. A large one is made as a job."""
    by = cast(User, request.user)
    parts, found = open_story(by, kind, number)
    ids = [*found.deeds, *found.readings]
    if len(ids) > AT_ONCE_EVENTS or sum(one.size for one in papers_of(parts, by)) > AT_ONCE_BYTES:
        return _later(request, kind, number, by)
    return _handed_out(request, kind, number, provable(ids), parts, by)


def _later(request: HttpRequest, kind: str, number: str, by: User) -> HttpResponse:
    """To the page of the job that makes the file; of the one that makes it already, when there is one."""
    try:
        job = ask_job(
            EVIDENCE.code,
            label=_("案卷证据 %(number)s") % {"number": number},
            params={"kind": kind, "number": number},
            by=by,
            key=f"{by.pk}:{kind}:{number}",
            unit="件",
        )
    except NotNow as refusal:
        if refusal.code != "job.under_way":
            raise
        return redirect("jobs:job", refusal.detail["job_no"])
    messages.success(request, _("本案卷较大，证据正在后台生成，完成后在本页下载。可以离开本页。"))
    return redirect("jobs:job", job.job_no)


def make_case_file(run: Run) -> JobResult:
    """The job: the same file for whoever asked, as far as that person may see the case when it runs."""
    kind, number, by = run.job.params["kind"], run.job.params["number"], run.job.asked_by
    if by is None or not by.is_active:
        raise Forbidden("access.role", "提请人的账号已停用，未生成证据。")
    with acting(by, "trail.evidence", reason_of(run.job)):
        try:
            parts, found = open_story(by, kind, number)
        except Http404:
            raise Forbidden("access.role", "提请人现已无权查阅这件案卷，未生成证据。") from None
        ids, papers = [*found.deeds, *found.readings], papers_of(parts, by)
        run.progress(0, len(ids) + len(papers), "件")
        proven = provable(ids)
        run.progress(len(ids))
        path = run.new_file(".zip")
        with path.open("w+b") as stream:
            made = _written(
                stream, kind, number, proven, papers, by, lambda count: run.progress(len(ids) + count)
            )
            _note(stream, path.name, kind, number, made)
    return JobResult(
        result={"events": made.events, "papers": made.papers, "unsealed": made.unsealed},
        file=path,
        message=_("证据已生成：%(events)s 条留痕、%(papers)s 份材料。")
        % {"events": made.events, "papers": made.papers},
    )


EVIDENCE = JobKind("case_evidence", "导出案卷证据", make_case_file)


@audit_view
def event(request: HttpRequest, event_no: uuid.UUID) -> HttpResponse:
    """The zip of one event with its proof."""
    row = visible_events(request).filter(event_no=event_no).first()
    if row is None:
        raise Http404
    by = cast(User, request.user)
    return _handed_out(request, EVENT, str(event_no), provable([row.pk]), [], by)


def _handed_out(
    request: HttpRequest, kind: str, number: str, proven: Evidence, parts: list[Part], by: User
) -> HttpResponse:
    stream: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - FileResponse closes it
    made = _written(stream, kind, number, proven, papers_of(parts, by), by)
    name = f"证据-{number if kind != EVENT else number[:13]}.zip"
    size = _note(stream, name, kind, number, made)
    response = FileResponse(stream, content_type="application/zip")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "no-store"
    return cast(HttpResponse, response)


def _written(
    stream: IO[bytes],
    kind: str,
    number: str,
    proven: Evidence,
    papers: list[Paper],
    by: User,
    told: Callable[[int], None] | None = None,
) -> CaseFile:
    """The zip, with its readable index."""
    index = render_to_string(
        "documents/case_evidence.html",
        {
            "label": kind_label(kind) if kind != EVENT else _("事件"),
            "number": number,
            "rows": [(row, proof) for row, proof in zip(_told(proven), proven.proven, strict=True)],
            "checkpoints": proven.checkpoints,
            "papers": papers,
            "unsealed": len(proven.unsealed),
            "made_at": dates.now(),
            "made_by": by,
        },
    )
    return write_case_file(
        stream, proven, papers, index, case={"kind": kind, "number": number}, by=by, told=told
    )


def _note(stream: IO[bytes], name: str, kind: str, number: str, made: CaseFile) -> int:
    """The export is told to the trail with the file's digest; its size. The stream stands at its beginning again."""
    stream.seek(0)
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    size = stream.tell()
    stream.seek(0)
    log_event(
        "export",
        "trail.evidence",
        kind,
        number,
        region=region_of(kind, number) if kind != EVENT else "",
        facts={
            "file": name,
            "sha256": digest.hexdigest(),
            "bytes": size,
            "events": made.events,
            "papers": made.papers,
            "manifest_sha256": made.manifest_sha256,
        },
    )
    return size


def _told(proven: Evidence) -> list[Any]:
    events: list[AuditEvent] = [one.event for one in proven.proven]
    return tell(events, {one.event.pk: one.place for one in proven.proven})
