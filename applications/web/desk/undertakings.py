"""立项项目 on the desk: which projects were found to be one, what waits for a second person, and proposing it at a case."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.undertaking_merges import (
    OFFICE,
    confirm_merge,
    decline_merge,
    merge_undertakings,
    mergeable,
    open_merges,
)
from applications.models import Application, Undertaking, UndertakingMerge
from applications.models.applications import ApplicationState
from applications.models.undertakings import MergeState
from applications.web.desk.access import act, desk_view
from vouchers.access import has_role
from vouchers.errors import Invalid

PAGE = 50
DEEDS = {"confirm": confirm_merge, "decline": decline_merge}


def shown_projects(case: Application, user: Any) -> dict[str, Any]:
    """What a case's page says of its project: what was merged into it, what is proposed, and with which it could be one."""
    if case.undertaking is None:
        return {}
    may = case.program is not None and has_role(user, *OFFICE, region=case.program.region)
    proposed = open_merges(case)
    return {
        "undertaking": case.undertaking,
        "merged_parts": list(case.undertaking.parts.order_by("pk")),
        "merges": proposed,
        "may_merge": may,
        "mergeable": mergeable(case) if may and not proposed else [],
    }


@desk_view
def merges(request: HttpRequest) -> HttpResponse:
    """Proposed mergers first, then what was decided, the latest first."""
    rows = UndertakingMerge.objects.visible_to(request.user).select_related(
        "part__declared_by", "survivor__declared_by", "proposed_by", "decided_by"
    )
    context = {
        "waiting": rows.filter(state=MergeState.PROPOSED).order_by("pk"),
        "page": Paginator(rows.exclude(state=MergeState.PROPOSED).order_by("-pk"), PAGE).get_page(
            request.GET.get("page")
        ),
    }
    return render(request, "desk/project_merges.html", context)


@require_POST
@desk_view
def propose(request: HttpRequest, application_no: str) -> HttpResponse:
    """The case's project and another of its enterprise's are one."""
    rows = Application.objects.visible_to(request.user).exclude(state=ApplicationState.DRAFT)
    case = get_object_or_404(rows.select_related("undertaking"), application_no=application_no)

    def deed() -> UndertakingMerge:
        other = next(
            (one for one in mergeable(case) if one.undertaking_no == request.POST.get("with", "")), None
        )
        if case.undertaking is None or other is None:
            raise Invalid("undertaking.unknown", "请选择本单位在本专项的另一个项目。", field="with")
        return merge_undertakings(
            Undertaking.objects.get(pk=case.undertaking.pk),
            other,
            by=request.user,  # type: ignore[arg-type]
            reason=request.POST.get("reason", ""),
        )

    return act(
        request,
        deed,
        _("已登记为同一项目；任一项目已有核定的，待另一人确认后合并计算限额。"),
        "desk:application",
        application_no,
    )


@require_POST
@desk_view
def decide(request: HttpRequest, merge_no: str, verb: str) -> HttpResponse:
    """The second person's word."""
    merge = get_object_or_404(
        UndertakingMerge.objects.visible_to(request.user).select_related("part", "survivor"),
        merge_no=merge_no,
    )
    deed = DEEDS.get(verb)
    if deed is None:
        raise Http404
    return act(
        request,
        lambda: deed(merge, by=request.user, reason=request.POST.get("reason", "")),  # type: ignore[arg-type]
        _("项目合并 %(number)s：已%(verb)s。") % {"number": merge_no, "verb": merge.lifecycle.label_of(verb)},
        "desk:project_merges",
    )
