"""兑付申请 (redeeming a voucher) and the basis items that it rests on."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet, scope_of
from vouchers.models import Party, User, Voucher
from vouchers.models.recorded import Recorded
from vouchers.policy.terms import BasisKind, Component
from vouchers.states import Lifecycle, Transition, register


class ClaimState(models.TextChoices):
    DRAFT = "draft", _("填写中")
    SUBMITTED = "submitted", _("已提交")
    RETURNED = "returned", _("待补正")
    VERIFIED = "verified", _("已核验")
    APPROVED = "approved", _("已核准待拨付")
    PAID = "paid", _("已拨付")
    REJECTED = "rejected", _("不予支持")
    WITHDRAWN = "withdrawn", _("已撤回")
    LAPSED = "lapsed", _("已失效")


class ClaimKind(models.TextChoices):
    CLAIM = "claim", _("兑付申请")
    SETTLEMENT = "settlement", _("即时抵扣")


class ClaimQuerySet(ScopedQuerySet):
    """An enterprise sees its own claims; a provider those that it deducted itself or is paid for, not every claim of its
    customers; staff what was filed."""

    region_path = "program_region_code"
    party_paths = ("enterprise",)

    def visible_to(self, user: Any, *roles: str) -> Self:
        """The claims in the viewer's scope."""
        scope = scope_of(user, *roles)
        filed = ~Q(state=ClaimState.DRAFT)
        return self.filter(
            Q(program_region_code__in=scope.regions) & filed
            | Q(enterprise__in=scope.parties)
            | Q(payee__in=scope.parties) & filed
            | Q(kind=ClaimKind.SETTLEMENT, provider__in=scope.parties)
        )


class Claim(Recorded):
    """One claim. On submission its amount is reserved on the voucher; approval posts it; rejection, withdrawal or time
    releases it. ``facts``, ``assessment`` and ``price`` are what it was decided on and never change after the decision."""

    claim_no = models.CharField(_("兑付编号"), max_length=24, unique=True)
    kind = models.CharField(_("方式"), max_length=12, choices=ClaimKind, default=ClaimKind.CLAIM)
    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="claims", verbose_name=_("算力券"))
    publication = models.ForeignKey("vouchers.Publication", models.PROTECT, null=True, blank=True)
    program_code = models.CharField(_("专项代码"), max_length=30)
    program_region_code = models.CharField(max_length=6)
    enterprise = models.ForeignKey(Party, models.PROTECT, related_name="claims", verbose_name=_("申领企业"))
    provider = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="provided_claims")
    payee = models.ForeignKey(
        Party, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("收款单位")
    )
    lease = models.ForeignKey(
        "applications.Lease", models.PROTECT, null=True, blank=True, related_name="claims"
    )
    state = models.CharField(_("状态"), max_length=10, choices=ClaimState, default=ClaimState.DRAFT)
    claimed_amount = models.DecimalField(
        _("申请金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    approved_amount = models.DecimalField(
        _("核准金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    facts = models.JSONField(_("认定事实"), default=dict)
    assessment = models.JSONField(_("测算"), default=dict)
    engine_version = models.CharField(max_length=20, blank=True)
    price_check = models.ForeignKey(
        "vouchers.PriceCheck", models.PROTECT, null=True, blank=True, related_name="+"
    )
    band = models.JSONField(_("审批权限"), default=dict)
    filer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    filer_ip = models.CharField(max_length=45, blank=True)
    filer_device = models.CharField(max_length=64, blank=True)
    submitted_at = models.DateTimeField(_("提交时间"), null=True, blank=True)
    state_since = models.DateTimeField(_("进入本状态时间"), null=True, blank=True)
    due_on = models.DateField(_("办理期限"), null=True, blank=True)
    decided_at = models.DateTimeField(_("决定时间"), null=True, blank=True)
    decision_reason = models.TextField(_("决定理由"), blank=True)
    reviewer = models.CharField(_("历史审核人"), max_length=60, blank=True)
    paid_on = models.DateField(_("拨付日"), null=True, blank=True)
    idempotency_key = models.CharField(max_length=100, blank=True)
    # The ids of its ledger sends are made before the first send, so that a retry is the same operation.
    reserve_id = models.UUIDField(default=uuid.uuid4, editable=False)
    resolve_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    lifecycle: ClassVar[Lifecycle]
    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("兑付申请")
        verbose_name_plural = _("兑付申请")
        constraints = (
            models.CheckConstraint(
                condition=Q(claimed_amount=None) | Q(claimed_amount__gte=0), name="claim_amount"
            ),
            models.CheckConstraint(
                condition=Q(approved_amount=None)
                | Q(origin="imported")
                | Q(approved_amount__lte=models.F("claimed_amount")),
                name="claim_approved_within_claimed",
            ),
            models.UniqueConstraint(
                fields=("idempotency_key", "provider"),  # in this order, a key is looked up by nothing else
                condition=~Q(idempotency_key=""),
                name="claim_idempotency",
            ),
        )
        indexes = (
            models.Index(fields=("program_region_code", "state", "due_on"), name="claim_queue"),
            models.Index(fields=("enterprise", "state"), name="claim_by_enterprise"),
        )

    def __str__(self) -> str:
        return self.claim_no

    @property
    def live(self) -> bool:
        """Whether it still takes, or took, money: withdrawn, rejected and lapsed claims do not count against an invoice."""
        return self.state not in DEAD_STATES


DEAD_STATES = frozenset({ClaimState.WITHDRAWN, ClaimState.REJECTED, ClaimState.LAPSED, ClaimState.DRAFT})

Claim.lifecycle = register(
    Lifecycle(
        name="claim",
        label="兑付申请",
        table="applications_claim",
        states=ClaimState,
        initial=(ClaimState.DRAFT,),
        transitions=(
            Transition(
                "submit",
                "提交",
                ("draft", "returned"),
                "submitted",
                (Role.FILER, Role.PLATFORM),
                15,
                "预占券面余额",
            ),
            Transition(
                "withdraw",
                "撤回",
                ("draft", "submitted", "returned"),
                "withdrawn",
                (Role.FILER, Role.PLATFORM),
                None,
                "释放预占",
            ),
            Transition(
                "return",
                "退回补正",
                ("submitted", "verified"),
                "returned",
                (Role.HANDLER,),
                5,
                "预占保留至补正期满",
            ),
            Transition("verify", "核验", ("submitted",), "verified", (Role.HANDLER,), 10, "各项核验须有结论"),
            Transition(
                "approve",
                "核准",
                ("verified",),
                "approved",
                (Role.APPROVER,),
                5,
                "核验人以外的人办理；核销券面",
            ),
            Transition(
                "reject",
                "不予支持",
                ("submitted", "verified"),
                "rejected",
                (Role.HANDLER, Role.APPROVER),
                5,
                "释放预占",
            ),
            Transition(
                "settle_instantly", "即时抵扣", ("submitted",), "approved", note="即领即享：政策不设人工审核"
            ),
            Transition(
                "lapse", "失效", ("submitted", "returned"), "lapsed", note="补正或确认期满由系统释放预占"
            ),
            Transition("pay", "拨付", ("approved",), "paid", note="银行确认到账后由系统推进"),
            Transition("pay_back", "到账后退票", ("paid",), "approved", note="银行到账后又退回，由系统推进"),
        ),
    )
)


class BasisItem(Recorded):
    """补贴基数明细: one item of what a claim rests on (the version names the kinds it admits): net, tax, period, evidence,
    and where it comes from."""

    claim = models.ForeignKey(
        Claim, models.PROTECT, related_name="items", db_index=False
    )  # basis_item_position
    position = models.PositiveIntegerField(default=1)
    kind = models.CharField(_("种类"), max_length=20, choices=BasisKind.pairs())
    invoice = models.ForeignKey(
        "applications.Invoice", models.PROTECT, null=True, blank=True, related_name="basis_items"
    )
    # The number as claimed, kept also where the invoice itself was not handed over (imported history).
    number_key = models.CharField(max_length=40, blank=True, db_index=True)
    reference = models.CharField(_("凭证号"), max_length=60, blank=True)
    # What numbers that look alike have in common, and the number that this item holds for its claim while that is live.
    reference_key = models.CharField(
        _("凭证号比对键"), max_length=200, blank=True, default="", db_default="", db_index=True
    )
    evidence_key = models.CharField(
        _("占用的凭证"), max_length=200, blank=True, default="", db_default="", editable=False
    )
    description = models.CharField(_("说明"), max_length=200, blank=True)
    net_amount = models.DecimalField(_("计入金额（不含税）"), max_digits=18, decimal_places=2)
    tax_amount = models.DecimalField(_("税额"), max_digits=18, decimal_places=2, default=0)
    period_from = models.DateField(_("期间自"), null=True, blank=True)
    period_to = models.DateField(_("期间至（不含）"), null=True, blank=True)
    accelerator = models.CharField(_("型号"), max_length=60, blank=True)
    component = models.CharField(
        _("费用种类"), max_length=12, choices=Component.pairs(), blank=True, default="", db_default=""
    )
    quantity = models.DecimalField(_("数量"), max_digits=18, decimal_places=4, null=True, blank=True)
    scale_unit = models.CharField(_("规模单位"), max_length=14, blank=True, default="", db_default="")
    precision = models.CharField(_("精度"), max_length=10, blank=True, default="", db_default="")
    bank_transfer = models.ForeignKey(
        "applications.BankTransfer", models.PROTECT, null=True, blank=True, related_name="basis_items"
    )
    paper = models.ForeignKey("applications.Paper", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("补贴基数明细")
        verbose_name_plural = _("补贴基数明细")
        ordering = ("claim", "position")
        constraints = (
            models.UniqueConstraint(fields=("claim", "position"), name="basis_item_position"),
            models.UniqueConstraint(
                fields=("kind", "evidence_key"),
                condition=~Q(evidence_key=""),
                name="basis_item_evidence_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind="invoice_line") | Q(invoice__isnull=False) | ~Q(number_key=""),
                name="basis_item_invoice",
            ),
        )
        indexes = (
            # Those that were kept before numbers were compared by their likeness are found by the number itself.
            models.Index(
                fields=("reference",),
                condition=Q(reference_key="") & ~Q(reference=""),
                name="basis_item_plain_reference",
            ),
        )

    def __str__(self) -> str:
        return f"{self.claim_id}/{self.position}"
