"""What must be consulted before anything is approved or paid: holds (暂缓) and screenings."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.people import User
from vouchers.states import Lifecycle, Transition, register


class HoldState(models.TextChoices):
    OPEN = "open", _("暂缓中")
    LIFT_REQUESTED = "lift_requested", _("已提请解除")
    LIFTED = "lifted", _("已解除")
    # No verb leads here: what is found to be so ends in a rejection, a demand or a case, and its hold stays until then.
    CONFIRMED = "confirmed", _("已核实成立")


class SubjectKind(models.TextChoices):
    """What a business number may belong to."""

    APPLICATION = "application", _("申领")
    CLAIM = "claim", _("兑付申请")
    LEASE = "lease", _("算力租用合同")
    INVOICE = "invoice", _("发票")
    VOUCHER = "voucher", _("算力券")
    PAYMENT = "payment", _("拨付")
    PARTY = "party", _("单位")


class HoldQuerySet(ScopedQuerySet):
    region_path = "region_code"
    party_paths = ("party",)

    def open(self) -> HoldQuerySet:
        """The holds that still stop a case: also while their lifting is only asked for."""
        return self.filter(state__in=(HoldState.OPEN, HoldState.LIFT_REQUESTED))


class Hold(models.Model):
    """A case is stopped until two persons lift it with a reason. It is not a finding of guilt."""

    hold_no = models.CharField(_("编号"), max_length=24, unique=True)
    subject_kind = models.CharField(_("对象"), max_length=12, choices=SubjectKind)
    subject_no = models.CharField(_("对象编号"), max_length=30)
    region_code = models.CharField(_("地区"), max_length=6)
    party = models.ForeignKey(
        "vouchers.Party", models.PROTECT, null=True, blank=True, verbose_name=_("相关单位")
    )
    ground = models.CharField(
        _("依据代码"), max_length=40, help_text=_("预警规则编号，或人工暂缓的事由代码。")
    )
    sentence = models.TextField(_("说明"))
    evidence = models.JSONField(_("证据"), default=list)
    state = models.CharField(_("状态"), max_length=16, choices=HoldState, default=HoldState.OPEN)
    placed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提出人")
    )
    placed_at = models.DateTimeField(_("提出时间"))
    lift_requested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    lift_requested_at = models.DateTimeField(null=True, blank=True)
    lift_reason = models.TextField(_("解除理由"), blank=True)
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("暂缓")
        verbose_name_plural = _("暂缓")
        constraints = (
            models.UniqueConstraint(
                fields=("subject_kind", "subject_no", "ground"),
                condition=Q(state__in=("open", "lift_requested")),
                name="hold_open_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="lifted")
                | (
                    Q(lift_requested_by__isnull=False, lifted_by__isnull=False)
                    & ~Q(lifted_by=models.F("lift_requested_by"))
                    & ~Q(lift_reason="")
                ),
                name="hold_lifted_by_two",
            ),
        )
        indexes = (models.Index(fields=("subject_kind", "subject_no"), name="hold_subject"),)

    def __str__(self) -> str:
        return f"{self.hold_no} · {self.get_subject_kind_display()} {self.subject_no}"


Hold.lifecycle = register(
    Lifecycle(
        name="hold",
        label="暂缓",
        table="vouchers_hold",
        states=HoldState,
        initial=(HoldState.OPEN,),
        transitions=(
            Transition(
                "request_lift",
                "提请解除",
                ("open",),
                "lift_requested",
                (Role.INVESTIGATOR,),
                15,
                "须写明理由",
            ),
            Transition(
                "lift", "解除", ("lift_requested",), "lifted", (Role.INVESTIGATOR,), 5, "由提请人以外的人办理"
            ),
            Transition("refuse_lift", "不同意解除", ("lift_requested",), "open", (Role.INVESTIGATOR,)),
        ),
    )
)


class ScreeningOutcome(models.TextChoices):
    BLOCK = "block", _("拦截")
    HOLD = "hold", _("优先复核")
    REVIEW = "review", _("需复核")
    PASS = "pass", _("通过")


class ScreeningMoment(models.TextChoices):
    FILING = "filing", _("提交时")
    APPROVAL = "approval", _("核准前")
    PAYMENT = "payment", _("拨付前")
    NIGHTLY = "nightly", _("每夜")


class Screening(models.Model):
    """One run of the screener over a subject. Approval and payment ask for one of the same inputs."""

    subject_kind = models.CharField(max_length=12, choices=SubjectKind)
    subject_no = models.CharField(max_length=30)
    moment = models.CharField(max_length=10, choices=ScreeningMoment)
    inputs_hash = models.CharField(max_length=64)
    rule_versions = models.JSONField(default=dict)
    outcome = models.CharField(max_length=8, choices=ScreeningOutcome)
    flags = models.JSONField(default=list)
    not_testable = models.JSONField(default=list)
    screened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("筛查")
        verbose_name_plural = _("筛查")
        indexes = (models.Index(fields=("subject_kind", "subject_no", "-id"), name="screening_subject"),)

    def __str__(self) -> str:
        return f"{self.subject_no} · {self.moment} · {self.outcome}"
