"""影子运行: what a version of a rule would have changed over a closed period, kept for whoever decides on its publication."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.models.flags import RuleVersion
from vouchers.models import User


class ShadowRun(models.Model):
    """One run of a version beside the versions in force. ``digest`` is that of the version as it was then: what was changed
    since needs another run. ``against`` are the versions it was held against; ``result`` is the diff, regions by code."""

    version = models.ForeignKey(
        RuleVersion, models.PROTECT, related_name="shadow_runs", verbose_name=_("规则版本")
    )
    digest = models.CharField(_("版本内容摘要"), max_length=64)
    job_no = models.CharField(_("后台任务"), max_length=20, unique=True)
    from_on = models.DateField(_("期间起"))
    to_on = models.DateField(_("期间止（不含）"))
    known_at = models.DateTimeField(_("数据截至"))
    against = models.JSONField(_("对照的规则版本"), default=dict)
    claims = models.PositiveIntegerField(_("兑付申请数"))
    changed = models.PositiveIntegerField(_("结果有变的件数"))
    result = models.JSONField(_("结果"), default=dict)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提请人"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("影子运行")
        verbose_name_plural = _("影子运行")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(condition=Q(to_on__gt=F("from_on")), name="shadow_run_has_a_period"),
        )

    @property
    def last_on(self) -> date:
        """The last day of the period."""
        return self.to_on - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.version} · {self.job_no}"
