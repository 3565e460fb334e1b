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
from vouchers.actions.care import credentials_in_care, parties_in_care, regions_in_care
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin, ReasonForm, shown_once
from vouchers.admin.people import PEOPLE_READERS, SECURITY
from vouchers.models import ApiCredential, Party, Program, Region, RoleGrant, User
from vouchers.models.platforms import CALLS_A_MINUTE, Scope, every_scope


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
    region = forms.ModelChoiceField(
        Region.objects.none(),
        label=_("适用地区"),
        required=False,
        help_text=_("只能办理该地区及其下级地区的专项；不选即为您负责的地区。"),
    )
    scopes = forms.MultipleChoiceField(
        label=_("权限"),
        choices=Scope.choices,
        initial=every_scope,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("不选即为全部权限。"),
    )
    calls_a_minute = forms.IntegerField(
        label=_("每分钟调用上限"),
        initial=CALLS_A_MINUTE,
        required=False,
        min_value=1,
        max_value=credentials.MOST_CALLS_A_MINUTE,
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
            "region": Region.objects.filter(code__in=regions_in_care(by, *SECURITY)),
        }
        for name, rows in chosen.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]


class RotateForm(forms.Form):
    """How long both tokens are valid."""

    hours = forms.IntegerField(
        label=_("新旧令牌并用（小时）"),
        initial=24,
        min_value=0,
        max_value=credentials.LONGEST_OVERLAP_HOURS,
        help_text=_("原令牌在此期间仍可使用，以便平台切换；填 0 即刻失效。"),
    )


class NarrowForm(ReasonForm):
    """What it may do, and how often."""

    scopes = forms.MultipleChoiceField(
        label=_("权限"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    calls_a_minute = forms.IntegerField(
        label=_("每分钟调用上限"), min_value=1, max_value=credentials.MOST_CALLS_A_MINUTE
    )
    field_order = ("scopes", "calls_a_minute", "reason")


def _issue(request: HttpRequest, obj: Any, given: dict[str, Any]) -> HttpResponse:
    given["scopes"] = given["scopes"] or every_scope()
    given["calls_a_minute"] = given["calls_a_minute"] or CALLS_A_MINUTE
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


def _rotate(request: HttpRequest, credential: ApiCredential, given: dict[str, Any]) -> HttpResponse:
    token = credentials.rotate_credential(credential, by=request.user, **given)  # type: ignore[arg-type]
    return shown_once(
        request,
        ApiCredential._meta,
        title=_("令牌已轮换"),
        done=f"{credential}：新令牌已生效，原令牌 {given['hours']} 小时后失效。",
        label=_("新令牌"),
        secret=token,
        advice=_("请通过安全渠道交给服务商，并提醒其在原令牌失效前完成切换。离开本页后无法再次查看。"),
        row=credential,
    )


def _narrow(request: HttpRequest, credential: ApiCredential, given: dict[str, Any]) -> str:
    credentials.narrow_credential(credential, by=request.user, **given)  # type: ignore[arg-type]
    return f"{credential}：权限与调用上限已调整。"


def _valid(credential: ApiCredential) -> bool:
    return credential.revoked_at is None


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
            "rotate",
            _("轮换令牌"),
            _("生成新令牌，只显示一次。并用期内新旧令牌都可使用，期满后原令牌失效。"),
            SECURITY,
            _rotate,
            _valid,
            RotateForm,
        ),
        Act(
            "narrow",
            _("调整权限"),
            _("从平台的下一次调用起生效。"),
            SECURITY,
            _narrow,
            _valid,
            NarrowForm,
            lambda credential: {"scopes": credential.scopes, "calls_a_minute": credential.calls_a_minute},
        ),
        Act(
            "revoke",
            _("吊销"),
            _("吊销后平台立即不能再用此令牌调用接口，不能恢复。"),
            SECURITY,
            _revoke_credential,
            _valid,
            ReasonForm,
        ),
    )
    list_display = (
        "provider",
        "label",
        "token_prefix",
        "region",
        "allowed",
        "last_used_at",
        "expires_on",
        "revoked_at",
    )
    list_select_related = ("provider", "user", "region")
    search_fields = ("provider__name", "label", "token_prefix")
    fields = (
        ("provider", "user"),
        "label",
        ("region", "bound_to"),
        ("allowed", "calls_a_minute"),
        "token_prefix",
        ("previous_token_prefix", "previous_until"),
        ("created_at", "rotated_at", "last_used_at"),
        ("expires_on", "revoked_at"),
    )
    readonly_fields = (
        "bound_to",
        "allowed",
        "created_at",
        "rotated_at",
        "last_used_at",
        "previous_token_prefix",
        "previous_until",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiCredential]:
        return credentials_in_care(request.user, *self.read_roles)  # type: ignore[arg-type]

    def region_of(self, obj: Any) -> None:
        """Whose it is says the care of the provider, which the actions look at; not the region that it reaches."""

    @admin.display(description=_("权限"))
    def allowed(self, credential: ApiCredential) -> str:
        """What it may be used for."""
        return "、".join(str(Scope(scope).label) for scope in credential.scopes)

    @admin.display(description=_("专项"))
    def bound_to(self, credential: ApiCredential) -> str:
        """The programs that it is bound to."""
        programs = [program.name for program in credential.programs.all()]
        return format_html_join("、", "{}", ((name,) for name in programs)) or format_html(
            "{}", _("不限专项")
        )
