"""What one batch says of its payments, who approved it, what was sent to the bank, and what came back."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import BankAccount
from vouchers.models.payments import Payment, PaymentBatch
from vouchers.models.people import User
from vouchers.states import Lifecycle, Transition, register


class OfBatchQuerySet(ScopedQuerySet):
    region_path = "batch__region__code"


class BandQuerySet(ScopedQuerySet):
    region_path = "program__region__code"


class PaymentBand(models.Model):
    """拨付审批权限: from which sum on a batch of the program needs how many approvers, by the document that says so.

    Entered by one person, in force once another confirmed it. A batch takes, of the rows in force on the day of its proposal,
    the one with the highest ``amount_from`` that its sum reaches; where there is none, one approver.
    """

    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, related_name="payment_bands", verbose_name=_("专项")
    )
    amount_from = models.DecimalField(
        _("批次合计自（元，含）"), max_digits=18, decimal_places=2, validators=[MinValueValidator(0)]
    )
    approvers = models.PositiveSmallIntegerField(
        _("批准人数"), validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    document_no = models.CharField(_("依据文号"), max_length=100)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至（不含）"), null=True, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("录入人"))
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BandQuerySet.as_manager()

    class Meta:
        verbose_name = _("拨付审批权限")
        verbose_name_plural = _("拨付审批权限")
        ordering = ("program", "amount_from", "effective_from")
        constraints = (
            models.UniqueConstraint(
                fields=("program", "amount_from", "effective_from"), name="payment_band_once"
            ),
            models.CheckConstraint(condition=Q(approvers__range=(1, 5)), name="payment_band_approvers"),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=models.F("effective_from")),
                name="payment_band_dates",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("entered_by")),
                name="payment_band_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.program.code} {self.amount_from} × {self.approvers}"

    @property
    def program_code(self) -> str:
        """A piece of the address of its page."""
        return self.program.code


class PaymentApproval(models.Model):
    """One person's approval of a batch as it stood; the next proposal needs new ones."""

    batch = models.ForeignKey(PaymentBatch, models.PROTECT, related_name="approvals", verbose_name=_("批次"))
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("批准人"))
    approved_at = models.DateTimeField(_("批准时间"))
    control_hash = models.CharField(_("校验值"), max_length=64)
    withdrawn_at = models.DateTimeField(_("作废时间"), null=True, blank=True)

    objects = OfBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("拨付批准")
        verbose_name_plural = _("拨付批准")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("batch", "approved_by"),
                condition=Q(withdrawn_at=None),
                name="payment_approval_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.approved_by_id}"


class BankReturn(models.Model):
    """银行回执: one file of answers as it was taken in, whole."""

    return_no = models.CharField(_("回执编号"), max_length=24, unique=True)
    batch = models.ForeignKey(PaymentBatch, models.PROTECT, related_name="returns", verbose_name=_("批次"))
    filename = models.CharField(_("文件名"), max_length=200)
    content = models.BinaryField(_("文件内容"), editable=False)
    sha256 = models.CharField(_("摘要"), max_length=64)
    line_count = models.PositiveIntegerField(_("笔数"))
    line_sum = models.DecimalField(_("合计"), max_digits=18, decimal_places=2)
    confirmed_count = models.PositiveIntegerField(_("到账笔数"), default=0)
    returned_count = models.PositiveIntegerField(_("退票笔数"), default=0)
    unknown_count = models.PositiveIntegerField(_("待查笔数"), default=0)
    repeated_count = models.PositiveIntegerField(_("重复笔数"), default=0)
    # The lines that were not taken in: line, code, message, instruction_no.
    refused_lines = models.JSONField(_("未入账的行"), default=list, blank=True)
    taken_in_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("导入人"))
    taken_in_at = models.DateTimeField(_("导入时间"))

    objects = OfBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("银行回执")
        verbose_name_plural = _("银行回执")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.return_no


class FileForm(models.TextChoices):
    WORKBOOK = "xlsx", _("拨付清单（Excel）")
    INSTRUCTIONS = "csv", _("拨付指令（CSV）")


class PaymentFile(models.Model):
    """The bytes that a batch was exported with: whoever downloads it later gets the same ones."""

    batch = models.ForeignKey(PaymentBatch, models.PROTECT, related_name="files", verbose_name=_("批次"))
    form = models.CharField(_("格式"), max_length=8, choices=FileForm)
    content = models.BinaryField(_("文件内容"), editable=False)
    sha256 = models.CharField(_("摘要"), max_length=64)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("报送文件")
        verbose_name_plural = _("报送文件")
        constraints = (models.UniqueConstraint(fields=("batch", "form"), name="payment_file_once"),)

    def __str__(self) -> str:
        return f"{self.batch_id}.{self.form}"


class PaymentLineState(models.TextChoices):
    LISTED = "listed", _("已列入")
    REMOVED = "removed", _("已移出")
    SENT = "sent", _("已报送")
    UNKNOWN = "unknown", _("结果待查")
    CONFIRMED = "confirmed", _("已到账")
    RETURNED = "returned", _("退票")


class PaymentLine(models.Model):
    """One payment in one batch: the account and amount as they were frozen, and what the bank answered.

    ``instruction_no`` is what the bank knows it by; a payment that is paid again after a return is another instruction. One
    whose outcome is unknown keeps its own: it is asked after, never sent anew.
    """

    batch = models.ForeignKey(PaymentBatch, models.PROTECT, related_name="lines", verbose_name=_("批次"))
    line_no = models.PositiveIntegerField(_("序号"))
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="lines", verbose_name=_("拨付"))
    instruction_no = models.CharField(_("指令号"), max_length=40, unique=True)
    state = models.CharField(
        _("状态"), max_length=10, choices=PaymentLineState, default=PaymentLineState.LISTED
    )
    payee_name = models.CharField(_("收款单位"), max_length=200)
    payee_uscc = models.CharField(_("统一社会信用代码"), max_length=18)
    account = models.ForeignKey(
        BankAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("收款账户")
    )
    account_no = models.CharField(_("账号"), max_length=40, blank=True)
    account_name = models.CharField(_("户名"), max_length=200, blank=True)
    bank_name = models.CharField(_("开户行"), max_length=120, blank=True)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    # The reservation of the caps' room that the proposal made for it, where its payment is bound by any (``actions.payment_caps``).
    cap_chain = models.UUIDField(_("拨付限额预占"), null=True, blank=True, editable=False)
    #: the accounts over which the caps of groups were counted when it was reserved: who joins later makes it count anew
    cap_members = models.JSONField(_("合并计算的限额科目"), default=list, blank=True, editable=False)
    #: and what the register said of their groups then (``actions.groups.register_state``): a change of it does so as well
    cap_register = models.CharField(_("合并计算时的关联登记"), max_length=64, blank=True, editable=False)
    paid_on = models.DateField(_("到账日"), null=True, blank=True)
    bank_reference = models.CharField(_("银行流水号"), max_length=60, blank=True)
    returned_reason = models.CharField(_("退票原因"), max_length=200, blank=True)
    answered_at = models.DateTimeField(_("回执时间"), null=True, blank=True)
    # By the bank's clock: an answer that is older than the one that was taken in changes nothing.
    bank_answered_at = models.DateTimeField(_("银行处理时间"), null=True, blank=True)
    bank_return = models.ForeignKey(
        BankReturn, models.PROTECT, null=True, blank=True, related_name="lines", verbose_name=_("银行回执")
    )
    # 查询: how often the bank was asked after it, and last when.
    inquiries = models.PositiveSmallIntegerField(_("查询次数"), default=0)
    inquired_at = models.DateTimeField(_("最近查询"), null=True, blank=True)
    # Where the bank answers by letter: one person enters what it says, another confirms it.
    found_outcome = models.CharField(
        _("查明结果"),
        max_length=10,
        blank=True,
        choices=(("confirmed", _("已到账")), ("returned", _("退票"))),
    )
    found_document = models.CharField(_("查复文号"), max_length=100, blank=True)
    found_reference = models.CharField(_("查明流水号"), max_length=60, blank=True)
    found_on = models.DateField(_("查明到账日"), null=True, blank=True)
    found_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("查明登记人")
    )

    lifecycle: ClassVar[Lifecycle]
    objects = OfBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("拨付明细")
        verbose_name_plural = _("拨付明细")
        ordering = ("batch", "line_no")
        constraints = (
            models.UniqueConstraint(fields=("batch", "line_no"), name="payment_line_position"),
            # At most one instruction of a payment is on its way, or has arrived.
            models.UniqueConstraint(
                fields=("payment",),
                condition=Q(state__in=("listed", "sent", "unknown", "confirmed")),
                name="payment_line_live_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_line_amount_positive"),
            models.CheckConstraint(
                condition=Q(state__in=("listed", "removed")) | ~Q(account_no=""),
                name="payment_line_sent_with_account",
            ),
        )

    def __str__(self) -> str:
        return self.instruction_no


PaymentLine.lifecycle = register(
    Lifecycle(
        name="payment_line",
        label="拨付明细",
        table="vouchers_paymentline",
        states=PaymentLineState,
        initial=(PaymentLineState.LISTED,),
        transitions=(
            Transition("remove", "移出", ("listed",), "removed", (Role.FINANCE,)),
            Transition("send", "报送", ("listed",), "sent", (Role.FINANCE,)),
            Transition("doubt", "登记结果待查", ("sent",), "unknown", (Role.FINANCE,), 5),
            Transition("confirm", "确认到账", ("sent", "unknown"), "confirmed", (Role.FINANCE,)),
            Transition("return", "登记退票", ("sent", "unknown", "confirmed"), "returned", (Role.FINANCE,)),
        ),
    )
)
