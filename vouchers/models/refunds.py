"""退还: what the office received beyond what was due, or on a demand that it withdrew, goes back to the payer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.models.clawbacks import Clawback, ClawbackReceipt, OfClawbackQuerySet
from vouchers.models.parties import BankAccount
from vouchers.models.people import User
from vouchers.states import Lifecycle, Transition, register


class RefundKind(models.TextChoices):
    EXCESS = "excess", _("多付款项")
    WITHDRAWN = "withdrawn", _("撤销追回")


class RefundState(models.TextChoices):
    DUE = "due", _("应退还")
    APPROVED = "approved", _("待付款")
    PAID = "paid", _("已退还")


class Refund(models.Model):
    """One amount that goes back. It lies on a ledger account of its own from the moment at which it is due; one person approves it
    with the account of that moment, another enters the bank's reference once it was paid."""

    refund_no = models.CharField(_("退还编号"), max_length=24, unique=True)
    clawback = models.ForeignKey(Clawback, models.PROTECT, related_name="refunds", verbose_name=_("追回"))
    receipt = models.ForeignKey(
        ClawbackReceipt, models.PROTECT, null=True, blank=True, related_name="refunds", verbose_name=_("收款")
    )
    kind = models.CharField(_("事由"), max_length=10, choices=RefundKind)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    state = models.CharField(_("状态"), max_length=10, choices=RefundState, default=RefundState.DUE)
    reason = models.CharField(_("说明"), max_length=500, blank=True)
    opened_on = models.DateField(_("应退还日"))
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("登记人"))
    account = models.ForeignKey(
        BankAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("退还账户")
    )
    approved_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("批准人")
    )
    approved_at = models.DateTimeField(_("批准时间"), null=True, blank=True)
    paid_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("付款登记人")
    )
    paid_on = models.DateField(_("付款日"), null=True, blank=True)
    bank_reference = models.CharField(_("银行流水号"), max_length=60, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = OfClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("退还")
        verbose_name_plural = _("退还")
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive"),
            models.UniqueConstraint(fields=("receipt",), name="refund_once_per_receipt"),
            models.UniqueConstraint(
                fields=("clawback",), condition=Q(kind="withdrawn"), name="refund_once_per_withdrawal"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(account__isnull=False) & ~Q(approved_by=F("opened_by")),
                name="refund_approved_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid")
                | Q(paid_by__isnull=False, paid_on__isnull=False)
                & ~Q(bank_reference="")
                & ~Q(paid_by=F("approved_by")),
                name="refund_paid_by_another",
            ),
        )

    def __str__(self) -> str:
        return self.refund_no


Refund.lifecycle = register(
    Lifecycle(
        name="refund",
        label="退还",
        table="vouchers_refund",
        states=RefundState,
        initial=(RefundState.DUE,),
        transitions=(
            Transition(
                "approve",
                "批准退还",
                ("due",),
                "approved",
                (Role.FINANCE,),
                5,
                "由登记人以外的人办理；退还到该单位已确认的账户",
            ),
            Transition(
                "send_back", "退回", ("approved",), "due", (Role.FINANCE,), None, "账户变更时重新批准"
            ),
            Transition(
                "pay",
                "登记已退还",
                ("approved",),
                "paid",
                (Role.FINANCE,),
                5,
                "由批准人以外的人凭银行流水办理",
            ),
        ),
    )
)
