"""How a version is carried out, as rows that people edit: filing windows, papers, review steps, and who bears the cost.

As `policy_parts`, of which these are the last sections.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.policy_parts import FRACTION, CodedPart, amount_field, once
from vouchers.policy import terms


class PolicyWindow(CodedPart):
    """A filing window."""

    name = models.CharField(_("名称"), max_length=100)
    opens_at = models.DateTimeField(_("开始时间"))
    closes_at = models.DateTimeField(_("截止时间"))
    stage = models.CharField(
        _("环节"), max_length=20, choices=terms.Stage.pairs(), default=terms.Stage.APPLICATION.value
    )
    repeats = models.CharField(
        _("重复"), max_length=10, choices=terms.Repeats.pairs(), default=terms.Repeats.NONE.value
    )
    repeats_until = models.DateField(_("重复至（不含）"), null=True, blank=True)

    class Meta(CodedPart.Meta):
        verbose_name = _("申报期")
        verbose_name_plural = _("八、申报期")
        constraints = once("window")


class PolicyPaper(CodedPart):
    """A paper to be filed."""

    name = models.CharField(_("材料名称"), max_length=200)
    stage = models.CharField(
        _("环节"), max_length=20, choices=terms.Stage.pairs(), default=terms.Stage.APPLICATION.value
    )
    required = models.BooleanField(_("必交"), default=True)
    hint = models.CharField(_("填报说明"), max_length=500, blank=True)

    class Meta(CodedPart.Meta):
        verbose_name = _("申报材料")
        verbose_name_plural = _("九、申报材料")
        constraints = once("paper")


class PolicyReviewStep(CodedPart):
    """A step of the review chain."""

    name = models.CharField(_("环节名称"), max_length=100)
    role = models.CharField(_("办理角色"), max_length=30)
    stage = models.CharField(
        _("所属阶段"), max_length=20, choices=terms.Stage.pairs(), default=terms.Stage.APPLICATION.value
    )
    working_days = models.PositiveSmallIntegerField(_("时限（工作日）"), null=True, blank=True)
    sets_rate = models.BooleanField(_("在此确定比例"), default=False)
    amount_from = amount_field(_("达到此金额才需办理（元）"))

    class Meta(CodedPart.Meta):
        verbose_name = _("审核环节")
        verbose_name_plural = _("十、审核环节")
        constraints = once("review_step")


class PolicyTreasuryShare(CodedPart):
    """The part of the cost that one treasury bears."""

    treasury = models.CharField(_("财政"), max_length=100)
    share = models.DecimalField(_("负担比例"), max_digits=9, decimal_places=6, validators=FRACTION)
    takes_rest = models.BooleanField(
        _("负担尾数"),
        default=False,
        help_text=_("按比例舍去分以下后所余的尾数由哪一级负担；都不勾选的，由最后一级负担。"),
    )

    class Meta(CodedPart.Meta):
        verbose_name = _("财政分担")
        verbose_name_plural = _("十一、财政分担")
        constraints = once("treasury_share")
