"""算力券: what is left on each, its claims, and its certificate."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from applications.actions.claims import start_claim
from applications.documents import CertificateContent, certificate_pdf
from applications.models import Application, Claim, Lease
from applications.models.leases import LeaseState
from applications.web.downloads import attachment
from applications.web.portal.access import may_file, own_parties, portal_view
from applications.web.portal.consents import consent_step
from applications.web.shown import holds_on
from vouchers import dates
from vouchers.access import PARTY_ROLES
from vouchers.actions.vouchers import balance_of, balances
from vouchers.errors import DomainError
from vouchers.middleware import note_refusal
from vouchers.models import User, Voucher
from vouchers.models.vouchers import VoucherState

PAGE = 20


def find_voucher(request: HttpRequest, voucher_no: str) -> Voucher:
    """The voucher, if it is the viewer's own party's; otherwise there is none (404)."""
    rows = Voucher.objects.visible_to(request.user, *PARTY_ROLES).select_related(
        "program__region", "publication", "enterprise"
    )
    return get_object_or_404(rows, voucher_no=voucher_no)


@portal_view
def vouchers(request: HttpRequest) -> HttpResponse:
    """All vouchers, the usable ones first."""
    rows = (
        Voucher.objects.visible_to(request.user, *PARTY_ROLES)
        .filter(is_entitlement=False)  # what is paid without a voucher stands with its application
        .select_related("program", "enterprise")
        .order_by("state", "-pk")
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    known = balances(page.object_list)
    shown = [(voucher, known[voucher.voucher_no]) for voucher in page.object_list]
    context = {"page": page, "rows": shown, "several": len(own_parties(request)) > 1}
    return render(request, "portal/vouchers.html", context)


def row_rests_on_project(voucher: Voucher) -> bool:
    """Whether it was granted for a project of the holder's own: then no contract is asked for."""
    return Application.objects.filter(application_no=voucher.application_no, project__isnull=False).exists()


def claimable_leases(voucher: Voucher) -> list[Lease]:
    """The contracts that a claim on the voucher may rest on: filed by the holder under the same program."""
    assert voucher.program is not None
    if row_rests_on_project(voucher):
        return []
    rows = Lease.objects.filter(
        lessee=voucher.enterprise,
        program_code=voucher.program.code,
        state__in=(LeaseState.FILED, LeaseState.VERIFIED, LeaseState.ENDED),
    )
    return list(rows.select_related("lessor").order_by("-pk"))


def usable(voucher: Voucher) -> bool:
    """Whether a claim may be started on it today."""
    return (
        voucher.origin == "live"
        and voucher.state == VoucherState.ACTIVE
        and voucher.expires_on > dates.today()
    )


@portal_view
def voucher(request: HttpRequest, voucher_no: str) -> HttpResponse:
    """One voucher."""
    row = find_voucher(request, voucher_no)
    application = Application.objects.filter(application_no=row.application_no).first()
    context = {
        "voucher": row,
        "print_number": row.voucher_no,
        "balance": balance_of(row),
        "application": application,
        "own_lease": application.lease if application else None,
        "leases": claimable_leases(row) if row.program else [],
        "usable": usable(row),
        "consent_step": consent_step(application),
        "may_file": may_file(request, row.enterprise),
        "holds": [
            hold for hold in holds_on(("voucher", row.voucher_no)) if hold.state in ("open", "lift_requested")
        ],
        "claims": Claim.objects.filter(voucher=row).order_by("-pk")[:50],
        "verify_path": f"{reverse('public:verify')}?{_code(row)}",
        "crumbs": [(_("我的申领"), reverse("portal:applications"))]
        if row.is_entitlement
        else [(_("算力券"), reverse("portal:vouchers"))],
    }
    return render(request, "portal/voucher.html", context)


def _code(row: Voucher) -> str:
    return urlencode({"voucher_no": row.voucher_no, "code": row.verification_code})


@require_POST
@portal_view
def claim(request: HttpRequest, voucher_no: str) -> HttpResponse:
    """Start a claim on it, for one of the contracts."""
    row = find_voucher(request, voucher_no)
    leases = claimable_leases(row) if row.program else []
    wanted = request.POST.get("lease", "")
    application = Application.objects.filter(application_no=row.application_no).first()
    own = application.lease if application else None
    lease = next((one for one in leases if one.lease_no == wanted), own or (leases[0] if leases else None))
    by = request.user
    assert isinstance(by, User)
    try:
        made = start_claim(row, lease, by=by)
    except DomainError as refusal:
        note_refusal(request, refusal)
        return redirect("portal:voucher", voucher_no)
    return redirect("portal:claim_items", made.claim_no)


@require_safe
@portal_view
def certificate(request: HttpRequest, voucher_no: str) -> HttpResponse:
    """The certificate as PDF, with the code by which anybody can verify it."""
    row = find_voucher(request, voucher_no)
    if row.program is None or row.publication is None or row.is_entitlement:
        return redirect("portal:voucher", voucher_no)
    scheme = row.publication.scheme
    document = scheme.documents[0] if scheme.documents else None
    number = document.document_no if document and document.document_no != scheme.title else ""
    content = CertificateContent(
        voucher_no=row.voucher_no,
        program_name=row.program.name,
        policy_title=document.title if document else scheme.title,
        policy_document_no=number,
        office=scheme.office or row.program.office,
        holder_name=row.enterprise.name,
        holder_uscc=row.enterprise.uscc,
        face_value=row.face_value,
        issued_on=row.issued_on,
        expires_on=row.expires_on,
        application_no=row.application_no,
        verification_url=request.build_absolute_uri(f"{reverse('public:verify')}?{_code(row)}"),
        verification_code=row.verification_code,
        publication_hash=row.publication.sha256,
        demo_date=getattr(settings, "DEMO_DATE", None),
    )
    return attachment(
        request,
        certificate_pdf(content),
        f"算力券-{row.voucher_no}.pdf",
        "application/pdf",
        "certificate",
        row.voucher_no,
    )
