"""银行回单: a lessee's own payment to its lessor. (``Payment`` in vouchers is 拨付, money of the public.)"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party
from vouchers.models.recorded import Recorded


class BankTransferQuerySet(ScopedQuerySet):
    staff_see_all = True
    party_paths = ("payer",)


class BankTransfer(Recorded):
    """One transfer, by the bank's reference."""

    bank_ref = models.CharField(_("银行流水号"), max_length=60, unique=True)
    payer = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="transfers_out")
    payee = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="transfers_in")
    payer_account = models.CharField(_("付款账号"), max_length=40, blank=True)
    payee_account = models.CharField(_("收款账号"), max_length=40, blank=True)
    paid_on = models.DateField(_("付款日"))
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    receipt_sha256 = models.CharField(_("回单摘要"), max_length=64, blank=True)
    paper = models.ForeignKey("applications.Paper", models.PROTECT, null=True, blank=True, related_name="+")

    objects = BankTransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("银行回单")
        verbose_name_plural = _("银行回单")
        indexes = (
            models.Index(fields=("payer", "paid_on"), name="bank_transfer_payer"),
            models.Index(fields=("payee", "paid_on"), name="bank_transfer_payee"),
        )

    def __str__(self) -> str:
        return self.bank_ref
