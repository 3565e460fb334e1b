"""本机关收款账户: where what is clawed back is paid to. Entered by one person by its document, confirmed by another."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.people import Region, User


class ReceivingAccountQuerySet(ScopedQuerySet):
    region_path = "region__code"


class ReceivingAccount(models.Model):
    """The account of a region's office. A change is a new row; a notice names the one that was in use on its day."""

    receiving_account_no = models.CharField(_("登记号"), max_length=24, unique=True)
    region = models.ForeignKey(
        Region, models.PROTECT, related_name="receiving_accounts", verbose_name=_("地区")
    )
    account_name = models.CharField(_("户名"), max_length=200)
    account_no = models.CharField(_("账号"), max_length=40)
    bank_name = models.CharField(_("开户行"), max_length=120)
    document_no = models.CharField(_("依据文号"), max_length=100)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("录入人"))
    entered_at = models.DateTimeField(_("录入时间"))
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    confirmed_at = models.DateTimeField(_("确认时间"), null=True, blank=True)
    superseded_at = models.DateTimeField(_("停用时间"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReceivingAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("本机关收款账户")
        verbose_name_plural = _("本机关收款账户")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("region",),
                condition=Q(superseded_at=None, confirmed_by__isnull=False),
                name="receiving_account_in_use_once",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("entered_by")),
                name="receiving_account_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.bank_name} · 尾号 {self.account_no[-4:]}"
