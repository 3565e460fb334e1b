"""拨付: a payable becomes an instruction in a batch, and the bank's answer settles it line by line.

What one batch says of a payment, with the account and amount as they were frozen, is a ``PaymentLine``
(``vouchers.models.payment_lines``): a payment that was returned stands in several batches.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import BankAccount, Party
from vouchers.models.people import Region, User
from vouchers.states import Lifecycle, Transition, register


class PaymentBatchState(models.TextChoices):
    DRAFT = "draft", _("编制中")
    PROPOSED = "proposed", _("待审批")
    APPROVED = "approved", _("已批准")
    EXPORTED = "exported", _("已报送")
    SETTLED = "settled", _("已办结")
    CANCELLED = "cancelled", _("已撤销")


class PaymentBatchQuerySet(ScopedQuerySet):
    region_path = "region__code"


class PaymentBatch(models.Model):
    """A list of payments with its control totals. Frozen when proposed; approved by one without a hand in its claims."""

    batch_no = models.CharField(_("批次号"), max_length=24, unique=True)
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("地区"))
    program = models.ForeignKey("vouchers.Program", models.PROTECT, verbose_name=_("专项"))
    title = models.CharField(_("名称"), max_length=120)
    state = models.CharField(
        _("状态"), max_length=12, choices=PaymentBatchState, default=PaymentBatchState.DRAFT
    )
    control_count = models.PositiveIntegerField(_("笔数"), default=0)
    control_sum = models.DecimalField(_("合计"), max_digits=18, decimal_places=2, default=0)
    control_hash = models.CharField(_("校验值"), max_length=64, blank=True)
    # What the hash is over (``vouchers.actions.payments.control_totals``): 1 without the account's name and bank.
    control_version = models.PositiveSmallIntegerField(_("校验值版本"), default=2, db_default=1)
    # By the bands that were in force on the day of the proposal.
    approvals_needed = models.PositiveSmallIntegerField(_("所需批准人数"), default=1, db_default=1)
    band_document_no = models.CharField(
        _("审批权限文号"), max_length=100, blank=True, default="", db_default=""
    )
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("编制人"))
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    exported_at = models.DateTimeField(null=True, blank=True)
    exported_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    export_sha256 = models.CharField(max_length=64, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    created_on = models.DateField(_("编制日"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = PaymentBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("拨付批次")
        verbose_name_plural = _("拨付批次")
        constraints = (
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("proposed_by")),
                name="payment_batch_two_persons",
            ),
        )

    def __str__(self) -> str:
        return self.batch_no


PaymentBatch.lifecycle = register(
    Lifecycle(
        name="payment_batch",
        label="拨付批次",
        table="vouchers_paymentbatch",
        states=PaymentBatchState,
        initial=(PaymentBatchState.DRAFT,),
        transitions=(
            Transition(
                "propose",
                "提交审批",
                ("draft",),
                "proposed",
                (Role.FINANCE,),
                None,
                "冻结清单，记录笔数、合计、校验值",
            ),
            Transition(
                "reopen",
                "退回编制",
                ("proposed", "approved"),
                "draft",
                (Role.FINANCE,),
                None,
                "批准作废，须重新报批",
            ),
            Transition(
                "approve",
                "批准",
                ("proposed",),
                "approved",
                (Role.FINANCE,),
                5,
                "批准人须未参与编制及批内任何兑付申请；按金额分档达到规定人数",
            ),
            Transition(
                "export", "报送", ("approved",), "exported", (Role.FINANCE,), 2, "再次核查账户、筛查与暂缓"
            ),
            Transition("settle", "办结", ("exported",), "settled", (Role.FINANCE,), 10, "每笔均有银行结果"),
            Transition(
                "cancel",
                "撤销",
                ("draft", "proposed", "approved"),
                "cancelled",
                (Role.FINANCE,),
                None,
                "批内各笔恢复为应付",
            ),
        ),
    )
)


class PaymentState(models.TextChoices):
    PAYABLE = "payable", _("应付")
    BATCHED = "batched", _("已列入批次")
    INSTRUCTED = "instructed", _("已报送")
    UNKNOWN = "unknown", _("结果待查")
    CONFIRMED = "confirmed", _("已到账")
    RETURNED = "returned", _("退票")
    OFFSET = "offset", _("已抵扣")


class PaymentQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("payee",)


class Payment(models.Model):
    """One payable to one payee for one claim. The account is the one confirmed when the batch is proposed."""

    payment_no = models.CharField(_("拨付编号"), max_length=24, unique=True)
    claim_no = models.CharField(_("兑付编号"), max_length=24, db_index=True)
    voucher_no = models.CharField(_("券号"), max_length=24)
    region = models.ForeignKey(Region, models.PROTECT)
    program = models.ForeignKey("vouchers.Program", models.PROTECT, verbose_name=_("专项"))
    payee = models.ForeignKey(Party, models.PROTECT, related_name="payments", verbose_name=_("收款单位"))
    account = models.ForeignKey(
        BankAccount, models.PROTECT, null=True, blank=True, verbose_name=_("收款账户")
    )
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    state = models.CharField(_("状态"), max_length=12, choices=PaymentState, default=PaymentState.PAYABLE)
    # What was set off against a clawback; the bank is instructed with the rest.
    offset_amount = models.DecimalField(
        _("已抵扣"), max_digits=18, decimal_places=2, default=Decimal(0), db_default=Decimal(0)
    )
    # The batch that it stands in now; which ones it stood in say its lines.
    batch = models.ForeignKey(PaymentBatch, models.PROTECT, null=True, blank=True, related_name="payments")
    # Who had a hand in the claim, pushed down by the approval: none of them may approve the batch.
    participants = ArrayField(models.BigIntegerField(), default=list)
    # The caps that count at payment (``vouchers.policy.payment_caps.PaymentTerm``), as the claim's own version has them.
    cap_terms = models.JSONField(_("拨付限额"), default=list, db_default=[], blank=True)
    payable_on = models.DateField(_("应付日"))
    paid_on = models.DateField(_("到账日"), null=True, blank=True)
    bank_reference = models.CharField(_("银行流水号"), max_length=60, blank=True)
    returned_reason = models.CharField(_("退票原因"), max_length=200, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("拨付")
        verbose_name_plural = _("拨付")
        constraints = (
            models.UniqueConstraint(fields=("claim_no", "payee"), name="payment_once_per_claim"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(offset_amount__gte=0, offset_amount__lte=models.F("amount")),
                name="payment_offset_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(state="offset") | Q(offset_amount=models.F("amount")),
                name="payment_offset_in_full",
            ),
        )

    def __str__(self) -> str:
        return self.payment_no

    @property
    def bank_amount(self) -> Decimal:
        """What the bank is to move: the amount less what was set off, in yuan."""
        return self.amount - self.offset_amount


Payment.lifecycle = register(
    Lifecycle(
        name="payment",
        label="拨付",
        table="vouchers_payment",
        states=PaymentState,
        initial=(PaymentState.PAYABLE,),
        transitions=(
            Transition("batch", "列入批次", ("payable",), "batched", (Role.FINANCE,)),
            Transition("unbatch", "移出批次", ("batched",), "payable", (Role.FINANCE,)),
            Transition("instruct", "报送", ("batched",), "instructed", (Role.FINANCE,)),
            Transition(
                "doubt",
                "登记结果待查",
                ("instructed",),
                "unknown",
                (Role.FINANCE,),
                5,
                "查询原指令，不另发新指令",
            ),
            Transition("confirm", "确认到账", ("instructed", "unknown"), "confirmed", (Role.FINANCE,)),
            Transition(
                "return",
                "登记退票",
                ("instructed", "unknown", "confirmed"),
                "returned",
                (Role.FINANCE,),
                None,
                "退回的账户停用；账户经两人更正后恢复应付",
            ),
            Transition(
                "correct",
                "账户更正",
                ("returned",),
                "payable",
                (Role.ENTERPRISE_APPROVER, Role.FINANCE),
                None,
                "由录入人以外的人确认新账户时办理",
            ),
            Transition(
                "offset", "全额抵扣", ("payable",), "offset", (Role.FINANCE,), None, "抵扣该单位应追回款"
            ),
        ),
    )
)
