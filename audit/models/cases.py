"""核查案件: linked parties' flagged claims and contracts of one region, worked by one person and concluded by two.

A case is not a finding of guilt either. Scans open it, add to it and merge it; people assign it, write down what they did, and say of
every flag whether it was confirmed. Once closed it is frozen: what is raised later opens another case that names it.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.models.flags import Flag, ScanRun, SuspicionSubject
from vouchers.access import Role, ScopedQuerySet
from vouchers.models import User
from vouchers.states import Lifecycle, Transition, register


class CaseState(models.TextChoices):
    OPEN = "open", _("待分派")
    WORKING = "working", _("核查中")
    PROPOSED = "proposed", _("结论待复核")
    CLOSED = "closed", _("已办结")
    MERGED = "merged", _("已并入")


class CaseQuerySet(ScopedQuerySet):
    region_path = "region_code"


class Case(models.Model):
    """One case. Outcome, rank, weight and amount are those of its subjects at the last scan."""

    case_no = models.CharField(_("案号"), max_length=20, unique=True)
    region_code = models.CharField(_("地区"), max_length=6)
    state = models.CharField(_("状态"), max_length=8, choices=CaseState, default=CaseState.OPEN)
    outcome = models.CharField(_("结果"), max_length=8, blank=True)
    rank = models.PositiveIntegerField(_("名次"), null=True, blank=True)
    weight = models.DecimalField(_("排序值"), max_digits=9, decimal_places=4, default=0)
    amount = models.DecimalField(_("涉及金额"), max_digits=18, decimal_places=2, default=0)
    opened_by_run = models.ForeignKey(
        ScanRun, models.PROTECT, related_name="cases_opened", verbose_name=_("立案的扫描批次")
    )
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        verbose_name=_("前案"),
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", verbose_name=_("并入案件")
    )
    assigned_to = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("承办人")
    )
    assigned_at = models.DateTimeField(_("分派时间"), null=True, blank=True)
    summary = models.TextField(_("核查结论"), blank=True)
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提出结论的人")
    )
    proposed_at = models.DateTimeField(_("提出结论时间"), null=True, blank=True)
    closed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("复核人")
    )
    closed_at = models.DateTimeField(_("办结时间"), null=True, blank=True)
    opened_at = models.DateTimeField(_("立案时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("核查案件")
        verbose_name_plural = _("核查案件")
        ordering = ("rank", "pk")
        constraints = (
            models.CheckConstraint(
                condition=~Q(state="closed")
                | Q(proposed_by__isnull=False, closed_by__isnull=False) & ~Q(closed_by=F("proposed_by")),
                name="case_closed_by_two",
            ),
            models.CheckConstraint(
                condition=~Q(state="merged") | Q(merged_into__isnull=False), name="case_merged_into_one"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("working", "proposed", "closed")) | Q(assigned_to__isnull=False),
                name="case_has_its_person",
            ),
        )
        indexes = (models.Index(fields=("region_code", "state", "rank"), name="case_queue"),)

    def __str__(self) -> str:
        return self.case_no


Case.lifecycle = register(
    Lifecycle(
        name="case",
        label="核查案件",
        table="audit_case",
        states=CaseState,
        initial=(CaseState.OPEN,),
        transitions=(
            Transition("assign", "分派", ("open",), "working", (Role.INVESTIGATOR,)),
            Transition(
                "propose", "提出结论", ("working",), "proposed", (Role.INVESTIGATOR,), 15, "由承办人办理"
            ),
            Transition(
                "return",
                "退回再查",
                ("proposed",),
                "working",
                (Role.INVESTIGATOR,),
                5,
                "由提出结论的人以外的人办理",
            ),
            Transition(
                "close",
                "复核办结",
                ("proposed",),
                "closed",
                (Role.INVESTIGATOR,),
                5,
                "由提出结论的人以外的人办理",
            ),
            Transition(
                "merge",
                "并案",
                ("open", "working", "proposed"),
                "merged",
                note="扫描发现同属一案时由系统推进",
            ),
        ),
    )
)


class CasePartQuerySet(ScopedQuerySet):
    region_path = "case__region_code"


class CaseSubject(models.Model):
    """A claim or contract of a case, as it stood in the last scan that saw it. Frozen with its case; of those that are not, each is
    in one case only."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="subjects", verbose_name=_("案件"))
    subject_kind = models.CharField(_("对象"), max_length=8, choices=SuspicionSubject)
    subject_no = models.CharField(_("编号"), max_length=24)
    lease_no = models.CharField(_("合同备案号"), max_length=24, blank=True)
    enterprise_uscc = models.CharField(_("申领企业"), max_length=18, blank=True)
    enterprise_name = models.CharField(_("申领企业名称"), max_length=200, blank=True)
    lessor_name = models.CharField(_("出租方"), max_length=200, blank=True)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    outcome = models.CharField(_("结果"), max_length=8, blank=True)
    rank = models.PositiveIntegerField(_("名次"), null=True, blank=True)
    weight = models.DecimalField(_("排序值"), max_digits=9, decimal_places=4, default=0)
    frozen = models.BooleanField(_("已随案办结"), default=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CasePartQuerySet.as_manager()

    class Meta:
        verbose_name = _("案件事项")
        verbose_name_plural = _("案件事项")
        ordering = ("rank", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("subject_kind", "subject_no"),
                condition=Q(frozen=False),
                name="case_subject_in_one_case",
            ),
        )

    def __str__(self) -> str:
        return self.subject_no


class StepKind(models.TextChoices):
    NOTE = "note", _("核查记录")
    REQUEST = "request", _("调取材料")
    INSPECTION = "inspection", _("现场核查")
    HEARING = "hearing", _("听取陈述")
    CONSEQUENCE = "consequence", _("后续处理")


class CaseStep(models.Model):
    """What somebody did in a case, on a day; only added to. ``reference``: the number of the paper, hold, clawback or debarment."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps", verbose_name=_("案件"))
    kind = models.CharField(_("事项"), max_length=12, choices=StepKind)
    done_on = models.DateField(_("日期"))
    words = models.TextField(_("记录"))
    reference = models.CharField(_("相关编号"), max_length=40, blank=True)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("记录人"))
    made_at = models.DateTimeField(_("记录时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CasePartQuerySet.as_manager()

    class Meta:
        verbose_name = _("办案记录")
        verbose_name_plural = _("办案记录")
        ordering = ("pk",)
        constraints = (models.CheckConstraint(condition=~Q(words=""), name="case_step_says_something"),)

    def __str__(self) -> str:
        return f"{self.case} {self.get_kind_display()}"


class ConclusionResult(models.TextChoices):
    CONFIRMED = "confirmed", _("属实")
    PAPER_DEFECT = "paper_defect", _("材料瑕疵")
    UNFOUNDED = "unfounded", _("不成立")


class CaseConclusion(models.Model):
    """What the case found of one flag. Stands with the case's closing by another person; from its proposal on nothing changes it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="conclusions", verbose_name=_("案件"))
    flag = models.ForeignKey(Flag, models.PROTECT, related_name="conclusions", verbose_name=_("预警"))
    result = models.CharField(_("结论"), max_length=12, choices=ConclusionResult)
    reason = models.TextField(_("理由"))
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("作出人"))
    made_at = models.DateTimeField(_("作出时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CasePartQuerySet.as_manager()

    class Meta:
        verbose_name = _("预警结论")
        verbose_name_plural = _("预警结论")
        constraints = (
            models.UniqueConstraint(fields=("case", "flag"), name="case_concludes_a_flag_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="case_conclusion_has_a_reason"),
        )

    def __str__(self) -> str:
        return f"{self.flag} {self.get_result_display()}"
