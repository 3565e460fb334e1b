"""What belongs to 即时抵扣 beside the claim itself: the first answer under a key, and files of many settlements."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet


class SettlementAnswer(models.Model):
    """What was answered the first time, to the byte: the same key with the same body gets it again, whatever happened since."""

    claim = models.OneToOneField(
        "applications.Claim", models.PROTECT, primary_key=True, related_name="first_answer"
    )
    request_sha256 = models.CharField(_("请求摘要"), max_length=64)
    body = models.TextField(_("首次答复"))

    class Meta:
        verbose_name = _("首次答复")
        verbose_name_plural = _("首次答复")

    def __str__(self) -> str:
        return str(self.claim_id)


class SettlementBatchQuerySet(ScopedQuerySet):
    party_paths = ("provider",)


class SettlementBatch(models.Model):
    """A file of settlements as a platform sent it. Its lines are taken one by one, each for itself; the file is not kept."""

    batch_no = models.CharField(_("批次号"), max_length=24, unique=True)
    provider = models.ForeignKey("vouchers.Party", models.PROTECT, related_name="+", verbose_name=_("服务商"))
    idempotency_key = models.CharField(_("幂等键"), max_length=100)
    credential = models.ForeignKey(
        "vouchers.ApiCredential", models.PROTECT, related_name="+", verbose_name=_("平台凭据")
    )
    filename = models.CharField(_("文件名"), max_length=120, blank=True)
    file_sha256 = models.CharField(_("文件摘要"), max_length=64)
    line_count = models.PositiveIntegerField(_("行数"))
    job = models.ForeignKey(
        "vouchers.Job", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("后台任务")
    )
    received_at = models.DateTimeField(_("收到时间"), db_default=Now(), editable=False)

    objects = SettlementBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("抵扣批次")
        verbose_name_plural = _("抵扣批次")
        constraints = (
            models.UniqueConstraint(fields=("provider", "idempotency_key"), name="settlement_batch_key"),
        )

    def __str__(self) -> str:
        return self.batch_no


class LineOutcome(models.TextChoices):
    WAITING = "waiting", _("待处理")
    DONE = "done", _("已办理")
    REFUSED = "refused", _("未受理")


class SettlementBatchLine(models.Model):
    """One line: what was sent, and what came of it. ``code`` is empty for one that was done."""

    batch = models.ForeignKey(SettlementBatch, models.PROTECT, related_name="lines", verbose_name=_("批次"))
    line_no = models.PositiveIntegerField(_("行号"))
    idempotency_key = models.CharField(_("幂等键"), max_length=100, blank=True)
    sent = models.JSONField(_("来文内容"), default=dict)
    outcome = models.CharField(_("结果"), max_length=10, choices=LineOutcome, default=LineOutcome.WAITING)
    claim = models.ForeignKey(
        "applications.Claim", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("抵扣")
    )
    deducted_amount = models.DecimalField(
        _("抵扣金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    code = models.CharField(_("代码"), max_length=60, blank=True)
    field = models.CharField(_("字段"), max_length=60, blank=True)
    message = models.TextField(_("说明"), blank=True)
    retry = models.BooleanField(_("可以重发"), default=False)

    class Meta:
        verbose_name = _("抵扣批次明细")
        verbose_name_plural = _("抵扣批次明细")
        ordering = ("batch", "line_no")
        constraints = (models.UniqueConstraint(fields=("batch", "line_no"), name="settlement_batch_line"),)

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.line_no}"
