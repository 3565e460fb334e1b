"""The parts that a policy version has once, its values' own citations, and its worked examples.

Like `policy_parts`, each mirrors the part of the same name in `vouchers.policy.rules`.
"""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.policies import PolicyVersion
from vouchers.models.policy_parts import Cited, PolicyPartQuerySet, fraction
from vouchers.policy import terms
from vouchers.policy.examples import CODE_PATTERN


class PolicyTerms(Cited):
    """A part that a version has once."""

    version = models.OneToOneField(PolicyVersion, models.CASCADE, related_name="%(class)s_row")

    objects = PolicyPartQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class PolicyPriceRule(PolicyTerms):
    above_band = models.CharField(
        _("高于公允价格区间时"),
        max_length=10,
        choices=terms.AboveBand.pairs(),
        default=terms.AboveBand.NONE.value,
    )
    if_untestable = models.CharField(
        _("无法判定时"),
        max_length=10,
        choices=terms.Untestable.pairs(),
        default=terms.Untestable.REVIEW.value,
    )

    class Meta:
        verbose_name = _("公允价格条款")
        verbose_name_plural = _("十二、公允价格条款")


class PolicyOtherMoney(PolicyTerms):
    mode = models.CharField(
        _("其他财政资金"),
        max_length=20,
        choices=terms.OtherMoneyMode.pairs(),
        default=terms.OtherMoneyMode.NOT_STATED.value,
    )
    level = models.CharField(_("财政层级"), max_length=20, blank=True)
    share = fraction(_("合计比例"))
    switched_on = models.BooleanField(_("启用"), default=True)

    class Meta:
        verbose_name = _("其他财政资金条款")
        verbose_name_plural = _("十三、其他财政资金条款")


class PolicyVoucherKind(PolicyTerms):
    issues_voucher = models.BooleanField(_("发放算力券"), default=True)
    divisible = models.BooleanField(_("可拆分使用"), default=True)
    many_uses = models.BooleanField(_("可多次使用"), default=True)
    validity_months = models.PositiveSmallIntegerField(_("有效期（月）"), null=True, blank=True)
    valid_to = models.DateField(_("统一失效日"), null=True, blank=True, help_text=_("该日零时起失效。"))
    reservation_days = models.PositiveSmallIntegerField(_("预占保留（工作日）"), null=True, blank=True)

    class Meta:
        verbose_name = _("券的种类")
        verbose_name_plural = _("十四、券的种类")


class PolicyWayOfIssue(PolicyTerms):
    way = models.CharField(
        _("发放方式"), max_length=30, choices=terms.IssueWay.pairs(), default=terms.IssueWay.APPLY.value
    )
    shortage = models.CharField(
        _("资金不足时"),
        max_length=20,
        choices=terms.Shortage.pairs(),
        default=terms.Shortage.NOT_STATED.value,
    )
    notice_working_days = models.PositiveSmallIntegerField(_("公示（工作日）"), null=True, blank=True)

    class Meta:
        verbose_name = _("发放方式")
        verbose_name_plural = _("十五、发放方式")


class PolicyRounding(PolicyTerms):
    mode = models.CharField(
        _("舍入方法"), max_length=10, choices=terms.RoundMode.pairs(), default=terms.RoundMode.DOWN.value
    )
    unit = models.CharField(
        _("舍入单位"), max_length=10, choices=terms.RoundUnit.pairs(), default=terms.RoundUnit.FEN.value
    )
    when = models.CharField(
        _("舍入时点"), max_length=10, choices=terms.RoundWhen.pairs(), default=terms.RoundWhen.END.value
    )

    class Meta:
        verbose_name = _("舍入")
        verbose_name_plural = _("十六、舍入")


class ValueCitation(Cited):
    """The source of the version as a whole (`target` empty), or of one value whose source differs from its row's.

    `target` is the part (`caps.enterprise_year`, `voucher`), `field` its value (`counts_at`).
    """

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="valuecitation_rows")
    target = models.CharField(
        _("条目"), max_length=100, blank=True, help_text=_("例如 caps.enterprise_year；留空指整个版本。")
    )
    field = models.CharField(
        _("数值"), max_length=40, blank=True, help_text=_("例如 counts_at；留空指整个条目。")
    )

    objects = PolicyPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("个别数值的出处")
        verbose_name_plural = _("十七、个别数值的出处")
        ordering = ["target", "field"]
        constraints = [
            models.UniqueConstraint(fields=["version", "target", "field"], name="policy_value_citation_once")
        ]

    def __str__(self) -> str:
        return f"{self.target}.{self.field}".strip(".") or str(_("整个版本"))


EXAMPLE_CODE = RegexValidator(CODE_PATTERN, _("算例编号只能用文字、数字、点、连字符和下划线。"))


class PolicyExample(models.Model):
    """A worked example of the office (算例): facts and what must come out. Run when the version is proposed."""

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="policyexample_rows")
    position = models.PositiveSmallIntegerField(_("次序"), default=0)
    code = models.CharField(_("算例编号"), max_length=60, validators=[EXAMPLE_CODE])
    title = models.CharField(_("算例"), max_length=300)
    note = models.TextField(_("计算依据"), blank=True, help_text=_("应得金额是怎样手工算出来的。"))
    facts = models.JSONField(_("事实"))
    expected = models.JSONField(_("应得结果"))
    result = models.JSONField(_("上次运算结果"), null=True, blank=True, editable=False)

    objects = PolicyPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("算例")
        verbose_name_plural = _("十八、算例")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="policy_example_code_once")]

    def __str__(self) -> str:
        return self.title
