"""Worked examples of a version (算例): how each comes out, its working, and the workbook down and up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.access import Role, has_role
from vouchers.actions import policy_examples
from vouchers.admin.policy_rows import VersionPart
from vouchers.admin.version_pages import (
    VersionPage,
    register_version_page,
    version_address,
    version_context,
)
from vouchers.errors import DomainError, Problems
from vouchers.models import PolicyExample, PolicyVersion
from vouchers.policy.example_choices import finding_choices
from vouchers.policy.example_telling import tell_expected, tell_facts
from vouchers.policy.examples import ExampleResult
from vouchers.web.downloads import attachment
from vouchers.workbooks.example_results import write_results
from vouchers.workbooks.opening import MOST_BYTES

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ON_A_PAGE = 100


class WorkbookForm(forms.Form):
    """The workbook to take."""

    file = forms.FileField(
        label=gettext_lazy("算例工作簿"),
        help_text=gettext_lazy("Excel 工作簿（.xlsx），不超过 5 MB。"),
        widget=forms.ClearableFileInput(
            attrs={"accept": ".xlsx,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
        ),
        error_messages={
            "required": gettext_lazy("请选择要上传的工作簿。"),
            "empty": gettext_lazy("这个文件是空的，请重新选择。"),
        },
    )


def may_edit(request: HttpRequest, version: PolicyVersion) -> bool:
    """Whether this person may replace the version's examples now."""
    return version.editable and has_role(request.user, Role.POLICY_EDITOR, region=version.program.region)


def examples_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """Every example with what came out; the draft's editor uploads the workbook here."""
    context = version_context(request, version, _("算例"))
    editing = may_edit(request, version)
    form = WorkbookForm(request.POST or None, request.FILES or None) if editing else None
    status = 200
    if request.method == "POST" and form is not None and form.is_valid():
        refusal = _take(request, version, form)
        if refusal is None:
            return HttpResponseRedirect(version_address(version, "examples"))
        context |= _told(refusal)
        status = refusal.status
    elif request.method == "POST" and form is not None:
        status = 422
    context |= {"form": form, "editing": editing, "links": _links(version)} | _results(request, version)
    return TemplateResponse(request, "admin/vouchers/policy_examples.html", context, status=status)


def _take(request: HttpRequest, version: PolicyVersion, form: WorkbookForm) -> DomainError | None:
    file = form.cleaned_data["file"]
    try:
        results = policy_examples.import_examples(
            version,
            file.read(MOST_BYTES + 1),
            by=request.user,  # type: ignore[arg-type]
        )
    except DomainError as refusal:
        request.refusal = refusal  # type: ignore[attr-defined]  # rolls back and is logged; told below
        return refusal
    passed = sum(one.passed for one in results)
    said = _("已收下 %(all)d 个算例：%(passed)d 个与应得结果一致，%(failed)d 个不一致。") % {
        "all": len(results),
        "passed": passed,
        "failed": len(results) - passed,
    }
    (messages.success if passed == len(results) else messages.warning)(request, said)
    return None


def _told(refusal: DomainError) -> dict[str, Any]:
    """The refusal, place by place."""
    faults = refusal.problems if isinstance(refusal, Problems) else []
    return {
        "refusal": refusal,
        "faults": [
            {
                "place": fault.field,
                "column": fault.detail.get("column", ""),
                "read": fault.detail.get("read", ""),
                "why": fault.detail.get("why") or fault.message,
                "allowed": "、".join(fault.detail.get("allowed", [])),
                "code": fault.code,
            }
            for fault in faults
        ],
    }


def _links(version: PolicyVersion) -> dict[str, str]:
    return {
        "workbook": version_address(version, "examples-workbook"),
        "results": version_address(version, "examples-results"),
    }


def _results(request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
    try:
        trial = policy_examples.try_examples(version)
    except Problems as refusal:
        return {"incomplete": refusal, "rows": [], "counts": None}
    results = trial.results
    failing = request.GET.get("show") == "failed"
    failed = [one for one in results if not one.passed]
    page = Paginator(failed if failing else results, ON_A_PAGE).get_page(request.GET.get("page"))
    return {
        "unreadable": trial.problems,
        "rows": [_row(version, one) for one in page.object_list],
        "page": page,
        "failing": failing,
        "counts": {"all": len(results), "failed": len(failed), "passed": len(results) - len(failed)},
    }


def _row(version: PolicyVersion, one: ExampleResult) -> dict[str, Any]:
    want, got = one.example.expected.amount, one.assessment.amount
    return {
        "code": one.example.code,
        "title": one.example.title,
        "stage": one.example.facts.stage.label,
        "expected": want,
        "computed": got,
        "difference": Decimal(got - want),
        "passed": one.passed,
        "differences": one.differences,
        "outcome": one.assessment.outcome.label,
        "url": version_address(version, "example", one.example.code),
    }


def example_view(request: HttpRequest, version: PolicyVersion, code: str) -> HttpResponse:
    """One example: its facts in words, what must come out, what comes out, and the working."""
    trial = policy_examples.try_examples(version)
    scheme, results = trial.scheme, trial.results
    place = next((place for place, one in enumerate(results) if one.example.code == code), None)
    if place is None:
        raise Http404
    one = results[place]
    words = {choice.stored: choice.word for choice in finding_choices(scheme)}
    context = version_context(request, version, one.example.title) | {
        "row": _row(version, one),
        "example": one.example,
        "assessment": one.assessment,
        "sections": tell_facts(scheme, one.example),
        "expected": tell_expected(scheme, one.example),
        "findings": [
            {"word": words.get(finding.code, finding.code), "finding": finding}
            for finding in one.assessment.findings
        ],
        "list": version_address(version, "examples"),
        "before": _row(version, results[place - 1]) if place else None,
        "after": _row(version, results[place + 1]) if place + 1 < len(results) else None,
    }
    return TemplateResponse(request, "admin/vouchers/policy_example.html", context)


def workbook_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The workbook to fill in, with the examples that there are."""
    return _file(
        request, version, policy_examples.examples_workbook(version), f"{version.version_no}-算例.xlsx"
    )


def results_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """How the examples came out, as a workbook."""
    trial = policy_examples.try_examples(version)
    return _file(
        request,
        version,
        write_results(trial.scheme, trial.results),
        f"{version.version_no}-算例运算结果.xlsx",
    )


def _file(request: HttpRequest, version: PolicyVersion, content: bytes, name: str) -> HttpResponse:
    return attachment(request, content, name, WORKBOOK, "policy_examples", version.version_no)


class ExamplePart(VersionPart):
    """The examples on the version's page: read there, replaced by the workbook."""

    model = PolicyExample
    section = "examples"
    stem = "example"
    intro = mark_safe(  # noqa: S308 - our own words
        gettext_lazy(
            "文件所附的或主管部门核定的例子：案情和应得的金额。全部算得一致，才能提请发布。"
            '算例用 Excel 填写：<a href="../examples/">下载模板、上传、核对</a>。'
        )
    )
    what = ("how_it_came_out", "note")
    readonly_fields = ("how_it_came_out", "note")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        if not row.result:
            return _("尚未运算")
        return _("✓ 与应得结果一致") if row.result.get("passed") else _("✕ 与应得结果不一致")

    @admin.display(description=gettext_lazy("上次运算"))
    def how_it_came_out(self, row: PolicyExample) -> Any:
        """Passed, or each difference; and the way to the working."""
        link = format_html(
            '<a href="{}">{}</a>',
            version_address(row.version, "example", row.code),
            _("看事实和计算过程"),
        )
        if not row.result or row.result.get("passed"):
            said = _("✓ 与应得结果一致") if row.result else _("尚未运算")
            return format_html("{} · {}", said, link)
        differences = format_html_join(
            "", "<li>{}</li>", ((one,) for one in row.result.get("differences", []))
        )
        return format_html("<ul>{}</ul>{}", differences, link)


register_version_page(
    VersionPage(
        "examples", gettext_lazy("算例"), examples_view, help=gettext_lazy("下载模板、上传、核对"), order=20
    )
)
register_version_page(VersionPage("examples-workbook", "", workbook_view, route="examples/workbook/"))
register_version_page(VersionPage("examples-results", "", results_view, route="examples/results/"))
register_version_page(VersionPage("example", "", example_view, route="examples/case/<str:code>/"))
