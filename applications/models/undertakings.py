"""立项项目: the project that several contracts serve, with an identity of its own: what a cap per project is counted by."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party
from vouchers.models.recorded import Recorded, entry_number


class UndertakingQuerySet(ScopedQuerySet):
    region_path = "declared_by__region_code"
    party_paths = ("declared_by",)


class Undertaking(Recorded):
    """A project as an enterprise declared it first. ``key`` is what makes two declarations the same project: the number under
    which it was approved or registered (立项、备案编号), whoever names it; without one, the name that the enterprise itself gives.

    Not to be confused with ``Project`` (申报项目), which is what one application rests on instead of a contract.
    """

    undertaking_no = entry_number("PJ")
    key = models.CharField(_("项目比对键"), max_length=320, unique=True, editable=False)
    name = models.CharField(_("项目名称"), max_length=200)
    registration_no = models.CharField(_("立项或备案编号"), max_length=100, blank=True)
    declared_by = models.ForeignKey(
        Party, models.PROTECT, related_name="undertakings", verbose_name=_("首次申报单位")
    )
    created_at = models.DateTimeField(_("建立时间"), auto_now_add=True)

    objects = UndertakingQuerySet.as_manager()

    class Meta:
        verbose_name = _("立项项目")
        verbose_name_plural = _("立项项目")

    def __str__(self) -> str:
        return self.name
