"""立项项目: the project that several contracts serve, with an identity of its own: what a cap per project is counted by."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models import Party, User
from vouchers.models.recorded import Recorded, entry_number
from vouchers.states import Lifecycle, Transition, register


class UndertakingQuerySet(ScopedQuerySet):
    region_path = "declared_by__region_code"
    party_paths = ("declared_by",)


class Undertaking(Recorded):
    """A project as an enterprise declared it first. What makes two declarations the same project are its keys.

    Not to be confused with ``Project`` (申报项目), which is what one application rests on instead of a contract.
    """

    undertaking_no = entry_number("PJ")
    name = models.CharField(_("项目名称"), max_length=200)
    declared_by = models.ForeignKey(
        Party, models.PROTECT, related_name="undertakings", verbose_name=_("首次申报单位")
    )
    created_at = models.DateTimeField(_("建立时间"), auto_now_add=True)
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name=_("已并入"),
        help_text=_("经认定与之为同一项目；原先按本项目计算的，与之合并计算。"),
    )

    objects = UndertakingQuerySet.as_manager()

    class Meta:
        verbose_name = _("立项项目")
        verbose_name_plural = _("立项项目")

    def __str__(self) -> str:
        return self.name


class MergeState(models.TextChoices):
    PROPOSED = "proposed", _("待复核")
    MERGED = "merged", _("已合并")
    DECLINED = "declined", _("未予合并")


class MergeQuerySet(ScopedQuerySet):
    region_path = "region_code"


class UndertakingMerge(models.Model):
    """That two projects are one, as a person found and, where anything was granted to either, another confirmed.

    The keys and the applications go to the one that stays; what was counted for either counts for both from then on. What was
    decided stays as it was.
    """

    merge_no = entry_number("PM")
    part = models.ForeignKey(
        Undertaking, models.PROTECT, related_name="merges", verbose_name=_("并入他项的项目")
    )
    survivor = models.ForeignKey(
        Undertaking, models.PROTECT, related_name="merges_in", verbose_name=_("保留的项目")
    )
    region_code = models.CharField(_("行政区划代码"), max_length=6)
    state = models.CharField(_("状态"), max_length=10, choices=MergeState, default=MergeState.PROPOSED)
    moves_money = models.BooleanField(_("已有核定或发放"), help_text=_("任一项目已有核定的，须另一人复核。"))
    reason = models.TextField(_("认定依据"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    proposed_at = models.DateTimeField(_("提出时间"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("复核人")
    )
    decided_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    decision_reason = models.TextField(_("复核意见"), blank=True)

    objects = MergeQuerySet.as_manager()
    lifecycle: ClassVar[Lifecycle]

    class Meta:
        verbose_name = _("项目合并")
        verbose_name_plural = _("项目合并")
        constraints = (
            models.CheckConstraint(condition=~Q(part=F("survivor")), name="undertaking_merge_of_two"),
            models.CheckConstraint(
                condition=~Q(state="merged")
                | Q(moves_money=False)
                | Q(decided_by__isnull=False) & ~Q(proposed_by=F("decided_by")),
                name="undertaking_merge_by_two_persons",
            ),
            models.UniqueConstraint(
                fields=("part",), condition=Q(state="proposed"), name="undertaking_merge_once_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return self.merge_no


UndertakingMerge.lifecycle = register(
    Lifecycle(
        name="undertaking_merge",
        label="项目合并",
        table="applications_undertakingmerge",
        states=MergeState,
        initial=(MergeState.PROPOSED,),
        transitions=(
            Transition(
                "confirm",
                "确认合并",
                ("proposed",),
                "merged",
                (Role.HANDLER, Role.APPROVER),
                None,
                "任一项目已有核定或发放的，由提出人以外的人确认；此前的决定不变",
            ),
            Transition("decline", "不予合并", ("proposed",), "declined", (Role.HANDLER, Role.APPROVER)),
        ),
    )
)


class UndertakingKey(models.Model):
    """What one application names its project by: the number under which it was approved or registered (立项、备案编号), by which
    it is the same whoever names it, or the name that the enterprise itself gives. It identifies the project for as long as the
    application may still be, or was, granted something: a refused application leaves no claim on a number behind.

    A name may stand for several projects of an enterprise, each with a number of its own; a number for one, which the database
    sees to (``applications/sql/undertakings.sql``).
    """

    undertaking = models.ForeignKey(
        Undertaking, models.PROTECT, related_name="keys", verbose_name=_("所属项目")
    )
    application = models.ForeignKey(
        "applications.Application",
        models.PROTECT,
        related_name="undertaking_keys",
        verbose_name=_("填报的申领"),
    )
    key = models.CharField(_("项目比对键"), max_length=320, db_index=True, editable=False)
    stated = models.CharField(_("填报的名称或编号"), max_length=200)

    class Meta:
        verbose_name = _("立项项目比对键")
        verbose_name_plural = _("立项项目比对键")
        constraints = (
            models.UniqueConstraint(fields=("application", "key"), name="undertaking_key_once_a_case"),
        )

    def __str__(self) -> str:
        return self.stated
