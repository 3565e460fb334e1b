"""分级监管: the table by which a region puts parties into tiers, as it was published. Without one nobody has a tier."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.credit_entries import CreditAspect
from vouchers.models.people import Region, User
from vouchers.models.recorded import entry_number
from vouchers.states import Lifecycle, Transition, register


class TableState(models.TextChoices):
    DRAFT = "draft", _("草拟")
    PROPOSED = "proposed", _("待公布")
    PUBLISHED = "published", _("已公布")
    DISCARDED = "discarded", _("已作废")


class SupervisionTableQuerySet(ScopedQuerySet):
    region_path = "region__code"


class SupervisionTable(models.Model):
    """One table of a region, in force half-open. Publishing one ends the one before it on its first day."""

    table_no = entry_number("ST")
    region = models.ForeignKey(
        Region, models.PROTECT, related_name="supervision_tables", verbose_name=_("地区")
    )
    document_no = models.CharField(_("依据文件"), max_length=200)
    article = models.CharField(_("条款"), max_length=60)
    effective_from = models.DateField(_("施行日"))
    effective_to = models.DateField(_("停止施行日"), null=True, blank=True)
    state = models.CharField(_("状态"), max_length=10, choices=TableState, default=TableState.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("草拟人"))
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提请人")
    )
    published_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("公布人")
    )
    published_on = models.DateField(_("公布日"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = SupervisionTableQuerySet.as_manager()

    STATE_TONES: ClassVar[dict[str, str]] = {"proposed": "waiting", "discarded": "closed"}

    class Meta:
        verbose_name = _("分级监管标准")
        verbose_name_plural = _("分级监管标准")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")),
                name="supervision_table_dates",
            ),
            models.CheckConstraint(
                condition=~Q(state="published")
                | Q(published_by__isnull=False)
                & ~Q(published_by=F("drafted_by"))
                & ~Q(published_by=F("proposed_by")),
                name="supervision_table_two_persons",
            ),
            ExclusionConstraint(
                name="supervision_table_no_overlap",
                expressions=[
                    ("region", RangeOperators.EQUAL),
                    (
                        Func(
                            F("effective_from"),
                            F("effective_to"),
                            Value("[)"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state="published"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.table_no} · {self.document_no}"


class SupervisionTier(models.Model):
    """One row, the strictest first by ``position``. A party falls in the first tier of which a condition holds; the last has none."""

    table = models.ForeignKey(
        SupervisionTable, models.CASCADE, related_name="tiers", verbose_name=_("分级监管标准")
    )
    position = models.PositiveSmallIntegerField(_("次序"))
    name = models.CharField(_("等级"), max_length=30)
    months = models.PositiveSmallIntegerField(
        _("追溯月数"), null=True, blank=True, help_text=_("只计这段时间内的；留空即不限。")
    )
    adverse_count = models.PositiveSmallIntegerField(
        _("不良记载达到（条）"), null=True, blank=True, help_text=_("未更正、未修复的不良记载。")
    )
    aspect = models.CharField(_("只计何类记载"), max_length=20, choices=CreditAspect, blank=True, default="")
    overdue_count = models.PositiveSmallIntegerField(
        _("逾期未了结达到（项）"), null=True, blank=True, help_text=_("追回、价格报送的逾期，尚未修复的。")
    )
    debarred = models.BooleanField(
        _("列入过失信限制"), default=False, help_text=_("追溯期内曾列入（撤销的不计）。")
    )
    review_per_mille = models.PositiveSmallIntegerField(
        _("随机抽查比例（‰）"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(1000)],
        help_text=_("筛查通过的兑付申请中随机抽查的比例；留空即按全局比例。"),
    )
    measures = models.CharField(_("监管措施"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("监管等级")
        verbose_name_plural = _("监管等级")
        ordering = ("table", "position")
        constraints = (
            models.UniqueConstraint(fields=("table", "position"), name="supervision_tier_place_once"),
            models.UniqueConstraint(fields=("table", "name"), name="supervision_tier_name_once"),
            models.CheckConstraint(
                condition=Q(review_per_mille=None) | Q(review_per_mille__lte=1000),
                name="supervision_tier_share",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def conditional(self) -> bool:
        """Whether it asks for anything; the last tier of a table does not."""
        return self.adverse_count is not None or self.overdue_count is not None or self.debarred


SupervisionTable.lifecycle = register(
    Lifecycle(
        name="supervision_table",
        label="分级监管标准",
        table="vouchers_supervisiontable",
        states=TableState,
        initial=(TableState.DRAFT,),
        transitions=(
            Transition("propose", "提请公布", ("draft",), "proposed", (Role.POLICY_EDITOR,)),
            Transition("return", "退回修改", ("proposed",), "draft", (Role.POLICY_EDITOR, Role.PUBLISHER)),
            Transition(
                "publish",
                "公布",
                ("proposed",),
                "published",
                (Role.PUBLISHER,),
                note="由草拟人、提请人以外的人公布",
            ),
            Transition(
                "discard", "作废", ("draft", "proposed"), "discarded", (Role.POLICY_EDITOR, Role.PUBLISHER)
            ),
        ),
    )
)
