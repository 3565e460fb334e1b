"""算力券: issued against a budget, divisible or not, neither money nor a security, never transferable."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import Party
from vouchers.models.recorded import Origin, Recorded
from vouchers.states import Lifecycle, Transition, register


class VoucherState(models.TextChoices):
    ACTIVE = "active", _("可使用")
    FROZEN = "frozen", _("已冻结")
    EXHAUSTED = "exhausted", _("已用完")
    EXPIRED = "expired", _("已过期")
    VOIDED = "voided", _("已作废")


class VoucherQuerySet(ScopedQuerySet):
    region_path = "program__region__code"
    party_paths = ("enterprise",)


class Voucher(Recorded):
    """One voucher. Its balance is the ledger's: face value less what was posted and what is reserved."""

    voucher_no = models.CharField(_("券号"), max_length=24, unique=True)
    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, null=True, blank=True, verbose_name=_("专项")
    )
    publication = models.ForeignKey(
        "vouchers.Publication", models.PROTECT, null=True, blank=True, verbose_name=_("政策发布件")
    )
    application_no = models.CharField(_("申领编号"), max_length=24, db_index=True)
    enterprise = models.ForeignKey(Party, models.PROTECT, related_name="vouchers", verbose_name=_("持券单位"))
    # 核定额度 of a scheme that pays without vouchers: the ledger's entitlement, never shown as a voucher (decision 0010).
    is_entitlement = models.BooleanField(
        _("核定额度（不发券）"), default=False, db_default=False, editable=False
    )
    face_value = models.DecimalField(_("券面额"), max_digits=18, decimal_places=2)
    issued_on = models.DateField(_("发放日"))
    expires_on = models.DateField(
        _("到期日"), help_text=_("当日起不可再申请兑付；此前已预占的金额继续办理。")
    )
    budget_year = models.PositiveSmallIntegerField(_("预算年度"), null=True, blank=True)
    # Where several treasuries share the cost: their codes in the version it was issued under, in the order in which they bear
    # it, who takes the rest last. The ledger has an account for the part of each (decision 0015).
    bearers = ArrayField(
        models.CharField(max_length=40), verbose_name=_("分担财政"), default=list, blank=True, editable=False
    )
    state = models.CharField(_("状态"), max_length=12, choices=VoucherState, default=VoucherState.ACTIVE)
    account_id = models.UUIDField(_("科目"), default=uuid.uuid4, editable=False, unique=True)
    # The code by which the public page finds it without the number being guessable from the list of numbers.
    verification_code = models.CharField(_("查验码"), max_length=16, blank=True)

    lifecycle: ClassVar[Lifecycle]
    objects = VoucherQuerySet.as_manager()

    class Meta:
        verbose_name = _("算力券")
        verbose_name_plural = _("算力券")
        constraints = (
            models.CheckConstraint(condition=Q(face_value__gt=0), name="voucher_face_value_positive"),
            models.CheckConstraint(condition=Q(expires_on__gt=models.F("issued_on")), name="voucher_dates"),
            models.CheckConstraint(
                condition=Q(origin=Origin.IMPORTED) | Q(program__isnull=False, publication__isnull=False),
                name="voucher_live_has_publication",
            ),
            # An application is issued once, whoever issues it: alone, whole with its batch, or in a part of it.
            models.UniqueConstraint(
                fields=("application_no",),
                condition=Q(origin=Origin.LIVE),
                name="voucher_once_an_application",
            ),
        )
        indexes = (models.Index(fields=("enterprise", "state"), name="voucher_by_enterprise"),)

    def __str__(self) -> str:
        return self.voucher_no

    @property
    def noun(self) -> str:
        """What people call it: a voucher, or the amount set apart for a subsidy that is paid without one."""
        return "核定额度" if self.is_entitlement else "算力券"


class VoucherStep(models.Model):
    """One decision about a voucher, by whom and why: frozen, unfrozen, voided. Who froze it decides on neither of the others."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="steps", verbose_name=_("算力券"))
    verb = models.CharField(
        _("事项"),
        max_length=10,
        choices=(("freeze", _("冻结")), ("unfreeze", _("解冻")), ("void", _("作废"))),
    )
    reason = models.CharField(_("理由"), max_length=500)
    decided_by = models.ForeignKey(
        "vouchers.User", models.PROTECT, related_name="+", verbose_name=_("办理人")
    )
    decided_at = models.DateTimeField(_("办理时间"))

    class Meta:
        verbose_name = _("算力券处置")
        verbose_name_plural = _("算力券处置")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.verb}"


Voucher.lifecycle = register(
    Lifecycle(
        name="voucher",
        label="算力券",
        table="vouchers_voucher",
        states=VoucherState,
        initial=(VoucherState.ACTIVE,),
        transitions=(
            Transition("freeze", "冻结", ("active",), "frozen", (Role.HANDLER, Role.INVESTIGATOR)),
            Transition(
                "unfreeze", "解冻", ("frozen",), "active", (Role.APPROVER,), note="由冻结人以外的人办理"
            ),
            Transition("exhaust", "用完", ("active",), "exhausted", note="余额与预占均为零时由台账推进"),
            Transition("restore", "恢复", ("exhausted",), "active", note="冲回后余额大于零且未到期"),
            Transition(
                "expire",
                "过期",
                ("active", "frozen"),
                "expired",
                note="到期日由系统推进；已预占的金额继续办理",
            ),
            Transition(
                "void",
                "作废",
                ("frozen",),
                "voided",
                (Role.APPROVER,),
                note="先冻结；由冻结人以外的人办理，未用余额退回预算",
            ),
        ),
    )
)
