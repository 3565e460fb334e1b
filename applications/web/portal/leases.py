"""算力租用合同 of my party, as lessee or lessor."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.facts import latest_price_check
from applications.models import Claim, Invoice, Lease
from applications.web.portal.access import portal_view
from applications.web.shown import holds_on, lease_facts, shown_price
from vouchers.access import PARTY_ROLES, scope_of

PAGE = 20


@portal_view
def leases(request: HttpRequest) -> HttpResponse:
    """The list, the latest first."""
    rows = (
        Lease.objects.visible_to(request.user, *PARTY_ROLES)
        .select_related("lessor", "lessee")
        .order_by("-pk")
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/leases.html", {"page": page})


@portal_view
def lease(request: HttpRequest, lease_no: str) -> HttpResponse:
    """One contract with its devices, invoices, price and claims; the lessor sees no claims of the lessee."""
    rows = Lease.objects.visible_to(request.user, *PARTY_ROLES).select_related("lessor", "lessee")
    row = get_object_or_404(rows, lease_no=lease_no)
    own = row.lessee_id in scope_of(request.user, *PARTY_ROLES).parties
    context = {
        "lease": row,
        "print_number": row.lease_no,
        "facts": lease_facts(row),
        "devices": row.devices.order_by("serial")[:200],
        "device_count": row.devices.count(),
        "price": shown_price(latest_price_check(row)) if own else None,
        "holds": [
            hold for hold in holds_on(("lease", row.lease_no)) if hold.state in ("open", "lift_requested")
        ]
        if own
        else [],
        "applications": row.applications.visible_to(request.user, *PARTY_ROLES).order_by("-pk"),
        "claims": Claim.objects.visible_to(request.user, *PARTY_ROLES).filter(lease=row).order_by("-pk")[:50],
        "invoices": Invoice.objects.visible_to(request.user, *PARTY_ROLES)
        .filter(lease=row)
        .order_by("-issued_on", "-pk")[:50],
        "crumbs": [(_("合同"), reverse("portal:leases"))],
    }
    return render(request, "portal/lease.html", context)
