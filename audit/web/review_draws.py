"""随机抽查 and 暂不计分 at the desk: which claims a seed drew of those that passed; which soft rules are set aside for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.models import Claim, Lease
from audit.actions.snoozes import end_snooze, place_snooze
from audit.models import ReviewPick, Snooze
from audit.rules import RULES
from audit.web.access import audit_view
from vouchers import dates
from vouchers.access import AUDIT_ROLES, Role, scope_of
from vouchers.errors import Invalid
from vouchers.web.fields import DayField

PAGE = 50


@audit_view
def draws(request: HttpRequest) -> HttpResponse:
    """The claims drawn in the reader's regions, each with its draw, seed and list digest."""
    rows = ReviewPick.objects.all().visible_to(request.user, *AUDIT_ROLES).select_related("draw")
    page = Paginator(rows.order_by("-draw", "position"), PAGE).get_page(request.GET.get("page"))
    seen = {pick.draw.pk: pick.draw for pick in page.object_list}
    return render(request, "audit/review_draws.html", {"page": page, "draws": list(seen.values())})


@audit_view
def snoozes(request: HttpRequest) -> HttpResponse:
    """What is set aside in the reader's regions; what stands first."""
    today = dates.today()
    rows = Snooze.objects.all().visible_to(request.user, *AUDIT_ROLES).select_related("placed_by", "ended_by")
    page = Paginator(rows.order_by("-to_on", "-pk"), PAGE).get_page(request.GET.get("page"))
    mine = scope_of(request.user, Role.INVESTIGATOR).regions
    listed = [
        {
            "row": row,
            "title": RULES[row.rule].title if row.rule in RULES else "",
            "last_on": row.to_on - timedelta(days=1),
            "stands": row.ended_on is None and row.to_on > today,
            "may_end": row.region_code in mine,
        }
        for row in page.object_list
    ]
    return render(request, "audit/snoozes.html", {"page": page, "listed": listed})


@audit_view
@require_POST
def snooze(request: HttpRequest, kind: str, number: str, rule: str) -> HttpResponse:
    """Set the rule aside for the enterprise of a claim or the lessee of a lease."""
    regions = scope_of(request.user, *AUDIT_ROLES).regions
    subject: Any = (
        Claim.objects.filter(claim_no=number, program_region_code__in=regions).first()
        if kind == "claim"
        else Lease.objects.filter(lease_no=number, program_region_code__in=regions).first()
    )
    if subject is None or kind not in ("claim", "lease"):
        raise Http404
    try:
        last = DayField().clean(request.POST.get("last_on", ""))
    except forms.ValidationError as wrong:
        raise Invalid("snooze.day", "".join(wrong.messages), field="last_on") from None
    row = place_snooze(
        rule,
        subject.enterprise if kind == "claim" else subject.lessee,
        region=subject.program_region_code,
        to_on=last + timedelta(days=1),
        reason=request.POST.get("reason", ""),
        by=request.user,  # type: ignore[arg-type]
    )
    messages.success(
        request,
        _("%(no)s：自下一次扫描起，该单位的 %(rule)s 不计分，至 %(last)s 止。")
        % {"no": row.snooze_no, "rule": rule, "last": f"{last:%Y-%m-%d}"},
    )
    return redirect("audit:suspicion", kind, number)


@audit_view
@require_POST
def end(request: HttpRequest, snooze_no: str) -> HttpResponse:
    """End one before its day."""
    row = Snooze.objects.all().visible_to(request.user, *AUDIT_ROLES).filter(snooze_no=snooze_no).first()
    if row is None:
        raise Http404
    end_snooze(row, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    messages.success(request, _("%(no)s 已终止。") % {"no": row.snooze_no})
    return redirect("audit:snoozes")
