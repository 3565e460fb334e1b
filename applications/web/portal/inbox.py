"""消息 and 异议 of my party."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.messages import mark_messages_read
from applications.models import Message, Objection
from applications.web.portal.access import portal_view
from vouchers.access import PARTY_ROLES
from vouchers.models import User

PAGE = 20


@portal_view
def messages(request: HttpRequest) -> HttpResponse:
    """All messages, the latest first."""
    rows = Message.objects.visible_to(request.user, *PARTY_ROLES).select_related("party").order_by("-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(
        request, "portal/messages.html", {"page": page, "unread": rows.filter(read_at=None).count()}
    )


@require_POST
@portal_view
def mark_read(request: HttpRequest) -> HttpResponse:
    """All as read, or those about one case, and on to it."""
    kind, number = request.POST.get("subject_kind", ""), request.POST.get("subject_no", "")
    by = request.user
    assert isinstance(by, User)
    mark_messages_read(by=by, subject_kind=kind, subject_no=number)
    if number and kind in ("application", "claim", "clawback", "debarment"):
        return redirect(f"portal:{kind}", number)
    if number and kind == "credit":
        return redirect("portal:credit")
    return redirect("portal:messages")


@portal_view
def objections(request: HttpRequest) -> HttpResponse:
    """The objections that my party filed."""
    rows = Objection.objects.visible_to(request.user, *PARTY_ROLES).order_by("-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/objections.html", {"page": page})


@portal_view
def objection(request: HttpRequest, objection_no: str) -> HttpResponse:
    """One objection and its answer."""
    row = get_object_or_404(
        Objection.objects.visible_to(request.user, *PARTY_ROLES), objection_no=objection_no
    )
    context = {"objection": row, "crumbs": [(_("异议"), reverse("portal:objections"))]}
    return render(request, "portal/objection.html", context)
