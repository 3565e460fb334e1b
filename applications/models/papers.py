"""Papers: files handed in, kept under a random name outside the web root, found by their SHA-256."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party, User


class PaperKind(models.TextChoices):
    CONTRACT = "contract", _("算力租用合同")
    INVOICE = "invoice", _("发票")
    PAYMENT_PROOF = "payment_proof", _("银行付款凭证")
    TRUTH_STATEMENT = "truth_statement", _("真实性承诺书")
    OTHER_PUBLIC_MONEY = "other_public_money", _("其他财政资金情况说明")
    USAGE_RECORD = "usage_record", _("算力使用记录")
    LICENCE = "licence", _("营业执照")
    DATA_PRODUCT_CONTRACT = "data_product_contract", _("数据产品合同")
    OTHER = "other", _("其他材料")


def storage_name(instance: Paper, filename: str) -> str:
    """A random name: what people call their files never reaches the file system."""
    return f"papers/{uuid.uuid4().hex}"


class PaperQuerySet(ScopedQuerySet):
    region_path = "region_code"
    party_paths = ("owner",)


class Paper(models.Model):
    """One file. It belongs to the party that handed it in, and stands with one subject (application, lease, claim)."""

    paper_no = models.CharField(_("材料编号"), max_length=24, unique=True)
    owner = models.ForeignKey(Party, models.PROTECT, related_name="papers", verbose_name=_("提交单位"))
    region_code = models.CharField(max_length=6, blank=True)
    subject_kind = models.CharField(max_length=12, blank=True)
    subject_no = models.CharField(max_length=30, blank=True)
    # The code of the paper in the policy version (its ``papers``); PaperKind are the usual ones.
    kind = models.CharField(_("材料"), max_length=40)
    filename = models.CharField(_("文件名"), max_length=200)
    content_type = models.CharField(_("类型"), max_length=100)
    size = models.PositiveBigIntegerField(_("大小"))
    sha256 = models.CharField(_("摘要"), max_length=64, db_index=True)
    file = models.FileField(upload_to=storage_name)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("上传人"))
    uploaded_at = models.DateTimeField(_("上传时间"), auto_now_add=True)
    removed_at = models.DateTimeField(_("移除时间"), null=True, blank=True)

    objects = PaperQuerySet.as_manager()

    class Meta:
        verbose_name = _("材料")
        verbose_name_plural = _("材料")
        indexes = (models.Index(fields=("subject_kind", "subject_no"), name="paper_subject"),)

    def __str__(self) -> str:
        return self.filename
