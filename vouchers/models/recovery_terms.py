"""追缴依据: what documents lay down of interest and penalty on what is clawed back."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.people import User


class RecoveryTermQuerySet(ScopedQuerySet):
    region_path = "program__region__code"


class RecoveryKind(models.TextChoices):
    INTEREST = "interest", _("资金占用费（年利率）")
    PENALTY = "penalty", _("罚款（占追回本金的比例）")


class RecoveryTerm(models.Model):
    """追缴依据: a rate that a document lays down for a program's clawbacks. Where no row is in force, there is no interest and no
    penalty: nothing is charged without a cited basis.

    ``rate_low``–``rate_high`` as fractions: of the principal (penalty), or a year, actual days over 365 (interest; both are equal).
    Entered by one person, in force once another confirmed it.
    """

    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, related_name="recovery_terms", verbose_name=_("专项")
    )
    kind = models.CharField(_("种类"), max_length=10, choices=RecoveryKind)
    rate_low = models.DecimalField(
        _("下限"), max_digits=9, decimal_places=6, validators=[MinValueValidator(0)]
    )
    rate_high = models.DecimalField(
        _("上限"), max_digits=9, decimal_places=6, validators=[MinValueValidator(0)]
    )
    document_no = models.CharField(_("依据文件"), max_length=200)
    article = models.CharField(_("条款"), max_length=60)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至（不含）"), null=True, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("录入人"))
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RecoveryTermQuerySet.as_manager()

    class Meta:
        verbose_name = _("追缴依据")
        verbose_name_plural = _("追缴依据")
        constraints = (
            models.UniqueConstraint(fields=("program", "kind", "effective_from"), name="recovery_term_once"),
            models.CheckConstraint(
                condition=Q(rate_low__gte=0, rate_high__gte=F("rate_low"))
                & (~Q(kind="interest") | Q(rate_high=F("rate_low"))),
                name="recovery_term_rates",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("entered_by")),
                name="recovery_term_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.document_no} {self.article}"

    @property
    def program_code(self) -> str:
        """A piece of the address of its page."""
        return self.program.code
