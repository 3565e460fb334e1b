"""A version's file (YAML) taken in: as a draft of the program that it names, or of another that is chosen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.access import Role, has_role
from vouchers.actions import policy_files
from vouchers.admin.scoped import admin_address
from vouchers.errors import DomainError, Problems
from vouchers.models import PolicyVersion, Program


class FileForm(forms.Form):
    """The file, and where its rules are to go."""

    file = forms.FileField(
        label=gettext_lazy("政策文件（YAML）"),
        help_text=gettext_lazy("另一处系统“导出 YAML”得到的文件，不超过 2 MB。"),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}),
        error_messages={
            "required": gettext_lazy("请选择要载入的文件。"),
            "empty": gettext_lazy("这个文件是空的，请重新选择。"),
        },
    )
    program = forms.ModelChoiceField(
        label=gettext_lazy("载入到哪个专项"),
        queryset=Program.objects.none(),
        required=False,
        empty_label=gettext_lazy("文件所载的专项（没有的，即行开立）"),
        help_text=gettext_lazy("选了专项的，文件里的专项代码和行政区划改为该专项的，其余不变。"),
    )

    def for_person(self, request: HttpRequest) -> None:
        """Programs of the regions in which the person edits policies."""
        field = self.fields["program"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Program.objects.visible_to(request.user, Role.POLICY_EDITOR)


def import_view(request: HttpRequest) -> HttpResponse:
    """Ask for the file, then take it whole or refuse it with every wrong line."""
    if not has_role(request.user, Role.POLICY_EDITOR):
        raise PermissionDenied
    form = FileForm(request.POST or None, request.FILES or None)
    form.for_person(request)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            last = PolicyVersion.objects.aggregate(last=Max("pk"))["last"] or 0
            try:
                version = policy_files.import_version(
                    form.cleaned_data["file"].read(policy_files.MOST_BYTES + 1),
                    by=request.user,  # type: ignore[arg-type]
                    program=form.cleaned_data["program"],
                )
            except DomainError as refusal:
                request.refusal = refusal  # type: ignore[attr-defined]  # rolls back and is logged; told below
                status = refusal.status
                context = _told(refusal)
            else:
                return _led(request, version, is_new=version.pk > last)
    context |= {
        **admin.site.each_context(request),
        "title": _("载入 YAML"),
        "opts": PolicyVersion._meta,
        "form": form,
        "back": reverse("admin:vouchers_policyversion_changelist"),
    }
    return TemplateResponse(request, "admin/vouchers/policy_import.html", context, status=status)


def _told(refusal: DomainError) -> dict[str, Any]:
    faults = refusal.problems if isinstance(refusal, Problems) else []
    return {
        "refusal": refusal,
        "faults": [
            {
                "line": fault.detail.get("line") or "",
                "column": fault.detail.get("column") or "",
                "path": fault.detail.get("path", ""),
                "why": fault.message.removeprefix(_place(fault)),
                "allowed": "、".join(fault.detail.get("allowed", [])),
            }
            for fault in faults
        ],
    }


def _place(fault: DomainError) -> str:
    return f"{fault.message.partition('：')[0]}："


def _led(request: HttpRequest, version: PolicyVersion, *, is_new: bool) -> HttpResponse:
    if is_new:
        count = version.policyexample_rows.count()
        said = _("已载入为草稿 %(no)s，含 %(n)d 个算例。请核对后提请发布。") % {
            "no": version.version_no,
            "n": count,
        }
        messages.success(request, said)
    else:
        said = _("内容相同的版本已经有了：%(no)s，未另建草稿。") % {"no": version.version_no}
        messages.info(request, said)
    return HttpResponseRedirect(admin_address(version))
