"""关联组: the linked claims and contracts of the last scan as one picture: who is linked by what, device times, prices and use."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.actions.trail import log_read
from audit.web.access import audit_view
from audit.web.case_drawings import case_drawings
from audit.web.suspicions import TONES, visible
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.models.holds import ScreeningOutcome

MOST_ROWS = 100


@audit_view
def group(request: HttpRequest, case_no: str) -> HttpResponse:
    """One group as far as the reader may see it."""
    rows = list(visible(request).filter(case_no=case_no).order_by("rank"))
    if not rows:
        raise Http404
    rules: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        rules[row.lease_no].update(row.rules)
    drawings = case_drawings(
        {row.enterprise_uscc for row in rows if row.enterprise_uscc},
        {row.lease_no for row in rows if row.lease_no},
        regions=scope_of(request.user, *AUDIT_ROLES).regions,
        rules=rules,
    )
    log_read("suspicion.group", "suspicion_group", case_no, region=rows[0].region_code)
    shown: list[dict[str, Any]] = [
        {"row": row, "label": ScreeningOutcome(row.outcome).label, "tone": TONES[row.outcome]}
        for row in rows[:MOST_ROWS]
    ]
    return render(
        request,
        "audit/group.html",
        {
            "case_no": case_no,
            "rows": shown,
            "count": len(rows),
            "left_out": max(0, len(rows) - MOST_ROWS),
            "drawings": drawings,
            "crumbs": [(_("可疑合同"), reverse("audit:suspicions"))],
        },
    )
