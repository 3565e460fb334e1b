"""结转 and 收回: what a closed year has left is carried over, what a running one has free goes back; by two persons on a document."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.programs import ProgramBudget
from vouchers.states import Lifecycle, Transition, register


class CarryOverState(models.TextChoices):
    PROPOSED = "proposed", _("待审批")
    APPROVED = "approved", _("已结转")
    REFUSED = "refused", _("未批准")
    WITHDRAWN = "withdrawn", _("已撤回")


class CarryOverQuerySet(ScopedQuerySet):
    region_path = "budget__program__region__code"


class CarryOver(models.Model):
    """An amount that the treasury lets go over from a closed year (`budget`) to `to_year`, in yuan; booked when approved.

    `treasury_code` says whose money it is, where several treasuries share the program's cost.
    """

    carry_over_no = models.CharField(_("结转编号"), max_length=24, unique=True)
    budget = models.ForeignKey(
        ProgramBudget, models.PROTECT, related_name="carried_over", verbose_name=_("转出年度")
    )
    to_year = models.PositiveSmallIntegerField(_("转入年度"))
    treasury_code = models.CharField(_("分担财政代码"), max_length=40, blank=True, default="")
    treasury = models.CharField(_("财政"), max_length=100, blank=True, default="")
    amount = models.DecimalField(_("金额（元）"), max_digits=18, decimal_places=2)
    document_no = models.CharField(_("结转文号"), max_length=100)
    reason = models.CharField(_("事由"), max_length=500)
    state = models.CharField(
        _("状态"), max_length=12, choices=CarryOverState, default=CarryOverState.PROPOSED
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("提请人")
    )
    proposed_on = models.DateField(_("提请日期"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("审批人"),
    )
    decided_on = models.DateField(_("审批日期"), null=True, blank=True)
    decision_reason = models.CharField(_("审批意见"), max_length=500, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = CarryOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("预算结转")
        verbose_name_plural = _("预算结转")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "treasury_code", "document_no"],
                condition=models.Q(state__in=("proposed", "approved")),
                name="carry_over_document_once",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="carry_over_positive"),
            models.CheckConstraint(
                condition=models.Q(state__in=("proposed", "withdrawn"))
                | (models.Q(decided_by__isnull=False) & ~models.Q(decided_by=models.F("proposed_by"))),
                name="carry_over_two_persons",
            ),
        ]

    def __str__(self) -> str:
        return self.carry_over_no


CarryOver.lifecycle = register(
    Lifecycle(
        name="carry_over",
        label="预算结转",
        table="vouchers_carryover",
        states=CarryOverState,
        initial=(CarryOverState.PROPOSED,),
        transitions=(
            Transition(
                "approve",
                "批准结转",
                ("proposed",),
                "approved",
                (Role.FINANCE,),
                5,
                "由提请人以外的财务人员办理，同时记入台账",
            ),
            Transition(
                "refuse",
                "不予批准",
                ("proposed",),
                "refused",
                (Role.FINANCE,),
                None,
                "由提请人以外的财务人员办理",
            ),
            Transition("withdraw", "撤回", ("proposed",), "withdrawn", (Role.FINANCE,), None, "由提请人办理"),
        ),
    )
)


class WithdrawalState(models.TextChoices):
    PROPOSED = "proposed", _("待审批")
    APPROVED = "approved", _("已收回")
    REFUSED = "refused", _("未批准")
    WITHDRAWN = "withdrawn", _("已撤回")


class BudgetWithdrawal(models.Model):
    """收回预算: an amount that the treasury takes back of a year that is not closed, in yuan; booked when approved, at most what is
    available then: what vouchers and claims have is not touched.

    `treasury_code` says whose money it is, where several treasuries share the program's cost.
    """

    budget_withdrawal_no = models.CharField(_("收回编号"), max_length=24, unique=True)
    budget = models.ForeignKey(
        ProgramBudget, models.PROTECT, related_name="withdrawals", verbose_name=_("年度")
    )
    treasury_code = models.CharField(_("分担财政代码"), max_length=40, blank=True, default="")
    treasury = models.CharField(_("财政"), max_length=100, blank=True, default="")
    amount = models.DecimalField(_("金额（元）"), max_digits=18, decimal_places=2)
    document_no = models.CharField(_("收回文号"), max_length=100)
    reason = models.CharField(_("事由"), max_length=500)
    state = models.CharField(
        _("状态"), max_length=12, choices=WithdrawalState, default=WithdrawalState.PROPOSED
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("提请人")
    )
    proposed_on = models.DateField(_("提请日期"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("审批人"),
    )
    decided_on = models.DateField(_("审批日期"), null=True, blank=True)
    decision_reason = models.CharField(_("审批意见"), max_length=500, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = CarryOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("预算收回")
        verbose_name_plural = _("预算收回")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "treasury_code", "document_no"],
                condition=models.Q(state__in=("proposed", "approved")),
                name="budget_withdrawal_document_once",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="budget_withdrawal_positive"),
            models.CheckConstraint(
                condition=models.Q(state__in=("proposed", "withdrawn"))
                | (models.Q(decided_by__isnull=False) & ~models.Q(decided_by=models.F("proposed_by"))),
                name="budget_withdrawal_two_persons",
            ),
        ]

    def __str__(self) -> str:
        return self.budget_withdrawal_no


BudgetWithdrawal.lifecycle = register(
    Lifecycle(
        name="budget_withdrawal",
        label="预算收回",
        table="vouchers_budgetwithdrawal",
        states=WithdrawalState,
        initial=(WithdrawalState.PROPOSED,),
        transitions=(
            Transition(
                "approve",
                "批准收回",
                ("proposed",),
                "approved",
                (Role.FINANCE,),
                5,
                "由提请人以外的财务人员办理，同时记入台账；至多收回可用金额",
            ),
            Transition(
                "refuse",
                "不予批准",
                ("proposed",),
                "refused",
                (Role.FINANCE,),
                None,
                "由提请人以外的财务人员办理",
            ),
            Transition("withdraw", "撤回", ("proposed",), "withdrawn", (Role.FINANCE,), None, "由提请人办理"),
        ),
    )
)
