"""Programs (专项): one published scheme of one region, and the money appropriated to it year by year."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Cast, Left
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.money import ZERO
from vouchers.policy.codes import PROGRAM_CODE
from vouchers.policy.terms import Side


class ProgramQuerySet(ScopedQuerySet):
    """A region's staff see their region's programs. The public catalogue goes by `listed()`, not by scope."""

    region_path = "region__code"

    def listed(self) -> ProgramQuerySet:
        """What the public catalogue shows: programs that were not hidden (imported ones and drafts are)."""
        return self.filter(listed_publicly=True)


class Program(models.Model):
    """A scheme as a lasting thing; its rules are its policy versions.

    `code` is the public number. `is_demonstration` programs carry values that no government published and say so wherever
    they are shown. `origin` is `imported` for the programs that history brings along (`EX-…`).
    """

    class Origin(models.TextChoices):
        LIVE = "live", _("本系统")
        IMPORTED = "imported", _("历史导入")

    code = models.CharField(
        _("专项代码"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(PROGRAM_CODE, _("专项代码为 2 至 30 个大写字母、数字和连字符，以字母或数字开头。"))
        ],
        help_text=_("对外编号，发布后不再更改。例如 BJ-AIQ。"),
    )
    name = models.CharField(_("专项名称"), max_length=200)
    region = models.ForeignKey(
        "vouchers.Region", models.PROTECT, related_name="programs", verbose_name=_("行政区划")
    )
    office = models.CharField(_("主管部门"), max_length=200, blank=True)
    side = models.CharField(_("支持对象"), max_length=20, choices=Side.pairs(), default=Side.DEMAND.value)
    summary = models.TextField(_("简介"), blank=True, help_text=_("公开目录中显示的一段话。"))
    is_demonstration = models.BooleanField(
        _("演示专项"), default=False, help_text=_("含有并非政府公布的数值，各处均标注“演示”。")
    )
    listed_publicly = models.BooleanField(_("列入公开目录"), default=True)
    origin = models.CharField(_("来源"), max_length=10, choices=Origin.choices, default=Origin.LIVE)

    objects = ProgramQuerySet.as_manager()

    class Meta:
        verbose_name = _("专项")
        verbose_name_plural = _("专项")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=models.Q(code__regex=PROGRAM_CODE), name="program_code_in_form"),
            # The ledger's accounts of caps name a program by this piece of its hash (``vouchers.actions.caps``).
            models.UniqueConstraint(
                Left(
                    Func(
                        Func(Cast("code", models.BinaryField()), function="sha256"),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    ),
                    12,
                ),
                name="program_caps_own_accounts",
                violation_error_message=_("该代码与另一专项的账目编号相同，请换一个。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.code}）"


class ProgramBudgetQuerySet(ScopedQuerySet):
    region_path = "program__region__code"


class ProgramBudget(models.Model):
    """The money of one program for one year (预算指标), in yuan: the sum of its appropriations and of what is carried over to it.

    What is left of it is in the ledger, never here. `year` is the budget year.
    """

    program = models.ForeignKey(Program, models.PROTECT, related_name="budgets", verbose_name=_("专项"))
    year = models.PositiveSmallIntegerField(_("预算年度"))
    amount = models.DecimalField(
        _("预算金额（元）"), max_digits=18, decimal_places=2, validators=[MinValueValidator(ZERO)]
    )
    closed_on = models.DateField(_("结账日期"), null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("结账人"),
    )

    objects = ProgramBudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("预算指标")
        verbose_name_plural = _("预算指标")
        ordering = ["program", "year"]
        constraints = [
            models.UniqueConstraint(fields=["program", "year"], name="program_budget_once_a_year"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="program_budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.program.code} {self.year}"


class AppropriationQuerySet(ScopedQuerySet):
    region_path = "budget__program__region__code"


class Appropriation(models.Model):
    """One document by which a treasury gives money to a year's budget (指标文件), in yuan. Booked in the ledger once."""

    budget = models.ForeignKey(
        ProgramBudget, models.PROTECT, related_name="appropriations", verbose_name=_("预算指标")
    )
    document_no = models.CharField(_("指标文号"), max_length=100)
    # The code that the program's versions give the treasury; empty where one treasury bears all.
    treasury_code = models.CharField(_("分担财政代码"), max_length=40, blank=True, default="", db_default="")
    treasury = models.CharField(_("财政"), max_length=100, blank=True, default="", db_default="")
    amount = models.DecimalField(_("金额（元）"), max_digits=18, decimal_places=2)
    appropriated_on = models.DateField(_("下达日期"))
    appropriated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("办理人")
    )

    objects = AppropriationQuerySet.as_manager()

    class Meta:
        verbose_name = _("指标文件")
        verbose_name_plural = _("指标文件")
        ordering = ["budget", "appropriated_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "treasury_code", "document_no"], name="appropriation_document_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="appropriation_positive"),
        ]

    def __str__(self) -> str:
        return self.document_no
