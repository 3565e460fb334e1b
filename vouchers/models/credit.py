"""Dishonesty and debarment lists. Credit files and repair come with the fraud desk."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.parties import Party
from vouchers.models.recorded import Recorded, entry_number


class ListingKind(models.TextChoices):
    SERIOUS_DISHONESTY = "serious_dishonesty", _("严重失信主体名单")
    SCHEME_DEBARRED = "scheme_debarred", _("专项失信限制")


class Listing(Recorded):
    """An entry on a list, from a day to a day (half-open), with the document that made it."""

    entry_no = entry_number("LS")
    party = models.ForeignKey(Party, models.PROTECT, related_name="listings", verbose_name=_("单位"))
    kind = models.CharField(_("名单"), max_length=20, choices=ListingKind)
    effective_from = models.DateField(_("列入日"))
    effective_to = models.DateField(_("移出日"), null=True, blank=True)
    document_no = models.CharField(_("文号"), max_length=60, blank=True)
    reason = models.CharField(_("事由"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("失信名单")
        verbose_name_plural = _("失信名单")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "kind", "effective_from", "document_no"), name="listing_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} · {self.get_kind_display()}"
