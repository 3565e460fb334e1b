"""The first steps of an application: which way of support, and what it rests on, in the words of that kind."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from applications.actions.applications import choose_track, update_draft
from applications.actions.leases import draft_lease, set_devices, update_lease
from applications.actions.projects import draft_project, update_project
from applications.grounds import ground_kinds, is_project, must_choose
from applications.models import Application
from applications.models.leases import LeaseState
from applications.models.projects import ProjectKind
from applications.web.portal.access import attempt, portal_view, refused
from applications.web.portal.contract_form import LeaseForm
from applications.web.portal.project_form import ProjectForm
from applications.web.portal.steps import editable_application, step_page
from applications.web.shown import lease_facts
from vouchers.actions.register import code_warning
from vouchers.errors import DomainError
from vouchers.models import User
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import ContractKind


class TrackForm(forms.Form):
    """One of the scheme's ways of support."""

    track = forms.ChoiceField(label="", widget=forms.RadioSelect)

    def __init__(self, *args: Any, scheme: Scheme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["track"]
        field.label = _("申领哪一个补贴方向")
        field.choices = [(track.code, track.name) for track in scheme.tracks]  # type: ignore[attr-defined]
        field.error_messages["required"] = _("请选择补贴方向。")


class KindForm(forms.Form):
    """One of the kinds that the way of support may rest on."""

    kind = forms.ChoiceField(label="", widget=forms.RadioSelect)

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        field.label = _("申领依据哪一种合同")
        field.choices = [(kind, kind_label(kind)) for kind in kinds]  # type: ignore[attr-defined]
        field.error_messages["required"] = _("请选择一种。")


def kind_label(kind: str) -> str:
    """What a kind of ground is called."""
    if is_project(kind):
        return str(ProjectKind(kind).label)
    return ContractKind(kind).label


@portal_view
def track(request: HttpRequest, application_no: str) -> HttpResponse:
    """The way of support, where the scheme has several to choose from."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    if not must_choose(scheme):
        return redirect("portal:application_contract", application_no)
    form = TrackForm(
        request.POST if request.method == "POST" else None,
        scheme=scheme,
        initial={"track": application.facts.get("track", "")},
    )
    refusals: list[DomainError] = []
    if request.method == "POST" and form.is_valid():
        by = request.user
        assert isinstance(by, User)
        try:
            choose_track(application, form.cleaned_data["track"], by=by)
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:application_contract", application_no)
    faults = refusals or bool(form.errors)
    return step_page(request, application, scheme, "track", form=form, refusals=refusals, faults=faults)


def _present_kind(application: Application) -> str:
    if application.project is not None:
        return str(application.project.kind)
    return str(application.lease.kind) if application.lease is not None else ""


@portal_view
def contract(request: HttpRequest, application_no: str) -> HttpResponse:
    """The contract or the project, by the kind that the way of support asks for."""
    found = editable_application(request, application_no)
    if isinstance(found, HttpResponse):
        return found
    application, scheme = found
    lease = application.lease
    if lease is not None and lease.state not in (LeaseState.DRAFT, LeaseState.RETURNED):
        if request.method == "POST":
            return redirect("portal:application_statements", application_no)
        return step_page(request, application, scheme, "contract", fixed=lease_facts(lease), lease=lease)
    if must_choose(scheme) and not application.facts.get("track"):
        return redirect("portal:application_track", application_no)
    kinds = ground_kinds(scheme, application.facts)
    kind = request.POST.get("kind") or request.GET.get("kind") or _present_kind(application)
    if kind not in kinds:
        kind = kinds[0] if len(kinds) == 1 else ""
    if not kind:
        form = KindForm(request.POST if request.method == "POST" else None, kinds=kinds)
        choosing = {"form": form, "choosing": True, "faults": bool(form.errors)}
        return step_page(request, application, scheme, "contract", **choosing)
    return _fill_in(request, application, scheme, kind, several=len(kinds) > 1)


def _fill_in(
    request: HttpRequest, application: Application, scheme: Scheme, kind: str, *, several: bool
) -> HttpResponse:
    by = request.user
    assert isinstance(by, User)
    posted = request.POST if request.method == "POST" else None
    form: LeaseForm | ProjectForm
    if is_project(kind):
        known = application.project
        initial = ProjectForm.initial_of(known) if known is not None and known.kind == kind else {}
        form = ProjectForm(posted, scheme=scheme, kind=kind, initial=initial)
    else:
        lease = application.lease
        initial = LeaseForm.initial_of(lease) if lease is not None and lease.kind == kind else {}
        form = LeaseForm(posted, scheme=scheme, kind=kind, initial=initial)
    refusals: list[DomainError] = []
    if posted is not None and form.is_valid():
        try:
            attempt(partial(_keep, application, form, by))
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            odd = code_warning(application.lease.lessor.uscc) if application.lease else ""
            if odd:
                messages.warning(request, odd)
            return redirect("portal:application_statements", application.application_no)
    return step_page(
        request,
        application,
        scheme,
        "contract",
        form=form,
        kind=kind,
        kind_label=kind_label(kind),
        several=several,
        project=is_project(kind),
        refusals=refusals,
        faults=refusals or bool(form.errors),
    )


def _keep(application: Application, form: LeaseForm | ProjectForm, by: User) -> None:
    """Draft it, or correct the one that stands with the application."""
    assert application.program is not None
    program, owner = application.program, application.enterprise
    if isinstance(form, ProjectForm):
        stated, project = form.project_fields(), application.project
        if project is None:
            project = draft_project(program, owner, stated, by=by)
        else:
            project = update_project(project, stated, by=by)
        update_draft(application, {}, by=by, project=project)
        return
    fields, lease = form.lease_fields(by), application.lease
    if lease is None:
        lease = draft_lease(program, owner, fields, by=by)
    else:
        lease = update_lease(lease, fields, by=by)
    set_devices(lease, form.serial_list(), by=by)
    update_draft(application, {}, by=by, lease=lease)
