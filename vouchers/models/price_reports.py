"""How prices come in beside the casework: files of the office, submissions of providers' platforms, and the duty to report."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import Party
from vouchers.models.people import Region, User
from vouchers.models.prices import PriceObservation
from vouchers.models.programs import Program
from vouchers.states import Lifecycle, Transition, register

CHECKERS = (Role.PRICE_PUBLISHER, Role.HANDLER)
"""Who works on reports: the price office, and those who know the providers from the casework."""

# -- files ------------------------------------------------------------------------------------------------------------


class PriceFileState(models.TextChoices):
    PREVIEWED = "previewed", _("待确认导入")
    LOADED = "loaded", _("已导入")
    DISCARDED = "discarded", _("已弃用")


class PriceFileQuerySet(ScopedQuerySet):
    staff_see_all = True


class PriceFile(models.Model):
    """价格文件: one file as it was handed in, what would become of its rows, and who let it in.

    ``findings`` lists every row that would not be admitted: row, cell, column, code, message, outcome. ``backfilled``: its
    prices count as known since their own days (history that an office brings along), otherwise since the file was let in.
    """

    file_no = models.CharField(_("编号"), max_length=24, unique=True)
    filename = models.CharField(_("文件名"), max_length=120)
    sha256 = models.CharField(_("文件摘要"), max_length=64, db_index=True)
    content = models.BinaryField(_("文件内容"), editable=False)
    backfilled = models.BooleanField(_("历史数据移交（按采集日知悉）"), default=False)
    row_count = models.PositiveIntegerField(_("行数"))
    counts = models.JSONField(_("各结果行数"), default=dict)
    findings = models.JSONField(_("不采用的行"), default=list)
    state = models.CharField(
        _("状态"), max_length=10, choices=PriceFileState, default=PriceFileState.PREVIEWED
    )
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("上传人"))
    uploaded_at = models.DateTimeField(_("上传时间"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    decided_at = models.DateTimeField(_("确认时间"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = PriceFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("价格文件")
        verbose_name_plural = _("价格文件")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("sha256",), condition=~Q(state="discarded"), name="price_file_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.file_no} {self.filename}"


PriceFile.lifecycle = register(
    Lifecycle(
        name="price_file",
        label="价格文件",
        table="vouchers_pricefile",
        states=PriceFileState,
        initial=(PriceFileState.PREVIEWED,),
        transitions=(
            Transition("load", "确认导入", ("previewed",), "loaded", (Role.PRICE_PUBLISHER,)),
            Transition("discard", "弃用", ("previewed",), "discarded", (Role.PRICE_PUBLISHER,)),
        ),
    )
)


class PriceSubmission(models.Model):
    """What a platform was answered the first time under a key, to the byte: the same key with the same body gets it again."""

    provider = models.ForeignKey(Party, models.PROTECT, related_name="+", verbose_name=_("服务商"))
    idempotency_key = models.CharField(_("幂等键"), max_length=100)
    request_sha256 = models.CharField(_("请求摘要"), max_length=64)
    body = models.TextField(_("首次答复"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("价格上报")
        verbose_name_plural = _("价格上报")
        constraints = (
            models.UniqueConstraint(fields=("provider", "idempotency_key"), name="price_submission_key"),
        )

    def __str__(self) -> str:
        return f"{self.provider} · {self.idempotency_key}"


class PriceJudgement(models.Model):
    """修订: what a person or the casework decided about a price after it came in, and what it stood on before. Only added to.

    ``revision`` is the observation's number after it; ``changes`` holds [before, after] by column.
    """

    observation = models.ForeignKey(
        PriceObservation, models.PROTECT, related_name="judgements", verbose_name=_("价格采集")
    )
    revision = models.PositiveIntegerField(_("修订"))
    verb = models.CharField(_("事项"), max_length=20)
    reason = models.CharField(_("原因代码"), max_length=40, blank=True)
    note = models.CharField(_("说明"), max_length=500, blank=True)
    changes = models.JSONField(_("变更"), default=dict)
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提出人")
    )
    judged_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("办理人")
    )
    judged_at = models.DateTimeField(_("办理时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("价格修订")
        verbose_name_plural = _("价格修订")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=("observation", "revision"), name="price_judgement_once"),
            models.CheckConstraint(
                condition=Q(proposed_by=None) | Q(judged_by=None) | ~Q(proposed_by=F("judged_by")),
                name="price_judgement_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.observation_id}/{self.revision}"


# -- the duty to report -----------------------------------------------------------------------------------------------


class DutyState(models.TextChoices):
    OPEN = "open", _("报送中")
    CLOSED = "closed", _("已结束")


class ReportingDutyQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("reports__party",)


class ReportingDuty(models.Model):
    """报送任务: who has admitted providers asks them for prices and costs of a period, until a day. The period is half-open.

    ``remind_days``: so many working days before the deadline everyone who has not reported is reminded.
    """

    duty_no = models.CharField(_("编号"), max_length=24, unique=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("地区"))
    program = models.ForeignKey(
        Program,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("专项"),
        help_text=_("留空即本地区各专项入库的服务商。"),
    )
    title = models.CharField(_("名称"), max_length=120)
    document_no = models.CharField(_("依据文号"), max_length=60)
    period_from = models.DateField(_("所属期自"))
    period_to = models.DateField(_("所属期至（不含）"))
    due_on = models.DateField(_("报送期限"))
    remind_days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("期限前几个工作日提醒"))
    instructions = models.TextField(_("报送要求"), blank=True)
    state = models.CharField(_("状态"), max_length=8, choices=DutyState, default=DutyState.OPEN)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("发起人"))
    opened_at = models.DateTimeField(_("发起时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = ReportingDutyQuerySet.as_manager()

    class Meta:
        verbose_name = _("报送任务")
        verbose_name_plural = _("报送任务")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(condition=Q(period_to__gt=F("period_from")), name="reporting_duty_period"),
        )

    def __str__(self) -> str:
        return f"{self.duty_no} {self.title}"


ReportingDuty.lifecycle = register(
    Lifecycle(
        name="reporting_duty",
        label="报送任务",
        table="vouchers_reportingduty",
        states=DutyState,
        initial=(DutyState.OPEN,),
        transitions=(
            Transition(
                "close",
                "结束",
                ("open",),
                "closed",
                (Role.PRICE_PUBLISHER,),
                None,
                "没有待报送和待核对的报送表",
            ),
        ),
    )
)


class ReportState(models.TextChoices):
    DUE = "due", _("待报送")
    SUBMITTED = "submitted", _("待核对")
    RETURNED = "returned", _("待补正")
    ACCEPTED = "accepted", _("已采纳")
    OVERDUE = "overdue", _("逾期未报")
    REFUSED = "refused", _("拒不报送")
    SUSPECTED = "suspected", _("疑似虚假")
    FALSE = "false", _("虚假报送")
    EXCUSED = "excused", _("免报")


WAITING_FOR_PARTY = (ReportState.DUE, ReportState.RETURNED, ReportState.OVERDUE, ReportState.REFUSED)
"""In these a provider may still report."""


class PriceReportQuerySet(ScopedQuerySet):
    region_path = "duty__region__code"
    party_paths = ("party",)


class PriceReport(models.Model):
    """报送表: what one provider owes under a duty, and what became of it. ``submission`` counts how often it was handed in."""

    report_no = models.CharField(_("编号"), max_length=24, unique=True)
    duty = models.ForeignKey(
        ReportingDuty, models.PROTECT, related_name="reports", verbose_name=_("报送任务")
    )
    party = models.ForeignKey(Party, models.PROTECT, related_name="price_reports", verbose_name=_("报送单位"))
    state = models.CharField(_("状态"), max_length=10, choices=ReportState, default=ReportState.DUE)
    due_on = models.DateField(_("期限"))
    submission = models.PositiveIntegerField(_("第几次报送"), default=0)
    statement = models.CharField(_("报送说明"), max_length=1000, blank=True)
    submitted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("报送人")
    )
    submitted_at = models.DateTimeField(_("报送时间"), null=True, blank=True)
    late = models.BooleanField(_("逾期报送"), default=False)
    reminded_on = models.DateField(_("最近提醒日"), null=True, blank=True)
    checked_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("核对人")
    )
    checked_at = models.DateTimeField(_("核对时间"), null=True, blank=True)
    answer = models.CharField(_("核对意见"), max_length=1000, blank=True)
    suspected_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提出虚假的人")
    )
    suspicion = models.CharField(_("疑似虚假的事实"), max_length=1000, blank=True)
    found_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("认定人")
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = PriceReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("价格报送表")
        verbose_name_plural = _("价格报送表")
        ordering = ("-duty", "party")
        constraints = (
            models.UniqueConstraint(fields=("duty", "party"), name="price_report_once"),
            models.CheckConstraint(
                condition=~Q(state="false")
                | Q(suspected_by__isnull=False, found_by__isnull=False) & ~Q(found_by=F("suspected_by")),
                name="price_report_false_by_two",
            ),
        )
        indexes = (models.Index(fields=("state", "due_on"), name="price_report_due"),)

    def __str__(self) -> str:
        return f"{self.report_no} {self.party}"


PriceReport.lifecycle = register(
    Lifecycle(
        name="price_report",
        label="价格报送表",
        table="vouchers_pricereport",
        states=ReportState,
        initial=(ReportState.DUE,),
        transitions=(
            Transition(
                "submit",
                "报送",
                tuple(WAITING_FOR_PARTY),
                "submitted",
                (Role.FILER, Role.PLATFORM),
                None,
                "逾期后仍可补报",
            ),
            Transition(
                "accept", "采纳", ("submitted",), "accepted", CHECKERS, 10, "所报价格逐条进入采集或待核对"
            ),
            Transition("return", "退回补正", ("submitted",), "returned", CHECKERS, 10),
            Transition("mark_overdue", "记为逾期", ("due", "returned"), "overdue", note="期满次日由系统办理"),
            Transition("note_refusal", "记为拒报", ("due", "returned", "overdue"), "refused", CHECKERS),
            Transition("excuse", "免报", ("due", "overdue", "refused"), "excused", CHECKERS),
            Transition("suspect", "提出疑似虚假", ("submitted", "accepted"), "suspected", CHECKERS),
            Transition(
                "clear", "排除虚假", ("suspected",), "submitted", CHECKERS, None, "由提出人以外的人办理"
            ),
            Transition(
                "find_false",
                "认定虚假",
                ("suspected",),
                "false",
                CHECKERS,
                None,
                "由提出人以外的人办理；所报价格自此不再参与测算",
            ),
        ),
    )
)


class PriceReportLine(models.Model):
    """One price as the provider wrote it: ``fields`` to the letter. Those of the coming submission may still change; what was
    handed in stays, also when it is returned and handed in anew."""

    report = models.ForeignKey(PriceReport, models.PROTECT, related_name="lines", verbose_name=_("报送表"))
    submission = models.PositiveIntegerField(_("第几次报送"))
    line_no = models.PositiveIntegerField(_("行号"))
    fields = models.JSONField(_("所报内容"), default=dict)
    observation = models.ForeignKey(
        PriceObservation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("价格采集")
    )

    class Meta:
        verbose_name = _("报送明细")
        verbose_name_plural = _("报送明细")
        ordering = ("report", "submission", "line_no")
        constraints = (
            models.UniqueConstraint(
                fields=("report", "submission", "line_no"), name="price_report_line_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.report_id}/{self.submission}/{self.line_no}"
