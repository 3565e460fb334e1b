"""试算: a case typed in by hand, held against the version as it is saved, beside the version in force. Nothing is stored
until somebody keeps the case as a worked example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.access import Role, has_role
from vouchers.actions.policy_drafts import read_example
from vouchers.actions.policy_soundness import scheme_to_read
from vouchers.actions.policy_trials import keep_trial
from vouchers.admin.differences import predecessor_of
from vouchers.admin.trial_forms import KeepForm, TrialForm, begun_with
from vouchers.admin.version_pages import (
    VersionPage,
    register_version_page,
    version_address,
    version_context,
)
from vouchers.errors import DomainError, Problems
from vouchers.middleware import note_refusal
from vouchers.models import PolicyVersion
from vouchers.policy.assess import assess
from vouchers.policy.assessment import Assessment
from vouchers.policy.checks import check, missing
from vouchers.policy.facts import Facts
from vouchers.policy.payment_caps import payment_sentences
from vouchers.policy.plain import SchemeError
from vouchers.policy.rules import Scheme
from vouchers.policy.trial import TrialError
from vouchers.web.assessments import shown_assessment
from vouchers.web.wording import money_text

_NEEDED = ("tracks", "rates")
"""Sections without which nothing can be computed."""


@dataclass(frozen=True)
class Beside:
    """What the same case comes to under another version."""

    version: PolicyVersion
    assessment: Assessment | None

    @property
    def outcome_state(self) -> str:
        """For the state tag."""
        return "" if self.assessment is None else STATES[self.assessment.outcome.value]


STATES = {"eligible": "met", "refused": "refused", "review": "review"}


def read_to_try(version: PolicyVersion) -> tuple[Scheme | None, Sequence[Any]]:
    """The version's rules as they are saved; or none, with what has to be filled in before anything can be computed."""
    try:
        scheme = scheme_to_read(version)
    except Problems as refusal:
        return None, refusal.problems
    gaps = [one for one in missing(scheme) if one.path.split(".")[0] in _NEEDED]
    return (None, gaps) if gaps else (scheme, ())


def trial_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """Ask, compute, show. With script only the result is drawn anew, without it the whole page."""
    context = version_context(request, version, _("试算"))
    scheme, gaps = read_to_try(version)
    if scheme is None:
        return TemplateResponse(request, "admin/vouchers/trial.html", context | {"incomplete": gaps})
    doing = request.POST.get("do", "")
    typed = (
        request.POST if request.method == "POST" else _begun(version, scheme, request.GET.get("example", ""))
    )
    form = TrialForm(scheme, typed, more=int(doing == "add_item"))
    may_keep = version.editable and has_role(request.user, Role.POLICY_EDITOR, region=version.program.region)
    if doing == "keep" and not may_keep:
        raise PermissionDenied
    keep = KeepForm(request.POST if doing == "keep" else None)
    context |= {
        "form": form,
        "keep": keep if may_keep else None,
        "doubts": len(check(scheme)) if version.editable else 0,
    }
    if form.is_bound and form.is_valid():
        context |= _tried(version, scheme, form.case.facts)
    if doing == "keep" and form.is_valid() and keep.is_valid():
        kept = _kept(request, version, form, keep)
        if kept is not None:
            return kept
    template = (
        "admin/vouchers/parts/trial_result.html"
        if "HX-Request" in request.headers
        else "admin/vouchers/trial.html"
    )
    return TemplateResponse(request, template, context)


def _begun(version: PolicyVersion, scheme: Scheme, code: str) -> MultiValueDict[str, str] | None:
    """The trial begun with one of the version's examples; None for a blank one, or an example that cannot be read."""
    row = version.policyexample_rows.filter(code=code).first() if code else None
    try:
        return None if row is None else begun_with(scheme, read_example(row))
    except SchemeError:
        return None


def _tried(version: PolicyVersion, scheme: Scheme, facts: Facts) -> dict[str, Any]:
    """The case under this version, and under the one that it follows."""
    assessment = assess(scheme, facts)
    other = predecessor_of(version)
    beside = None
    if other is not None:
        theirs = other.publication.scheme
        known = facts if any(one.code == facts.track for one in theirs.tracks) else replace(facts, track="")
        beside = Beside(other, assess(theirs, known, with_lines=False))
    more = None
    if beside is not None and beside.assessment is not None:
        more = assessment.amount - beside.assessment.amount
    return shown_assessment(assessment) | {
        "payment_caps": payment_sentences(scheme, facts, assessment.amount),
        "beside": beside,
        "more": more,
        "state": STATES[assessment.outcome.value],
    }


def _kept(
    request: HttpRequest, version: PolicyVersion, form: TrialForm, keep: KeepForm
) -> HttpResponse | None:
    """The case as a worked example; None when it could not be kept, with the reason in the form."""
    try:
        example = form.questionnaire.read(form.answers(), keep.expected())
    except TrialError as error:
        keep.add_error("keep_amount", "；".join(error.problems.values()))
        return None
    try:
        result = keep_trial(version, example, by=request.user)  # type: ignore[arg-type]
    except DomainError as refusal:
        note_refusal(request, refusal)
        keep.add_error(refusal.field if refusal.field in keep.fields else None, refusal.message)
        return None
    if result.passed:
        messages.success(
            request,
            _("已存为算例“%(title)s”，按本版本算得的结果与您填写的应得结果一致。") % {"title": example.title},
        )
    else:
        messages.warning(
            request,
            _(
                "已存为算例“%(title)s”。按本版本算得 %(got)s 元，与您填写的应得结果不一致：%(why)s请核对规则或算例。"
            )
            % {
                "title": example.title,
                "got": money_text(result.assessment.amount),
                "why": "".join(result.differences),
            },
        )
    return HttpResponseRedirect(version_address(version, "trial"))


register_version_page(
    VersionPage(
        "trial",
        gettext_lazy("试算"),
        trial_view,
        help=gettext_lazy("填写一件事的情况，立即看到按本版本算得的条件、过程和金额。"),
        order=15,
    )
)
