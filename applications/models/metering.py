"""What was metered under a lease, day by day, and the reports that it came with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet


class MeteringReportQuerySet(ScopedQuerySet):
    region_path = "lease__program_region_code"
    party_paths = ("provider", "lease__lessee")


class MeteringReport(models.Model):
    """One push of a platform, with what was answered: the same key with the same body gets the same answer again."""

    provider = models.ForeignKey("vouchers.Party", models.PROTECT, related_name="+", verbose_name=_("服务商"))
    lease = models.ForeignKey("applications.Lease", models.PROTECT, related_name="+", verbose_name=_("合同"))
    idempotency_key = models.CharField(_("幂等键"), max_length=100)
    credential = models.ForeignKey(
        "vouchers.ApiCredential", models.PROTECT, related_name="+", verbose_name=_("平台凭据")
    )
    request_sha256 = models.CharField(_("请求摘要"), max_length=64)
    answer = models.JSONField(_("首次答复"))
    received_at = models.DateTimeField(_("收到时间"), db_default=Now(), editable=False)

    objects = MeteringReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("用量上报")
        verbose_name_plural = _("用量上报")
        constraints = (
            models.UniqueConstraint(fields=("provider", "idempotency_key"), name="metering_report_key"),
        )

    def __str__(self) -> str:
        return self.idempotency_key


class MeteringSource(models.TextChoices):
    PLATFORM = "platform", _("平台计量")
    SELF_REPORTED = "self_reported", _("自报")


class MeteringDay(models.Model):
    """A day's use under a lease, in card-hours. A figure that was corrected has the report that corrected it, with the reason."""

    # metering_once begins with it; millions of days came without a report: an index for each would only be written.
    lease = models.ForeignKey("applications.Lease", models.PROTECT, related_name="metering", db_index=False)
    day = models.DateField()
    card_hours = models.DecimalField(max_digits=14, decimal_places=4)
    source = models.CharField(max_length=14, choices=MeteringSource)
    origin = models.CharField(max_length=10, default="live")
    report = models.ForeignKey(
        MeteringReport,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="days",
        verbose_name=_("用量上报"),
        db_index=False,
    )
    reason = models.CharField(_("更正事由"), max_length=200, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("用量")
        verbose_name_plural = _("用量")
        constraints = (
            models.UniqueConstraint(fields=("lease", "day", "source"), name="metering_once"),
            models.CheckConstraint(condition=Q(card_hours__gte=0), name="metering_not_negative"),
        )
        indexes = (
            models.Index(fields=("report",), name="metering_by_report", condition=Q(report__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.lease_id} {self.day}"
