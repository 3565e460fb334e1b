"""审计抽样: a sample that an auditor draws of a region's claims, with the list that it was drawn from and the seed."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import User


class AuditSampleQuerySet(ScopedQuerySet):
    region_path = "region_code"


class AuditSample(models.Model):
    """One sample. ``lot`` is the list drawn from, in ascending order, a line each: number, a blank, amount. What is drawn follows
    from list, seed, ``size`` and ``whole_from``, and is nowhere stored: whoever has them draws the same again. The seed is made
    after the list. Nobody may change or remove one."""

    sample_no = models.CharField(_("编号"), max_length=20, unique=True)
    region_code = models.CharField(_("地区"), max_length=6)
    covers = models.CharField(_("抽样范围"), max_length=300)
    wanted = models.JSONField(_("筛选条件"), default=dict)
    reason = models.CharField(_("目的"), max_length=300)
    size = models.PositiveIntegerField(_("抽取件数"))
    whole_from = models.DecimalField(
        _("必查金额起点"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    seed = models.CharField(_("种子"), max_length=64)
    lot = models.TextField(_("抽样名单"))
    lot_digest = models.CharField(_("名单摘要"), max_length=64)
    lot_size = models.PositiveIntegerField(_("名单件数"))
    lot_amount = models.DecimalField(_("名单金额"), max_digits=18, decimal_places=2)
    drawn_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("抽取人"))
    drawn_at = models.DateTimeField(_("抽取时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AuditSampleQuerySet.as_manager()

    class Meta:
        verbose_name = _("审计抽样")
        verbose_name_plural = _("审计抽样")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(condition=models.Q(size__gte=1), name="audit_sample_of_one"),
            models.CheckConstraint(condition=~models.Q(lot=""), name="audit_sample_of_something"),
        )
        indexes = (models.Index(fields=("region_code", "-id"), name="audit_sample_region"),)

    def __str__(self) -> str:
        return self.sample_no
