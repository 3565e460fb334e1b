"""价格报送: what my party has to report until when; written line by line or by a file, looked at, and handed in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from applications.web.portal.access import act, attempt, portal_view, refused
from vouchers.access import PARTY_ROLES, has_role
from vouchers.actions import price_reports as actions
from vouchers.errors import DomainError, Invalid
from vouchers.models import PriceReport
from vouchers.models.price_reports import WAITING_FOR_PARTY, DutyState
from vouchers.models.prices import PriceKind, PriceUnit
from vouchers.workbooks.price_rows import MOST_BYTES, OWN, write_template

PAGE = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class LineForm(forms.Form):
    """One price or cost."""

    kind = forms.ChoiceField(
        label=gettext_lazy("种类"),
        choices=[(kind.value, kind.label) for kind in actions.REPORTED_KINDS],
        initial=PriceKind.QUOTE.value,
        help_text=gettext_lazy("成本仅供核对，不参与测算，也不公开。"),
    )
    observed_on = forms.CharField(
        label=gettext_lazy("日期"),
        max_length=10,
        widget=forms.TextInput(attrs={"type": "date"}),
        help_text=gettext_lazy("报价公布、合同签订或成本核算的日期。"),
    )
    accelerator = forms.CharField(label=gettext_lazy("加速卡"), max_length=40)
    form_factor = forms.CharField(label=gettext_lazy("形态"), max_length=12, required=False)
    region_code = forms.CharField(
        label=gettext_lazy("算力所在地"), max_length=6, help_text=gettext_lazy("六位行政区划代码。")
    )
    term_months = forms.CharField(
        label=gettext_lazy("租期（月）"), max_length=4, help_text=gettext_lazy("按需填 0。")
    )
    unit = forms.ChoiceField(label=gettext_lazy("计价单位"), choices=PriceUnit.choices)
    cards = forms.CharField(label=gettext_lazy("每单位卡数"), max_length=5, required=False)
    precision = forms.CharField(
        label=gettext_lazy("精度"),
        max_length=10,
        required=False,
        help_text=gettext_lazy("按 P·天 计价时填写。"),
    )
    unit_price = forms.CharField(label=gettext_lazy("单价"), max_length=30)
    currency = forms.CharField(label=gettext_lazy("币种"), max_length=3, initial="CNY")
    vat_rate = forms.CharField(label=gettext_lazy("税率"), max_length=8, required=False, initial="0.06")
    tax_included = forms.ChoiceField(
        label=gettext_lazy("含税"),
        choices=[("false", gettext_lazy("不含税")), ("true", gettext_lazy("含税"))],
    )
    bookable_since = forms.CharField(
        label=gettext_lazy("可订购自"),
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"type": "date"}),
        help_text=gettext_lazy("报价须填写。"),
    )
    reference = forms.CharField(label=gettext_lazy("依据编号"), max_length=60, required=False)


def _mine(request: HttpRequest) -> Any:
    return PriceReport.objects.visible_to(request.user, *PARTY_ROLES).select_related("party", "duty__region")


def _report(request: HttpRequest, report_no: str) -> PriceReport:
    found: PriceReport = get_object_or_404(_mine(request), report_no=report_no)
    return found


@portal_view
def reports(request: HttpRequest) -> HttpResponse:
    """All that my party was asked for; the latest first."""
    rows = _mine(request).order_by("-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/price_reports.html", {"page": page})


@portal_view
def template(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in."""
    kinds = [kind.value for kind in actions.REPORTED_KINDS]
    answer = HttpResponse(write_template(OWN, title=_("价格与成本报送"), kinds=kinds), content_type=XLSX)
    answer["Content-Disposition"] = "attachment; filename*=UTF-8''%E4%BB%B7%E6%A0%BC%E6%8A%A5%E9%80%81.xlsx"
    return answer


def _page(
    request: HttpRequest,
    row: PriceReport,
    *,
    form: LineForm | None = None,
    refusals: list[DomainError] | None = None,
    status: int = 200,
) -> HttpResponse:
    may = has_role(request.user, *actions.REPORTERS, party=row.party)
    waits = row.state in WAITING_FOR_PARTY and row.duty.state == DutyState.OPEN
    drafts = actions.lines_of(row, draft=True)
    handed_in = actions.lines_of(row) if row.submission else []
    problem = ""
    try:
        drafted, before = actions.read_lines(row, drafts), actions.read_lines(row, handed_in)
    except DomainError as refusal:
        drafted, before, problem = [], [], refusal.message
    context = {
        "case": row,
        "may": may and waits,
        "drafts": drafted,
        "handed_in": before,
        "problem": problem,
        "may_copy": may and waits and bool(handed_in) and not drafts,
        "form": form or LineForm(initial={"region_code": row.duty.region.code}),
        "refusals": refusals or [],
        "records": row.credit_records.order_by("pk"),
        "crumbs": [(_("价格报送"), reverse("portal:price_reports"))],
    }
    return render(request, "portal/price_report.html", context, status=status)


@portal_view
def report(request: HttpRequest, report_no: str) -> HttpResponse:
    """What is asked, what is written so far, and what became of what was handed in."""
    return _page(request, _report(request, report_no))


@require_POST
@portal_view
def add(request: HttpRequest, report_no: str) -> HttpResponse:
    """One line more."""
    row, by = _report(request, report_no), request.user
    form = LineForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    try:
        attempt(lambda: actions.add_line(row, form.cleaned_data, by=by))  # type: ignore[arg-type]
    except DomainError as refusal:
        return _page(request, row, form=form, refusals=refused(request, refusal, form), status=refusal.status)
    return redirect(reverse("portal:price_report", args=[report_no]) + "#lines")


@require_POST
@portal_view
def upload(request: HttpRequest, report_no: str) -> HttpResponse:
    """The lines of a file take the place of those being written."""
    row, by = _report(request, report_no), request.user
    sent = request.FILES.get("file")
    try:
        if sent is None:
            raise Invalid("price.file_missing", _("请选择要上传的文件。"), field="file")
        content, name = sent.read(MOST_BYTES + 1), sent.name or ""
        attempt(lambda: actions.write_lines(row, content, name, by=by))  # type: ignore[arg-type]
    except DomainError as refusal:
        problems = list(getattr(refusal, "problems", None) or [])
        request.refusal = refusal  # type: ignore[attr-defined]
        return _page(request, row, refusals=problems or [refusal], status=refusal.status)
    return redirect(reverse("portal:price_report", args=[report_no]) + "#lines")


@require_POST
@portal_view
def copy(request: HttpRequest, report_no: str) -> HttpResponse:
    """Begin with what was handed in last."""
    row, by = _report(request, report_no), request.user
    return act(
        request,
        lambda: actions.copy_lines(row, by=by),  # type: ignore[arg-type]
        _("已载入上次所报内容，请修改后重新报送。"),
        "portal:price_report",
        report_no,
    )


@require_POST
@portal_view
def remove(request: HttpRequest, report_no: str, line_no: int) -> HttpResponse:
    """Take a line out."""
    row, by = _report(request, report_no), request.user
    return act(
        request,
        lambda: actions.remove_line(row, line_no, by=by),  # type: ignore[arg-type]
        "",
        "portal:price_report",
        report_no,
    )


@require_POST
@portal_view
def submit(request: HttpRequest, report_no: str) -> HttpResponse:
    """报送."""
    row, by = _report(request, report_no), request.user
    try:
        attempt(
            lambda: actions.submit_report(
                row,
                statement=request.POST.get("statement", ""),
                true=request.POST.get("true") == "on",
                by=by,  # type: ignore[arg-type]
            )
        )
    except DomainError as refusal:
        problems = list(getattr(refusal, "problems", None) or [refusal])
        request.refusal = refusal  # type: ignore[attr-defined]
        row.refresh_from_db()
        return _page(request, row, refusals=problems, status=refusal.status)
    return redirect("portal:price_report", report_no)
