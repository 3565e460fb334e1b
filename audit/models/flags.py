"""风险预警: rule versions as dated data, each run of the scan, the flags it raised, and the order they are worked in.

A flag is not a finding of guilt. It keeps the version of the rule, the value, the threshold, one sentence and the records
it rests on; without these it is not shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models import User
from vouchers.policy.canonical import digest
from vouchers.states import Lifecycle, Transition, register


class Severity(models.TextChoices):
    """Never mixed: hard is a deterministic fact that blocks, with an appeal; soft only ranks a queue."""

    HARD = "hard", _("硬性")
    SOFT = "soft", _("提示")


class RuleState(models.TextChoices):
    DRAFT = "draft", _("草稿")
    PROPOSED = "proposed", _("待发布")
    PUBLISHED = "published", _("生效")
    SUPERSEDED = "superseded", _("已被替代")


class RuleVersion(models.Model):
    """One version of a rule: its parameters and points. Changed only by a new version, which two persons publish.

    In force from ``effective_from`` (empty: from its publication) until the next version's; ``superseded`` says that a next
    one is published. The database refuses any change of what was published, and of what is proposed but for its return.
    """

    rule = models.CharField(_("规则"), max_length=8)
    version = models.PositiveIntegerField(_("版本"))
    title = models.CharField(_("名称"), max_length=120)
    family = models.CharField(
        _("类别"),
        max_length=1,
        help_text=_("A 发票、B 合同与价格、C 算力与设备、D 主体与关联、E 时序与内控、S 评分。"),
    )
    severity = models.CharField(_("性质"), max_length=4, choices=Severity)
    points = models.DecimalField(_("分值"), max_digits=5, decimal_places=2, null=True, blank=True)
    parameters = models.JSONField(_("参数"), default=dict, blank=True)
    legal_basis = models.TextField(_("依据"))
    state = models.CharField(_("状态"), max_length=12, choices=RuleState, default=RuleState.DRAFT)
    shipped = models.BooleanField(_("随系统提供"), default=False, editable=False)
    drafted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("起草人")
    )
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提请人")
    )
    published_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("发布人")
    )
    published_at = models.DateTimeField(_("发布时间"), null=True, blank=True)
    effective_from = models.DateTimeField(_("施行时间"), null=True, blank=True)
    reason = models.TextField(_("修订理由"), blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]

    class Meta:
        verbose_name = _("稽核规则版本")
        verbose_name_plural = _("稽核规则版本")
        ordering = ("rule", "-version")
        constraints = (
            models.UniqueConstraint(fields=("rule", "version"), name="rule_version_once"),
            models.UniqueConstraint(
                fields=("rule",), condition=Q(state="published"), name="rule_published_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "proposed"))
                | Q(shipped=True)
                | (
                    Q(proposed_by__isnull=False, published_by__isnull=False)
                    & ~Q(published_by=F("proposed_by"))
                ),
                name="rule_published_by_two",
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule}@{self.version} {self.title}"

    @property
    def digest(self) -> str:
        """SHA-256 of what is computed with: a shadow run speaks of exactly this."""
        return digest(
            {
                "rule": self.rule,
                "severity": self.severity,
                "points": self.points,
                "parameters": self.parameters,
            }
        )

    @property
    def in_force_from(self) -> datetime | None:
        """The instant from which it is in force; None for what is not published."""
        return self.effective_from or self.published_at


RuleVersion.lifecycle = register(
    Lifecycle(
        name="rule_version",
        label="规则版本",
        table="audit_ruleversion",
        states=RuleState,
        initial=(RuleState.DRAFT,),
        transitions=(
            Transition("propose", "提请发布", ("draft",), "proposed", (Role.AUDIT_ADMIN,)),
            Transition("return", "退回修改", ("proposed",), "draft", (Role.AUDIT_ADMIN,)),
            Transition(
                "publish", "发布", ("proposed",), "published", (Role.AUDIT_ADMIN,), 10, "由提请人以外的人办理"
            ),
            Transition("ship", "随系统发布", ("draft",), "published", note="系统提供的初始版本"),
            Transition("supersede", "被替代", ("published",), "superseded", note="后一版本发布时由系统推进"),
        ),
    )
)


class ScanKind(models.TextChoices):
    NIGHTLY = "nightly", _("每夜")
    ON_DEMAND = "on_demand", _("按需")
    SHADOW = "shadow", _("影子运行")


class ScanState(models.TextChoices):
    RUNNING = "running", _("进行中")
    DONE = "done", _("已完成")
    FAILED = "failed", _("未完成")


class ScanRun(models.Model):
    """One run of the rules over everything as known at an instant."""

    kind = models.CharField(_("方式"), max_length=10, choices=ScanKind)
    state = models.CharField(_("状态"), max_length=8, choices=ScanState, default=ScanState.RUNNING)
    known_at = models.DateTimeField(_("数据截至"))
    rule_versions = models.JSONField(_("规则版本"), default=dict)
    claims = models.PositiveIntegerField(_("兑付申请数"), default=0)
    outcomes = models.JSONField(_("结果"), default=dict)
    flags_raised = models.PositiveIntegerField(_("新增预警"), default=0)
    flags_cleared = models.PositiveIntegerField(_("消除预警"), default=0)
    not_testable = models.JSONField(_("无法检验"), default=dict)
    rule_counts = models.JSONField(_("各规则命中数"), default=dict)
    stopped_rules = models.JSONField(_("自行停用的规则"), default=dict)
    started_at = models.DateTimeField(_("开始"))
    ended_at = models.DateTimeField(_("结束"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("扫描批次")
        verbose_name_plural = _("扫描批次")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.known_at:%Y-%m-%d %H:%M}"


class SubjectQuerySet(ScopedQuerySet):
    region_path = "region_code"


class Flag(models.Model):
    """One rule raised on one claim, or on a lease that no claim rests on yet. ``cleared_at`` empty: it still stands."""

    rule = models.CharField(_("规则"), max_length=8)
    rule_version = models.ForeignKey(
        RuleVersion, models.PROTECT, related_name="flags", verbose_name=_("规则版本")
    )
    severity = models.CharField(_("性质"), max_length=4, choices=Severity)
    points = models.DecimalField(_("分值"), max_digits=5, decimal_places=2, null=True, blank=True)
    claim_no = models.CharField(_("兑付编号"), max_length=24, blank=True)
    lease_no = models.CharField(_("合同备案号"), max_length=24, blank=True)
    program_code = models.CharField(_("专项代码"), max_length=30, blank=True)
    region_code = models.CharField(_("地区"), max_length=6, blank=True)
    value = models.CharField(_("观测值"), max_length=60)
    threshold = models.CharField(_("阈值"), max_length=60)
    peers = models.JSONField(_("同类分布"), default=dict, blank=True)
    sentence = models.TextField(_("说明"))
    counterfactual = models.TextField(_("不触发的条件"))
    evidence = models.JSONField(_("证据"), default=list)
    input_hash = models.CharField(_("输入摘要"), max_length=64)
    known_at = models.DateTimeField(_("数据截至"))
    scan_run = models.ForeignKey(ScanRun, models.PROTECT, null=True, blank=True, related_name="flags")
    cleared_at = models.DateTimeField(_("消除时间"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("风险预警")
        verbose_name_plural = _("风险预警")
        constraints = (
            models.UniqueConstraint(
                fields=("rule_version", "claim_no", "lease_no", "input_hash"),
                condition=Q(cleared_at=None),
                name="flag_stands_once",
            ),
            models.CheckConstraint(condition=~Q(claim_no="") | ~Q(lease_no=""), name="flag_has_subject"),
            models.CheckConstraint(condition=~Q(sentence="") & ~Q(evidence=[]), name="flag_explains_itself"),
        )
        indexes = (
            models.Index(fields=("claim_no",), name="flag_claim"),
            models.Index(fields=("lease_no",), name="flag_lease"),
            models.Index(fields=("rule",), name="flag_rule", condition=Q(cleared_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.rule} · {self.claim_no or self.lease_no}"


class SuspicionSubject(models.TextChoices):
    CLAIM = "claim", _("兑付申请")
    LEASE = "lease", _("算力租用合同")


class Suspicion(models.Model):
    """Where a claim or an unclaimed lease stands after the last scan: only those with a flag; the rest passed.

    Recomputed by each scan from the flags; nothing is decided on it.
    """

    subject_kind = models.CharField(_("对象"), max_length=8, choices=SuspicionSubject)
    subject_no = models.CharField(_("编号"), max_length=24)
    lease_no = models.CharField(_("合同备案号"), max_length=24, blank=True)
    program_code = models.CharField(_("专项代码"), max_length=30, blank=True)
    region_code = models.CharField(_("地区"), max_length=6, blank=True)
    enterprise_uscc = models.CharField(_("申领企业"), max_length=18, blank=True)
    enterprise_name = models.CharField(_("申领企业名称"), max_length=200, blank=True)
    lessor_name = models.CharField(_("出租方"), max_length=200, blank=True)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    case_no = models.CharField(_("关联组"), max_length=24, blank=True)
    outcome = models.CharField(_("结果"), max_length=8)
    score = models.DecimalField(_("得分"), max_digits=6, decimal_places=2)
    weight = models.DecimalField(_("排序值"), max_digits=9, decimal_places=4)
    rank = models.PositiveIntegerField(_("名次"))
    rules = models.JSONField(_("规则"), default=list)
    not_testable = models.JSONField(_("无法检验"), default=list)
    snoozed = models.JSONField(_("暂不计分的规则"), default=list)
    scan_run = models.ForeignKey(ScanRun, models.PROTECT, related_name="+")

    objects = SubjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("可疑合同")
        verbose_name_plural = _("可疑合同")
        constraints = (models.UniqueConstraint(fields=("subject_kind", "subject_no"), name="suspicion_once"),)
        indexes = (models.Index(fields=("region_code", "rank"), name="suspicion_rank"),)

    def __str__(self) -> str:
        return f"{self.rank} · {self.subject_no}"
