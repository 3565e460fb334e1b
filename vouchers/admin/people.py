"""用户 and 角色授权. Everything is written by the actions; who sees what is `actions.care`'s."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role
from vouchers.actions import people
from vouchers.actions.care import (
    accounts_in_care,
    grants_in_care,
    parties_in_care,
    regions_in_care,
    regions_without_staff,
)
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin, ReasonForm, shown_once
from vouchers.models import Party, Region, RoleGrant, User

SECURITY = (Role.SECURITY_ADMIN,)
PEOPLE_READERS = (Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.AUDITOR)

# -- accounts -------------------------------------------------------------------------------------------------------


class ContactForm(forms.Form):
    """Name and ways to reach the person."""

    display_name = forms.CharField(label=_("姓名"), max_length=60)
    phone = forms.CharField(label=_("手机"), max_length=20, required=False)
    email = forms.EmailField(label=_("电子邮箱"), required=False)


class AccountForm(ContactForm):
    """A new account."""

    username = forms.CharField(
        label=_("账号"), max_length=60, help_text=_("用于登录，建立后不能更改；可用文字、数字和 @ . + - _。")
    )
    field_order = ("username", "display_name", "phone", "email")


ADVICE = _("请当面或通过安全渠道交给本人，并提醒其登录后立即修改密码。离开本页后无法再次查看。")


def _create(request: HttpRequest, obj: Any, given: dict[str, Any]) -> HttpResponse:
    account, password = people.create_user(by=request.user, **given)  # type: ignore[arg-type]
    return shown_once(
        request,
        User._meta,
        title=_("账号已建立"),
        done=f"已为{account.display_name}建立账号“{account.username}”。该账号目前没有任何权限，请另行授权。",
        label=_("初始密码"),
        secret=password,
        advice=ADVICE,
        row=account,
    )


def _reset(request: HttpRequest, account: User, given: dict[str, Any]) -> HttpResponse:
    password = people.reset_password(account, by=request.user)  # type: ignore[arg-type]
    return shown_once(
        request,
        User._meta,
        title=_("密码已重置"),
        done=f"“{account.username}”（{account.display_name}）的密码已重置，原密码失效。",
        label=_("新密码"),
        secret=password,
        advice=ADVICE,
        row=account,
    )


def _correct(request: HttpRequest, account: User, given: dict[str, Any]) -> str:
    people.correct_user(account, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{account.username}”的资料已更正。"


def _lock(request: HttpRequest, account: User, given: dict[str, Any]) -> str:
    people.lock_user(account, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{account.username}”已停用，即刻生效。"


def _unlock(request: HttpRequest, account: User, given: dict[str, Any]) -> str:
    people.unlock_user(account, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{account.username}”已恢复。"


@admin.register(User)
class UserAdmin(ActionOnlyAdmin):
    """Accounts in the care of the own regions. What a person may do stands in the grants below, and nowhere else."""

    public_key_fields = ("username",)
    read_as = "user"

    read_roles = PEOPLE_READERS
    adding = Act(
        "add",
        _("建立账号"),
        _("账号建立后没有任何权限，须另行授予角色。初始密码只显示一次。"),
        SECURITY,
        _create,
        form=AccountForm,
    )
    acts = (
        Act(
            "correct",
            _("更正资料"),
            _("只更正姓名和联系方式；账号名不变。"),
            SECURITY,
            _correct,
            form=ContactForm,
            initial=lambda user: {
                "display_name": user.display_name,
                "phone": user.phone,
                "email": user.email,
            },
        ),
        Act(
            "reset-password",
            _("重置密码"),
            _("原密码立即失效，新密码只显示一次。"),
            SECURITY,
            _reset,
            lambda user: user.is_active,
        ),
        Act(
            "lock",
            _("停用"),
            _("停用后立即不能登录和办理任何事项；已办事项的记录保留。"),
            SECURITY,
            _lock,
            lambda user: user.is_active,
            ReasonForm,
        ),
        Act(
            "unlock",
            _("恢复"),
            _("恢复后可以登录，仍在有效期内的授权随之生效。"),
            SECURITY,
            _unlock,
            lambda user: not user.is_active,
            ReasonForm,
        ),
    )
    list_display = ("username", "display_name", "roles_now", "is_active")
    list_filter = ("is_active",)
    search_fields = ("username", "display_name")
    ordering = ("username",)
    fields = (
        ("username", "display_name"),
        ("phone", "email"),
        ("is_active", "created_at"),
        "last_login",
        "roles",
    )
    readonly_fields = ("roles",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        by: Any = request.user
        return (
            accounts_in_care(by, *self.read_roles)
            .order_by("username")
            .prefetch_related("grants__region", "grants__party")
        )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found, distinct = super().get_search_results(request, queryset, search_term)
        if request.GET.get("field_name"):  # asked by a form: nobody grants to himself or to a locked account
            found = found.filter(is_active=True).exclude(pk=request.user.pk)
        return found, distinct

    @admin.display(description=_("当前角色"))
    def roles_now(self, user: User) -> str:
        """The roles in force today, without their places."""
        today = dates.today()
        names = {
            str(grant.get_role_display())
            for grant in user.grants.all()
            if grant.effective_from <= today and (grant.effective_to is None or grant.effective_to > today)
        }
        return "、".join(sorted(names)) or "—"

    @admin.display(description=_("角色授权"))
    def roles(self, user: User) -> str:
        """Every grant, ended ones too."""
        rows = [
            (
                reverse("admin:vouchers_rolegrant_change", args=[grant.pk]),
                grant.get_role_display(),
                grant.region or grant.party,
                grant.effective_from,
                grant.effective_to or _("长期"),
            )
            for grant in user.grants.all()
        ]
        if not rows:
            return str(_("尚未授予任何角色。"))
        return format_html_join("\n", '<div><a href="{}">{} · {}</a>（{} — {}）</div>', rows)


# -- grants ---------------------------------------------------------------------------------------------------------


class GrantForm(forms.Form):
    """Who, which role, where, from when to when."""

    user = forms.ModelChoiceField(User.objects.none(), label=_("用户"))
    role = forms.ChoiceField(label=_("角色"), choices=[("", "—"), *Role.choices])
    region = forms.ModelChoiceField(
        Region.objects.none(),
        label=_("地区"),
        required=False,
        help_text=_("政府工作人员的角色填地区。新登记、还没有人任职的地区，先授予该地区的“安全管理”。"),
    )
    party = forms.ModelChoiceField(
        Party.objects.none(), label=_("单位"), required=False, help_text=_("企业和服务商的角色填单位。")
    )
    organisation = forms.CharField(label=_("部门"), max_length=100, required=False)
    effective_from = forms.DateField(label=_("生效日"), initial=dates.today, widget=DAY)
    effective_to = forms.DateField(
        label=_("失效日"), required=False, widget=DAY, help_text=_("当日起不再有效；留空表示长期。")
    )

    def for_person(self, request: HttpRequest) -> None:
        """People, regions and companies in the person's care."""
        by: Any = request.user
        chosen: dict[str, QuerySet[Any]] = {
            "user": accounts_in_care(by, *SECURITY).filter(is_active=True).exclude(pk=by.pk),
            "region": Region.objects.filter(code__in=regions_in_care(by, *SECURITY))
            | regions_without_staff(),
            "party": parties_in_care(by, *SECURITY),
        }
        for name, rows in chosen.items():
            field: Any = self.fields[name]
            if name != "region":
                model_field = RoleGrant._meta.get_field(name)
                field.widget = AutocompleteSelect(model_field, admin.site, attrs={"class": "wide"})
                field.widget.choices = field.choices
                field.widget.is_required = field.required
            field.queryset = rows


def _grant(request: HttpRequest, obj: Any, given: dict[str, Any]) -> str:
    grant = people.grant_role(given.pop("user"), given.pop("role"), by=request.user, **given)  # type: ignore[arg-type]
    return f"已授权：{grant}，自 {grant.effective_from} 起。"


class RevokeForm(ReasonForm):
    """From when, and why."""

    on = forms.DateField(label=_("自何日起失效"), initial=dates.today, widget=DAY)
    field_order = ("on", "reason")


def _revoke(request: HttpRequest, grant: RoleGrant, given: dict[str, Any]) -> str:
    people.revoke_role(grant, by=request.user, **given)  # type: ignore[arg-type]
    return f"{grant}：自 {grant.effective_to} 起失效。"


def _lasts(grant: RoleGrant) -> bool:
    return grant.effective_to is None or grant.effective_to > max(dates.today(), grant.effective_from)


@admin.register(RoleGrant)
class RoleGrantAdmin(ActionOnlyAdmin):
    """角色授权: given and taken back, never changed."""

    public_key_fields = ("entry_no",)
    read_roles = PEOPLE_READERS
    adding = Act(
        "add",
        _("授予角色"),
        _("授权自生效日起有效。不相容的角色不能授予同一人；任何人不能给自己授权。"),
        SECURITY,
        _grant,
        form=GrantForm,
    )
    acts = (
        Act(
            "revoke",
            _("收回"),
            _("自所填日期起不再有效；已办事项的记录保留。需要即刻停止的，请停用账号。"),
            SECURITY,
            _revoke,
            _lasts,
            RevokeForm,
        ),
    )
    list_display = ("entry_no", "user", "role", "place", "effective_from", "effective_to", "granted_by")
    list_filter = ("role",)
    list_select_related = ("user", "region", "party", "granted_by")
    search_fields = ("=entry_no", "user__username", "user__display_name", "party__name", "region__name")
    date_hierarchy = "effective_from"
    ordering = ("-effective_from", "-pk")
    fields = (
        "user",
        "role",
        ("region", "party"),
        "organisation",
        ("effective_from", "effective_to"),
        "granted_by",
    )

    def region_of(self, obj: RoleGrant) -> None:
        """The rows are in care already."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoleGrant]:
        by: Any = request.user
        return grants_in_care(by, *self.read_roles).select_related("user", "region", "party", "granted_by")

    @admin.display(description=_("地区或单位"))
    def place(self, grant: RoleGrant) -> Any:
        """Where the role is held."""
        return grant.region or grant.party
