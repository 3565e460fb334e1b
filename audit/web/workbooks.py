"""The auditor's workbook as a download. A POST, since it is an export that the trail keeps."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_POST

from applications.models import Claim
from audit.actions.trail import log_export
from audit.models import Flag
from audit.reports.workbook import Choice, build, chosen
from audit.web.access import audit_view
from audit.web.suspicions import SuspicionFilter, visible
from vouchers import dates
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.errors import Invalid

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_HERE = 5_000  # claims; a larger workbook is made by the command, beside the web


@audit_view
@require_POST
def download(request: HttpRequest) -> HttpResponse:
    """The workbook of what the queue's filter shows; without a filter, of everything in the reader's scope."""
    asked = QueryDict(request.POST.get("filter", ""))
    choice = _choice(request, asked)
    claims = Claim.objects.all().visible_to(request.user, *AUDIT_ROLES)
    count = chosen(claims, choice).count()
    if count > MOST_HERE:
        raise Invalid(
            "export.too_many",
            f"所选范围有 {count:,} 件兑付申请，网页一次最多导出 {MOST_HERE:,} 件。",
            hint="请先按结果、规则、地区或专项筛选，或请系统管理人员运行 export_workbook。",
        )
    buffer = io.BytesIO()
    person: Any = request.user
    made = build(buffer, claims, Flag.objects.all().visible_to(person, *AUDIT_ROLES), choice, by=str(person))
    content = buffer.getvalue()
    name = f"audit-workbook-{dates.today():%Y%m%d}.xlsx"
    log_export(
        "workbook.export",
        "workbook",
        name,
        region=choice.region,
        facts={
            "rows": made.rows,
            "filter": made.filter,
            "content_sha256": made.content_sha256,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    )
    return HttpResponse(
        content, content_type=EXCEL, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _choice(request: HttpRequest, asked: QueryDict) -> Choice:
    form = SuspicionFilter(asked, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    form.is_valid()
    wanted = form.cleaned_data
    listed = any(wanted.get(name) for name in ("q", "outcome", "rule"))
    told = "；".join(
        f"{form.fields[name].label} {wanted[name]}" for name in ("q", "outcome", "rule") if wanted.get(name)
    )
    return Choice(
        region=wanted.get("region") or "",
        program=(wanted.get("program") or "").strip(),
        suspicions=form.apply(visible(request)) if listed else None,
        told=told,
    )
