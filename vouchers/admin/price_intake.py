"""Files of prices in the configuration: uploaded, looked at row by row, let in. The duty to report stands in ``price_duties``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from vouchers.access import has_role
from vouchers.actions import price_files
from vouchers.admin.acts import Act, ActingAdmin, ReasonForm
from vouchers.admin.price_tables import PRICE_PUBLISHER, PRICE_READERS, ReadOnlyAdmin
from vouchers.admin.scoped import admin_address
from vouchers.errors import DomainError
from vouchers.models import PriceFile
from vouchers.workbooks.price_rows import MOST_BYTES, write_template

OUTCOMES = {
    "admitted": _("采用"),
    "quarantined": _("待人工核对"),
    "set_aside": _("不采用"),
    "known": _("已有，不变"),
    "refused": _("退回"),
}
SHOWN = 1_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# -- files ------------------------------------------------------------------------------------------------------------


class PriceFileForm(forms.Form):
    """The file, and since when its prices count as known."""

    file = forms.FileField(
        label=_("价格文件（Excel 或 CSV）"),
        help_text=_("按模板填写；CSV 用同样的列名。不超过 20 MB、5 万行。"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
        error_messages={"required": _("请选择要上传的文件。"), "empty": _("这个文件是空的，请重新选择。")},
    )
    backfilled = forms.BooleanField(
        label=_("这是历史数据移交"),
        required=False,
        help_text=_(
            "勾选后各条自其采集日起视为已知；不勾选则自导入时起，不影响此前的价格。历史数据及参与测算的价格（成交价、报价、专家意见），须由上传人以外的人确认导入。"
        ),
    )


def _load(request: HttpRequest, file: PriceFile, given: dict[str, Any]) -> str:
    report = price_files.load_file(file, by=request.user)  # type: ignore[arg-type]
    return (
        f"{file.filename} 已导入：采用 {report.admitted}，待核对 {report.quarantined}，不采用 {report.set_aside}，"
        f"已有 {report.known}，退回 {len(report.refused)}。"
    )


def _discard(request: HttpRequest, file: PriceFile, given: dict[str, Any]) -> str:
    price_files.discard_file(file, by=request.user, **given)  # type: ignore[arg-type]
    return f"{file.filename} 已弃用，没有载入任何价格。"


def allowed(verb: str) -> Any:
    """Whether the row's state allows the verb."""
    return lambda row: row.lifecycle.find(verb, row.state) is not None


@admin.register(PriceFile)
class PriceFileAdmin(ActingAdmin, ReadOnlyAdmin):
    """价格文件: uploaded, looked at row by row, let in."""

    public_key_fields = ("file_no",)
    acts = (
        Act(
            "load",
            _("确认导入"),
            _("采用的进入测算，可疑的待人工核对，退回的不载入。同一文件再次导入不产生变化。"),
            PRICE_PUBLISHER,
            _load,
            allowed("load"),
        ),
        Act(
            "discard",
            _("弃用"),
            _("不载入这个文件；更正后可以重新上传。"),
            PRICE_PUBLISHER,
            _discard,
            allowed("discard"),
            ReasonForm,
        ),
    )
    list_display = ("file_no", "filename", "state", "row_count", "summary", "uploaded_by", "uploaded_at")
    list_filter = ("state",)
    search_fields = ("file_no", "filename", "sha256")
    change_list_template = "admin/vouchers/price_files.html"
    fields = (
        ("file_no", "state"), ("filename", "row_count"), "sha256", "backfilled", "summary", "rows",
        ("uploaded_by", "uploaded_at"), ("decided_by", "decided_at"),
    )  # fmt: skip
    readonly_fields = ("summary", "rows")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, *PRICE_PUBLISHER)

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "template.xlsx",
                self.admin_site.admin_view(self.template_view),
                name="vouchers_pricefile_template",
            )
        ]
        return own + super().get_urls()

    def template_view(self, request: HttpRequest) -> HttpResponse:
        """The workbook to fill in."""
        if not has_role(request.user, *PRICE_READERS):
            raise PermissionDenied
        answer = HttpResponse(write_template(), content_type=XLSX)
        answer["Content-Disposition"] = (
            "attachment; filename*=UTF-8''%E4%BB%B7%E6%A0%BC%E6%A8%A1%E6%9D%BF.xlsx"
        )
        return answer

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take a file up and go to its preview."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PriceFileForm(request.POST or None, request.FILES or None)
        problems: list[DomainError] = []
        status = 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                sent = form.cleaned_data["file"]
                before = PriceFile.objects.count()
                try:
                    file = price_files.preview_file(
                        sent.read(MOST_BYTES + 1),
                        sent.name or "",
                        backfilled=form.cleaned_data["backfilled"],
                        by=request.user,  # type: ignore[arg-type]
                    )
                except DomainError as refusal:
                    request.refusal = refusal  # type: ignore[attr-defined]
                    problems, status = [refusal], refusal.status
                else:
                    told = (
                        _("已逐行核对，尚未载入；请看过结果后确认导入。")
                        if PriceFile.objects.count() > before
                        else _("相同内容的文件已上传过，以下是当时的结果；重复导入不产生任何变化。")
                    )
                    messages.info(request, told)
                    return HttpResponseRedirect(admin_address(file))
        context = {
            **self.admin_site.each_context(request),
            "title": _("上传价格文件"),
            "opts": self.opts,
            "form": form,
            "problems": problems,
            "back": self.address("changelist"),
            "template_url": self.address("template"),
        }
        return TemplateResponse(request, "admin/vouchers/price_file_add.html", context, status=status)

    @admin.display(description=_("结果"))
    def summary(self, file: PriceFile) -> str:
        """How many rows of each outcome."""
        return "，".join(f"{word} {file.counts.get(code, 0)}" for code, word in OUTCOMES.items())

    @admin.display(description=_("不采用的行"))
    def rows(self, file: PriceFile) -> str:
        """Every row that is not admitted: where, why, and what becomes of it."""
        rows = [{**row, "word": OUTCOMES[row["outcome"]]} for row in file.findings[:SHOWN]]
        left = len(file.findings) - len(rows)
        return render_to_string("admin/vouchers/price_file_rows.html", {"rows": rows, "left": left})
