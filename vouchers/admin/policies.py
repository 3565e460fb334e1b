"""政策版本 in one page, and 政策发布件 to read. Everything that changes a state goes through `actions.policies`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from vouchers.access import has_role
from vouchers.actions import policy_editing, policy_files, policy_soundness
from vouchers.admin.acts import DAY, ActingAdmin
from vouchers.admin.policy_acts import ACTS, BEGIN, EDITOR
from vouchers.admin.policy_fields import OpenChoiceField
from vouchers.admin.policy_forms import PartForm
from vouchers.admin.policy_help import help_for
from vouchers.admin.policy_import import import_view
from vouchers.admin.policy_parts import INLINES
from vouchers.admin.policy_rows import document_choices
from vouchers.admin.scoped import ScopedAdmin
from vouchers.admin.version_pages import (
    VersionPage,
    register_version_page,
    version_context,
    version_pages,
)
from vouchers.admin.version_places import path_words
from vouchers.admin.version_view import version_page
from vouchers.errors import DomainError, NotNow
from vouchers.models import PolicyDocument, PolicyVersion, ValueCitation
from vouchers.policy.prose import describe
from vouchers.policy.terms import Confidence
from vouchers.web.downloads import attachment


class VersionForm(PartForm):
    """What a version says of itself, and its source as a whole."""

    cite_document = OpenChoiceField(label=_("本版本的依据文件"), required=False)
    cite_article = forms.CharField(label=_("条款"), required=False, max_length=100)
    cite_confidence = forms.ChoiceField(label=_("可信程度"), choices=Confidence.pairs(), required=False)
    cite_note = forms.CharField(label=_("出处说明"), required=False, max_length=500)

    conflict: DomainError | None = None
    documents: list[tuple[str, str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = ValueCitation.objects.filter(version=self.instance.pk, target="", field="").first()
        for name in CITED:
            if name in self.fields:
                self.fields[name].help_text = help_for("policyversion", name)
                self.initial[name] = getattr(source, name, "")
        choices: Any = self.fields.get("cite_document")
        if choices is not None:
            choices.choices = self.documents
            self.initial["cite_document"] = self.initial["cite_document"] or self.documents[0][0]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if self.conflict is not None:
            raise forms.ValidationError(self.conflict.message, code="edited_meanwhile")
        starts, ends = given.get("effective_from"), given.get("effective_to")
        if starts and ends and ends <= starts:
            self.add_error("effective_to", _("失效日期应晚于施行日期；两者颠倒的草稿无法保存。"))
        return given


CITED = ("cite_document", "cite_article", "cite_confidence", "cite_note")


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ActingAdmin, ScopedAdmin):
    """One page a version. Only a draft is edited; the rest is read."""

    write_roles = EDITOR
    acts = ACTS
    adding = BEGIN
    change_list_template = "admin/vouchers/policy_versions.html"
    form = VersionForm
    change_form_template = "admin/vouchers/version_form.html"
    formfield_overrides = {models.DateField: {"widget": DAY}}
    list_display = (
        "version_no",
        "program",
        "label",
        "state",
        "effective_from",
        "effective_to",
        "demonstration",
    )
    list_filter = ("state", "demonstration")
    search_fields = ("program__code", "program__name", "title", "label")
    list_select_related = ("program",)
    readonly_fields = ("program", "source", "created_by", "created_at", "proposed_by", "proposed_at")
    own_lines: tuple[Any, ...] = (
        "title",
        ("label", "office"),
        ("side", "program"),
        ("effective_from", "effective_to"),
        ("in_force_by", "track_choice"),
        ("retroactive_from", "demonstration"),
        "note",
    )

    def region_of(self, obj: PolicyVersion) -> Any:
        return obj.program.region

    def public_key(self, obj: PolicyVersion) -> str:
        return obj.version_no

    def with_public_key(self, rows: QuerySet[PolicyVersion], key: str) -> QuerySet[PolicyVersion]:
        code, _dash, number = key.rpartition("-")
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            return rows.none()
        return rows.filter(program__code=code, number=int(number))

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return INLINES if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.has_change_permission(request, obj):
            return (
                (None, {"fields": self.own_lines}),
                (_("本版本整体的出处"), {"fields": (CITED,), "classes": ("source",)}),
            )
        people = (("created_by", "created_at"), ("proposed_by", "proposed_at"))
        return ((None, {"fields": (*self.own_lines, "source", *people)}),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.documents = document_choices(request, obj)
        form.conflict = getattr(request, "edit_conflict", None)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.help_text = help_for("policyversion", db_field.name, db_field.help_text)
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.editable)

    @admin.display(description=_("版本编号"))
    def version_no(self, version: PolicyVersion) -> str:
        """The public number."""
        return version.version_no if version.pk else "—"

    @admin.display(description=_("本版本整体的出处"))
    def source(self, version: PolicyVersion) -> str:
        """The document that the version rests on."""
        row = ValueCitation.objects.filter(version=version, target="", field="").first()
        if row is None:
            return "—"
        return " · ".join(
            word
            for word in (
                row.cite_document,
                row.cite_article,
                row.get_cite_confidence_display(),
                row.cite_note,
            )
            if word
        )

    def told(self, obj: Any, problem: DomainError) -> str:
        """A place of the rule model is named as the page names it."""
        place = problem.field or ""
        if isinstance(obj, PolicyVersion) and place and problem.message.startswith(f"{place}："):
            words = path_words(obj, place)
            said = problem.message.removeprefix(f"{place}：")
            return f"{words}：{said}" if words else said
        return problem.message

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A version begins by a few questions, not by an empty page."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._performed(request, self.adding, None, "", self.address("changelist"))

    def save_model(self, request: HttpRequest, obj: PolicyVersion, form: Any, change: bool) -> None:
        obj.save()
        given = form.cleaned_data
        policy_editing.cite_version(
            obj,
            document_no=given["cite_document"],
            article=given["cite_article"],
            confidence=given["cite_confidence"],
            note=given["cite_note"],
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        renamed = [
            (one.initial["document_no"], one.cleaned_data["document_no"])
            for one in formset.initial_forms
            if formset.model is PolicyDocument
            and "document_no" in one.changed_data
            and one.initial["document_no"]
        ]
        super().save_formset(request, form, formset, change)
        request._renamed = [*getattr(request, "_renamed", []), *renamed]  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for old, new in getattr(request, "_renamed", []):
            policy_editing.rename_document(form.instance, old, new)

    def response_change(self, request: HttpRequest, obj: PolicyVersion) -> HttpResponse:
        """Saved, and where to go on."""
        left = len(policy_editing.find_problems(obj))
        if left:
            messages.warning(request, _("草稿已保存。还有 %(left)s 处需要补充或更正。") % {"left": left})
        else:
            messages.success(request, _("草稿已保存，各节内容完整。"))
        wanted = request.POST.get("_more", "")
        more = f"?{urlencode({'add': wanted})}#{wanted}-group" if wanted else ""
        return HttpResponseRedirect(self.address("change", obj) + more)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may = has_role(request.user, *EDITOR)
        own = {"may_import": may, "title": self.opts.verbose_name_plural}
        return super().changelist_view(request, own | (extra_context or {}))

    def get_urls(self) -> list[Any]:
        own = [
            path("import/", self.admin_site.admin_view(import_view), name="vouchers_policyversion_import"),
        ]
        own += [
            path(
                f"<path:object_id>/{page.suffix}",
                self.admin_site.admin_view(self._page_view(page)),
                name=f"vouchers_policyversion_{page.name}",
            )
            for page in version_pages()
        ]
        return own + super().get_urls()

    def _page_view(self, page: VersionPage) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str, **given: Any) -> HttpResponse:
            version = self.get_object(request, unquote(object_id))
            if version is None:
                raise Http404
            if not self.has_view_permission(request, version) or not page.open_to(request, version):
                raise PermissionDenied
            return page.view(request, version, **given)

        return view

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        version = self.get_object(request, unquote(object_id))
        if (
            request.method == "POST"
            and version is not None
            and super().has_change_permission(request, version)
        ):
            try:
                policy_editing.begin_edit(version, request.POST.get("stamp", ""), by=request.user)  # type: ignore[arg-type]
            except NotNow as refusal:
                if refusal.code != "policy.edited_meanwhile":
                    raise
                request.edit_conflict = request.refusal = refusal  # type: ignore[attr-defined]
        return super().change_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= version_page(request, self, obj, context)
        response = super().render_change_form(request, context, add, change, form_url, obj)
        if context["conflict"] is not None:
            response.status_code = context["conflict"].status
        elif context["faults"]:
            response.status_code = 422
        return response


def text_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The whole version as prose, each sentence with its source."""
    scheme = policy_soundness.complete_scheme(version)
    context = version_context(request, version, _("本政策说明")) | {
        "sections": describe(scheme),
        "demonstration": scheme.demonstration,
    }
    return TemplateResponse(request, "admin/vouchers/policy_text.html", context)


def yaml_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The version as a file with its examples (`?examples=0`: without), to be taken in elsewhere."""
    text = policy_files.export_version(version, with_examples=request.GET.get("examples") != "0")
    name, kind = f"{version.version_no}.yaml", "application/yaml; charset=utf-8"
    return attachment(request, text.encode(), name, kind, "policy_file", version.version_no)


register_version_page(VersionPage("text", _("本政策说明"), text_view, order=10))
register_version_page(VersionPage("yaml", _("导出 YAML"), yaml_view, order=90))
