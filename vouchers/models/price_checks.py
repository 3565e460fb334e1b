"""A contract's price held against the fair price of its signing date: the verdict and all that is needed to recompute it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.price_tables import PriceMethod
from vouchers.models.prices import PriceIndexRow, PriceSnapshot
from vouchers.models.recorded import Recorded
from vouchers.policy.facts import PriceVerdict
from vouchers.policy.prices.figures import short
from vouchers.policy.terms import Verdict


class PricePosition(models.TextChoices):
    WITHIN = "within", _("在区间内")
    ABOVE = "above", _("高于上限")
    BELOW = "below", _("低于下限")
    UNKNOWN = "unknown", _("无可比价格")


class PriceConsequence(models.TextChoices):
    PASSED = "passed", _("通过")
    REFUSED = "refused", _("不予支持")
    CUT = "cut", _("按上限认定")
    REVIEW = "review", _("转人工复核")


VERDICTS = {
    PricePosition.WITHIN: Verdict.WITHIN,
    PricePosition.ABOVE: Verdict.ABOVE,
    PricePosition.BELOW: Verdict.BELOW,
    PricePosition.UNKNOWN: Verdict.UNTESTABLE,
}
#: reasons for which a price above the band neither refuses nor cuts, whatever the scheme says
UNDECIDED = frozenset({"price.above_band_review", "price.bundled", "price.split_unconfirmed"})


class PriceCheck(Recorded):
    """A case's price held against the fair price of its signing date, with all that is needed to recompute it."""

    check_no = models.CharField(_("编号"), max_length=20, unique=True)
    subject_kind = models.CharField(_("事项"), max_length=20)
    subject_no = models.CharField(_("事项编号"), max_length=40)
    cell = models.CharField(_("单元"), max_length=140, blank=True)
    as_of = models.DateField(_("签订日"))
    known_at = models.DateTimeField(_("数据截至"))
    unit_price = models.DecimalField(
        _("折算单价（元/卡时，不含税）"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    above_band = models.CharField(_("超出区间的处理"), max_length=10)
    position = models.CharField(_("位置"), max_length=10, choices=PricePosition)
    consequence = models.CharField(_("结论"), max_length=10, choices=PriceConsequence)
    recognised_price = models.DecimalField(
        _("认定单价"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    grade = models.CharField(_("评级"), max_length=1, blank=True)
    lower = models.DecimalField(_("下限"), max_digits=18, decimal_places=6, null=True, blank=True)
    upper = models.DecimalField(_("上限"), max_digits=18, decimal_places=6, null=True, blank=True)
    base = models.DecimalField(_("基准价"), max_digits=18, decimal_places=6, null=True, blank=True)
    reason = models.CharField(_("原因代码"), max_length=40, blank=True)
    sentence = models.TextField(_("说明"))
    row = models.JSONField(_("价格行"), default=dict)
    left_out = models.JSONField(_("回避的供应方"), default=list)
    output_hash = models.CharField(_("结果摘要"), max_length=64, blank=True)
    method = models.ForeignKey(
        PriceMethod, models.PROTECT, null=True, related_name="+", verbose_name=_("方法")
    )
    snapshot = models.ForeignKey(
        PriceSnapshot, models.PROTECT, null=True, related_name="+", verbose_name=_("快照")
    )
    index_row = models.ForeignKey(
        PriceIndexRow,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("当期公布的价格"),
    )

    class Meta:
        verbose_name = _("价格核对")
        verbose_name_plural = _("价格核对")
        indexes = (models.Index(fields=("subject_kind", "subject_no", "-id"), name="price_check_subject"),)

    def __str__(self) -> str:
        return f"{self.check_no} {self.subject_no}"

    def facts(self) -> PriceVerdict:
        """The check as the assessment takes it."""
        return PriceVerdict(
            verdict=VERDICTS[PricePosition(self.position)],
            unit_price=short(self.unit_price),
            lower=short(self.lower),
            base=short(self.base),
            upper=short(self.upper),
            grade=self.grade,
            index_no=self.check_no,
            sentence=self.sentence,
            decisive=self.reason not in UNDECIDED,
        )
