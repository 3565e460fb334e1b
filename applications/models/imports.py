"""What was brought along: each file of a bulk folder, by its digest, with what was taken and what was refused."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ImportedFile(models.Model):
    """One file of one run. A file whose digest was taken before changes nothing."""

    name = models.CharField(_("文件"), max_length=60)
    sha256 = models.CharField(_("摘要"), max_length=64)
    rows_sha256 = models.CharField(_("入库行摘要"), max_length=64, blank=True)
    rows_read = models.PositiveBigIntegerField(_("读取"), default=0)
    rows_taken = models.PositiveBigIntegerField(_("入库"), default=0)
    rows_known = models.PositiveBigIntegerField(_("已有"), default=0)
    rows_refused = models.PositiveBigIntegerField(_("退回"), default=0)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("导入文件")
        verbose_name_plural = _("导入文件")

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"
