"""申报项目: what an application rests on where there is no contract with another party: an investment, deployed compute, or
the applicant's own settlement on a platform."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party, User
from vouchers.models.recorded import Recorded


class ProjectKind(models.TextChoices):
    INVESTMENT = "investment", _("投资建设项目")
    DEPLOYMENT = "deployment", _("算力部署")
    SETTLEMENT = "settlement", _("平台结算")


class ProjectQuerySet(ScopedQuerySet):
    region_path = "program_region_code"
    party_paths = ("owner",)


class Project(Recorded):
    """One project of its owner. Amounts are yuan without tax, periods half-open, ``scale`` in ``scale_unit`` at ``precision``.

    What it says is what the enterprise stated: days and scale count in the rules once staff attested them. It may be changed
    as long as its application may.
    """

    project_no = models.CharField(_("项目编号"), max_length=24, unique=True)
    kind = models.CharField(_("种类"), max_length=12, choices=ProjectKind)
    name = models.CharField(_("项目名称"), max_length=200)
    owner = models.ForeignKey(Party, models.PROTECT, related_name="projects", verbose_name=_("项目单位"))
    program_code = models.CharField(_("专项代码"), max_length=30, db_index=True)
    program_region_code = models.CharField(_("专项所在地区"), max_length=6)
    document_no = models.CharField(_("文号或结算单号"), max_length=100, blank=True)
    document_key = models.CharField(
        _("文号比对键"), max_length=200, blank=True, default="", db_default="", db_index=True
    )
    region_code = models.CharField(_("所在地"), max_length=6, blank=True)
    site = models.CharField(_("机房或平台"), max_length=120, blank=True)
    counterparties = models.TextField(_("往来单位"), blank=True)
    accelerator = models.CharField(_("加速卡型号"), max_length=60, blank=True)
    cards = models.PositiveIntegerField(_("卡数"), null=True, blank=True)
    scale = models.DecimalField(_("算力规模"), max_digits=18, decimal_places=4, null=True, blank=True)
    # The words of vouchers.policy.terms: ScaleUnit and Precision.
    scale_unit = models.CharField(_("规模单位"), max_length=14, blank=True)
    precision = models.CharField(_("精度"), max_length=10, blank=True)
    completed_on = models.DateField(_("建成或部署完成日"), null=True, blank=True)
    dispatchable_since = models.DateField(_("可调度起始日"), null=True, blank=True)
    period_from = models.DateField(_("期间自"), null=True, blank=True)
    period_to = models.DateField(_("期间至（不含）"), null=True, blank=True)
    amount = models.DecimalField(_("金额（不含税）"), max_digits=18, decimal_places=2, default=0)
    filer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    filed_at = models.DateTimeField(_("提交时间"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("申报项目")
        verbose_name_plural = _("申报项目")
        constraints = (
            models.CheckConstraint(condition=Q(amount__gte=0), name="project_amount"),
            models.CheckConstraint(
                condition=Q(period_from=None) | Q(period_to=None) | Q(period_to__gt=models.F("period_from")),
                name="project_period",
            ),
        )
        indexes = (models.Index(fields=("owner", "program_code"), name="project_by_owner"),)

    def __str__(self) -> str:
        return self.project_no

    @property
    def last_day(self) -> object:
        """The last day of its period, as papers write it."""
        return self.period_to - timedelta(days=1) if self.period_to else None
