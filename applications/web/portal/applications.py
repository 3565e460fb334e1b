"""申领: the list, starting one, and everything of one on a page."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from applications.actions.applications import start_application, withdraw_application
from applications.actions.assessments import beneath
from applications.actions.batch_lists import confirm_listed
from applications.actions.issuing import pays_without_voucher
from applications.actions.objections import file_objection
from applications.models import Application, Claim, Objection
from applications.models.applications import ApplicationState
from applications.web.batches import member_for_enterprise
from applications.web.letters import has_letter, letter_response
from applications.web.portal.access import act, may_file, own_parties, portal_view, refused
from applications.web.portal.answers import stated_rows
from applications.web.portal.consents import consent_step
from applications.web.portal.estimates import shown_kept
from applications.web.portal.papers import papers_of, shown_files
from applications.web.portal.steps import EDITABLE, find_application, next_step
from applications.web.shown import holds_on, lease_facts, project_rows, reviews_of, shown_timeline
from vouchers.access import PARTY_ROLES, Role
from vouchers.errors import DomainError, Invalid
from vouchers.models import Program, User
from vouchers.models.holds import HoldState
from vouchers.policy.prose_brief import describe_briefly
from vouchers.web.catalogue import offer_of, offers

PAGE = 20
OPEN_HOLD = (HoldState.OPEN, HoldState.LIFT_REQUESTED)


@portal_view
def applications(request: HttpRequest) -> HttpResponse:
    """My party's applications, the latest first; by default all, or those in one state."""
    rows = (
        Application.objects.visible_to(request.user, *PARTY_ROLES)
        .select_related("program", "enterprise")
        .order_by("-pk")
    )
    state = request.GET.get("state", "")
    if state in ApplicationState.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "states": ApplicationState.choices,
        "several": len(own_parties(request)) > 1,
        "may_start": bool(own_parties(request, Role.FILER)),
    }
    return render(request, "portal/applications.html", context)


@portal_view
def new(request: HttpRequest) -> HttpResponse:
    """Choose the scheme: what is open, what is not and why; then its conditions; then the draft begins."""
    parties = own_parties(request, Role.FILER)
    code = request.POST.get("program") or request.GET.get("program", "")
    refusals: list[DomainError] = []
    offer = None
    if code:
        program = get_object_or_404(Program.objects.listed().filter(origin="live"), code=code)
        offer = offer_of(program)
    if request.method == "POST":
        by = request.user
        assert isinstance(by, User)
        wanted = request.POST.get("enterprise", "")
        party = next(
            (one for one in parties if one.uscc == wanted), parties[0] if len(parties) == 1 else None
        )
        try:
            if offer is None:
                raise Invalid("application.no_program", _("请选择要申领的专项。"), field="program")
            if party is None:
                raise Invalid("application.no_party", _("请选择为哪一个单位申领。"), field="enterprise")
            track = request.POST.get("track", "")
            application = start_application(offer.program, party, by=by, track=track)
        except DomainError as refusal:
            refusals = refused(request, refusal)
        else:
            assert application.publication is not None
            step = next_step(application, application.publication.scheme)
            return redirect(f"portal:application_{step}", application.application_no)
    context = {
        "offers": offers() if offer is None else [],
        "offer": offer,
        "scheme": offer.scheme if offer else None,
        "sections": describe_briefly(offer.scheme) if offer and offer.scheme else [],
        "crumbs": [(_("我的申领"), reverse("portal:applications"))],
        "parties": parties,
        "refusals": refusals,
        "drafts": Application.objects.visible_to(request.user, Role.FILER)
        .filter(state=ApplicationState.DRAFT, program__code=code)
        .order_by("-pk")[:3]
        if code
        else [],
    }
    return render(request, "portal/application_new.html", context, status=422 if refusals else 200)


#: The rule whose sentence tells of the other use, which may be another enterprise's: its own uses the invoice's page tells.
USED_ELSEWHERE = "F01"


def holds_for_enterprise(case: Application | Claim) -> list[dict[str, Any]]:
    """The open holds that stop the case, as the enterprise may know of them: its own by their sentence, another party's
    only that there is one."""
    kind, number = (
        ("application", case.application_no) if isinstance(case, Application) else ("claim", case.claim_no)
    )
    own = {("party", case.enterprise.uscc)}
    subjects = [(kind, number), *beneath(case)]
    shown = []
    for hold in holds_on(*subjects):
        if hold.state not in OPEN_HOLD:
            continue
        foreign = hold.subject_kind == "party" and (hold.subject_kind, hold.subject_no) not in own
        sentence = hold.sentence
        if foreign:
            sentence = _("本件涉及的其他单位正在核查中，核查完成后继续办理。")
        elif hold.ground == USED_ELSEWHERE:
            sentence = _("本件所附发票已在其他兑付中使用，合计超过票面金额，正在核查。")
        shown.append({"hold": hold, "sentence": sentence})
    return shown


def may_object(case: Application | Claim, holds: list[Any]) -> bool:
    """To a decision, a public notice or a hold."""
    return case.origin == "live" and (
        bool(holds) or case.state in ("approved", "noticed", "issued", "rejected", "paid", "lapsed")
    )


def return_reason(case: Application | Claim) -> str:
    """What is to be mended, when the case waits for that."""
    if case.state != "returned":
        return ""
    rows = [row for row in reviews_of(case, internal=False) if row.verb == "return"]
    return rows[-1].reason if rows else ""


@portal_view
def application(request: HttpRequest, application_no: str) -> HttpResponse:
    """Everything of one application."""
    case = find_application(request, application_no)
    return show_application(request, case)


def show_application(
    request: HttpRequest, case: Application, refusals: list[DomainError] | None = None, typed: str = ""
) -> HttpResponse:
    """The page, also with what was typed into the objection form and refused."""
    scheme = case.publication.scheme if case.publication else None
    holds = holds_for_enterprise(case) if case.submitted_at else []
    editable = case.state in EDITABLE and case.origin == "live" and scheme is not None
    notice = getattr(case, "notice", None)
    context: dict[str, Any] = {
        "case": case,
        "print_number": case.application_no,
        "scheme": scheme,
        "editable": editable,
        "may_file": may_file(request, case.enterprise),
        "resume": reverse(f"portal:application_{next_step(case, scheme)}", args=[case.application_no])
        if editable and scheme is not None
        else "",
        "return_reason": return_reason(case),
        "may_withdraw": case.lifecycle.find("withdraw", case.state) is not None and case.origin == "live",
        "timeline": shown_timeline(case, internal=False),
        "stated": [row for row in stated_rows(case, scheme) if row[1]] if scheme else [],
        "lease": case.lease,
        "lease_facts": lease_facts(case.lease) if case.lease else [],
        "project_facts": project_rows(case.project) if case.project else [],
        "direct": scheme is not None and pays_without_voucher(scheme, case.facts),
        "track_name": next((one.name for one in scheme.tracks if one.code == case.facts.get("track")), "")
        if scheme
        else "",
        "files": shown_files(papers_of(case)),
        "holds": holds,
        "notice": notice,
        "batch_member": member_for_enterprise(case),
        "consent_step": consent_step(case),
        "objections": Objection.objects.filter(
            subject_kind="application", subject_no=case.application_no, filed_by_party=case.enterprise
        ).order_by("-pk"),
        "has_letter": has_letter(case),
        "may_object": may_object(case, holds),
        "refusals": refusals or [],
        "typed": typed,
        "crumbs": [(_("我的申领"), reverse("portal:applications"))],
        **shown_kept(case),
    }
    return render(request, "portal/application.html", context, status=422 if refusals else 200)


@require_safe
@portal_view
def letter(request: HttpRequest, application_no: str) -> HttpResponse:
    """决定书 as PDF."""
    return letter_response(request, find_application(request, application_no))


@require_POST
@portal_view
def withdraw(request: HttpRequest, application_no: str) -> HttpResponse:
    """The enterprise takes it back."""
    case = find_application(request, application_no)
    by: Any = request.user
    return act(
        request,
        lambda: withdraw_application(case, by=by, reason=request.POST.get("reason", "").strip()[:1000]),
        _("申领 %(number)s 已撤回。") % {"number": application_no},
        "portal:application",
        application_no,
    )


@require_POST
@portal_view
def consent(request: HttpRequest, application_no: str) -> HttpResponse:
    """The enterprise confirms that it wants what it was granted without application."""
    case = find_application(request, application_no)
    by: Any = request.user
    return act(
        request,
        lambda: confirm_listed(case, by=by, accepted=request.POST.get("accepted") == "yes"),
        _("已确认申领 %(number)s 的意愿和收款账户。") % {"number": application_no},
        "portal:application",
        application_no,
    )


@require_POST
@portal_view
def object_to(request: HttpRequest, application_no: str) -> HttpResponse:
    """异议 of the enterprise itself: to the decision, the notice or a hold."""
    case = find_application(request, application_no)
    text = request.POST.get("text", "")[:5000]
    by: Any = request.user
    try:
        if not may_object(case, holds_for_enterprise(case)):
            raise Invalid("objection.nothing", _("目前没有可以提出异议的决定、公示或暂缓。"), field="text")
        objection = file_objection(case, text=text, by=by, party=case.enterprise)
    except DomainError as refusal:
        return show_application(request, case, refused(request, refusal), text)
    return redirect("portal:objection", objection.objection_no)
