"""首违轻微不罚: a first minor breach that is not punished, with the conditions that were checked; once per party and kind of breach."""

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


class BreachKind(models.TextChoices):
    PAPER_DEFECT = "paper_defect", _("材料形式不规范")
    LATE_FILING = "late_filing", _("逾期申报或报送")
    METERING_GAP = "metering_gap", _("计量数据短时中断")
    CHANGE_UNREPORTED = "change_unreported", _("登记事项变更未及时报告")
    INVOICE_DEFECT = "invoice_defect", _("票据开具不规范")


class LeniencyState(models.TextChoices):
    PROPOSED = "proposed", _("待复核")
    GRANTED = "granted", _("不予处罚")
    REFUSED = "refused", _("不适用")


class LeniencyQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("party",)


class Leniency(models.Model):
    """One breach that was let pass: what happened, that it was slight, when it was put right, under which article."""

    leniency_no = entry_number("LN")
    party = models.ForeignKey(Party, models.PROTECT, related_name="leniencies", verbose_name=_("单位"))
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("办理地区"))
    program = models.ForeignKey(
        Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("专项")
    )
    case_no = models.CharField(_("核查案件编号"), max_length=40, blank=True, default="")
    breach = models.CharField(_("违法行为种类"), max_length=20, choices=BreachKind)
    breached_on = models.DateField(_("行为发生日"))
    facts = models.CharField(_("事实"), max_length=500)
    slightness = models.CharField(_("危害后果轻微的认定"), max_length=500)
    corrected_on = models.DateField(_("改正日"))
    correction = models.CharField(_("改正情况"), max_length=500)
    basis = models.CharField(_("依据文件"), max_length=200)
    article = models.CharField(_("条款"), max_length=60)
    document_no = models.CharField(_("文号"), max_length=60)
    state = models.CharField(_("状态"), max_length=10, choices=LeniencyState, default=LeniencyState.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    proposed_on = models.DateField(_("提出日"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("复核人")
    )
    decided_on = models.DateField(_("复核日"), null=True, blank=True)
    decision_reason = models.CharField(_("复核意见"), max_length=500, blank=True, default="")
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = LeniencyQuerySet.as_manager()

    STATE_TONES: ClassVar[dict[str, str]] = {"proposed": "waiting", "refused": "closed"}

    class Meta:
        verbose_name = _("首违轻微不罚")
        verbose_name_plural = _("首违轻微不罚")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("party", "breach"), condition=~Q(state="refused"), name="leniency_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="leniency_two_persons"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed") | Q(decided_by__isnull=False), name="leniency_decided"
            ),
            models.CheckConstraint(
                condition=Q(corrected_on__gte=F("breached_on")), name="leniency_corrected_after"
            ),
        )

    def __str__(self) -> str:
        return f"{self.leniency_no} · {self.party}"


Leniency.lifecycle = register(
    Lifecycle(
        name="leniency",
        label="首违轻微不罚",
        table="vouchers_leniency",
        states=LeniencyState,
        initial=(LeniencyState.PROPOSED,),
        transitions=(
            Transition(
                "grant", "不予处罚", ("proposed",), "granted", (Role.INVESTIGATOR,), 5, "由提出人以外的人复核"
            ),
            Transition(
                "refuse", "不适用", ("proposed",), "refused", (Role.INVESTIGATOR,), 5, "由提出人以外的人复核"
            ),
        ),
    )
)
