"""信用记录: what a party owes and did not pay in time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.clawbacks import Clawback
from vouchers.models.parties import Party


class CreditRecordQuerySet(ScopedQuerySet):
    region_path = "clawback__region__code"
    party_paths = ("party",)

    def open(self) -> CreditRecordQuerySet:
        """Those that were not repaired yet."""
        return self.filter(repaired_on=None)


class CreditRecord(models.Model):
    """信用记录: a clawback is overdue. It is repaired when the clawback is settled or withdrawn; a written-off one stays."""

    party = models.ForeignKey(Party, models.PROTECT, related_name="credit_records", verbose_name=_("单位"))
    clawback = models.ForeignKey(
        Clawback, models.PROTECT, related_name="credit_records", verbose_name=_("追回")
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
        )

    def __str__(self) -> str:
        return f"{self.party} · {self.sentence}"
