"""合同价款拆分: what of a contract's price is compute, and what is storage, network and the like."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.models import User
from vouchers.policy.terms import Component


class SplitSource(models.TextChoices):
    STATED = "stated", _("企业填报")
    OFFICE = "office", _("经办核定")


class LeaseSplit(models.Model):
    """One breakdown of a contract's price. It is only added to: a correction is the next revision, and the last one holds.

    What the enterprise states is held against the market only once the office has confirmed or corrected it.
    """

    lease = models.ForeignKey(
        "applications.Lease", models.PROTECT, related_name="splits", verbose_name=_("合同")
    )
    revision = models.PositiveIntegerField(_("版次"))
    source = models.CharField(_("由谁拆分"), max_length=8, choices=SplitSource)
    reason = models.TextField(_("拆分依据"), blank=True)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("拆分人"))
    made_at = models.DateTimeField(_("拆分时间"))
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("合同价款拆分")
        verbose_name_plural = _("合同价款拆分")
        ordering = ("lease", "revision")
        constraints = (
            models.UniqueConstraint(fields=("lease", "revision"), name="lease_split_once"),
            models.CheckConstraint(condition=~Q(source="office") | ~Q(reason=""), name="lease_split_reason"),
        )

    def __str__(self) -> str:
        return f"{self.lease_id}/{self.revision}"

    @property
    def confirmed(self) -> bool:
        """Whether the office stands behind it."""
        return self.source == SplitSource.OFFICE

    @property
    def total(self) -> Decimal:
        """What its lines come to; the contract's amount, or it does not hold."""
        return sum((line.net_amount for line in self.lines.all()), Decimal(0))

    @property
    def compute(self) -> LeaseSplitLine:
        """The line that is held against the fair price."""
        return next(line for line in self.lines.all() if line.component == Component.COMPUTE.value)


class LeaseSplitLine(models.Model):
    """One component of the price. Of compute also how much of it, in the contract's unit, and so what a unit costs."""

    split = models.ForeignKey(LeaseSplit, models.PROTECT, related_name="lines", verbose_name=_("拆分"))
    component = models.CharField(_("费用种类"), max_length=12, choices=Component.pairs())
    net_amount = models.DecimalField(_("金额（不含税）"), max_digits=18, decimal_places=2)
    quantity = models.DecimalField(_("数量"), max_digits=18, decimal_places=4, null=True, blank=True)
    unit_price = models.DecimalField(
        _("单价（不含税）"), max_digits=18, decimal_places=6, null=True, blank=True
    )

    class Meta:
        verbose_name = _("合同价款明细")
        verbose_name_plural = _("合同价款明细")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("split", "component"), name="lease_split_component_once"),
            models.CheckConstraint(condition=Q(net_amount__gt=0), name="lease_split_amount"),
            models.CheckConstraint(
                condition=~Q(component="compute") | Q(quantity__gt=0, unit_price__gt=0),
                name="lease_split_compute",
            ),
        )

    def __str__(self) -> str:
        return f"{self.split_id} · {self.component}"
