"""日结: a trial balance for every day, and the result of each look whether the ledger holds. Written once, never changed.

Only the function of ``vouchers/sql/ledger_days.sql`` writes the closes; the application reads them.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.models.ledger import AccountKind, Ledger


def _yuan(label: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(label, max_digits=20, decimal_places=2)


class DayClose(models.Model):
    """One day closed: all transfers recorded before ``before_at`` that no earlier close has. Totals are cumulative, of the money
    ledger, in yuan; ``sha256`` is over the day, its lines and the hash of the close before."""

    day = models.DateField(_("日结日期"), unique=True)
    before_at = models.DateTimeField(_("截止时刻"))
    transfers = models.PositiveBigIntegerField(_("转账笔数"))
    transfers_sha256 = models.CharField(_("转账摘要"), max_length=64)
    previous_sha256 = models.CharField(_("上一日结摘要"), max_length=64, blank=True)
    sha256 = models.CharField(_("日结摘要"), max_length=64, blank=True)
    debits_pending = _yuan(_("借方预占"))
    debits_posted = _yuan(_("借方累计"))
    credits_pending = _yuan(_("贷方预占"))
    credits_posted = _yuan(_("贷方累计"))
    balanced = models.BooleanField(_("试算平衡"))
    recorded_at = models.DateTimeField(_("日结时间"), db_default=Now())

    class Meta:
        verbose_name = _("日结")
        verbose_name_plural = _("日结")
        ordering = ["-day"]

    def __str__(self) -> str:
        return str(self.day)


class DayCloseLine(models.Model):
    """The day's accounts of one kind and program: what moved, and what stands since the beginning, in yuan."""

    day_close = models.ForeignKey(DayClose, models.PROTECT, related_name="lines", verbose_name=_("日结"))
    ledger = models.CharField(_("账别"), max_length=12, choices=Ledger.choices)
    kind = models.CharField(_("科目类别"), max_length=12, choices=AccountKind.choices)
    program_code = models.CharField(_("专项代码"), max_length=40, blank=True)
    moved_debits_pending = _yuan(_("本日借方预占"))
    moved_debits_posted = _yuan(_("本日借方"))
    moved_credits_pending = _yuan(_("本日贷方预占"))
    moved_credits_posted = _yuan(_("本日贷方"))
    debits_pending = _yuan(_("借方预占"))
    debits_posted = _yuan(_("借方累计"))
    credits_pending = _yuan(_("贷方预占"))
    credits_posted = _yuan(_("贷方累计"))

    class Meta:
        verbose_name = _("日结明细")
        verbose_name_plural = _("日结明细")
        ordering = ["day_close", "ledger", "kind", "program_code"]
        constraints = [
            models.UniqueConstraint(
                fields=["day_close", "ledger", "kind", "program_code"], name="day_close_line_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day_close} {self.kind} {self.program_code}"


class LedgerCheck(models.Model):
    """One look at every invariant of the ledger, with what it found: ``findings`` are rows of invariant, row and sentence, the first
    of them; ``count`` is how many there were."""

    checked_at = models.DateTimeField(_("核对时间"), db_default=Now())
    invariants = models.PositiveSmallIntegerField(_("核对项数"))
    count = models.PositiveIntegerField(_("问题数"))
    findings = models.JSONField(_("问题"), default=list)

    class Meta:
        verbose_name = _("台账核对")
        verbose_name_plural = _("台账核对")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.checked_at:%Y-%m-%d %H:%M} {self.count}"
