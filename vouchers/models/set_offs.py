"""抵扣: a later payment is made by what its payee owes. One person proposes it, another confirms it, like a payment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.models.clawbacks import Clawback, OfClawbackQuerySet
from vouchers.models.payments import Payment
from vouchers.models.people import User
from vouchers.states import Lifecycle, Transition, register


class SetOffState(models.TextChoices):
    PROPOSED = "proposed", _("待确认")
    BOOKED = "booked", _("已抵扣")
    REFUSED = "refused", _("未同意")
    WITHDRAWN = "withdrawn", _("已撤回")


class SetOff(models.Model):
    """So much of one payment against one clawback. While it waits, the payment is in no batch; what it is when it is confirmed
    is looked at again, as before a payment."""

    set_off_no = models.CharField(_("抵扣编号"), max_length=24, unique=True)
    clawback = models.ForeignKey(Clawback, models.PROTECT, related_name="set_offs", verbose_name=_("追回"))
    payment = models.ForeignKey(
        Payment, models.PROTECT, related_name="set_offs", verbose_name=_("抵扣的拨付")
    )
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    state = models.CharField(_("状态"), max_length=10, choices=SetOffState, default=SetOffState.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提请人"))
    proposed_at = models.DateTimeField(_("提请时间"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    decided_at = models.DateTimeField(_("确认时间"), null=True, blank=True)
    answer = models.CharField(_("意见"), max_length=500, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = OfClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("抵扣")
        verbose_name_plural = _("抵扣")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("payment",), condition=Q(state="proposed"), name="set_off_waits_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="set_off_positive"),
            models.CheckConstraint(
                condition=~Q(state="booked") | Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="set_off_two_persons",
            ),
        )

    def __str__(self) -> str:
        return self.set_off_no


SetOff.lifecycle = register(
    Lifecycle(
        name="set_off",
        label="抵扣",
        table="vouchers_setoff",
        states=SetOffState,
        initial=(SetOffState.PROPOSED,),
        transitions=(
            Transition(
                "confirm",
                "确认抵扣",
                ("proposed",),
                "booked",
                (Role.FINANCE,),
                5,
                "确认人须不是提请人，也未参与该笔兑付；再次核查筛查、名单、发票与暂缓",
            ),
            Transition("refuse", "不同意", ("proposed",), "refused", (Role.FINANCE,), 5),
            Transition("withdraw", "撤回", ("proposed",), "withdrawn", (Role.FINANCE,)),
        ),
    )
)
