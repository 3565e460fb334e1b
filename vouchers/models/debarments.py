"""失信限制: proposed, told to the party, heard, decided by another; the entry on the list that follows; the lists as they were published."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import Party
from vouchers.models.people import Region, User
from vouchers.models.programs import Program
from vouchers.models.recorded import entry_number
from vouchers.states import Lifecycle, Transition, register


class DebarmentState(models.TextChoices):
    PROPOSED = "proposed", _("拟列入")
    NOTICED = "noticed", _("已告知")
    LISTED = "listed", _("已列入")
    DROPPED = "dropped", _("不予列入")
    REPAIRED = "repaired", _("已修复移出")
    REVOKED = "revoked", _("已撤销")


class DebarmentGround(models.TextChoices):
    FABRICATED = "fabricated", _("虚构合同或交易")
    FALSE_PAPERS = "false_papers", _("提供虚假材料")
    REPEATED_FUNDING = "repeated_funding", _("重复申领财政资金")
    UNREPAID = "unrepaid", _("拒不退回应追回的资金")
    OBSTRUCTION = "obstruction", _("拒绝、阻碍核查")
    DATA_FORGED = "data_forged", _("伪造、篡改计量数据")
    OTHER = "other", _("其他严重情形")


class DebarmentQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("party",)

    def told(self) -> DebarmentQuerySet:
        """Those that the party knows of."""
        return self.exclude(notice_on=None)


class Debarment(models.Model):
    """One act of an office. ``proposed_from``–``proposed_to`` is what the party was told of, ``effective_from``–``effective_to`` what was
    decided (both half-open). When the decision has an end by repair, that is on its ``Listing`` and its ``CreditRepair``."""

    debarment_no = entry_number("DB")
    party = models.ForeignKey(Party, models.PROTECT, related_name="debarments", verbose_name=_("单位"))
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("决定地区"))
    program = models.ForeignKey(
        Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("专项")
    )
    case_no = models.CharField(_("核查案件编号"), max_length=40, blank=True, default="")
    ground = models.CharField(_("事由类别"), max_length=20, choices=DebarmentGround)
    facts = models.CharField(_("事实"), max_length=1000)
    basis = models.CharField(_("依据文件"), max_length=200)
    article = models.CharField(_("条款"), max_length=60)
    proposed_from = models.DateField(_("拟列入日"))
    proposed_to = models.DateField(_("拟移出日"))
    repair_terms = models.CharField(_("修复条件"), max_length=500)
    repair_from = models.DateField(_("可申请修复之日"))
    state = models.CharField(
        _("状态"), max_length=10, choices=DebarmentState, default=DebarmentState.PROPOSED
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    proposed_on = models.DateField(_("提出日"))

    notice_document_no = models.CharField(_("告知书文号"), max_length=60, blank=True, default="")
    notice_on = models.DateField(_("告知日"), null=True, blank=True)
    respond_until = models.DateField(_("陈述申辩和要求听证的最后一日"), null=True, blank=True)
    noticed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("告知人")
    )
    statement = models.TextField(_("陈述申辩"), blank=True, default="")
    hearing_asked = models.BooleanField(_("要求听证"), default=False)
    stated_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("陈述人")
    )
    stated_at = models.DateTimeField(_("陈述时间"), null=True, blank=True)
    heard_on = models.DateField(_("听证日"), null=True, blank=True)
    hearing_record = models.TextField(_("听证笔录"), blank=True, default="")
    heard_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("听证主持人")
    )

    document_no = models.CharField(_("决定书文号"), max_length=60, blank=True, default="")
    effective_from = models.DateField(_("列入日"), null=True, blank=True)
    effective_to = models.DateField(_("移出日"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("决定人")
    )
    decided_on = models.DateField(_("决定日"), null=True, blank=True)
    decision_reason = models.CharField(_("决定理由"), max_length=1000, blank=True, default="")
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = DebarmentQuerySet.as_manager()

    STATE_TONES: ClassVar[dict[str, str]] = {
        "noticed": "waiting",
        "listed": "refused",
        "dropped": "closed",
        "revoked": "closed",
    }

    class Meta:
        verbose_name = _("失信限制")
        verbose_name_plural = _("失信限制")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(proposed_to__gt=F("proposed_from")), name="debarment_proposed_dates"
            ),
            models.CheckConstraint(
                condition=Q(effective_from=None, effective_to=None) | Q(effective_to__gt=F("effective_from")),
                name="debarment_dates",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | ~Q(decided_by=F("proposed_by")) & ~Q(decided_by=F("noticed_by")),
                name="debarment_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("listed", "repaired", "revoked"))
                | Q(
                    notice_on__isnull=False,
                    decided_by__isnull=False,
                    effective_from__isnull=False,
                    decided_on__gt=F("respond_until"),
                    effective_from__gte=F("decided_on"),
                )
                & ~Q(document_no="")
                & (Q(hearing_asked=False) | Q(heard_on__isnull=False)),
                name="debarment_told_before_decided",
            ),
            models.UniqueConstraint(
                fields=("party", "region", "ground", "case_no"),
                condition=Q(state__in=("proposed", "noticed")),
                name="debarment_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.debarment_no} · {self.party}"


_INVESTIGATOR = (Role.INVESTIGATOR,)
Debarment.lifecycle = register(
    Lifecycle(
        name="debarment",
        label="失信限制",
        table="vouchers_debarment",
        states=DebarmentState,
        initial=(DebarmentState.PROPOSED,),
        transitions=(
            Transition(
                "notify",
                "告知",
                ("proposed",),
                "noticed",
                _INVESTIGATOR,
                note="陈述申辩和要求听证不少于 5 个工作日",
            ),
            Transition(
                "list",
                "列入",
                ("noticed",),
                "listed",
                _INVESTIGATOR,
                note="由提出人、告知人以外的人在期满后决定",
            ),
            Transition(
                "drop", "不予列入", ("proposed", "noticed"), "dropped", _INVESTIGATOR, note="须写明理由"
            ),
            Transition(
                "repair", "修复移出", ("listed",), "repaired", _INVESTIGATOR, note="两人办理的信用修复"
            ),
            Transition("revoke", "撤销", ("listed",), "revoked", _INVESTIGATOR, note="两人办理的撤销决定"),
        ),
    )
)


class DebarmentListQuerySet(ScopedQuerySet):
    region_path = "region__code"


class DebarmentList(models.Model):
    """One issue of a region's public list, frozen. ``entries`` are the rows as published, each with a random ``salt``; ``leaves`` the
    SHA-256 of each row; ``sha256`` that of the head with all leaves, so an issue whose ended rows are left out can still be checked."""

    list_no = entry_number("DL")
    region = models.ForeignKey(Region, models.PROTECT, related_name="debarment_lists", verbose_name=_("地区"))
    number = models.PositiveIntegerField(_("期次"))
    issued_on = models.DateField(_("公布日"))
    issued_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("公布人")
    )
    entries = models.JSONField(_("名单"), default=list)
    leaves = models.JSONField(_("各条摘要"), default=list)
    sha256 = models.CharField(_("本期摘要"), max_length=64)
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    objects = DebarmentListQuerySet.as_manager()

    class Meta:
        verbose_name = _("失信名单公布")
        verbose_name_plural = _("失信名单公布")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("region", "number"), name="debarment_list_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.region.name}失信名单第 {self.number} 期"
