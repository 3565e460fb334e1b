"""异议: what was objected, and the answer."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.objections import answer_objection
from applications.models import Objection
from applications.web.desk.access import act, desk_view
from vouchers.access import Role, has_role


@desk_view
def objections(request: HttpRequest) -> HttpResponse:
    """The objections of my regions, those that wait first."""
    rows = Objection.objects.visible_to(request.user).order_by("state", "due_on", "-pk")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    return render(request, "desk/objections.html", {"page": page})


@desk_view
def objection(request: HttpRequest, objection_no: str) -> HttpResponse:
    """One objection with its answer, or the form for it."""
    row = get_object_or_404(Objection.objects.visible_to(request.user), objection_no=objection_no)
    may = row.state == "filed" and has_role(
        request.user,
        Role.INVESTIGATOR,
        *(() if row.subject_kind in ("debarment", "credit_entry") else (Role.APPROVER,)),
        region=row.region_code,
    )
    return render(request, "desk/objection.html", {"objection": row, "may_answer": may})


@require_POST
@desk_view
def answer(request: HttpRequest, objection_no: str) -> HttpResponse:
    """Uphold or dismiss."""
    row = get_object_or_404(Objection.objects.visible_to(request.user), objection_no=objection_no)

    def deed() -> Any:
        return answer_objection(
            row,
            uphold=request.POST.get("outcome") == "uphold",
            answer=request.POST.get("answer", ""),
            by=request.user,  # type: ignore[arg-type]
        )

    return act(
        request, deed, _("已答复异议 %(number)s。") % {"number": objection_no}, "desk:objection", objection_no
    )
