"""算力租用合同 and what stands behind it: devices, capacity, metered use."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models import Party, User
from vouchers.models.recorded import Recorded
from vouchers.policy.terms import ContractKind
from vouchers.states import Lifecycle, Transition, register


class LeaseState(models.TextChoices):
    DRAFT = "draft", _("填写中")
    FILED = "filed", _("已备案")
    RETURNED = "returned", _("待补正")
    VERIFIED = "verified", _("已核验")
    ENDED = "ended", _("已终止")
    VOIDED = "voided", _("已作废")


class PriceUnit(models.TextChoices):
    CARD_HOUR = "card_hour", _("元/卡时")
    CARD_MONTH = "card_month", _("元/卡月")
    SERVER_MONTH = "server_month", _("元/台月")
    PFLOPS_DAY = "pflops_day", _("元/P·天")


class Purpose(models.TextChoices):
    TRAINING = "training", _("模型训练")
    INFERENCE = "inference", _("推理")
    FINETUNING = "finetuning", _("微调")
    OTHER = "other", _("其他")


class LeaseQuerySet(ScopedQuerySet):
    region_path = "program_region_code"
    party_paths = ("lessee", "lessor")


class Lease(Recorded):
    """One contract between a lessee and a lessor. Amounts and unit prices are without tax; the period is half-open."""

    lease_no = models.CharField(_("合同备案号"), max_length=24, unique=True)
    kind = models.CharField(
        _("合同种类"), max_length=20, choices=ContractKind.pairs(), default=ContractKind.LEASE.value
    )
    contract_no = models.CharField(_("合同编号"), max_length=60, blank=True)
    product = models.CharField(_("产品或服务名称"), max_length=200, blank=True, default="", db_default="")
    # lease_by_lessee and lease_by_lessor begin with them: an index of their own would only be written.
    lessee = models.ForeignKey(
        Party, models.PROTECT, related_name="leases_taken", verbose_name=_("承租方"), db_index=False
    )
    lessor = models.ForeignKey(
        Party, models.PROTECT, related_name="leases_given", verbose_name=_("出租方"), db_index=False
    )
    program_code = models.CharField(_("专项代码"), max_length=30, db_index=True)
    program_region_code = models.CharField(_("专项所在地区"), max_length=6)
    region_code = models.CharField(_("算力所在地"), max_length=6)
    signed_on = models.DateField(_("签订日"))
    starts_on = models.DateField(_("开始日"))
    ends_before = models.DateField(_("结束日的次日"))
    accelerator = models.CharField(_("加速卡型号"), max_length=60, blank=True)
    form_factor = models.CharField(_("形态"), max_length=20, blank=True)
    cards = models.PositiveIntegerField(_("卡数"), null=True, blank=True)
    unit = models.CharField(_("计价单位"), max_length=14, choices=PriceUnit, blank=True)
    quantity = models.DecimalField(_("数量"), max_digits=18, decimal_places=4, null=True, blank=True)
    unit_price = models.DecimalField(
        _("单价（不含税）"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    vat_rate = models.DecimalField(_("税率"), max_digits=9, decimal_places=6, default=0)
    amount = models.DecimalField(_("合同金额（不含税）"), max_digits=18, decimal_places=2)
    purpose = models.CharField(_("用途"), max_length=12, choices=Purpose, blank=True)
    exclusive = models.BooleanField(_("独占"), default=False)
    bundled = models.BooleanField(_("含存储、网络等其他服务"), default=False)
    document_sha256 = models.CharField(_("合同文本摘要"), max_length=64, blank=True)
    document_text = models.TextField(_("合同文本"), blank=True)
    state = models.CharField(_("状态"), max_length=10, choices=LeaseState, default=LeaseState.DRAFT)
    filer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    filed_at = models.DateTimeField(_("备案时间"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    lifecycle: ClassVar[Lifecycle]
    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("算力租用合同")
        verbose_name_plural = _("算力租用合同")
        constraints = (
            models.CheckConstraint(condition=Q(ends_before__gt=models.F("starts_on")), name="lease_period"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="lease_amount"),
        )
        indexes = (
            models.Index(fields=("lessee", "signed_on"), name="lease_by_lessee"),
            models.Index(fields=("lessor", "signed_on"), name="lease_by_lessor"),
            models.Index(
                fields=("document_sha256",), name="lease_document", condition=~Q(document_sha256="")
            ),
        )

    def __str__(self) -> str:
        return self.lease_no


Lease.lifecycle = register(
    Lifecycle(
        name="lease",
        label="合同",
        table="applications_lease",
        states=LeaseState,
        initial=(LeaseState.DRAFT,),
        transitions=(
            Transition("file", "备案", ("draft", "returned"), "filed", (Role.FILER,)),
            Transition("return", "退回补正", ("filed",), "returned", (Role.HANDLER,), 5),
            Transition("verify", "核验", ("filed",), "verified", (Role.HANDLER,), 5),
            Transition("end", "终止", ("filed", "verified"), "ended", (Role.FILER, Role.HANDLER)),
            Transition(
                "void",
                "作废",
                ("draft", "filed", "returned", "verified"),
                "voided",
                (Role.HANDLER,),
                None,
                "无已核准的兑付",
            ),
        ),
    )
)


class ProviderOwnedQuerySet(ScopedQuerySet):
    staff_see_all = True
    party_paths = ("provider",)


class Device(Recorded):
    """A card or server, by its serial."""

    serial = models.CharField(_("序列号"), max_length=60, unique=True)
    provider = models.ForeignKey(Party, models.PROTECT, related_name="devices", verbose_name=_("服务商"))
    accelerator = models.CharField(_("型号"), max_length=60)
    site = models.CharField(_("机房"), max_length=100, blank=True)
    in_service_on = models.DateField(_("启用日"), null=True, blank=True)
    retired_on = models.DateField(_("停用日"), null=True, blank=True)
    replaces_serial = models.CharField(_("替换的序列号"), max_length=60, blank=True)

    objects = ProviderOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("设备")
        verbose_name_plural = _("设备")
        indexes = (
            models.Index(
                fields=("replaces_serial",), condition=~Q(replaces_serial=""), name="device_successor"
            ),
        )

    def __str__(self) -> str:
        return self.serial


class LeaseDevice(Recorded):
    """A device let under a lease over a half-open time. ``share`` 1 is the whole device. Overlaps are storable: F17 needs the
    evidence. A serial that no register knows is kept as it was stated."""

    # lease_device_once begins with it.
    lease = models.ForeignKey(
        Lease, models.PROTECT, related_name="devices", verbose_name=_("合同"), db_index=False
    )
    serial = models.CharField(_("序列号"), max_length=60, db_index=True)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至（不含）"))
    share = models.DecimalField(_("份额"), max_digits=9, decimal_places=6, default=1)

    class Meta:
        verbose_name = _("合同设备")
        verbose_name_plural = _("合同设备")
        constraints = (
            models.UniqueConstraint(fields=("lease", "serial", "effective_from"), name="lease_device_once"),
            models.CheckConstraint(
                condition=Q(effective_to__gt=models.F("effective_from")), name="lease_device_period"
            ),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="lease_device_share"),
        )

    def __str__(self) -> str:
        return f"{self.lease_id} · {self.serial}"


class Capacity(Recorded):
    """Registered capacity of a provider over a time."""

    provider = models.ForeignKey(Party, models.PROTECT, related_name="capacity", verbose_name=_("服务商"))
    accelerator = models.CharField(_("型号"), max_length=60)
    cards = models.PositiveIntegerField(_("卡数"))
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至（不含）"), null=True, blank=True)
    site = models.CharField(_("机房"), max_length=100, blank=True)

    objects = ProviderOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("登记规模")
        verbose_name_plural = _("登记规模")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "accelerator", "site", "effective_from"), name="capacity_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} · {self.accelerator} × {self.cards}"
