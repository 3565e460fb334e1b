"""审定批次: what a version grants only together is shared out over a batch, approved by another person, noticed and issued."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models import User
from vouchers.policy.terms import Shortage
from vouchers.states import Lifecycle, Transition, register


class IssueBatchState(models.TextChoices):
    OPEN = "open", _("归集中")
    SHARED_OUT = "shared_out", _("已分配待批")
    APPROVED = "approved", _("已批准待公示")
    NOTICED = "noticed", _("公示中")
    ISSUING = "issuing", _("发放中")
    ISSUED = "issued", _("已发放")
    CANCELLED = "cancelled", _("已撤销")


UNFINISHED = (
    IssueBatchState.OPEN,
    IssueBatchState.SHARED_OUT,
    IssueBatchState.APPROVED,
    IssueBatchState.NOTICED,
    IssueBatchState.ISSUING,
)


class IssueBatchQuerySet(ScopedQuerySet):
    region_path = "program__region__code"


class IssueBatch(models.Model):
    """One batch of a version. It gathers the approved applications that were filed before ``filed_before``, or holds a list
    that the office made (``is_listed``, 免申即享). A program has one unfinished batch at a time: what is left of the pools
    is shared out once.

    ``rooms`` is what was left of each pool when it was shared out; ``control_hash`` is over the members' amounts, so that what
    is approved is what is issued. A large one is issued in parts (``issuing``); ``issue_id`` then names the issue, and the id of
    each member's chain in the ledger follows from it and the member, whoever goes on with it."""

    batch_no = models.CharField(_("批次号"), max_length=24, unique=True)
    title = models.CharField(_("名称"), max_length=120)
    program = models.ForeignKey("vouchers.Program", models.PROTECT, verbose_name=_("专项"))
    publication = models.ForeignKey("vouchers.Publication", models.PROTECT, verbose_name=_("政策发布件"))
    is_listed = models.BooleanField(_("免申即享名单"), default=False)
    window_code = models.CharField(_("申报期"), max_length=40, blank=True)
    filed_before = models.DateTimeField(_("归集截止"))
    state = models.CharField(_("状态"), max_length=12, choices=IssueBatchState, default=IssueBatchState.OPEN)
    rule = models.CharField(_("资金不足时"), max_length=12, choices=Shortage.pairs())
    rooms = models.JSONField(_("可分配资金"), default=list)
    asked_amount = models.DecimalField(_("核准合计"), max_digits=18, decimal_places=2, null=True, blank=True)
    allotted_amount = models.DecimalField(
        _("分配合计"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    control_hash = models.CharField(_("校验值"), max_length=64, blank=True)
    waived_reason = models.CharField(_("未办结件转下批的理由"), max_length=300, blank=True)
    state_since = models.DateTimeField(_("进入本状态时间"))
    due_on = models.DateField(_("办理期限"), null=True, blank=True)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("建立人"))
    opened_on = models.DateField(_("建立日"))
    shared_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("分配人")
    )
    shared_at = models.DateTimeField(_("分配时间"), null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    notice_closes_on = models.DateField(_("公示期满"), null=True, blank=True)
    issued_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("发放人")
    )
    issued_at = models.DateTimeField(_("发放时间"), null=True, blank=True)
    issue_id = models.UUIDField(default=uuid.uuid4, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = IssueBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("审定批次")
        verbose_name_plural = _("审定批次")
        constraints = (
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("shared_by")),
                name="issue_batch_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("open", "cancelled"))
                | Q(shared_by__isnull=False, asked_amount__isnull=False, allotted_amount__isnull=False),
                name="issue_batch_shared_whole",
            ),
            models.UniqueConstraint(
                fields=("program",),
                condition=Q(state__in=("open", "shared_out", "approved", "noticed", "issuing")),
                name="issue_batch_one_at_a_time",
            ),
        )
        indexes = (models.Index(fields=("program", "state"), name="issue_batch_queue"),)

    def __str__(self) -> str:
        return self.batch_no


IssueBatch.lifecycle = register(
    Lifecycle(
        name="issue_batch",
        label="审定批次",
        table="applications_issuebatch",
        states=IssueBatchState,
        initial=(IssueBatchState.OPEN,),
        transitions=(
            Transition(
                "share_out",
                "分配",
                ("open",),
                "shared_out",
                (Role.HANDLER, Role.APPROVER),
                10,
                "归集本期已核准的申领，按政策规定的办法分配至分",
            ),
            Transition(
                "approve",
                "批准",
                ("shared_out",),
                "approved",
                (Role.APPROVER,),
                5,
                "分配人、本批各件的经办人以外的人办理",
            ),
            Transition("publish_notice", "公示", ("approved",), "noticed", (Role.APPROVER, Role.HANDLER), 2),
            Transition(
                "begin_issue",
                "开始发放",
                ("noticed",),
                "issuing",
                (Role.APPROVER, Role.HANDLER),
                None,
                "件数较多的，由系统分段发放；全部核验通过后才发第一件",
            ),
            Transition(
                "issue",
                "整批发放",
                ("noticed", "issuing"),
                "issued",
                (Role.APPROVER, Role.HANDLER),
                3,
                "公示期满且无未决异议；全部入账或全部不入账，分段发放的逐段入账，直至发完",
            ),
            Transition(
                "close_issue",
                "结束发放",
                ("issuing",),
                "issued",
                (Role.APPROVER,),
                None,
                "写明理由；不能发放的件暂缓，转入下一批，已发放的不变",
            ),
            Transition(
                "reopen",
                "退回归集",
                ("shared_out", "approved", "noticed"),
                "open",
                (Role.APPROVER, Role.HANDLER),
                None,
                "写明理由；原分配作废，须重新分配、批准、公示",
            ),
            Transition(
                "cancel", "撤销", ("open",), "cancelled", (Role.APPROVER, Role.HANDLER), None, "写明理由"
            ),
        ),
    )
)


class BatchMemberQuerySet(ScopedQuerySet):
    region_path = "batch__program__region__code"
    party_paths = ("application__enterprise",)


class BatchMember(models.Model):
    """One application in a batch: what it asks of the pools, in which place it stands, what it is allotted, and the steps of the
    working. One that is set aside takes no part and waits for a later batch. ``listed_row`` is the row of the office's list that it came from,
    ``row_key`` what it is known by when the list is sent again (``batch_lists.ListedRow.key``).
    ``year_basis`` is what it counts in its enterprise's year for those of the batch that were filed after it."""

    batch = models.ForeignKey(IssueBatch, models.PROTECT, related_name="members", verbose_name=_("审定批次"))
    application = models.ForeignKey(
        "applications.Application", models.PROTECT, related_name="memberships", verbose_name=_("申领")
    )
    place = models.PositiveIntegerField(_("次序"), null=True, blank=True)
    score = models.DecimalField(_("得分"), max_digits=9, decimal_places=4, null=True, blank=True)
    asked_amount = models.DecimalField(
        _("参与分配的金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    allotted_amount = models.DecimalField(
        _("分配金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    working = models.JSONField(_("分配过程"), default=list)
    year_basis = models.JSONField(_("计入年度累计的基数"), default=dict)
    set_aside_reason = models.CharField(_("暂不列入本批的理由"), max_length=300, blank=True)
    listed_row = models.PositiveIntegerField(_("名单行号"), null=True, blank=True)
    row_key = models.CharField(_("名单行标识"), max_length=64, blank=True, editable=False)

    objects = BatchMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("批内申领")
        verbose_name_plural = _("批内申领")
        ordering = ("place", "pk")
        constraints = (
            models.UniqueConstraint(fields=("batch", "application"), name="batch_member_once"),
            models.UniqueConstraint(
                fields=("batch", "row_key"), condition=~Q(row_key=""), name="batch_member_row_once"
            ),
            models.CheckConstraint(
                condition=Q(allotted_amount=None)
                | Q(allotted_amount__gte=0, allotted_amount__lte=models.F("asked_amount")),
                name="batch_member_within_asked",
            ),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.place or ''}"
