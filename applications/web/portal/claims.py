"""兑付申请: the list, and everything of one on a page."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from applications.actions.claims import withdraw_claim
from applications.actions.objections import file_objection
from applications.models import Claim, Objection
from applications.models.claims import ClaimState
from applications.web.letters import has_letter, letter_response
from applications.web.payment_steps import shown_payments
from applications.web.portal.access import act, may_file, own_parties, portal_view, refused
from applications.web.portal.applications import holds_for_enterprise, may_object, return_reason
from applications.web.portal.claim_steps import EDITABLE, find_claim
from applications.web.portal.estimates import shown_kept
from applications.web.portal.papers import papers_of, shown_files
from applications.web.shown import lease_facts, noted, project_of, project_rows, shown_timeline
from vouchers.access import PARTY_ROLES
from vouchers.actions.vouchers import balance_of
from vouchers.errors import DomainError, Invalid

PAGE = 20


@portal_view
def claims(request: HttpRequest) -> HttpResponse:
    """My party's claims, the latest first."""
    rows = (
        Claim.objects.visible_to(request.user, *PARTY_ROLES)
        .select_related("voucher__program", "enterprise")
        .order_by("-pk")
    )
    state = request.GET.get("state", "")
    if state in ClaimState.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "states": ClaimState.choices,
        "several": len(own_parties(request)) > 1,
    }
    return render(request, "portal/claims.html", context)


@portal_view
def claim(request: HttpRequest, claim_no: str) -> HttpResponse:
    """Everything of one claim."""
    return show_claim(request, find_claim(request, claim_no))


def show_claim(
    request: HttpRequest, case: Claim, refusals: list[DomainError] | None = None, typed: str = ""
) -> HttpResponse:
    """The page, also with what was typed into the objection form and refused."""
    holds = holds_for_enterprise(case) if case.submitted_at else []
    project = project_of(case)
    filing = may_file(request, case.enterprise)
    context: dict[str, Any] = {
        "case": case,
        "print_number": case.claim_no,
        "editable": case.state in EDITABLE and case.origin == "live" and case.kind == "claim",
        "may_file": filing,
        "may_withdraw": case.lifecycle.find("withdraw", case.state) is not None
        and case.origin == "live"
        and case.kind == "claim",
        "has_letter": has_letter(case) and case.enterprise in own_parties(request),
        "return_reason": return_reason(case),
        "timeline": shown_timeline(case, internal=False),
        "items": noted(case),
        "project": project,
        "project_facts": project_rows(project) if project is not None else [],
        "balance": balance_of(case.voucher),
        "payments": shown_payments(case.claim_no),
        "lease": case.lease,
        "lease_facts": lease_facts(case.lease) if case.lease else [],
        "files": shown_files(papers_of(case)),
        "holds": holds,
        "objections": Objection.objects.filter(
            subject_kind="claim", subject_no=case.claim_no, filed_by_party=case.enterprise
        ).order_by("-pk"),
        "may_object": filing and may_object(case, holds),
        "refusals": refusals or [],
        "typed": typed,
        "crumbs": [(_("兑付申请"), reverse("portal:claims"))],
        **shown_kept(case),
    }
    return render(request, "portal/claim.html", context, status=422 if refusals else 200)


@require_safe
@portal_view
def letter(request: HttpRequest, claim_no: str) -> HttpResponse:
    """决定书 as PDF, for the enterprise that it is written to: a provider that is paid reads the payment, not the letter."""
    case = find_claim(request, claim_no)
    if case.enterprise not in own_parties(request):
        raise Http404
    return letter_response(request, case)


@require_POST
@portal_view
def withdraw(request: HttpRequest, claim_no: str) -> HttpResponse:
    """The enterprise takes it back; the reservation is released."""
    case = find_claim(request, claim_no)
    by: Any = request.user
    return act(
        request,
        lambda: withdraw_claim(case, by=by, reason=request.POST.get("reason", "").strip()[:1000]),
        _("兑付申请 %(number)s 已撤回，预占的金额已退回算力券。") % {"number": claim_no},
        "portal:claim",
        claim_no,
    )


@require_POST
@portal_view
def object_to(request: HttpRequest, claim_no: str) -> HttpResponse:
    """异议 to the decision or a hold."""
    case = find_claim(request, claim_no)
    text = request.POST.get("text", "")[:5000]
    by: Any = request.user
    try:
        if not may_object(case, holds_for_enterprise(case)):
            raise Invalid("objection.nothing", _("目前没有可以提出异议的决定或暂缓。"), field="text")
        objection = file_objection(case, text=text, by=by, party=case.enterprise)
    except DomainError as refusal:
        return show_claim(request, case, refused(request, refusal), text)
    return redirect("portal:objection", objection.objection_no)
