"""What keeps a soft rule from counting: 熔断 (it stopped itself) and 暂不计分 (a person snoozed it for one party)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.models.flags import RuleVersion, ScanRun
from vouchers.access import ScopedQuerySet
from vouchers.models import User

LONGEST_SNOOZE = timedelta(days=180)


class RuleStop(models.Model):
    """A rule that flagged far more than is usual and went into the shadow. Its hard flags stay; a person puts it back."""

    rule = models.CharField(_("规则"), max_length=8)
    rule_version = models.ForeignKey(
        RuleVersion, models.PROTECT, related_name="stops", verbose_name=_("规则版本")
    )
    scan_run = models.ForeignKey(ScanRun, models.PROTECT, related_name="stops", verbose_name=_("扫描批次"))
    claims = models.PositiveIntegerField(_("兑付申请数"))
    flagged = models.PositiveIntegerField(_("命中件数"))
    usual_rate = models.DecimalField(_("通常占比"), max_digits=9, decimal_places=6, null=True, blank=True)
    sentence = models.TextField(_("说明"))
    stopped_at = models.DateTimeField(_("停用时间"))
    put_back_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("恢复人")
    )
    put_back_at = models.DateTimeField(_("恢复时间"), null=True, blank=True)
    put_back_reason = models.TextField(_("恢复理由"), blank=True)

    class Meta:
        verbose_name = _("规则熔断")
        verbose_name_plural = _("规则熔断")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("rule",), condition=Q(put_back_at=None), name="rule_stopped_once"
            ),
            models.CheckConstraint(
                condition=Q(put_back_at=None, put_back_by=None, put_back_reason="")
                | (Q(put_back_at__isnull=False, put_back_by__isnull=False) & ~Q(put_back_reason="")),
                name="rule_put_back_by_a_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule} {self.stopped_at:%Y-%m-%d}"


class SnoozeQuerySet(ScopedQuerySet):
    region_path = "region_code"


class Snooze(models.Model):
    """A soft rule that does not count for one party's cases in one region, until a day, for a reason. Never a hard flag."""

    snooze_no = models.CharField(_("编号"), max_length=20, unique=True)
    rule = models.CharField(_("规则"), max_length=8)
    party_uscc = models.CharField(_("统一社会信用代码"), max_length=18)
    party_name = models.CharField(_("单位"), max_length=200)
    region_code = models.CharField(_("地区"), max_length=6)
    reason = models.TextField(_("理由"))
    from_on = models.DateField(_("起"))
    to_on = models.DateField(_("止（不含）"))
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("办理人"))
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("终止人")
    )
    ended_on = models.DateField(_("提前终止"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SnoozeQuerySet.as_manager()

    class Meta:
        verbose_name = _("暂不计分")
        verbose_name_plural = _("暂不计分")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(to_on__gt=F("from_on"), to_on__lte=F("from_on") + LONGEST_SNOOZE),
                name="snooze_has_an_end",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="snooze_has_a_reason"),
        )
        indexes = (models.Index(fields=("to_on",), name="snooze_end"),)

    def __str__(self) -> str:
        return f"{self.snooze_no} {self.rule} {self.party_name}"
