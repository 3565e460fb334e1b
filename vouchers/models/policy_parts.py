"""The parts of a policy version as rows that people edit, in the ordinance's order.

Each model mirrors the part of the same name in `vouchers.policy.rules`, field by field; `actions/policies` carries them to
and fro mechanically, so a new named field of the rule model is a column here and nothing else. Every row carries its
source; a single value whose source differs has a `ValueCitation`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.policies import PolicyVersion
from vouchers.money import ZERO
from vouchers.policy import terms
from vouchers.policy.codes import PART_CODE

Words = Any
"""Text, now or when it is shown (gettext)."""

CODE = RegexValidator(PART_CODE, _("代码只能用小写字母、数字和下划线，以字母开头。"))
FRACTION = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))]
_NOT_NEGATIVE = [MinValueValidator(ZERO)]


class PolicyPartQuerySet(ScopedQuerySet):
    region_path = "version__program__region__code"


class Cited(models.Model):
    """The source of a row's values."""

    cite_document = models.CharField(
        _("依据文件"), max_length=200, help_text=_("文号；没有文号的写文件名称。")
    )
    cite_article = models.CharField(_("条款"), max_length=100, blank=True)
    cite_confidence = models.CharField(
        _("可信程度"), max_length=4, choices=terms.Confidence.pairs(), default=terms.Confidence.TEXT.value
    )
    cite_note = models.CharField(_("出处说明"), max_length=500, blank=True)

    class Meta:
        abstract = True


class PolicyPart(Cited):
    """A row of a version, in its place."""

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="%(class)s_rows")
    position = models.PositiveSmallIntegerField(_("次序"), default=0)

    objects = PolicyPartQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["position", "pk"]


class CodedPart(PolicyPart):
    code = models.CharField(
        _("代码"),
        max_length=40,
        validators=[CODE],
        help_text=_("本版本内同类不重复，例如 enterprise_year。"),
    )

    class Meta(PolicyPart.Meta):
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, "name", "") or self.code)


def once(noun: str) -> list[models.BaseConstraint]:
    """A code stands once in a version."""
    return [models.UniqueConstraint(fields=["version", "code"], name=f"policy_{noun}_code_once")]


def _words(
    label: Words, pairs: list[tuple[str, str]] | None = None, help_text: Words = ""
) -> ArrayField[Any, Any]:
    base = models.CharField(max_length=60, choices=pairs) if pairs else models.CharField(max_length=60)
    return ArrayField(
        base, verbose_name=label, blank=True, default=list, help_text=help_text or _("留空表示不限。")
    )


def amount_field(label: Words, help_text: Words = "") -> models.DecimalField[Any, Any]:
    """Yuan to the fen, not negative, or empty."""
    return models.DecimalField(
        label,
        max_digits=18,
        decimal_places=2,
        null=True,
        blank=True,
        validators=_NOT_NEGATIVE,
        help_text=help_text,
    )


def fraction(label: Words, help_text: Words = "") -> models.DecimalField[Any, Any]:
    return models.DecimalField(
        label,
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=FRACTION,
        help_text=help_text,
    )


class PolicyDocument(models.Model):
    """An instrument that the version rests on."""

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="policydocument_rows")
    position = models.PositiveSmallIntegerField(_("次序"), default=0)
    document_no = models.CharField(_("文号"), max_length=200, help_text=_("没有文号的写文件名称。"))
    title = models.CharField(_("标题"), max_length=300)
    issuer = models.CharField(_("发文机关"), max_length=200, blank=True)
    issued_on = models.DateField(_("发文日期"), null=True, blank=True)
    note = models.CharField(_("说明"), max_length=500, blank=True)

    objects = PolicyPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("依据文件")
        verbose_name_plural = _("一、依据文件")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title


def _choice(label: Words, pairs: list[tuple[str, str]], help_text: Words = "") -> models.CharField[Any, Any]:
    """A word of a vocabulary, or none."""
    return models.CharField(label, max_length=20, choices=pairs, blank=True, help_text=help_text)


def border_field(label: Words) -> models.CharField[Any, Any]:
    """Whether a limit's own number is still inside."""
    return models.CharField(
        label,
        max_length=10,
        choices=terms.Border.pairs(),
        default=terms.Border.INCLUDED.value,
    )


class PolicyTrack(CodedPart):
    """Who is supported, who is paid, on what base."""

    name = models.CharField(_("名称"), max_length=100)
    side = models.CharField(_("支持对象"), max_length=20, choices=terms.Side.pairs())
    pay_to = models.CharField(_("兑付方式"), max_length=30, choices=terms.PayTo.pairs())
    basis_kinds = _words(_("补贴基数种类"), terms.BasisKind.pairs(), _("兑付时可以凭什么计算。"))
    tax_mode = models.CharField(
        _("计税口径"), max_length=10, choices=terms.TaxMode.pairs(), default=terms.TaxMode.NET.value
    )
    excluded_components = _words(_("不计入的费用"), terms.Component.pairs(), _("例如存储、网络。"))
    counted_from = models.DateField(
        _("计入起始日"), null=True, blank=True, help_text=_("只有此日以后发生的费用计入。")
    )
    counted_to = models.DateField(
        _("计入截止日"), null=True, blank=True, help_text=_("该日零时起发生的费用不计入。")
    )
    day_count = models.CharField(
        _("天数算法"), max_length=20, choices=terms.DayCount.pairs(), default=terms.DayCount.INCLUSIVE.value
    )
    tier_mode = models.CharField(
        _("分档方式"), max_length=10, choices=terms.TierMode.pairs(), default=terms.TierMode.NONE.value
    )
    tier_measure = models.CharField(
        _("分档依据"), max_length=10, choices=terms.TierMeasure.pairs(), default=terms.TierMeasure.CASE.value
    )
    scale_unit = _choice(
        _("按规模补贴的单位"),
        terms.ScaleUnit.pairs(),
        _("按金额的比例补贴的留空；按核定规模补贴的（例如每 PFLOPS 若干元）在此选择单位。"),
    )
    scale_precision = _choice(
        _("规模的计算精度"), terms.Precision.pairs(), _("文件载明精度的才选；不同精度之间不折算。")
    )
    tier_base = models.CharField(
        _("分档的累计范围"),
        max_length=10,
        choices=terms.TierBase.pairs(),
        default=terms.TierBase.LADDER.value,
    )
    band_border = border_field(_("档次起点是否含本数"))

    class Meta(CodedPart.Meta):
        verbose_name = _("补贴方向与基数")
        verbose_name_plural = _("二、补贴方向与基数")
        constraints = once("track")


class PolicyApplicantClass(CodedPart):
    """A class of applicants that rates and caps may name."""

    name = models.CharField(_("名称"), max_length=100)
    registered_within_months = models.PositiveSmallIntegerField(_("成立不超过（月）"), null=True, blank=True)
    sizes = _words(_("企业规模"))
    ownerships = _words(_("所有制"))
    border = border_field(_("月数是否含本数"))

    class Meta(CodedPart.Meta):
        verbose_name = _("申领主体类别")
        verbose_name_plural = _("三、申领主体类别")
        constraints = once("class")


class PolicyRate(CodedPart):
    """A rate, and when it holds; tried in order."""

    track = models.CharField(_("补贴方向代码"), max_length=40)
    rate = fraction(_("补贴比例"), _("小数，例如 0.2 表示 20%。文件未公布的请留空，切勿自行填写。"))
    kind = models.CharField(
        _("比例性质"), max_length=20, choices=terms.RateKind.pairs(), default=terms.RateKind.FIXED.value
    )
    chip_origins = _words(_("芯片来源"), terms.ChipOrigin.pairs())
    purposes = _words(_("用途"), terms.Purpose.pairs())
    components = _words(_("费用种类"), terms.Component.pairs())
    classes = _words(_("主体类别代码"))
    band_from = amount_field(_("档次起点（含，元）"))
    band_to = amount_field(_("档次终点（不含，元）"))
    completion_from = fraction(_("目标完成度不低于"))
    unit_amount = models.DecimalField(
        _("每单位补贴（元）"),
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        validators=_NOT_NEGATIVE,
        help_text=_("只用于按规模补贴的方向，与“补贴比例”二选一；文件未公布的请留空。"),
    )

    class Meta(CodedPart.Meta):
        verbose_name = _("补贴比例与分档")
        verbose_name_plural = _("四、补贴比例与分档")
        constraints = once("rate")

    def __str__(self) -> str:
        value = self.rate if self.unit_amount is None else self.unit_amount
        return f"{self.code} {value if value is not None else _('未公布')}"


class PolicyScoreRate(CodedPart):
    """A row of the reviewers' score table."""

    track = models.CharField(_("补贴方向代码"), max_length=40)
    score_from = models.DecimalField(_("评分不低于"), max_digits=9, decimal_places=2)
    rate = models.DecimalField(_("补贴比例"), max_digits=9, decimal_places=6, validators=FRACTION)

    class Meta(CodedPart.Meta):
        verbose_name = _("评分对应比例")
        verbose_name_plural = _("四之二、评分对应比例")
        constraints = once("score_rate")


class PolicyFloor(CodedPart):
    """A minimum below which nothing is granted."""

    name = models.CharField(_("名称"), max_length=100)
    measure = models.CharField(_("起补依据"), max_length=20, choices=terms.FloorMeasure.pairs())
    amount = models.DecimalField(
        _("起补线（元）"),
        max_digits=18,
        decimal_places=2,
        validators=_NOT_NEGATIVE,
        help_text=_("依据为“核定规模”的，以该方向的规模单位计。"),
    )
    tracks = _words(_("适用方向"))
    stages = _words(_("适用环节"), terms.Stage.pairs(), _("留空表示只在申领时。"))
    switched_on = models.BooleanField(_("启用"), default=True)
    border = border_field(_("起补线是否含本数"))

    class Meta(CodedPart.Meta):
        verbose_name = _("起补线")
        verbose_name_plural = _("五、起补线")
        constraints = once("floor")


class PolicyCap(CodedPart):
    """A maximum of a subject over a period."""

    name = models.CharField(_("名称"), max_length=100)
    subject = models.CharField(_("限额对象"), max_length=20, choices=terms.CapSubject.pairs())
    amount = amount_field(_("限额（元）"), _("与“限额比例”二选一。"))
    share = fraction(_("限额比例"), _("占合同额的比例。"))
    period = models.CharField(
        _("期间"), max_length=20, choices=terms.CapPeriod.pairs(), default=terms.CapPeriod.NONE.value
    )
    counts_at = models.CharField(
        _("计入环节"), max_length=10, choices=terms.CountsAt.pairs(), default=terms.CountsAt.BOTH.value
    )
    tracks = _words(_("适用方向"))
    classes = _words(_("适用主体类别"))
    waived_for = _words(_("不受此限的主体类别"), None, _("留空表示没有例外。"))
    year_starts = models.CharField(
        _("年度起始（月-日）"),
        max_length=5,
        default="01-01",
        validators=[
            RegexValidator(r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", _("请写作“月-日”，例如 04-01。"))
        ],
    )
    switched_on = models.BooleanField(_("启用"), default=True)
    year_by = models.CharField(
        _("年度按哪一日"),
        max_length=10,
        choices=terms.YearBy.pairs(),
        default=terms.YearBy.EVENT.value,
        db_default=terms.YearBy.EVENT.value,
    )

    class Meta(CodedPart.Meta):
        verbose_name = _("限额")
        verbose_name_plural = _("六、限额与资金总量")
        constraints = once("cap")


class PolicyGate(CodedPart):
    """A condition."""

    kind = models.CharField(_("条件种类"), max_length=30, choices=terms.GateKind.pairs())
    text = models.CharField(_("条件"), max_length=500, help_text=_("照文件原意书写，企业将看到这句话。"))
    cure = models.CharField(_("如何补正"), max_length=500, blank=True)
    effect = models.CharField(
        _("不符合时"), max_length=10, choices=terms.GateEffect.pairs(), default=terms.GateEffect.REFUSE.value
    )
    if_untestable = models.CharField(
        _("无法判定时"),
        max_length=10,
        choices=terms.Untestable.pairs(),
        default=terms.Untestable.REVIEW.value,
    )
    stages = _words(_("适用环节"), terms.Stage.pairs(), _("留空表示各环节。"))
    tracks = _words(_("适用方向"))
    regions = _words(_("行政区划代码（前缀）"), None, _("例如 11 表示北京市。"))
    industries = _words(_("行业代码（前缀）"), None, _("GB/T 4754，例如 I65。"))
    values = _words(_("取值"), None, _("主体类型、所有制、规模、用途、服务项目等。"))
    months = models.PositiveSmallIntegerField(_("月数"), null=True, blank=True)
    years = models.PositiveSmallIntegerField(_("年数"), null=True, blank=True)
    from_on = models.DateField(_("起始日（含）"), null=True, blank=True)
    to_on = models.DateField(_("截止日（不含）"), null=True, blank=True)
    question = models.CharField(_("人工核验的问题"), max_length=300, blank=True)
    review_reference = models.CharField(
        _("公平竞争审查"), max_length=200, blank=True, help_text=_("限定地域或经营者的条件，须记载审查文号。")
    )
    switched_on = models.BooleanField(_("启用"), default=True)
    batches = _words(_("入库批次"), None, _("只认这些批次入库的服务商；留空表示不限批次。"))
    scale_from = models.DecimalField(
        _("规模不低于"),
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        validators=_NOT_NEGATIVE,
        help_text=_("服务商经核定的算力规模，以右侧单位计。"),
    )
    scale_unit = _choice(_("规模单位"), terms.ScaleUnit.pairs())
    scale_precision = _choice(_("计算精度"), terms.Precision.pairs(), _("文件载明精度的才选。"))
    border = border_field(_("月数是否含本数"))
    sides = _words(_("限于支持这些对象的方向"), terms.Side.pairs())
    for_kinds = _words(_("只适用的主体类型"), terms.PartyKind.pairs())
    not_for_kinds = _words(_("不适用的主体类型"), terms.PartyKind.pairs(), _("留空表示没有例外。"))
    classes = _words(_("只适用的主体类别"))
    waived_for = _words(_("不受此条限制的主体类别"), None, _("留空表示没有例外。"))

    class Meta(CodedPart.Meta):
        verbose_name = _("申领条件")
        verbose_name_plural = _("七、申领条件")
        constraints = once("gate")

    def __str__(self) -> str:
        return self.text
