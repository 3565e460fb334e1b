"""平台凭据: issued and revoked by security administrators; the token is shown once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.actions import credentials
from vouchers.actions.care import parties_in_care, regions_in_care
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin, ReasonForm, shown_once
from vouchers.admin.people import PEOPLE_READERS, SECURITY
from vouchers.models import ApiCredential, Party, Program, RoleGrant, User


class CredentialForm(forms.Form):
    """For whom, what for, until when."""

    provider = forms.ModelChoiceField(Party.objects.none(), label=_("服务商"))
    user = forms.ModelChoiceField(
        User.objects.none(), label=_("平台账号"), help_text=_("须已有该服务商的“服务商平台”角色。")
    )
    programs = forms.ModelMultipleChoiceField(
        Program.objects.none(),
        label=_("专项"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("不选表示不限专项，以入库名单为准。"),
    )
    label = forms.CharField(label=_("用途"), max_length=60)
    expires_on = forms.DateField(label=_("到期日"), required=False, widget=DAY, help_text=_("当日起失效。"))

    def for_person(self, request: HttpRequest) -> None:
        """Providers, their platforms' accounts and programs in the person's care."""
        by: Any = request.user
        providers = parties_in_care(by, *SECURITY).filter(is_provider=True)
        platforms = RoleGrant.objects.in_force().filter(role=Role.PLATFORM, party__in=providers)
        chosen: dict[str, QuerySet[Any]] = {
            "provider": providers,
            "user": User.objects.filter(pk__in=platforms.values("user"), is_active=True),
            "programs": Program.objects.filter(region__code__in=regions_in_care(by, *SECURITY)),
        }
        for name, rows in chosen.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]


def _issue(request: HttpRequest, obj: Any, given: dict[str, Any]) -> HttpResponse:
    credential, token = credentials.issue_credential(by=request.user, **given)  # type: ignore[arg-type]
    return shown_once(
        request,
        ApiCredential._meta,
        title=_("凭据已签发"),
        done=f"已为{credential.provider}签发“{credential.label}”的凭据。",
        label=_("令牌"),
        secret=token,
        advice=_(
            "请通过安全渠道交给服务商。本机关只保存令牌的摘要，离开本页后无法再次查看；遗失须吊销后重新签发。"
        ),
        row=credential,
    )


def _revoke_credential(request: HttpRequest, credential: ApiCredential, given: dict[str, Any]) -> str:
    credentials.revoke_credential(credential, by=request.user, **given)  # type: ignore[arg-type]
    return f"{credential}：已吊销，即刻失效。"


@admin.register(ApiCredential)
class ApiCredentialAdmin(ActionOnlyAdmin):
    """平台凭据 of the providers in care; the digest is nobody's reading."""

    public_key_fields = ("token_prefix",)

    read_roles = PEOPLE_READERS
    adding = Act(
        "add",
        _("签发凭据"),
        _("凭据供服务商平台调用接口。令牌只显示一次。"),
        SECURITY,
        _issue,
        form=CredentialForm,
    )
    acts = (
        Act(
            "revoke",
            _("吊销"),
            _("吊销后平台立即不能再用此令牌调用接口，不能恢复。"),
            SECURITY,
            _revoke_credential,
            lambda credential: credential.revoked_at is None,
            ReasonForm,
        ),
    )
    list_display = ("provider", "label", "token_prefix", "user", "created_at", "expires_on", "revoked_at")
    list_select_related = ("provider", "user")
    search_fields = ("provider__name", "label", "token_prefix")
    fields = (
        ("provider", "user"),
        "label",
        "bound_to",
        "token_prefix",
        ("created_at", "expires_on", "revoked_at"),
    )
    readonly_fields = ("bound_to", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiCredential]:
        providers = parties_in_care(request.user, *self.read_roles)  # type: ignore[arg-type]
        return ApiCredential.objects.filter(provider__in=providers)

    @admin.display(description=_("专项"))
    def bound_to(self, credential: ApiCredential) -> str:
        """The programs that it is bound to."""
        programs = [program.name for program in credential.programs.all()]
        return format_html_join("、", "{}", ((name,) for name in programs)) or format_html(
            "{}", _("不限专项")
        )
