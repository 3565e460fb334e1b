"""公示: the notices that run and those of the past year, and 异议 by anybody while one runs."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions.batch_members import members_of
from applications.actions.objections import file_objection
from applications.batch_files import annex_workbook
from applications.models import IssueBatch, Objection, PublicNotice
from applications.models.batches import IssueBatchState
from applications.web.downloads import attachment
from vouchers import dates
from vouchers.errors import DomainError, NotNow
from vouchers.money import ZERO
from vouchers.web.public.limits import count_question

PAGE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN_FOR = timedelta(days=366)


class ObjectionForm(forms.Form):
    """Who objects, how to answer, and why."""

    filer_name = forms.CharField(
        label=gettext_lazy("姓名或单位"), max_length=100,
        error_messages={"required": gettext_lazy("请留下姓名或单位名称，以便本机关答复。")},
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("联系方式"), max_length=100, help_text=gettext_lazy("电话或电子邮箱，不会公开。"),
        error_messages={"required": gettext_lazy("请留下联系方式，以便本机关答复。")},
    )  # fmt: skip
    text = forms.CharField(
        label=gettext_lazy("异议的事实和理由"), max_length=5000, widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("请写明异议的事实和理由。")},
    )  # fmt: skip


def notices(request: HttpRequest) -> HttpResponse:
    """Those that run first."""
    today = dates.today()
    rows = (
        PublicNotice.objects.filter(opens_on__lte=today, opens_on__gt=today - SHOWN_FOR, recalled_on=None)
        .select_related("application__enterprise", "application__program", "batch")
        .order_by("-closes_on", "-pk")
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "public/notices.html", {"page": page, "today": today})


def _running(notice: PublicNotice) -> bool:
    runs = notice.opens_on <= dates.today() < notice.closes_on and notice.recalled_on is None
    return runs and notice.application.state == "noticed"


def notice(request: HttpRequest, notice_no: str) -> HttpResponse:
    """One notice, and the form of an objection while it runs."""
    row = get_object_or_404(
        PublicNotice.objects.filter(opens_on__lte=dates.today()).select_related(
            "application__enterprise", "application__program__region", "batch"
        ),
        notice_no=notice_no,
    )
    posted = request.method == "POST"
    form = ObjectionForm(request.POST if posted else None)
    refusals: list[DomainError] = []
    if posted and form.is_valid():
        try:
            if not _running(row):
                raise NotNow("notice.over", _("公示已结束，不再受理对公示的异议。"))
            count_question(request, "objection", most=5, seconds=3600)
            made = file_objection(row.application, by=None, **form.cleaned_data)
        except DomainError as refusal:
            refusals = [refusal]
            request.refusal = refusal  # type: ignore[attr-defined]
        else:
            request.session["objection_no"] = made.objection_no
            return redirect("public:objected", notice_no)
    context = {
        "notice": row,
        "application": row.application,
        "running": _running(row),
        "form": form,
        "refusals": refusals,
        "crumbs": [(_("公示"), reverse("public:notices"))],
    }
    return render(request, "public/notice.html", context, status=422 if refusals or form.errors else 200)


def _listed(batch_no: str) -> tuple[IssueBatch, list[PublicNotice]]:
    today = dates.today()
    batch = get_object_or_404(
        IssueBatch.objects.filter(state__in=(IssueBatchState.NOTICED, IssueBatchState.ISSUED)).select_related(
            "program", "publication"
        ),
        batch_no=batch_no,
    )
    rows = batch.notices.filter(recalled_on=None, opens_on__lte=today, opens_on__gt=today - SHOWN_FOR)
    found = list(rows.select_related("application__enterprise", "application__program").order_by("pk"))
    if not found:
        raise Http404
    return batch, found


def batch(request: HttpRequest, batch_no: str) -> HttpResponse:
    """All that are noticed together, each with its own page for an objection."""
    row, found = _listed(batch_no)
    context = {
        "batch": row,
        "notices": found,
        "total": sum((one.amount for one in found), ZERO),
        "running": any(_running(one) for one in found),
        "first": found[0],
        "crumbs": [(_("公示"), reverse("public:notices"))],
    }
    return render(request, "public/notice_batch.html", context)


def annex(request: HttpRequest, batch_no: str) -> HttpResponse:
    """The list as Excel, the notice's annex."""
    row, _found = _listed(batch_no)
    content = annex_workbook(row, members_of(row))
    return attachment(request, content, f"{row.batch_no}.xlsx", XLSX, "notice_annex", row.batch_no)


def objected(request: HttpRequest, notice_no: str) -> HttpResponse:
    """The number of the objection that was just filed from this browser."""
    number = request.session.get("objection_no", "")
    objection = Objection.objects.filter(objection_no=number).first()
    if objection is None:
        return redirect("public:notice", notice_no)
    sentences = [
        _("由未参与本件的人员核查，并按您留下的联系方式书面答复。"),
        _("答复之前，该件不发券、不拨付。"),
    ]
    context = {"objection": objection, "notice_no": notice_no, "next": sentences}
    return render(request, "public/objected.html", context)


urlpatterns = [
    path("notices/", notices, name="notices"),
    path("notices/batches/<str:batch_no>/", batch, name="notice_batch"),
    path("notices/batches/<str:batch_no>/annex.xlsx", annex, name="notice_annex"),
    path("notices/<str:notice_no>/", notice, name="notice"),
    path("notices/<str:notice_no>/objected/", objected, name="objected"),
]
