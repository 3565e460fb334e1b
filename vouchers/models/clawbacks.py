"""追回: what was paid without ground is due back, by notice, and comes in by transfer, by instalments or by set-off."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import Party
from vouchers.models.payments import Payment
from vouchers.models.people import Region, User
from vouchers.models.receiving_accounts import ReceivingAccount
from vouchers.states import Lifecycle, Transition, register

OFFICE = (Role.HANDLER, Role.FINANCE, Role.INVESTIGATOR)


class ClawbackGround(models.TextChoices):
    FINDING = "finding", _("核查结论")
    RED_LETTER = "red_letter", _("兑付后红冲或作废")
    OBJECTION = "objection", _("异议成立")
    VOLUNTARY = "voluntary", _("主动退回")


class ClawbackState(models.TextChoices):
    DRAFTED = "drafted", _("草拟中")
    PROPOSED = "proposed", _("待审批")
    APPROVED = "approved", _("待通知")
    NOTICED = "noticed", _("已通知待退回")
    WRITE_OFF_PROPOSED = "write_off_proposed", _("已提请核销")
    SETTLED = "settled", _("已收讫")
    WRITTEN_OFF = "written_off", _("已核销")
    WITHDRAWN = "withdrawn", _("已撤销")


class ClawbackQuerySet(ScopedQuerySet):
    """Staff see their region's; an enterprise its own once it was noticed, and what it offered itself."""

    region_path = "region__code"
    party_paths = ("party",)

    def told(self) -> ClawbackQuerySet:
        """Those that the party may know of."""
        return self.filter(Q(noticed_at__isnull=False) | Q(ground=ClawbackGround.VOLUNTARY))


class Clawback(models.Model):
    """One demand on one payment. ``principal_amount`` is at most what the bank paid of it and no other clawback took; interest
    and penalty only by a cited ``RecoveryTerm``. ``working`` holds the lines: label, amount, article, sentence."""

    clawback_no = models.CharField(_("追回编号"), max_length=24, unique=True)
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("地区"))
    program = models.ForeignKey("vouchers.Program", models.PROTECT, verbose_name=_("专项"))
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="clawbacks", verbose_name=_("拨付"))
    claim_no = models.CharField(_("兑付编号"), max_length=24)
    party = models.ForeignKey(Party, models.PROTECT, related_name="clawbacks", verbose_name=_("应退回单位"))
    ground = models.CharField(_("事由"), max_length=12, choices=ClawbackGround)
    ground_no = models.CharField(
        _("事由编号"), max_length=60, blank=True, help_text=_("核查案件、红字发票、异议或文书的编号。")
    )
    reason = models.TextField(_("事实和理由"), blank=True)
    state = models.CharField(_("状态"), max_length=20, choices=ClawbackState, default=ClawbackState.DRAFTED)
    paid_amount = models.DecimalField(_("已拨付金额"), max_digits=18, decimal_places=2)
    founded_amount = models.DecimalField(_("重新核定金额"), max_digits=18, decimal_places=2)
    principal_amount = models.DecimalField(_("应退回补贴"), max_digits=18, decimal_places=2)
    interest_amount = models.DecimalField(
        _("资金占用费"), max_digits=18, decimal_places=2, default=Decimal(0)
    )
    penalty_amount = models.DecimalField(_("罚款"), max_digits=18, decimal_places=2, default=Decimal(0))
    working = models.JSONField(_("计算过程"), default=list)
    pay_within_days = models.PositiveSmallIntegerField(_("退回期限（工作日）"), default=15)
    due_on = models.DateField(_("退回期限"), null=True, blank=True)
    # Where the notice says that it is to be paid to.
    receiving_account = models.ForeignKey(
        ReceivingAccount,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("收款账户"),
    )
    drafted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("草拟人")
    )
    drafted_on = models.DateField(_("草拟日"))
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("批准人")
    )
    approved_at = models.DateTimeField(_("批准时间"), null=True, blank=True)
    noticed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("通知人")
    )
    noticed_at = models.DateTimeField(_("通知时间"), null=True, blank=True)
    closed_on = models.DateField(_("办结日"), null=True, blank=True)
    write_off_reason = models.TextField(_("核销理由"), blank=True)
    write_off_document = models.CharField(_("核销依据文号"), max_length=100, blank=True)
    write_off_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提请核销人")
    )
    written_off_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("批准核销人")
    )
    withdrawn_reason = models.TextField(_("撤销理由"), blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    lifecycle: ClassVar[Lifecycle]
    objects = ClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("追回")
        verbose_name_plural = _("追回")
        indexes = (models.Index(fields=("state", "due_on"), name="clawback_due"),)
        constraints = (
            # One fact is clawed back once.
            models.UniqueConstraint(
                fields=("payment", "ground", "ground_no"),
                condition=~Q(state="withdrawn") & ~Q(ground_no=""),
                name="clawback_ground_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    principal_amount__gt=0,
                    interest_amount__gte=0,
                    penalty_amount__gte=0,
                    principal_amount__lte=F("paid_amount"),
                ),
                name="clawback_amounts",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None)
                | Q(proposed_by__isnull=False) & ~Q(approved_by=F("proposed_by")),
                name="clawback_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state="written_off")
                | Q(write_off_by__isnull=False, written_off_by__isnull=False)
                & ~Q(write_off_by=F("written_off_by"))
                & ~Q(write_off_reason=""),
                name="clawback_written_off_by_two",
            ),
        )

    def __str__(self) -> str:
        return self.clawback_no

    @property
    def total_amount(self) -> Decimal:
        """All that is demanded, in yuan."""
        return self.principal_amount + self.interest_amount + self.penalty_amount


Clawback.lifecycle = register(
    Lifecycle(
        name="clawback",
        label="追回",
        table="vouchers_clawback",
        states=ClawbackState,
        initial=(ClawbackState.DRAFTED,),
        transitions=(
            Transition("propose", "提交审批", ("drafted",), "proposed", OFFICE, 10),
            Transition("send_back", "退回修改", ("proposed",), "drafted", (Role.APPROVER,)),
            Transition(
                "approve",
                "批准",
                ("proposed",),
                "approved",
                (Role.APPROVER,),
                5,
                "由草拟、提交人以外的人办理",
            ),
            Transition(
                "notice",
                "发出通知",
                ("approved",),
                "noticed",
                (Role.FINANCE, Role.HANDLER),
                3,
                "入账为应收款",
            ),
            Transition("settle", "收讫", ("noticed",), "settled", note="收齐后由系统办结；信用记录随之修复"),
            Transition("propose_write_off", "提请核销", ("noticed",), "write_off_proposed", (Role.FINANCE,)),
            Transition(
                "refuse_write_off", "不同意核销", ("write_off_proposed",), "noticed", (Role.APPROVER,)
            ),
            Transition(
                "write_off",
                "核销坏账",
                ("write_off_proposed",),
                "written_off",
                (Role.APPROVER,),
                15,
                "由提请人以外的人办理",
            ),
            Transition(
                "withdraw",
                "撤销",
                ("drafted", "proposed", "approved", "noticed"),
                "withdrawn",
                (*OFFICE, Role.APPROVER),
                None,
                "通知发出后只由核准人撤销，冲回应收款",
            ),
        ),
    )
)


class OfClawbackQuerySet(ScopedQuerySet):
    region_path = "clawback__region__code"
    party_paths = ("clawback__party",)


class ReceiptKind(models.TextChoices):
    TRANSFER = "transfer", _("银行转账")
    OFFSET = "offset", _("抵扣拨付")


class ClawbackReceipt(models.Model):
    """收款: what came in on a clawback, by the bank's reference or by set-off against a later payment."""

    clawback = models.ForeignKey(Clawback, models.PROTECT, related_name="receipts", verbose_name=_("追回"))
    kind = models.CharField(_("方式"), max_length=10, choices=ReceiptKind)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)
    received_on = models.DateField(_("入账日"))
    # Of the amount, what is beyond what was due: it goes back (``Refund``).
    excess_amount = models.DecimalField(
        _("其中多付"), max_digits=18, decimal_places=2, default=Decimal(0), db_default=Decimal(0)
    )
    bank_reference = models.CharField(_("银行流水号"), max_length=60, blank=True)
    # The account that it came in on: a bank's references are its own, another bank may use the same.
    receiving_account = models.ForeignKey(
        ReceivingAccount,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("收款账户"),
    )
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="offsets", verbose_name=_("抵扣的拨付")
    )
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("登记人"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("追回收款")
        verbose_name_plural = _("追回收款")
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="clawback_receipt_positive"),
            models.CheckConstraint(
                condition=Q(excess_amount__gte=0, excess_amount__lte=F("amount"))
                & (Q(kind="transfer") | Q(excess_amount=0)),
                name="clawback_receipt_excess_within",
            ),
            models.UniqueConstraint(
                fields=("receiving_account", "bank_reference"),
                condition=Q(kind="transfer"),
                nulls_distinct=False,
                name="clawback_receipt_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="transfer", payment=None) & ~Q(bank_reference="")
                | Q(kind="offset", payment__isnull=False),
                name="clawback_receipt_of_its_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.clawback_id} {self.amount}"

    @property
    def counted_amount(self) -> Decimal:
        """What of it counts against the demand, in yuan."""
        return self.amount - self.excess_amount


class InstalmentPlanState(models.TextChoices):
    ASKED = "asked", _("待答复")
    AGREED = "agreed", _("已同意")
    REFUSED = "refused", _("未同意")
    REPLACED = "replaced", _("已更换")


class InstalmentPlan(models.Model):
    """分期: what the party asks for; once agreed, its days stand in place of the notice's."""

    clawback = models.ForeignKey(Clawback, models.PROTECT, related_name="plans", verbose_name=_("追回"))
    state = models.CharField(
        _("状态"), max_length=10, choices=InstalmentPlanState, default=InstalmentPlanState.ASKED
    )
    reason = models.TextField(_("申请理由"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("申请人"))
    asked_at = models.DateTimeField(_("申请时间"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("答复人")
    )
    decided_at = models.DateTimeField(_("答复时间"), null=True, blank=True)
    answer = models.TextField(_("答复"), blank=True)

    lifecycle: ClassVar[Lifecycle]
    objects = OfClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("分期计划")
        verbose_name_plural = _("分期计划")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("clawback",), condition=Q(state="asked"), name="instalment_plan_asked_once"
            ),
            models.UniqueConstraint(
                fields=("clawback",), condition=Q(state="agreed"), name="instalment_plan_agreed_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.clawback_id}/{self.pk}"


InstalmentPlan.lifecycle = register(
    Lifecycle(
        name="instalment_plan",
        label="分期计划",
        table="vouchers_instalmentplan",
        states=InstalmentPlanState,
        initial=(InstalmentPlanState.ASKED,),
        transitions=(
            Transition("agree", "同意", ("asked",), "agreed", (Role.FINANCE, Role.APPROVER), 5),
            Transition("refuse", "不同意", ("asked",), "refused", (Role.FINANCE, Role.APPROVER), 5),
            Transition("replace", "更换", ("agreed",), "replaced", (Role.FINANCE, Role.APPROVER)),
        ),
    )
)


class Instalment(models.Model):
    """One instalment: so much until that day."""

    plan = models.ForeignKey(
        InstalmentPlan, models.PROTECT, related_name="instalments", verbose_name=_("分期计划")
    )
    position = models.PositiveSmallIntegerField(_("期次"))
    due_on = models.DateField(_("应付日"))
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("分期")
        verbose_name_plural = _("分期")
        ordering = ("plan", "position")
        constraints = (
            models.UniqueConstraint(fields=("plan", "position"), name="instalment_position"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_positive"),
        )

    def __str__(self) -> str:
        return f"{self.plan_id}/{self.position}"
