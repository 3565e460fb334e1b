"""信用记录: what a party owed and did not do in time: paying back, or reporting its prices truly."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.clawbacks import Clawback
from vouchers.models.parties import Party
from vouchers.models.price_reports import PriceReport


class CreditGround(models.TextChoices):
    CLAWBACK_OVERDUE = "clawback_overdue", _("追回逾期")
    REPORT_OVERDUE = "report_overdue", _("价格报送逾期")
    REPORT_REFUSED = "report_refused", _("拒不报送价格")
    REPORT_FALSE = "report_false", _("虚假报送价格")


class CreditRecordQuerySet(ScopedQuerySet):
    region_path = "region_code"
    party_paths = ("party",)

    def open(self) -> CreditRecordQuerySet:
        """Those that were not repaired yet."""
        return self.filter(repaired_on=None)


class CreditRecord(models.Model):
    """信用记录: a clawback is overdue; a report of prices came late, was refused or found false. Repaired when the clawback is
    settled or withdrawn, the report handed in after all; a written-off clawback and a false report stay."""

    party = models.ForeignKey(Party, models.PROTECT, related_name="credit_records", verbose_name=_("单位"))
    ground = models.CharField(
        _("事由类别"),
        max_length=20,
        choices=CreditGround,
        default=CreditGround.CLAWBACK_OVERDUE,
        db_default=CreditGround.CLAWBACK_OVERDUE,
    )
    region_code = models.CharField(_("地区代码"), max_length=6, blank=True, default="", db_default="")
    clawback = models.ForeignKey(
        Clawback, models.PROTECT, null=True, blank=True, related_name="credit_records", verbose_name=_("追回")
    )
    report = models.ForeignKey(
        PriceReport,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_records",
        verbose_name=_("价格报送表"),
    )
    opened_on = models.DateField(_("记录日"))
    sentence = models.CharField(_("事由"), max_length=300)
    repaired_on = models.DateField(_("修复日"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CreditRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("信用记录")
        verbose_name_plural = _("信用记录")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("clawback",), condition=Q(repaired_on=None), name="credit_record_open_once"
            ),
            models.UniqueConstraint(
                fields=("report", "ground"), condition=Q(repaired_on=None), name="credit_record_report_once"
            ),
            models.CheckConstraint(
                condition=Q(clawback=None, report__isnull=False) | Q(clawback__isnull=False, report=None),
                name="credit_record_one_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} · {self.sentence}"
