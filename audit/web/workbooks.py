"""工作簿 for auditors: which there are, and each as a download. A POST, since it is an export that the trail keeps; a large one is
made by a job, beside the page."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from applications.models import Claim
from audit.actions.trail import log_export
from audit.models import Flag
from audit.reports import orders
from audit.reports.orders import Order
from audit.reports.workbook import Choice, Made, build, chosen
from audit.web.access import audit_view
from audit.web.suspicions import SuspicionFilter, visible
from vouchers import dates
from vouchers.access import AUDIT_ROLES, has_role, scope_of
from vouchers.actions.job_runs import Run, reason_of
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Region, User
from vouchers.models.holds import ScreeningOutcome

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_HERE = 5_000  # claims; a larger workbook is made by the command, beside the web
AT_ONCE = 5_000
"""A workbook of more rows than these is made by a job: a page must not keep its reader waiting."""


@audit_view
@require_POST
def download(request: HttpRequest) -> HttpResponse:
    """The workbook of what the queue's filter shows; without a filter, of everything in the reader's scope."""
    asked = QueryDict(request.POST.get("filter", ""))
    choice = _choice(request, asked)
    claims = Claim.objects.all().visible_to(request.user, *AUDIT_ROLES)
    count = chosen(claims, choice).count()
    if count > MOST_HERE:
        raise Invalid(
            "export.too_many",
            f"所选范围有 {count:,} 件兑付申请，网页一次最多导出 {MOST_HERE:,} 件。",
            hint="请先按结果、规则、地区或专项筛选，或请系统管理人员运行 export_workbook。",
        )
    buffer = io.BytesIO()
    person: Any = request.user
    made = build(
        buffer,
        claims,
        Flag.objects.all().visible_to(person, *AUDIT_ROLES),
        choice,
        by=str(person),
        regions=scope_of(request.user, *AUDIT_ROLES).regions,
    )
    content = buffer.getvalue()
    name = f"audit-workbook-{dates.today():%Y%m%d}.xlsx"
    log_export(
        "workbook.export",
        "workbook",
        name,
        region=choice.region,
        facts={
            "rows": made.rows,
            "filter": made.filter,
            "content_sha256": made.content_sha256,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    )
    return HttpResponse(
        content, content_type=EXCEL, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _choice(request: HttpRequest, asked: QueryDict) -> Choice:
    form = SuspicionFilter(asked, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    form.is_valid()
    wanted = form.cleaned_data
    listed = any(wanted.get(name) for name in ("q", "outcome", "rule"))
    told = "；".join(
        f"{form.fields[name].label} {wanted[name]}" for name in ("q", "outcome", "rule") if wanted.get(name)
    )
    return Choice(
        region=wanted.get("region") or "",
        program=(wanted.get("program") or "").strip(),
        suspicions=form.apply(visible(request)) if listed else None,
        told=told,
    )


class WorkbookForm(forms.Form):
    """Which register, over what."""

    kind = forms.ChoiceField(label=gettext_lazy("工作簿"))
    region = forms.ChoiceField(label=gettext_lazy("地区"), required=False)
    program = forms.CharField(label=gettext_lazy("专项代码"), required=False, max_length=30)
    year = forms.IntegerField(
        label=gettext_lazy("年度"),
        required=False,
        min_value=2000,
        max_value=2100,
        help_text=gettext_lazy("价格核对按签订年度，审计工作簿按提交年度；可疑合同登记簿不分年度。"),
    )
    outcome = forms.ChoiceField(
        label=gettext_lazy("结果"), required=False, help_text=gettext_lazy("只用于可疑合同登记簿。")
    )

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = ("", _("全部"))
        named = Region.objects.filter(code__in=regions).order_by("code").values_list("code", "name")
        self.fields["kind"].choices = [(kind, orders.LABELS[kind]) for kind in orders.REGISTERS]  # type: ignore[attr-defined]
        self.fields["region"].choices = [everything, *named]  # type: ignore[attr-defined]
        self.fields["outcome"].choices = [everything, *ScreeningOutcome.choices]  # type: ignore[attr-defined]


@audit_view
def desk(request: HttpRequest) -> HttpResponse:
    """Which workbooks there are, and for whom the others are made where."""
    form = WorkbookForm(regions=scope_of(request.user, *AUDIT_ROLES).regions)
    return render(request, "audit/workbooks.html", {"form": form, "most": AT_ONCE})


@audit_view
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """The workbook, or the page of the job that makes it. 404 for a number that is not there for this reader."""
    by = cast(User, request.user)
    if request.POST.get("number"):
        order = Order(request.POST.get("kind", ""), number=request.POST["number"].strip()[:40])
    else:
        form = WorkbookForm(request.POST, regions=scope_of(by, *AUDIT_ROLES).regions)
        if not form.is_valid():
            return render(request, "audit/workbooks.html", {"form": form, "most": AT_ONCE}, status=422)
        asked = form.cleaned_data
        outcome = asked["outcome"] if asked["kind"] == "suspicions" else ""
        year = None if asked["kind"] == "suspicions" else asked["year"]
        order = Order(asked["kind"], asked["region"], asked["program"].strip(), year, outcome)
    try:
        rows = orders.rows_of(order, by)
    except ObjectDoesNotExist:
        raise Http404 from None
    if rows > AT_ONCE:
        return _later(request, order, by)
    buffer = io.BytesIO()
    made = orders.make(order, buffer, by, by=str(by))
    content = buffer.getvalue()
    name = _name(order)
    _note(order, name, made, hashlib.sha256(content).hexdigest())
    return HttpResponse(
        content,
        content_type=EXCEL,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
        },
    )


def _name(order: Order) -> str:
    return f"{order.label}-{order.number or f'{dates.today():%Y%m%d}'}.xlsx"


def _note(order: Order, name: str, made: Made, sha256: str) -> None:
    """The export is told to the trail with the file's digest."""
    log_export(
        "audit_sample.export" if order.kind == "sample" else "workbook.export",
        "audit_sample" if order.kind == "sample" else "workbook",
        order.number or name,
        region=order.region,
        facts={
            "workbook": order.label,
            "rows": made.rows,
            "filter": made.filter,
            "content_sha256": made.content_sha256,
            "sha256": sha256,
        },
    )


def _later(request: HttpRequest, order: Order, by: User) -> HttpResponse:
    """To the page of the job that makes it; of the one that makes it already, when there is one."""
    try:
        job = ask_job(
            WORKBOOK.code,
            label=f"{order.label}：{order.words}",
            params=order.params(),
            by=by,
            key=f"{by.pk}:{hashlib.sha256(repr(order).encode()).hexdigest()[:24]}",
            unit="行",
        )
    except NotNow as refusal:
        if refusal.code != "job.under_way":
            raise
        return redirect("jobs:job", refusal.detail["job_no"])
    messages.success(request, _("本工作簿较大，正在后台生成，完成后在本页下载。可以离开本页。"))
    return redirect("jobs:job", job.job_no)


def make_workbook(run: Run) -> JobResult:
    """The job: the same workbook for whoever asked, as far as that person may see when it runs."""
    by, order = run.job.asked_by, Order(**run.job.params)
    if by is None or not by.is_active or not has_role(by, *AUDIT_ROLES):
        raise Forbidden("access.role", "提请人的账号已停用，或已无审计、核查岗位，未生成工作簿。")
    with acting(by, "workbook.export", reason_of(run.job)):
        try:
            rows = orders.rows_of(order, by)
            run.progress(0, rows, "行")
            path: Path = run.new_file(".xlsx")
            made = orders.make(order, path, by, by=str(by))
        except ObjectDoesNotExist:
            raise Forbidden("access.role", "提请人现已无权查阅，未生成工作簿。") from None
        run.progress(rows)
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        _note(order, _name(order), made, digest.hexdigest())
    return JobResult(
        result={"rows": made.rows},
        file=path,
        message=_("工作簿已生成：%(told)s。")
        % {"told": "，".join(f"{title} {count:,} 行" for title, count in made.rows.items())},
    )


WORKBOOK = JobKind("audit_workbook", "生成审计工作簿", make_workbook)
