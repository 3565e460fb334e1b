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
    """A project as an enterprise declared it first. What makes two declarations the same project are its keys.

    Not to be confused with ``Project`` (申报项目), which is what one application rests on instead of a contract.
    """

    undertaking_no = entry_number("PJ")
    name = models.CharField(_("项目名称"), max_length=200)
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


class UndertakingKey(models.Model):
    """What one application names its project by: the number under which it was approved or registered (立项、备案编号), by which
    it is the same whoever names it, or the name that the enterprise itself gives. It identifies the project for as long as the
    application may still be, or was, granted something: a refused application leaves no claim on a number behind.

    A name may stand for several projects of an enterprise, each with a number of its own; a number for one.
    """

    undertaking = models.ForeignKey(
        Undertaking, models.PROTECT, related_name="keys", verbose_name=_("所属项目")
    )
    application = models.ForeignKey(
        "applications.Application",
        models.PROTECT,
        related_name="undertaking_keys",
        verbose_name=_("填报的申领"),
    )
    key = models.CharField(_("项目比对键"), max_length=320, db_index=True, editable=False)
    stated = models.CharField(_("填报的名称或编号"), max_length=200)

    class Meta:
        verbose_name = _("立项项目比对键")
        verbose_name_plural = _("立项项目比对键")
        constraints = (
            models.UniqueConstraint(fields=("application", "key"), name="undertaking_key_once_a_case"),
        )

    def __str__(self) -> str:
        return self.stated
