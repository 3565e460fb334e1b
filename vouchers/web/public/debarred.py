"""失信名单 for everybody: the current issue of every region, without whoever is no longer restricted; its file and its hash."""

from __future__ import annotations

import json
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from vouchers import dates
from vouchers.actions.debarment_lists import FIELDS, public_file
from vouchers.models import DebarmentList, Listing
from vouchers.web.price_files import csv_answer

PAGE = 50


def current_lists() -> list[DebarmentList]:
    """The latest issue of each region."""
    rows = DebarmentList.objects.order_by("region__code", "-number").distinct("region__code")
    return list(rows.select_related("region"))


@require_safe
def debarred(request: HttpRequest) -> HttpResponse:
    """Who is on a list today. A restriction of an office stands here from the issue that published it, and no day longer than it lasts;
    entries of other lists as they were brought along."""
    today = dates.today()
    issues = current_lists()
    published = [entry["debarment_no"] for issue in issues for entry in issue.entries]
    rows = (
        Listing.objects.in_force(today)
        .filter(Q(debarment=None) | Q(debarment__debarment_no__in=published))
        .select_related("party", "debarment__region")
        .order_by("-effective_from", "party__name", "pk")
    )
    wanted = request.GET.get("q", "").strip()[:60]
    if wanted:
        rows = rows.filter(Q(party__name__icontains=wanted) | Q(party__uscc__iexact=wanted))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "public/debarred.html", {"page": page, "q": wanted, "issues": issues})


@require_safe
def issue_file(request: HttpRequest, list_no: str, form: str) -> HttpResponse:
    """One issue as JSON (all leaves, so that its hash can be computed again) or CSV; of what it listed only what still stands."""
    issue = get_object_or_404(DebarmentList.objects.select_related("region"), list_no=list_no)
    content = public_file(issue, dates.today())
    name = f"debarred-{issue.region.code}-{issue.number}"
    if form == "json":
        answer = HttpResponse(
            json.dumps(content, ensure_ascii=False, indent=1), content_type="application/json; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="{name}.json"'
        return answer
    if form != "csv":
        raise Http404
    heads: dict[str, Any] = {
        "debarment_no": _("编号"),
        "name": _("单位"),
        "uscc": _("统一社会信用代码"),
        "reason": _("事由"),
        "basis": _("依据文件"),
        "article": _("条款"),
        "document_no": _("文号"),
        "effective_from": _("列入日"),
        "effective_to": _("移出日"),
        "authority": _("作出机关"),
        "repair_terms": _("修复条件"),
    }
    return csv_answer(
        name,
        [str(heads[field]) for field in FIELDS],
        ([str(entry[field]) for field in FIELDS] for entry in content["entries"]),
    )


urlpatterns = [
    path("debarred/", debarred, name="debarred"),
    path("debarred/lists/<str:list_no>.<slug:form>", issue_file, name="debarred_file"),
]
