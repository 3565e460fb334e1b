"""发票: as keyed, normalised, and read from the e-invoice file."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party, User
from vouchers.models.recorded import Recorded


class InvoiceKind(models.TextChoices):
    DIGITAL_SPECIAL = "digital_special", _("数电票（专用）")
    DIGITAL_ORDINARY = "digital_ordinary", _("数电票（普通）")
    VAT_SPECIAL = "vat_special", _("增值税专用发票")
    VAT_ORDINARY = "vat_ordinary", _("增值税普通发票")


class InvoiceStatus(models.TextChoices):
    NORMAL = "normal", _("正常")
    RED = "red", _("已红冲")
    VOIDED = "voided", _("已作废")


class InvoiceQuerySet(ScopedQuerySet):
    region_path = "program_region_code"
    party_paths = ("owner",)


class Invoice(Recorded):
    """One invoice as one party handed it in.

    ``number_key`` is the normalised code and number (NFKC, no spaces or hyphens, O→0, I/l→1): the same key may stand in
    several rows, since the evidence of a second use must be storable; part-use is lawful.
    """

    invoice_code = models.CharField(_("发票代码"), max_length=20, blank=True)
    invoice_no = models.CharField(_("发票号码"), max_length=40)
    number_key = models.CharField(_("规范号码"), max_length=40, db_index=True)
    kind = models.CharField(_("票种"), max_length=18, choices=InvoiceKind)
    status = models.CharField(
        _("票面状态"), max_length=8, choices=InvoiceStatus, default=InvoiceStatus.NORMAL
    )
    status_changed_on = models.DateField(_("状态变更日"), null=True, blank=True)
    red_of = models.CharField(_("对应蓝字发票"), max_length=40, blank=True)
    issued_on = models.DateField(_("开票日"))
    seller_uscc = models.CharField(_("销方代码"), max_length=18, db_index=True)
    seller_name = models.CharField(_("销方名称"), max_length=200, blank=True)
    buyer_uscc = models.CharField(_("购方代码"), max_length=18, db_index=True)
    buyer_name = models.CharField(_("购方名称"), max_length=200, blank=True)
    net_amount = models.DecimalField(_("不含税金额"), max_digits=18, decimal_places=2)
    tax_amount = models.DecimalField(_("税额"), max_digits=18, decimal_places=2)
    gross_amount = models.DecimalField(_("价税合计"), max_digits=18, decimal_places=2)
    lease = models.ForeignKey(
        "applications.Lease", models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    period_from = models.DateField(_("服务期自"), null=True, blank=True)
    period_to = models.DateField(_("服务期至（不含）"), null=True, blank=True)
    file_sha256 = models.CharField(_("文件摘要"), max_length=64, blank=True, db_index=True)
    paper = models.ForeignKey("applications.Paper", models.PROTECT, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        Party, models.PROTECT, null=True, blank=True, related_name="invoices", verbose_name=_("提交单位")
    )
    program_region_code = models.CharField(max_length=6, blank=True)
    filer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("发票")
        verbose_name_plural = _("发票")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "number_key"), condition=Q(origin="live"), name="invoice_once_per_owner"
            ),
            models.UniqueConstraint(
                fields=("invoice_code", "invoice_no"),
                condition=Q(origin="imported"),
                name="invoice_imported_once",
            ),
            models.CheckConstraint(
                condition=Q(gross_amount=models.F("net_amount") + models.F("tax_amount")),
                name="invoice_arithmetic",
            ),
        )
        indexes = (models.Index(fields=("seller_uscc", "buyer_uscc", "issued_on"), name="invoice_parties"),)

    def __str__(self) -> str:
        return self.invoice_no


class InvoiceLine(models.Model):
    """One line of an invoice, in its own words."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    line_no = models.PositiveIntegerField()
    description = models.CharField(_("项目名称"), max_length=300)
    unit = models.CharField(_("单位"), max_length=20, blank=True)
    quantity = models.DecimalField(_("数量"), max_digits=24, decimal_places=10, null=True, blank=True)
    unit_price = models.DecimalField(_("单价"), max_digits=24, decimal_places=10, null=True, blank=True)
    net_amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    tax_rate = models.DecimalField(_("税率"), max_digits=9, decimal_places=6, null=True, blank=True)
    tax_amount = models.DecimalField(_("税额"), max_digits=18, decimal_places=2)
    origin = models.CharField(max_length=10, default="live")

    class Meta:
        verbose_name = _("发票明细")
        verbose_name_plural = _("发票明细")
        constraints = (models.UniqueConstraint(fields=("invoice", "line_no"), name="invoice_line_once"),)

    def __str__(self) -> str:
        return f"{self.invoice_id}/{self.line_no}"
