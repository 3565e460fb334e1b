"""What every business row carries: where it came from, and when the database took it in."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Origin(models.TextChoices):
    """Imported rows are history: in their final state, outside the ledger and the lifecycles, never payable."""

    LIVE = "live", _("本系统办理")
    IMPORTED = "imported", _("历史导入")


class Recorded(models.Model):
    """Base of rows that may also be imported history."""

    origin = models.CharField(_("来源"), max_length=10, choices=Origin, default=Origin.LIVE, editable=False)
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    class Meta:
        abstract = True
