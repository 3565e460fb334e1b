"""A case on one page: facts left, checks in the middle, the decision right, and the sentence the enterprise will read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from applications.actions import cases
from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    reject_application,
    return_application,
)
from applications.actions.assessments import beneath, kept, reassess
from applications.actions.batch_members import unlist
from applications.actions.claims import approve_claim, reject_claim, return_claim, verify_claim
from applications.actions.issuing import issue_application, pays_without_voucher, publish_notice
from applications.actions.reviews import criteria, opinion_rows, rates_for_reviewers
from applications.lease_prices import price_check_of
from applications.models import Application, Check, Claim, Objection, Paper
from applications.models.applications import ApplicationState
from applications.web.batches import moves_with_batch, shown_member
from applications.web.desk import decision_form
from applications.web.desk.access import act, desk_view
from applications.web.desk.lease_splits import split_url
from applications.web.desk.undertakings import shown_projects
from applications.web.letters import has_letter, letter_response
from applications.web.shown import (
    holds_on,
    lease_facts,
    noted,
    project_of,
    project_rows,
    shown_findings,
    shown_lines,
    shown_price,
    shown_timeline,
)
from vouchers.access import DESK_ROLES, require_role
from vouchers.actions.holds import screen
from vouchers.actions.vouchers import balance_of
from vouchers.models import Payment, Screening
from vouchers.models.holds import ScreeningMoment
from vouchers.policy.batching import asks_for_a_score, grants_by_batch
from vouchers.states import verbs_for

# Verbs that a page offers; the words of the buttons are the lifecycle's.
NEEDS_REASON = {"return", "reject", "unlist"}
APPLICATION_DEEDS = {
    "accept": accept_application,
    "return": return_application,
    "recommend": recommend_application,
    "approve": approve_application,
    "reject": reject_application,
    "publish_notice": publish_notice,
    "issue": issue_application,
    "unlist": unlist,
}
CLAIM_DEEDS = {
    "return": return_claim,
    "verify": verify_claim,
    "approve": approve_claim,
    "reject": reject_claim,
}


def _application(request: HttpRequest, application_no: str) -> Application:
    rows = Application.objects.visible_to(request.user).exclude(state=ApplicationState.DRAFT)
    return get_object_or_404(
        rows.select_related(
            "program__region",
            "publication",
            "enterprise",
            "lease__lessor",
            "lease__lessee",
            "project",
            "filer",
            "batch",
        ),
        application_no=application_no,
    )


def _claim(request: HttpRequest, claim_no: str) -> Claim:
    rows = Claim.objects.visible_to(request.user).exclude(state="draft")
    return get_object_or_404(
        rows.select_related(
            "voucher__program__region",
            "voucher__publication",
            "publication",
            "enterprise",
            "provider",
            "payee",
            "lease__lessor",
            "lease__lessee",
            "price_check",
        ),
        claim_no=claim_no,
    )


def _shared(request: HttpRequest, case: Application | Claim) -> dict[str, Any]:
    kind, number = cases.kind_of(case), cases.number_of(case)
    assessment = kept(case)
    names = {paper.code: paper.name for paper in case.publication.scheme.papers} if case.publication else {}
    subjects = ((kind, number), *beneath(case))
    verbs = verbs_for(case, request.user, region=cases.region_of(case)) if case.origin == "live" else []  # type: ignore[arg-type]
    deeds = APPLICATION_DEEDS if kind == "application" else CLAIM_DEEDS
    check = case.price_check if isinstance(case, Claim) else price_check_of(case)
    project = case.project if isinstance(case, Application) else project_of(case)
    return {
        "case": case,
        "kind": kind,
        "number": number,
        "assessment": assessment,
        "lines": shown_lines(assessment) if assessment else [],
        "findings": shown_findings(assessment.findings) if assessment else [],
        "counterfactuals": assessment.counterfactuals if assessment else (),
        "price": shown_price(check),
        "timeline": shown_timeline(case, internal=True),
        "checks": cases.checks_of(case),
        "papers": [
            (names.get(paper.kind, paper.kind), paper)
            for paper in Paper.objects.filter(subject_kind=kind, subject_no=number, removed_at=None).order_by(
                "pk"
            )
        ],
        "holds": holds_on(*subjects),
        "objections": Objection.objects.filter(subject_kind=kind, subject_no=number).order_by("-pk"),
        "screening": Screening.objects.filter(subject_kind=kind, subject_no=number).order_by("-pk").first(),
        "lease_facts": lease_facts(case.lease) if case.lease else [],
        "split_url": split_url(request, case, number),
        "project": project,
        "project_facts": project_rows(project) if project is not None else [],
        "direct": pays_directly(case),
        "verbs": [
            replace(verb, label=deed_label(case, verb.verb))
            for verb in verbs
            if verb.verb in deeds and not moves_with_batch(case, verb.verb)
        ],
        "needs_reason": NEEDS_REASON,
        "letter": letter(case),
        "has_letter": has_letter(case),
        "steps": case.band.get("steps", []),
    }


def pays_directly(case: Application | Claim) -> bool:
    """Whether the case is paid without a voucher (decision 0010)."""
    if isinstance(case, Claim):
        return case.voucher.is_entitlement
    return case.publication is not None and pays_without_voucher(case.publication.scheme, case.facts)


def deed_label(case: Application | Claim, verb: str) -> str:
    """What a verb is called on this case: nothing is issued where a subsidy is paid without a voucher."""
    if verb == "issue" and pays_directly(case):
        return _("核定")
    return case.lifecycle.label_of(verb)


def letter(case: Application | Claim) -> str:
    """The sentence that the enterprise will read when the case is refused now, from its findings; to be edited before it is sent."""
    assessment = kept(case)
    if assessment is None or not assessment.refusals:
        return ""
    sentences = "；".join(
        f"{one.sentence.rstrip('。')}（{one.article}）" if one.article else one.sentence.rstrip("。")
        for one in assessment.refusals
    )
    return _("本次申请不予支持：%(why)s。您可在 15 个工作日内提出异议，或提交补充说明。") % {"why": sentences}


@desk_view
def application(request: HttpRequest, application_no: str) -> HttpResponse:
    """Everything of an application."""
    case = _application(request, application_no)
    context = _shared(request, case)
    scheme = case.publication.scheme if case.publication else None
    context |= {
        "sets_rate": [(rate, scheme.track(rate.track).scale_unit) for rate in rates_for_reviewers(scheme)]
        if scheme
        else [],
        # A rate that reviewers set is set with its reason.
        "why_recommended": True
        if scheme and (rates_for_reviewers(scheme) or asks_for_a_score(scheme))
        else "optional",
        "score_rates": sorted(scheme.score_rates, key=lambda row: row.score_from) if scheme else [],
        "criteria": criteria(scheme) if scheme else (),
        "opinion": opinion_rows(scheme, case.facts.get("review", {})) if scheme else [],
        "needs_opinion": any(gate.kind.value == "expert_review" for gate in scheme.gates)
        if scheme
        else False,
        "notice": getattr(case, "notice", None),
        "batch_member": shown_member(case),
        "grants_by_batch": scheme is not None and grants_by_batch(scheme),
        "asks_score": scheme is not None and asks_for_a_score(scheme),
    }
    context |= shown_projects(case, request.user)
    return render(request, "desk/application.html", context)


@desk_view
def claim(request: HttpRequest, claim_no: str) -> HttpResponse:
    """Everything of a claim."""
    case = _claim(request, claim_no)
    context = _shared(request, case)
    context |= {
        "items": noted(case),
        "balance": balance_of(case.voucher),
        "payments": Payment.objects.filter(claim_no=case.claim_no),
    }
    return render(request, "desk/claim.html", context)


@require_safe
@desk_view
def application_letter(request: HttpRequest, application_no: str) -> HttpResponse:
    """决定书 as PDF, as the enterprise has it."""
    return letter_response(request, _application(request, application_no))


@require_safe
@desk_view
def claim_letter(request: HttpRequest, claim_no: str) -> HttpResponse:
    """决定书 as PDF, as the enterprise has it."""
    return letter_response(request, _claim(request, claim_no))


@require_POST
@desk_view
def decide_application(request: HttpRequest, application_no: str, verb: str) -> HttpResponse:
    """One verb on an application."""
    case = _application(request, application_no)
    reason = request.POST.get("reason", "")

    def deed() -> Any:
        by: Any = request.user
        match verb:
            case "accept":
                return accept_application(case, by=by, reason=reason)
            case "return":
                return return_application(case, by=by, reason=reason)
            case "recommend":
                passed = {"yes": True, "no": False}.get(request.POST.get("passed", ""))
                return recommend_application(
                    case,
                    by=by,
                    reason=reason,
                    passed=passed,
                    rates=decision_form.rates(request, case.publication.scheme if case.publication else None),
                    score=decision_form.points(request, "score"),
                    scores=decision_form.scores(
                        request, case.publication.scheme if case.publication else None
                    ),
                )
            case "approve":
                return approve_application(case, by=by, reason=reason, amount=decision_form.amount(request))
            case "reject" | "unlist":
                return (unlist if verb == "unlist" else reject_application)(case, by=by, reason=reason)
            case "publish_notice":
                return publish_notice(case, by=by)
            case "issue":
                return issue_application(case, by=by)
        raise Http404

    label = deed_label(case, verb)
    return act(
        request,
        deed,
        _("申领 %(number)s：已%(verb)s。") % {"number": application_no, "verb": label},
        "desk:application",
        application_no,
    )


@require_POST
@desk_view
def decide_claim(request: HttpRequest, claim_no: str, verb: str) -> HttpResponse:
    """One verb on a claim."""
    case = _claim(request, claim_no)
    reason = request.POST.get("reason", "")

    def deed() -> Any:
        by: Any = request.user
        match verb:
            case "return":
                return return_claim(case, by=by, reason=reason)
            case "verify":
                return verify_claim(case, by=by, reason=reason)
            case "approve":
                return approve_claim(case, by=by, reason=reason, amount=decision_form.amount(request))
            case "reject":
                return reject_claim(case, by=by, reason=reason)
        raise Http404

    label = case.lifecycle.label_of(verb)
    noun = _("拨付申请") if pays_directly(case) else _("兑付申请")
    done = _("%(noun)s %(number)s：已%(verb)s。") % {"noun": noun, "number": claim_no, "verb": label}
    return act(request, deed, done, "desk:claim", claim_no)


@require_POST
@desk_view
def answer(request: HttpRequest, kind: str, number: str, code: str) -> HttpResponse:
    """A person's answer to a named check."""
    case = _application(request, number) if kind == "application" else _claim(request, number)
    check = get_object_or_404(Check, code=code, subject_kind=kind, subject_no=number)

    def deed() -> None:
        cases.answer_check(
            check,
            case,
            result=request.POST.get("result", ""),
            sentence=request.POST.get("sentence", ""),
            by=request.user,  # type: ignore[arg-type]
        )

    return act(request, deed, _("已记录“%(label)s”的结论。") % {"label": check.label}, f"desk:{kind}", number)


@require_POST
@desk_view
def rescreen(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """Screen and assess again on the present facts."""
    case = _application(request, number) if kind == "application" else _claim(request, number)

    def deed() -> None:
        require_role(request.user, *DESK_ROLES, region=cases.region_of(case))
        screen(kind, number, ScreeningMoment.APPROVAL)
        if case.state in ("submitted", "accepted", "verified", "recommended"):
            reassess(case)

    return act(request, deed, _("已按当前材料重新筛查。"), f"desk:{kind}", number)
