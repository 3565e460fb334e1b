"""信用修复: a party asks that a restriction or an adverse entry end early; the office may also take its own decision back. Two persons."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.credit_entries import CreditEntry
from vouchers.models.debarments import Debarment
from vouchers.models.parties import Party
from vouchers.models.people import Region, User
from vouchers.models.recorded import entry_number
from vouchers.states import Lifecycle, Transition, register


class RepairKind(models.TextChoices):
    REPAIR = "repair", _("信用修复")
    REVOCATION = "revocation", _("撤销决定")


class RepairState(models.TextChoices):
    FILED = "filed", _("待审查")
    EXAMINED = "examined", _("待决定")
    GRANTED = "granted", _("准予")
    REFUSED = "refused", _("不予")
    WITHDRAWN = "withdrawn", _("已撤回")


class CreditRepairQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("party",)

    def open(self) -> CreditRepairQuerySet:
        """Those that wait for somebody."""
        return self.filter(state__in=(RepairState.FILED, RepairState.EXAMINED))


class CreditRepair(models.Model):
    """Of one debarment or one entry. ``ends_on`` is the first day on which the restriction no longer stands."""

    repair_no = entry_number("CR")
    kind = models.CharField(_("种类"), max_length=10, choices=RepairKind)
    party = models.ForeignKey(Party, models.PROTECT, related_name="credit_repairs", verbose_name=_("单位"))
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name=_("办理地区"))
    debarment = models.ForeignKey(
        Debarment, models.PROTECT, null=True, blank=True, related_name="repairs", verbose_name=_("失信限制")
    )
    entry = models.ForeignKey(
        CreditEntry, models.PROTECT, null=True, blank=True, related_name="repairs", verbose_name=_("信用记载")
    )
    statement = models.TextField(_("整改情况和理由"))
    filed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("申请人"))
    filed_at = models.DateTimeField(_("申请时间"))
    due_on = models.DateField(_("办结期限"))
    state = models.CharField(_("状态"), max_length=10, choices=RepairState, default=RepairState.FILED)
    examination = models.TextField(_("审查意见"), blank=True, default="")
    examined_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("审查人")
    )
    examined_at = models.DateTimeField(_("审查时间"), null=True, blank=True)
    document_no = models.CharField(_("决定文号"), max_length=60, blank=True, default="")
    decision_reason = models.CharField(_("决定理由"), max_length=1000, blank=True, default="")
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("决定人")
    )
    decided_at = models.DateTimeField(_("决定时间"), null=True, blank=True)
    ends_on = models.DateField(_("自何日起不再限制"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = CreditRepairQuerySet.as_manager()

    STATE_TONES: ClassVar[dict[str, str]] = {"filed": "waiting", "examined": "progress", "granted": "granted"}

    class Meta:
        verbose_name = _("信用修复")
        verbose_name_plural = _("信用修复")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(debarment=None, entry__isnull=False) | Q(debarment__isnull=False, entry=None),
                name="credit_repair_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | Q(examined_by__isnull=False)
                & ~Q(decided_by=F("examined_by"))
                & ~Q(decided_by=F("filed_by")),
                name="credit_repair_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state="granted")
                | Q(decided_by__isnull=False, ends_on__isnull=False) & ~Q(document_no=""),
                name="credit_repair_decided",
            ),
            models.UniqueConstraint(
                fields=("debarment",),
                condition=Q(state__in=("filed", "examined")),
                name="credit_repair_debarment_once",
            ),
            models.UniqueConstraint(
                fields=("entry",),
                condition=Q(state__in=("filed", "examined")),
                name="credit_repair_entry_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.repair_no} · {self.party}"

    @property
    def subject_no(self) -> str:
        """The number of what is to be repaired."""
        if self.debarment is not None:
            return self.debarment.debarment_no
        return self.entry.entry_no if self.entry is not None else ""


CreditRepair.lifecycle = register(
    Lifecycle(
        name="credit_repair",
        label="信用修复",
        table="vouchers_creditrepair",
        states=RepairState,
        initial=(RepairState.FILED, RepairState.EXAMINED),
        transitions=(
            Transition("examine", "审查", ("filed",), "examined", (Role.INVESTIGATOR,), 10),
            Transition(
                "grant", "准予", ("examined",), "granted", (Role.INVESTIGATOR,), 5, "由审查人以外的人决定"
            ),
            Transition(
                "refuse", "不予", ("examined",), "refused", (Role.INVESTIGATOR,), 5, "由审查人以外的人决定"
            ),
            Transition(
                "withdraw",
                "撤回",
                ("filed",),
                "withdrawn",
                (Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM),
            ),
        ),
    )
)
