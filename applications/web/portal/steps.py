"""The guided application, a step a page: contract, statements, papers, estimate, check and submit. Each step is saved."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.applications import accept_statement, submit_application, update_draft
from applications.actions.issuing import pays_without_voucher
from applications.actions.papers import remove_paper
from applications.grounds import ground_kinds, is_project, must_choose
from applications.models import Application
from applications.models.applications import ApplicationState
from applications.models.projects import ProjectKind
from applications.web.portal.access import act, attempt, filed_from, may_file, portal_view, refused
from applications.web.portal.answers import answers
from applications.web.portal.estimates import shown_estimate
from applications.web.portal.papers import ACCEPT, checklist, papers_of, receive_all, shown_files
from applications.web.portal.statement_form import StatementForm
from vouchers.access import PARTY_ROLES
from vouchers.errors import DomainError, Invalid
from vouchers.models import ProviderAdmission, User
from vouchers.policy.rules import Scheme

EDITABLE = (ApplicationState.DRAFT, ApplicationState.RETURNED)
STEPS = ("track", "contract", "statements", "papers", "estimate", "check")


def steps_of(scheme: Scheme) -> tuple[str, ...]:
    """The steps of the scheme; the way of support is asked only where there are several."""
    return STEPS if must_choose(scheme) else STEPS[1:]


def has_ground(application: Application) -> bool:
    """Whether it has the contract or project that it rests on."""
    return application.lease is not None or application.project is not None


def ground_word(application: Application, scheme: Scheme) -> str:
    """What the step is called that asks for it."""
    kinds = ground_kinds(scheme, application.facts)
    if application.lease is None and all(is_project(kind) for kind in kinds):
        return _("结算") if kinds == [ProjectKind.SETTLEMENT.value] else _("项目")
    return _("合同")


def find_application(request: HttpRequest, application_no: str) -> Application:
    """The application, if it is one of the viewer's own party; otherwise there is none (404)."""
    rows = Application.objects.visible_to(request.user, *PARTY_ROLES).select_related(
        "program__region", "publication", "enterprise", "lease__lessor", "lease__lessee", "project", "filer"
    )
    return get_object_or_404(rows, application_no=application_no)


def editable_application(
    request: HttpRequest, application_no: str
) -> tuple[Application, Scheme] | HttpResponse:
    """The draft and its scheme, or the way to its page when nothing can be changed any more."""
    application = find_application(request, application_no)
    if application.state not in EDITABLE or application.publication is None:
        messages.info(request, _("该申领已提交，不能再修改。如需更正，请等候退回补正或先撤回。"))
        return redirect("portal:application", application_no)
    if not may_file(request, application.enterprise):
        messages.info(request, _("您可以查看该申领；填写和提交由本单位经办人办理。"))
        return redirect("portal:application", application_no)
    return application, application.publication.scheme


def done_steps(application: Application, scheme: Scheme) -> dict[str, bool]:
    """Which steps have all that they need."""
    statement = StatementForm(scheme=scheme, facts=application.facts)
    track = not must_choose(scheme) or bool(application.facts.get("track"))
    contract = has_ground(application)
    statements = not statement.asks or statement.answered(application.facts)
    papers = all(row.done for row in checklist(application, scheme))
    ready = track and contract and statements and papers
    return {
        "track": track,
        "contract": contract,
        "statements": statements,
        "papers": papers,
        "estimate": ready,
        "check": False,
    }


def next_step(application: Application, scheme: Scheme) -> str:
    """The first step that lacks something."""
    done = done_steps(application, scheme)
    return next(
        (step for step in ("track", "contract", "statements", "papers") if not done[step]), "estimate"
    )


def shown_steps(application: Application, scheme: Scheme, current: str) -> list[dict[str, Any]]:
    """For the stepper; every step may be opened at any time."""
    labels = {
        "track": _("补贴方向"),
        "contract": ground_word(application, scheme),
        "statements": _("声明"),
        "papers": _("材料"),
        "estimate": _("测算"),
        "check": _("核对并提交"),
    }
    done = done_steps(application, scheme)
    steps = steps_of(scheme)
    place = steps.index(current)
    rows: list[dict[str, Any]] = [{"label": _("选择专项"), "state": "done", "url": ""}]
    for index, step in enumerate(steps):
        state = "current" if step == current else "todo"
        # a step further on is not told to be done before the reader was there
        if step != current and done[step] and (index < place or step in ("track", "contract", "papers")):
            state = "done"
        rows.append(
            {
                "label": labels[step],
                "state": state,
                "url": reverse(f"portal:application_{step}", args=[application.application_no]),
            }
        )
    return rows


def step_page(
    request: HttpRequest, application: Application, scheme: Scheme, step: str, **context: Any
) -> HttpResponse:
    shown = {
        "application": application,
        "scheme": scheme,
        "has_ground": has_ground(application),
        "ground_word": ground_word(application, scheme),
        "steps": shown_steps(application, scheme, step),
        "crumbs": [
            (_("我的申领"), reverse("portal:applications")),
            (application.application_no, reverse("portal:application", args=[application.application_no])),
        ],
        **context,
    }
    status = 422 if context.get("faults") else 200
    return render(request, f"portal/application_{step}.html", shown, status=status)


@portal_view
def statements(request: HttpRequest, application_no: str) -> HttpResponse:
    """What the scheme has to be told."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    form = StatementForm(
        request.POST if request.method == "POST" else None, scheme=scheme, facts=application.facts
    )
    form.initial = form.initial_of(application.facts)
    refusals: list[DomainError] = []
    if request.method == "POST" and form.is_valid():
        by = request.user
        assert isinstance(by, User)
        try:
            update_draft(application, form.facts(), by=by)
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:application_papers", application_no)
    items = []
    if "service_item" in form.fields and application.lease is not None:
        items = list(
            ProviderAdmission.objects.filter(
                provider=application.lease.lessor, program_code=scheme.program
            ).values_list("service_item", flat=True)
        )
    faults = refusals or bool(form.errors)
    return step_page(
        request,
        application,
        scheme,
        "statements",
        form=form,
        refusals=refusals,
        service_items=items,
        faults=faults,
    )


@portal_view
def papers(request: HttpRequest, application_no: str) -> HttpResponse:
    """The papers; a file a kind, or several."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    assert application.program is not None
    wanted = checklist(application, scheme)
    refusals: list[DomainError] = []
    if request.method == "POST":
        taken, refusals = receive_all(request, application, wanted, application.program.region.code)
        if taken:
            by = request.user
            assert isinstance(by, User)
            update_draft(application, {}, by=by)
        if not refusals:
            if request.POST.get("next") != "stay":
                return redirect("portal:application_estimate", application_no)
            return redirect("portal:application_papers", application_no)
        request.refusal = refusals[0]  # type: ignore[attr-defined]
        for row, fresh in zip(wanted, checklist(application, scheme), strict=True):
            row.filed = fresh.filed
    rows = [(row, shown_files(row.filed)) for row in wanted]
    return step_page(
        request, application, scheme, "papers", rows=rows, accept=ACCEPT, refusals=refusals, faults=refusals
    )


@require_POST
@portal_view
def remove(request: HttpRequest, application_no: str, paper_no: str) -> HttpResponse:
    """Take a paper away again."""
    application = find_application(request, application_no)
    paper = next((one for one in papers_of(application) if one.paper_no == paper_no), None)
    by = request.user
    assert isinstance(by, User)

    def deed() -> None:
        if paper is not None:
            remove_paper(paper, by=by)
            update_draft(application, {}, by=by)

    return act(request, deed, _("材料已移除。"), "portal:application_papers", application_no)


@portal_view
def estimate(request: HttpRequest, application_no: str) -> HttpResponse:
    """What would be granted, condition by condition and step by step, before anything is filed."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    shown = shown_estimate(application) if has_ground(application) else {"assessment": None}
    return step_page(request, application, scheme, "estimate", **shown)


@portal_view
def check(request: HttpRequest, application_no: str) -> HttpResponse:
    """Check the answers, vouch for them, submit."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    by = request.user
    assert isinstance(by, User)
    refusals: list[DomainError] = []
    phone = request.POST.get("filer_phone", by.phone).strip()[:30]
    ticked = request.POST.get("statement_accepted") == "on"
    if request.method == "POST":
        try:
            attempt(partial(_submit, request, application, by, ticked, phone))
        except DomainError as refusal:
            refusals = refused(request, refusal)
            application = find_application(request, application_no)
        else:
            return redirect("portal:application_submitted", application_no)
    if application.state not in EDITABLE:
        # The filing itself was kept and what should follow was refused: an instant scheme that is out of money.
        for one in refusals:
            messages.error(request, one.message)
        return redirect("portal:application", application_no)
    shown = shown_estimate(application) if has_ground(application) else {"assessment": None}
    return step_page(
        request,
        application,
        scheme,
        "check",
        groups=answers(application, scheme),
        refusals=_with_places(refusals, application),
        faults=refusals,
        phone=phone,
        ticked=ticked,
        **shown,
    )


def _submit(request: HttpRequest, application: Application, by: User, ticked: bool, phone: str) -> None:
    if ticked:
        accept_statement(application, by=by)
    elif application.statement_accepted:  # returned: what was corrected is vouched for again
        raise Invalid(
            "application.statement", _("请阅读并勾选真实性承诺后再提交。"), field="statement_accepted"
        )
    submit_application(application, by=by, filer_phone=phone, **filed_from(request))


def _with_places(refusals: list[DomainError], application: Application) -> list[Any]:
    """What is missing, with the step that cures it."""
    problems = [one for refusal in refusals for one in (getattr(refusal, "problems", None) or [refusal])]
    return [
        {"message": one.message, "hint": one.hint, "code": one.code, "field": one.field} for one in problems
    ]


@portal_view
def submitted(request: HttpRequest, application_no: str) -> HttpResponse:
    """The number, what happens next, and by when."""
    application = find_application(request, application_no)
    if application.submitted_at is None:
        return redirect("portal:application", application_no)
    scheme = application.publication.scheme if application.publication else None
    days = scheme.issue.notice_working_days if scheme else None
    if application.state == ApplicationState.ISSUED:
        sentences = [
            _("下载凭证，交服务商或自行留存。"),
            _("发生费用后，凭合同、发票和付款凭证在“算力券”中申请兑付。"),
        ]
    elif scheme is not None and pays_without_voucher(scheme, application.facts):
        sentences = [
            _("本机关在 5 个工作日内决定是否受理；需要补正的，一次性告知全部内容。"),
            _("受理后依次初审或评估、核准，由不同的人办理，进度可随时查看。"),
            _("核准后公示 %(days)s 个工作日，期满无异议即核定补贴金额；您再凭依据材料申请拨付。")
            % {"days": 5 if days is None else days},
        ]
    else:
        sentences = [
            _("本机关在 5 个工作日内决定是否受理；需要补正的，一次性告知全部内容。"),
            _("受理后依次初审、核准，由不同的人办理，进度可随时查看。"),
            _("核准后公示 %(days)s 个工作日，期满无异议即发放算力券，并发消息告知您。")
            % {"days": 5 if days is None else days},
        ]
    return render(
        request, "portal/application_submitted.html", {"application": application, "next": sentences}
    )
