"""发票 as filed, with what is remarkable about each."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.actions.invoice_findings import invoice_findings
from applications.models import BasisItem, Invoice
from applications.web.portal.access import portal_view
from vouchers.access import PARTY_ROLES


@portal_view
def invoice(request: HttpRequest, invoice_no: str) -> HttpResponse:
    """One invoice, its lines, its findings and the own claims that rest on it."""
    rows = Invoice.objects.visible_to(request.user, *PARTY_ROLES).select_related(
        "lease__lessor", "lease__lessee", "paper"
    )
    row = rows.filter(number_key=invoice_no).order_by("-pk").first()
    if row is None:
        raise Http404
    findings = [
        {
            "outcome": one.result,
            "title": one.label,
            "fact": one.fact,
            "cure": "" if one.result == "met" else one.cure,
        }
        for one in invoice_findings(row)
    ]
    context = {
        "invoice": row,
        "lines": row.lines.order_by("line_no")[:200],
        "findings": findings,
        "items": BasisItem.objects.filter(invoice=row).select_related("claim"),
        "crumbs": [(_("合同"), reverse("portal:leases"))],
    }
    return render(request, "portal/invoice.html", context)
