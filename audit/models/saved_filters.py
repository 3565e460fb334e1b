"""常用筛选: what one person asks of a list again and again, under a name of their own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.models import User


class SavedFilter(models.Model):
    """One person's filter of one list: the query of the address, as the list's own form reads it."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("所有人"))
    page = models.CharField(_("列表"), max_length=40)
    name = models.CharField(_("名称"), max_length=40)
    query = models.CharField(_("筛选条件"), max_length=1000)
    saved_at = models.DateTimeField(_("保存时间"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("常用筛选")
        verbose_name_plural = _("常用筛选")
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_filter_once"),)

    def __str__(self) -> str:
        return self.name
