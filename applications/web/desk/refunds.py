"""退还: everything that goes back to payers, over all regions that one may see; each is decided on its clawback's page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from applications.web.desk.access import desk_view
from vouchers.access import Role, scope_of
from vouchers.models import Refund, Region
from vouchers.models.refunds import RefundState
from vouchers.money import ZERO

PAGE = 50
VIEWERS = (Role.FINANCE, Role.APPROVER, Role.HANDLER, Role.INVESTIGATOR)


def waiting_refunds(user: Any) -> Any:
    """Those that this person could approve or enter as paid now."""
    rows = Refund.objects.visible_to(user, Role.FINANCE)
    due = Q(state=RefundState.DUE) & ~Q(opened_by=user)
    return rows.filter(due | Q(state=RefundState.APPROVED) & ~Q(approved_by=user))


@desk_view
def listed(request: HttpRequest) -> HttpResponse:
    """By default what is not paid back yet; the sums are of what the filter shows."""
    mine = Refund.objects.visible_to(request.user, *VIEWERS)
    view = request.GET.get("view", "open")
    wanted = request.GET.get("q", "").strip()[:100]
    region = request.GET.get("region", "")
    if wanted:
        mine = mine.filter(
            Q(refund_no__icontains=wanted)
            | Q(clawback__clawback_no__icontains=wanted)
            | Q(clawback__party__name__icontains=wanted)
            | Q(bank_reference=wanted)
        )
    if region:
        mine = mine.filter(clawback__region__code=region)
    sums: dict[str, tuple[int, Decimal]] = {
        state: (count, total or ZERO)
        for state, count, total in mine.order_by().values_list("state").annotate(Count("pk"), Sum("amount"))
    }
    rows = mine
    if view in RefundState.values:
        rows = mine.filter(state=view)
    elif view != "all":
        view, rows = "open", mine.exclude(state=RefundState.PAID)
    related = ("clawback__party", "clawback__region", "clawback__program", "account")
    page = Paginator(rows.select_related(*related).order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    regions = Region.objects.filter(code__in=scope_of(request.user, *VIEWERS).regions).order_by("code")
    context = {
        "page": page,
        "view": view,
        "q": wanted,
        "region": region,
        "regions": regions if len(regions) > 1 else [],
        "views": _views(view, sums, wanted, region),
        "total": rows.aggregate(total=Sum("amount"))["total"] or ZERO,
        "amounts": [
            {"label": label, "amount": sums.get(state, (0, ZERO))[1]} for state, label in RefundState.choices
        ],
    }
    return render(request, "desk/refunds.html", context)


def _views(view: str, sums: dict[str, tuple[int, Decimal]], wanted: str, region: str) -> list[dict[str, Any]]:
    more = {name: value for name, value in (("q", wanted), ("region", region)) if value}
    unpaid = sum(count for state, (count, _sum) in sums.items() if state != RefundState.PAID)
    every = sum(count for count, _sum in sums.values())
    named = [
        ("open", _("未退还"), unpaid),
        *((state, label, sums.get(state, (0, ZERO))[0]) for state, label in RefundState.choices),
        ("all", _("全部"), every),
    ]
    return [
        {
            "label": label,
            "count": count,
            "current": name == view,
            "url": f"?{urlencode({'view': name, **more})}",
        }
        for name, label, count in named
    ]
