"""推送地址, in the configuration: proposed by a security administrator, approved by an administrator of the system."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.actions import webhooks
from vouchers.actions.care import parties_in_care, regions_in_care
from vouchers.admin.acts import Act, ActionOnlyAdmin, ReasonForm, shown_once
from vouchers.admin.people import PEOPLE_READERS, SECURITY
from vouchers.models import Party, Region, Webhook
from vouchers.models.platforms import WebhookState

APPROVERS = (Role.SYSTEM_ADMIN,)
SHOWN_DELIVERIES = 20


class WebhookForm(forms.Form):
    """Whose events go where."""

    provider = forms.ModelChoiceField(Party.objects.none(), label=_("服务商"))
    region = forms.ModelChoiceField(
        Region.objects.none(), label=_("适用地区"), help_text=_("只推送该地区及其下级地区专项的状态变动。")
    )
    url = forms.CharField(
        label=_("推送地址"),
        max_length=300,
        widget=forms.URLInput,
        help_text=_("服务商公网可达的 https 地址；不跟随跳转，不得指向内部网络。"),
    )

    def for_person(self, request: HttpRequest) -> None:
        """Providers and regions in the person's care."""
        by: Any = request.user
        chosen: dict[str, QuerySet[Any]] = {
            "provider": parties_in_care(by, *SECURITY).filter(is_provider=True),
            "region": Region.objects.filter(code__in=regions_in_care(by, *SECURITY)),
        }
        for name, rows in chosen.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]


class SecretForm(forms.Form):
    """How long both secrets sign."""

    hours = forms.IntegerField(
        label=_("新旧密钥并用（小时）"),
        initial=24,
        min_value=0,
        max_value=168,
        help_text=_("并用期内每次推送同时带两个签名，便于服务商切换。"),
    )


_ADVICE = _("请通过安全渠道交给服务商，用于核验推送的签名。离开本页后无法再次查看；遗失须轮换。")


def _propose(request: HttpRequest, obj: Any, given: dict[str, Any]) -> HttpResponse:
    webhook, secret = webhooks.propose_webhook(by=request.user, **given)  # type: ignore[arg-type]
    return shown_once(
        request,
        Webhook._meta,
        title=_("推送地址已提出"),
        done=f"{webhook}：须由系统管理员复核后开始推送。",
        label=_("签名密钥"),
        secret=secret,
        advice=_ADVICE,
        row=webhook,
    )


def _rotate(request: HttpRequest, webhook: Webhook, given: dict[str, Any]) -> HttpResponse:
    secret = webhooks.rotate_secret(webhook, by=request.user, **given)  # type: ignore[arg-type]
    return shown_once(
        request,
        Webhook._meta,
        title=_("签名密钥已轮换"),
        done=f"{webhook}：新密钥已生效，原密钥 {given['hours']} 小时后停用。",
        label=_("新签名密钥"),
        secret=secret,
        advice=_ADVICE,
        row=webhook,
    )


def _approve(request: HttpRequest, webhook: Webhook, given: dict[str, Any]) -> str:
    webhooks.approve_webhook(webhook, by=request.user)  # type: ignore[arg-type]
    return f"{webhook}：已复核，开始推送此后的状态变动。"


def _resume(request: HttpRequest, webhook: Webhook, given: dict[str, Any]) -> str:
    webhooks.resume_webhook(webhook, by=request.user)  # type: ignore[arg-type]
    return f"{webhook}：已恢复，从未送达处续推。"


def _pause(request: HttpRequest, webhook: Webhook, given: dict[str, Any]) -> str:
    webhooks.pause_webhook(webhook, by=request.user, **given)  # type: ignore[arg-type]
    return f"{webhook}：已暂停。"


def _end(request: HttpRequest, webhook: Webhook, given: dict[str, Any]) -> str:
    webhooks.end_webhook(webhook, by=request.user, **given)  # type: ignore[arg-type]
    return f"{webhook}：已终止。"


def _in(*states: str) -> Any:
    return lambda webhook: webhook.state in states


@admin.register(Webhook)
class WebhookAdmin(ActionOnlyAdmin):
    """推送地址 of the providers in care; the secret is nobody's reading."""

    public_key_fields = ("webhook_no",)
    read_roles = (*PEOPLE_READERS, *APPROVERS)
    adding = Act(
        "add",
        _("提出推送地址"),
        _("提出后由系统管理员复核，复核前不推送。签名密钥只显示一次。"),
        SECURITY,
        _propose,
        form=WebhookForm,
    )
    acts = (
        Act(
            "approve",
            _("复核"),
            _("请核对地址属于该服务商。复核后系统将向该地址推送其状态变动。"),
            APPROVERS,
            _approve,
            _in(WebhookState.PROPOSED),
        ),
        Act(
            "rotate",
            _("轮换密钥"),
            _("生成新的签名密钥，只显示一次。"),
            SECURITY,
            _rotate,
            lambda webhook: webhook.state != WebhookState.ENDED,
            SecretForm,
        ),
        Act(
            "pause",
            _("暂停"),
            _("停止推送；恢复后从未送达处续推，不会遗漏。"),
            SECURITY,
            _pause,
            _in(WebhookState.ACTIVE),
            ReasonForm,
        ),
        Act(
            "resume",
            _("恢复"),
            _("从未送达处续推。"),
            SECURITY,
            _resume,
            _in(WebhookState.DISABLED),
        ),
        Act(
            "end",
            _("终止"),
            _("不再向该地址推送，不能恢复。"),
            SECURITY,
            _end,
            lambda webhook: webhook.state != WebhookState.ENDED,
            ReasonForm,
        ),
    )
    list_display = ("webhook_no", "provider", "url", "region", "state", "delivered", "failures")
    list_select_related = ("provider", "region")
    list_filter = ("state",)
    search_fields = ("webhook_no", "provider__name", "url")
    fields = (
        ("webhook_no", "state"),
        ("provider", "region"),
        "url",
        ("proposed_by", "approved_by", "created_at"),
        ("delivered", "failures", "next_at"),
        "disabled_reason",
        "previous_until",
        "log",
    )
    readonly_fields = (
        "created_at",
        "delivered",
        "failures",
        "next_at",
        "disabled_reason",
        "previous_until",
        "log",
    )

    def region_of(self, obj: Any) -> None:
        """Whose it is says the care of its region, which the actions look at."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        regions = regions_in_care(request.user, *self.read_roles)  # type: ignore[arg-type]
        return Webhook.objects.filter(region__code__in=regions)

    @admin.display(description=_("最近推送"))
    def log(self, webhook: Webhook) -> str:
        """The last tries."""
        rows = [
            (
                f"{timezone.localtime(delivery.sent_at):%m-%d %H:%M:%S}",
                delivery.first,
                delivery.last,
                delivery.attempt,
                delivery.status or _("无应答"),
                delivery.milliseconds,
                shortened(delivery.error, 80),
            )
            for delivery in webhook.deliveries.all()[:SHOWN_DELIVERIES]
        ]
        if not rows:
            return str(_("尚未推送。"))
        return format_html_join(format_html("<br>"), "{}　{}–{}　第 {} 次　{}　{} 毫秒　{}", rows)


def shortened(text: str, longest: int) -> str:
    """The beginning of a long text."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
