"""政策版本 in one page, and 政策发布件 to read. Everything that changes a state goes through `actions.policies`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role
from vouchers.actions import policies, policy_soundness
from vouchers.admin.acts import Act, ActingAdmin, DatedReasonForm, ReasonForm
from vouchers.admin.policy_parts import INLINES
from vouchers.admin.scoped import ScopedAdmin
from vouchers.admin.version_pages import (
    VersionPage,
    register_version_page,
    version_address,
    version_context,
    version_pages,
)
from vouchers.models import PolicyVersion, Publication
from vouchers.policy.prose import describe


class CloneForm(forms.Form):
    """What the new version is called."""

    label = forms.CharField(label=_("新版本名称"), max_length=60)


def _run_examples(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    results = policy_soundness.run_examples(version, by=request.user)  # type: ignore[arg-type]
    passed = sum(result.passed for result in results)
    return f"共 {len(results)} 个算例，{passed} 个与应得结果一致，{len(results) - passed} 个不一致。"


def _propose(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.propose_version(version, by=request.user)  # type: ignore[arg-type]
    return f"“{version}”已提请发布，请另一位发布人员核对后发布。"


def _return(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.return_version(version, by=request.user, reason=given["reason"])  # type: ignore[arg-type]
    return f"“{version}”已退回修改。"


def _publish(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    publication = policies.publish_version(version, by=request.user)  # type: ignore[arg-type]
    note = "" if publication.accepts_applications else "补贴比例未公布，暂不开放申领。"
    return (
        f"“{version}”已发布，发布编号 {publication.publication_no}，摘要 {publication.sha256[:12]}…。{note}"
    )


def _clone(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> PolicyVersion:
    return policies.clone_version(version, by=request.user, label=given["label"])  # type: ignore[arg-type]


def _suspend(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.suspend_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起暂停受理。"


def _resume(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.resume_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起恢复受理。"


def _terminate(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.terminate_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起终止。"


def _allowed(verb: str) -> Any:
    return lambda version: version.lifecycle.find(verb, version.state) is not None


EDITOR, PUBLISHER = (Role.POLICY_EDITOR,), (Role.PUBLISHER,)
ACTS = (
    Act(
        "run-examples",
        _("运算算例"),
        _("逐个运算本版本的算例，结果记在各算例之下，不改变版本状态。"),
        (*EDITOR, *PUBLISHER),
        _run_examples,
    ),
    Act(
        "propose",
        _("提请发布"),
        _("提请后内容不能再改；内容须完整、无矛盾，且全部算例与应得结果一致。"),
        EDITOR,
        _propose,
        _allowed("propose"),
    ),
    Act(
        "return",
        _("退回修改"),
        _("退回后可以继续修改，须重新提请。"),
        (*EDITOR, *PUBLISHER),
        _return,
        _allowed("return_to_draft"),
        ReasonForm,
    ),
    Act(
        "publish",
        _("发布"),
        _(
            "发布后生成不可更改的发布件，自施行日期起适用；同一专项的前一版本同日失效。发布人须不是起草人或提请人。"
        ),
        PUBLISHER,
        _publish,
        _allowed("publish"),
    ),
    Act(
        "suspend",
        _("暂停"),
        _("暂停期间不受理新的申领；已办结的事项不受影响。"),
        PUBLISHER,
        _suspend,
        _allowed("suspend"),
        DatedReasonForm,
    ),
    Act(
        "resume",
        _("恢复"),
        _("恢复受理新的申领。"),
        PUBLISHER,
        _resume,
        _allowed("resume"),
        DatedReasonForm,
    ),
    Act(
        "terminate",
        _("终止"),
        _("自所填日期起不再适用，不能恢复；已办结的事项不受影响。"),
        PUBLISHER,
        _terminate,
        _allowed("terminate"),
        DatedReasonForm,
    ),
    Act(
        "clone",
        _("复制为新版本"),
        _("以本版本的内容和算例起草新的版本。"),
        EDITOR,
        _clone,
        form=CloneForm,
    ),
)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ActingAdmin, ScopedAdmin):
    """One page a version. Only a draft is edited; the rest is read."""

    write_roles = EDITOR
    acts = ACTS
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
    readonly_fields = ("version_no", "state", "created_by", "created_at", "proposed_by", "proposed_at")
    save_on_top = True
    fieldsets = (
        (
            _("一、依据与适用"),
            {
                "fields": (
                    ("program", "label"),
                    "title",
                    ("side", "office"),
                    ("effective_from", "effective_to", "in_force_by"),
                    "retroactive_from",
                    ("track_choice", "demonstration"),
                    "note",
                )
            },
        ),
        (
            _("办理情况"),
            {
                "fields": (
                    ("version_no", "state"),
                    ("created_by", "created_at"),
                    ("proposed_by", "proposed_at"),
                )
            },
        ),
    )

    def region_of(self, obj: PolicyVersion) -> Any:
        return obj.program.region

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return INLINES if obj is not None else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "program") if obj is not None else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.editable)

    @admin.display(description=_("版本编号"))
    def version_no(self, version: PolicyVersion) -> str:
        """The public number."""
        return version.version_no if version.pk else "—"

    def save_model(self, request: HttpRequest, obj: PolicyVersion, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        draft = policies.create_draft(obj.program, by=request.user, title=obj.title, label=obj.label)  # type: ignore[arg-type]
        obj.pk, obj.number = draft.pk, draft.number
        obj.created_by, obj.created_at = draft.created_by, draft.created_at
        obj._state.adding, obj._state.db = False, draft._state.db
        obj.save()

    def public_key(self, obj: PolicyVersion) -> str:
        return obj.version_no

    def with_public_key(self, rows: QuerySet[PolicyVersion], key: str) -> QuerySet[PolicyVersion]:
        code, _dash, number = key.rpartition("-")
        if not (number.isascii() and number.isdigit()):
            return rows.none()
        return rows.filter(program__code=code, number=int(number))

    def get_urls(self) -> list[Any]:
        own = [
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
        pages = [] if version is None else self.pages_for(request, version)
        return super().change_view(request, object_id, form_url, {"pages": pages} | (extra_context or {}))

    def pages_for(self, request: HttpRequest, version: PolicyVersion) -> list[dict[str, Any]]:
        """The registered pages that this person may open now."""
        return [
            {"label": page.label, "url": version_address(version, page.name), "help": page.help}
            for page in version_pages()
            if page.label and page.open_to(request, version) and page.ready(version)
        ]


def text_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The whole version as prose, each sentence with its source."""
    scheme = policy_soundness.complete_scheme(version)
    context = version_context(request, version, _("本政策说明")) | {
        "sections": describe(scheme),
        "demonstration": scheme.demonstration,
    }
    return TemplateResponse(request, "admin/vouchers/policy_text.html", context)


def yaml_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """The version as a file, to be loaded elsewhere."""
    response = HttpResponse(policies.export_scheme(version), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{version.version_no}.yaml"'
    return response


register_version_page(VersionPage("text", _("本政策说明"), text_view, order=10))
register_version_page(VersionPage("yaml", _("导出 YAML"), yaml_view, order=90))


@admin.register(Publication)
class PublicationAdmin(ScopedAdmin):
    """What was published, as it stands. Nobody changes it here or anywhere."""

    public_key_field = "publication_no"

    list_display = (
        "publication_no",
        "program",
        "label",
        "valid",
        "status_now",
        "accepts_applications",
        "published_by",
        "published_at",
    )
    list_select_related = ("program", "validity", "published_by")
    search_fields = ("publication_no", "program__code", "label", "sha256")
    fields = (
        ("publication_no", "program", "label"),
        ("valid", "status_now"),
        ("demonstration", "accepts_applications"),
        ("proposed_by", "published_by", "published_at"),
        ("sha256", "engine_version"),
        "canonical_text",
    )
    readonly_fields = ("valid", "status_now", "canonical_text")

    def region_of(self, obj: Publication) -> Any:
        return obj.program.region

    @admin.display(description=_("有效期"))
    def valid(self, publication: Publication) -> str:
        """From, and until (not included)."""
        validity = publication.validity
        return f"{validity.effective_from} — {validity.effective_to or _('无期限')}"

    @admin.display(description=_("今日状态"))
    def status_now(self, publication: Publication) -> Any:
        """As it stands on the business date."""
        status = publication.status_on(dates.today())
        return dict(publication.statuses.model.Status.choices).get(status, _("尚未施行"))

    @admin.display(description=_("规范文本"))
    def canonical_text(self, publication: Publication) -> Any:
        """The canonical JSON, set out to be read."""
        text = json.dumps(publication.document, ensure_ascii=False, indent=2)
        return format_html("<pre>{}</pre>", text)
