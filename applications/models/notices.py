"""公示 and 异议."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models import Party, User
from vouchers.states import Lifecycle, Transition, register


class NoticeQuerySet(ScopedQuerySet):
    region_path = "application__program__region__code"


class PublicNotice(models.Model):
    """One application's public notice, after the decision to approve and before issue. Half-open: ``closes_on`` is the first
    day on which issue is possible."""

    notice_no = models.CharField(_("公示编号"), max_length=24, unique=True)
    application = models.OneToOneField("applications.Application", models.PROTECT, related_name="notice")
    amount = models.DecimalField(_("拟支持金额"), max_digits=18, decimal_places=2)
    opens_on = models.DateField(_("公示开始"))
    closes_on = models.DateField(_("公示期满"))
    working_days = models.PositiveSmallIntegerField(_("公示工作日"))
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    # Where several are noticed together: the batch whose list they stand on.
    batch = models.ForeignKey(
        "applications.IssueBatch",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="notices",
        verbose_name=_("审定批次"),
    )
    recalled_on = models.DateField(_("撤回日"), null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("公示")
        verbose_name_plural = _("公示")
        constraints = (
            models.CheckConstraint(condition=Q(closes_on__gte=models.F("opens_on")), name="notice_dates"),
        )

    def __str__(self) -> str:
        return self.notice_no


class ObjectionState(models.TextChoices):
    FILED = "filed", _("待处理")
    UPHELD = "upheld", _("成立")
    DISMISSED = "dismissed", _("不成立")


class ObjectionQuerySet(ScopedQuerySet):
    region_path = "region_code"
    party_paths = ("filed_by_party",)


class Objection(models.Model):
    """An objection to a notice, a decision or a hold; answered by someone without a hand in the case."""

    objection_no = models.CharField(_("异议编号"), max_length=24, unique=True)
    subject_kind = models.CharField(max_length=12)
    subject_no = models.CharField(max_length=30)
    region_code = models.CharField(max_length=6)
    filed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    filed_by_party = models.ForeignKey(
        Party, models.PROTECT, null=True, blank=True, related_name="objections"
    )
    filer_name = models.CharField(_("异议人"), max_length=100)
    contact = models.CharField(_("联系方式"), max_length=100, blank=True)
    text = models.TextField(_("异议内容"))
    state = models.CharField(_("状态"), max_length=10, choices=ObjectionState, default=ObjectionState.FILED)
    filed_at = models.DateTimeField(_("提出时间"))
    due_on = models.DateField(_("答复期限"))
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(_("答复"), blank=True)

    lifecycle: ClassVar[Lifecycle]
    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("异议")
        verbose_name_plural = _("异议")
        indexes = (models.Index(fields=("subject_kind", "subject_no"), name="objection_subject"),)

    def __str__(self) -> str:
        return self.objection_no


Objection.lifecycle = register(
    Lifecycle(
        name="objection",
        label="异议",
        table="applications_objection",
        states=ObjectionState,
        initial=(ObjectionState.FILED,),
        transitions=(
            Transition("uphold", "认定成立", ("filed",), "upheld", (Role.APPROVER, Role.INVESTIGATOR), 15),
            Transition(
                "dismiss", "认定不成立", ("filed",), "dismissed", (Role.APPROVER, Role.INVESTIGATOR), 15
            ),
        ),
    )
)
