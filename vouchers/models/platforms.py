"""Providers' platforms: their credentials, what they are told of (the feed), and where it is sent (webhooks)."""

from __future__ import annotations

import hashlib
import secrets
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.models.people import Region, User
from vouchers.states import Lifecycle, Transition, register


class Scope(models.TextChoices):
    """What a credential may be used for."""

    SETTLE = "settle", _("办理即时抵扣")
    READ = "read", _("查询与对账")
    EVENTS = "events", _("接收状态变动")
    PRICE = "price", _("上报价格")
    METER = "meter", _("上报用量")


def every_scope() -> list[str]:
    """The scopes of a credential that is not narrowed."""
    return [str(scope) for scope in Scope.values]


#: Calls a minute of one credential unless the office says otherwise: a hundred a second.
CALLS_A_MINUTE = 6000


class ApiCredential(models.Model):
    """A provider platform's token: only its digest is kept. It is bound to a provider, to a region with all below it, and to
    programs when some are named. Two tokens are valid while one takes the place of the other (``previous_…``)."""

    provider = models.ForeignKey(
        "vouchers.Party", models.PROTECT, related_name="credentials", verbose_name=_("服务商")
    )
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("平台账号"))
    region = models.ForeignKey(
        Region,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("适用地区"),
        help_text=_("只能办理该地区及其下级地区的专项。"),
    )
    programs = models.ManyToManyField("vouchers.Program", blank=True, verbose_name=_("专项"))
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope), default=every_scope, verbose_name=_("权限")
    )
    calls_a_minute = models.PositiveIntegerField(
        _("每分钟调用上限"),
        default=CALLS_A_MINUTE,
        db_default=CALLS_A_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
    )
    label = models.CharField(_("用途"), max_length=60)
    token_prefix = models.CharField(_("令牌前缀"), max_length=8, unique=True)
    token_digest = models.CharField(_("令牌摘要"), max_length=64)
    previous_token_prefix = models.CharField(
        _("原令牌前缀"), max_length=8, unique=True, null=True, blank=True, editable=False
    )
    previous_token_digest = models.CharField(
        _("原令牌摘要"), max_length=64, blank=True, default="", db_default="", editable=False
    )
    previous_until = models.DateTimeField(_("原令牌有效至"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("签发时间"), auto_now_add=True)
    rotated_at = models.DateTimeField(_("轮换时间"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("最近使用"), null=True, blank=True, editable=False)
    expires_on = models.DateField(_("到期日"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("吊销时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("平台凭据")
        verbose_name_plural = _("平台凭据")

    def __str__(self) -> str:
        return f"{self.provider} · {self.label}"

    @staticmethod
    def new_token() -> tuple[str, str, str]:
        """A fresh token, its prefix and its digest. The token itself is shown once and never stored."""
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        token = f"{prefix}.{secret}"
        return token, prefix, ApiCredential.digest(token)

    @staticmethod
    def digest(token: str) -> str:
        """The stored form of a token: 256 random bits need no slow hash."""
        return hashlib.sha256(token.encode()).hexdigest()


class PlatformEvent(models.Model):
    """状态变动: one thing that a platform is told of, written by the database in the transaction in which it happened.

    ``position`` numbers a provider's events without a gap in the order in which they were committed. It is given later, one
    at a time for a provider (``number_platform_events``), because numbers given inside of transactions do not follow commits.
    """

    provider = models.ForeignKey("vouchers.Party", models.PROTECT, related_name="+", verbose_name=_("服务商"))
    position = models.PositiveBigIntegerField(_("序号"), null=True, blank=True)
    kind = models.CharField(_("事项"), max_length=40)
    subject_no = models.CharField(_("编号"), max_length=24)
    program_code = models.CharField(_("专项代码"), max_length=30)
    program_region_code = models.CharField(_("地区代码"), max_length=6)
    content = models.JSONField(_("内容"), default=dict)
    happened_at = models.DateTimeField(_("发生时间"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("状态变动")
        verbose_name_plural = _("状态变动")
        constraints = (
            models.UniqueConstraint(fields=("provider", "position"), name="platform_event_position"),
        )
        indexes = (
            models.Index(
                fields=("provider", "id"), condition=Q(position=None), name="platform_event_unnumbered"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_no}"


class WebhookState(models.TextChoices):
    PROPOSED = "proposed", _("待复核")
    ACTIVE = "active", _("推送中")
    DISABLED = "disabled", _("已停用")
    ENDED = "ended", _("已终止")


class Webhook(models.Model):
    """推送地址: where a provider's events are sent, proposed by one administrator and approved by another.

    The secret that signs is kept encrypted (it must be known to sign); two are valid while one takes the place of the other.
    ``delivered`` is the position up to which the other side has answered 2xx; nothing is sent before that.
    """

    webhook_no = models.CharField(_("编号"), max_length=24, unique=True)
    provider = models.ForeignKey("vouchers.Party", models.PROTECT, related_name="+", verbose_name=_("服务商"))
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("适用地区"))
    url = models.URLField(_("地址"), max_length=300)
    state = models.CharField(_("状态"), max_length=10, choices=WebhookState, default=WebhookState.PROPOSED)
    secret_sealed = models.TextField(_("签名密钥（密文）"), editable=False)
    previous_secret_sealed = models.TextField(
        _("原签名密钥（密文）"), blank=True, default="", db_default="", editable=False
    )
    previous_until = models.DateTimeField(_("原密钥有效至"), null=True, blank=True, editable=False)
    delivered = models.PositiveBigIntegerField(_("已送达序号"), default=0, db_default=0, editable=False)
    failures = models.PositiveIntegerField(_("连续失败次数"), default=0, db_default=0, editable=False)
    next_at = models.DateTimeField(_("下次推送时间"), db_default=Now(), editable=False)
    disabled_reason = models.CharField(
        _("停用原因"), max_length=300, blank=True, default="", db_default="", editable=False
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    approved_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("复核人")
    )
    created_at = models.DateTimeField(_("建立时间"), auto_now_add=True)

    lifecycle: ClassVar[Lifecycle]

    class Meta:
        verbose_name = _("推送地址")
        verbose_name_plural = _("推送地址")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "url"), condition=~Q(state="ended"), name="webhook_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("proposed", "ended")) | Q(approved_by__isnull=False),
                name="webhook_approved",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("proposed_by")),
                name="webhook_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} · {self.webhook_no}"


Webhook.lifecycle = register(
    Lifecycle(
        name="webhook",
        label="推送地址",
        table="vouchers_webhook",
        states=WebhookState,
        initial=(WebhookState.PROPOSED,),
        transitions=(
            Transition(
                "approve", "复核", ("proposed",), "active", (Role.SYSTEM_ADMIN,), note="由提出人以外的人办理"
            ),
            Transition("disable", "停用", ("active",), "disabled", note="连续失败达到上限，由系统停用"),
            Transition("pause", "暂停", ("active",), "disabled", (Role.SECURITY_ADMIN,)),
            Transition(
                "resume", "恢复", ("disabled",), "active", (Role.SECURITY_ADMIN,), note="从未送达处续推"
            ),
            Transition("end", "终止", ("proposed", "active", "disabled"), "ended", (Role.SECURITY_ADMIN,)),
        ),
    )
)


class WebhookDelivery(models.Model):
    """One try to send events ``first``–``last``: what was answered, how long it took. Kept as a log."""

    webhook = models.ForeignKey(
        Webhook, models.PROTECT, related_name="deliveries", verbose_name=_("推送地址")
    )
    first = models.PositiveBigIntegerField(_("自序号"))
    last = models.PositiveBigIntegerField(_("至序号"))
    attempt = models.PositiveIntegerField(_("第几次"))
    sent_at = models.DateTimeField(_("推送时间"), db_default=Now(), editable=False)
    milliseconds = models.PositiveIntegerField(_("用时（毫秒）"))
    status = models.PositiveSmallIntegerField(_("应答状态"), null=True, blank=True)
    error = models.CharField(_("失败原因"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("推送记录")
        verbose_name_plural = _("推送记录")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.webhook_id} {self.first}–{self.last}"
