"""测算影响 on a version's page: asking for a dry run, following it, and reading what it says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import has_role
from vouchers.actions import dry_runs
from vouchers.actions.case_sources import SOURCES, like_choices
from vouchers.actions.jobs import note_seen
from vouchers.admin.acts import DAY
from vouchers.admin.version_pages import (
    VersionPage,
    VersionPanel,
    register_version_page,
    register_version_panel,
    version_address,
    version_context,
)
from vouchers.errors import DomainError, Problems
from vouchers.models import Job, PolicyVersion
from vouchers.models.jobs import JobState
from vouchers.policy.payment_outlook import ASSUMED
from vouchers.web.dry_runs import asked_facts, headline, is_synthetic, period_words, report_view
from vouchers.web.jobs import register_job_page, shown

LISTED = 10
HEADLINE = "admin/vouchers/dry_run_headline.html"


def _first_day() -> date:
    return date(dates.today().year - 1, 1, 1)


class DryRunForm(forms.Form):
    """What to replay, and what to hold it against. Both days count."""

    from_on = forms.DateField(label=_("自"), initial=_first_day, widget=DAY, help_text=_("按各件的决定日。"))
    to_on = forms.DateField(label=_("至"), initial=dates.today, widget=DAY, help_text=_("当日计入。"))
    sources = forms.MultipleChoiceField(label=_("用哪些案件"), widget=forms.CheckboxSelectMultiple)
    like = forms.ChoiceField(
        label=_("样本或历史取哪个专项的案件"),
        required=False,
        help_text=_("用于“合成样本年度”和您职责范围内的历史案件。不选则取代码或地区最接近的一个。"),
    )
    before = forms.ChoiceField(label=_("与什么比较"), help_text=_("同样的案件按该版本重新核算后比较。"))

    def __init__(self, *args: Any, version: PolicyVersion, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        self.fields["sources"].choices = [(code, source.label) for code, source in SOURCES.items()]  # type: ignore[attr-defined]
        self.fields["sources"].initial = list(SOURCES)[:1]
        choices = like_choices(list(SOURCES.values()), dry_runs.regions_for(person))
        self.fields["like"].choices = [("", _("最接近的一个")), *choices]  # type: ignore[attr-defined]
        self.fields["before"].choices = dry_runs.before_choices(version)  # type: ignore[attr-defined]


def _may_ask(request: HttpRequest, version: PolicyVersion) -> bool:
    return has_role(request.user, *dry_runs.ASKERS, region=version.program.region)


def dry_run_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """Ask for one, and find the earlier ones again."""
    may_ask = _may_ask(request, version)
    if request.method == "POST" and not may_ask:
        raise PermissionDenied
    person: Any = request.user
    form = DryRunForm(request.POST if request.method == "POST" else None, version=version, person=person)
    problems: list[DomainError] = []
    status = 200
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            job = dry_runs.ask_dry_run(
                version,
                from_on=given["from_on"],
                to_on=given["to_on"] + timedelta(days=1),
                sources=given["sources"],
                before=given["before"],
                like=given["like"],
                by=person,
            )
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]  # rolls back and is logged; told above the form
            status = refusal.status
            problems = list(refusal.problems) if isinstance(refusal, Problems) else [refusal]
            for problem in [one for one in problems if one.field in form.fields]:
                form.add_error(problem.field, problem.message)
                problems.remove(problem)
        else:
            return HttpResponseRedirect(report_address(job))
    elif form.is_bound:
        status = 422
    context = version_context(request, version, _("测算影响")) | {
        "form": form,
        "problems": problems,
        "may_ask": may_ask,
        "runs": [
            {
                "job": job,
                "url": report_address(job),
                "period": period_words(job),
                "headline": headline(job) if _done(job) else [],
                "synthetic": is_synthetic(job),
            }
            for job in dry_runs.dry_runs_of(version, by=person)[:LISTED]
        ],
        "draft": version.editable,
    }
    return TemplateResponse(request, "admin/vouchers/dry_run.html", context, status=status)


def _done(job: Job) -> bool:
    return job.state == JobState.DONE and "report" in job.result


def report_address(job: Job) -> str:
    """The report's page, beneath its version's."""
    return reverse(
        "admin:vouchers_policyversion_dry-run-report", args=(quote(job.params["version_no"]), job.job_no)
    )


def report_view_of(request: HttpRequest, version: PolicyVersion, job_no: str) -> HttpResponse:
    """Progress while it runs, the report when it is done, the reason when there is none."""
    person: Any = request.user
    job = dry_runs.dry_runs_of(version, by=person).filter(job_no=job_no).first()
    if job is None:
        raise Http404
    note_seen(job, by=person)
    context = version_context(request, version, _("影响测算")) | shown(request, job)
    context |= {
        "asked": asked_facts(job),
        "again": version_address(version, "dry-run"),
        "changed": dry_runs.changed_since(job, version),
        "report": report_view(job, person) if _done(job) else None,
        "payment_assumed": ASSUMED,
        "synthetic": is_synthetic(job),
        "zipped": job.result_file.endswith(".zip"),
        "basis": job.result.get("basis", []),
    }
    return TemplateResponse(request, "admin/vouchers/dry_run_report.html", context)


def panel_context(request: HttpRequest, version: PolicyVersion) -> dict[str, Any] | None:
    """The last dry run's totals, or that there is none; not for those who may see none."""
    if not has_role(request.user, *dry_runs.ASKERS, *dry_runs.READERS, region=version.program.region):
        return None
    person: Any = request.user
    job = dry_runs.latest_dry_run(version, by=person)
    return {
        "job": job,
        "headline": headline(job) if job is not None else [],
        "changed": dry_runs.changed_since(job, version) if job is not None else False,
        "synthetic": job is not None and is_synthetic(job),
        "url": report_address(job) if job is not None else "",
        "ask_url": version_address(version, "dry-run"),
        "asked": asked_facts(job) if job is not None else [],
    }


def impact_beside(request: HttpRequest, version: PolicyVersion) -> dict[str, Any] | None:
    """What proposing and publishing show of it before they are confirmed."""
    panel = panel_context(request, version)
    if panel is None:
        return None
    return {"title": _("发布前影响测算"), "template": HEADLINE, "panel": panel}


_ROLES = (*dry_runs.ASKERS, *dry_runs.READERS)
register_version_page(VersionPage("dry-run", _("测算影响"), dry_run_view, roles=_ROLES, order=40))
register_version_page(
    VersionPage("dry-run-report", "", report_view_of, route="dry-run/<slug:job_no>/", roles=_ROLES, order=41)
)
register_version_panel(
    VersionPanel(
        "dry-run",
        _("影响测算"),
        "admin/vouchers/dry_run_headline.html",
        panel_context,
        roles=_ROLES,
        order=40,
    )
)
register_job_page(dry_runs.KIND, report_address)
