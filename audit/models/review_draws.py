"""随机抽查: a share of what passed is looked at all the same, the only unbiased estimate of what the rules miss."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.models.flags import ScanRun
from vouchers.access import ScopedQuerySet


class ReviewDraw(models.Model):
    """One draw. ``lot`` is the list drawn from, a number a line in ascending order; ``lot_digest`` its SHA-256. Anybody who has the
    list and the seed finds the same claims: the least by SHA-256 of ``seed:claim_no``. The seed is made after the list."""

    draw_no = models.CharField(_("编号"), max_length=20, unique=True)
    scan_run = models.OneToOneField(ScanRun, models.PROTECT, related_name="draw", verbose_name=_("扫描批次"))
    seed = models.CharField(_("种子"), max_length=64)
    lot = models.TextField(_("抽样名单"))
    lot_digest = models.CharField(_("名单摘要"), max_length=64)
    lot_size = models.PositiveIntegerField(_("名单件数"))
    per_mille = models.PositiveSmallIntegerField(_("抽查比例（‰）"))
    drawn_at = models.DateTimeField(_("抽取时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("随机抽查")
        verbose_name_plural = _("随机抽查")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.draw_no


class PickQuerySet(ScopedQuerySet):
    region_path = "region_code"


class ReviewPick(models.Model):
    """A claim that was drawn."""

    draw = models.ForeignKey(ReviewDraw, models.PROTECT, related_name="picks", verbose_name=_("随机抽查"))
    position = models.PositiveIntegerField(_("次序"))
    claim_no = models.CharField(_("兑付编号"), max_length=24)
    program_code = models.CharField(_("专项代码"), max_length=30, blank=True)
    region_code = models.CharField(_("地区"), max_length=6, blank=True)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)

    objects = PickQuerySet.as_manager()

    class Meta:
        verbose_name = _("抽查件")
        verbose_name_plural = _("抽查件")
        ordering = ("draw", "position")
        constraints = (
            models.UniqueConstraint(fields=("draw", "position"), name="review_pick_place_once"),
            models.UniqueConstraint(fields=("claim_no",), name="review_picked_once"),
        )
        indexes = (models.Index(fields=("region_code", "-draw"), name="review_pick_region"),)

    def __str__(self) -> str:
        return f"{self.draw} {self.claim_no}"
