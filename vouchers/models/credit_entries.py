"""信用档案的记载: what was found of a party, dated, with its document and its basis; only added to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.parties import Party
from vouchers.models.people import Region, User
from vouchers.models.programs import Program
from vouchers.models.recorded import entry_number


class CreditAspect(models.TextChoices):
    PERFORMANCE = "performance", _("履约")
    COMPLIANCE = "compliance", _("合规")
    SERVICE_QUALITY = "service_quality", _("服务质量")
    INFRASTRUCTURE = "infrastructure", _("基础设施")
    SECURITY = "security", _("安全")


class CreditBearing(models.TextChoices):
    """What an entry says for or against the party."""

    ADVERSE = "adverse", _("不良")
    NEUTRAL = "neutral", _("一般")
    FAVOURABLE = "favourable", _("良好")


class CreditEntryQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("party",)

    def standing(self) -> CreditEntryQuerySet:
        """Those that say something still: not corrected by a later one, and not themselves only the taking back of one."""
        return self.filter(corrected_by=None, taken_back=False)


class CreditEntry(models.Model):
    """One entry of a party's file. It is never changed: a correction is a second entry that names the first and takes its place, or
    (``taken_back``) only takes it back."""

    entry_no = entry_number("CE")
    party = models.ForeignKey(Party, models.PROTECT, related_name="credit_entries", verbose_name=_("单位"))
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("记载地区"))
    program = models.ForeignKey(
        Program, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("专项")
    )
    aspect = models.CharField(_("类别"), max_length=20, choices=CreditAspect)
    bearing = models.CharField(_("性质"), max_length=12, choices=CreditBearing)
    found_on = models.DateField(_("认定日"))
    document_no = models.CharField(_("文号"), max_length=100)
    basis = models.CharField(_("依据文件"), max_length=200)
    article = models.CharField(_("条款"), max_length=60)
    sentence = models.CharField(_("事实"), max_length=500)
    source_no = models.CharField(_("来源编号"), max_length=40, blank=True, default="")
    corrects = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrected_by",
        verbose_name=_("更正的记载"),
    )
    taken_back = models.BooleanField(_("仅撤回原记载"), default=False)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("记载人"))
    recorded_on = models.DateField(_("记载日"))
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    objects = CreditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("信用记载")
        verbose_name_plural = _("信用记载")
        indexes = (models.Index(fields=("party", "-found_on"), name="credit_entry_of_party"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(taken_back=False) | Q(corrects__isnull=False), name="credit_entry_taken_back"
            ),
            models.CheckConstraint(
                condition=~Q(document_no="") & ~Q(basis="") & ~Q(article="") & ~Q(sentence=""),
                name="credit_entry_grounded",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entry_no} · {self.party}"
