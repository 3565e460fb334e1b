"""Dishonesty and debarment lists: from which day to which day a party may not take part, and which act says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from vouchers.models.parties import Party
from vouchers.models.recorded import Recorded, entry_number

if TYPE_CHECKING:
    from datetime import date


class ListingKind(models.TextChoices):
    SERIOUS_DISHONESTY = "serious_dishonesty", _("严重失信主体名单")
    SCHEME_DEBARRED = "scheme_debarred", _("专项失信限制")


class ListingQuerySet(models.QuerySet["Listing"]):
    """Entries by day. Everybody's: lists are public."""

    def in_force(self, on: date) -> ListingQuerySet:
        """Those that stand on the day (half-open)."""
        return self.filter(effective_from__lte=on).filter(Q(effective_to=None) | Q(effective_to__gt=on))


class Listing(Recorded):
    """An entry on a list, from a day to a day (half-open), with the document that made it.

    An entry with a ``debarment`` was decided by this office: the database (credit.sql) holds it to that decision, lets it end early only
    by a repair that two persons granted, and lets no two of one kind and party in one region overlap."""

    entry_no = entry_number("LS")
    party = models.ForeignKey(Party, models.PROTECT, related_name="listings", verbose_name=_("单位"))
    kind = models.CharField(_("名单"), max_length=20, choices=ListingKind)
    effective_from = models.DateField(_("列入日"))
    effective_to = models.DateField(_("移出日"), null=True, blank=True)
    document_no = models.CharField(_("文号"), max_length=60, blank=True)
    reason = models.CharField(_("事由"), max_length=300, blank=True)
    debarment = models.OneToOneField(
        "vouchers.Debarment",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="listing",
        verbose_name=_("失信限制决定"),
    )
    region_code = models.CharField(_("决定地区"), max_length=6, blank=True, default="", db_default="")

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("失信名单")
        verbose_name_plural = _("失信名单")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "kind", "effective_from", "document_no"), name="listing_once"
            ),
            models.CheckConstraint(
                condition=Q(debarment=None, region_code="")
                | (Q(debarment__isnull=False) & ~Q(region_code="") & Q(kind="scheme_debarred")),
                name="listing_of_debarment",
            ),
            ExclusionConstraint(
                name="listing_no_overlap",
                expressions=[
                    ("party", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("region_code", RangeOperators.EQUAL),
                    (
                        Func(
                            F("effective_from"),
                            F("effective_to"),
                            Value("[)"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(debarment__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} · {self.get_kind_display()}"
