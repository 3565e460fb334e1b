"""申领: an enterprise asks for a voucher under a published policy version."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet, scope_of
from vouchers.models import Party, User
from vouchers.models.recorded import Recorded
from vouchers.states import Lifecycle, Transition, register


class ApplicationState(models.TextChoices):
    DRAFT = "draft", _("填写中")
    SUBMITTED = "submitted", _("已提交")
    RETURNED = "returned", _("待补正")
    ACCEPTED = "accepted", _("已受理")
    RECOMMENDED = "recommended", _("已初审")
    APPROVED = "approved", _("已核准待公示")
    NOTICED = "noticed", _("公示中")
    ISSUED = "issued", _("已发券")
    REJECTED = "rejected", _("不予支持")
    WITHDRAWN = "withdrawn", _("已撤回")


class ApplicationQuerySet(ScopedQuerySet):
    """An enterprise sees its own applications; staff what was filed."""

    region_path = "program__region__code"
    party_paths = ("enterprise",)

    def visible_to(self, user: Any, *roles: str) -> Self:
        """The applications in the viewer's scope."""
        scope = scope_of(user, *roles)
        filed = ~Q(state=ApplicationState.DRAFT)
        return self.filter(
            Q(program__region__code__in=scope.regions) & filed | Q(enterprise__in=scope.parties)
        )


class Application(Recorded):
    """One application. ``facts`` are what the enterprise stated and the papers show, as decided on; ``assessment`` is the
    whole working under the pinned publication; ``band`` is the approval band copied at submission."""

    application_no = models.CharField(_("申领编号"), max_length=24, unique=True)
    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, null=True, blank=True, verbose_name=_("专项")
    )
    program_code = models.CharField(_("专项代码"), max_length=30)
    publication = models.ForeignKey(
        "vouchers.Publication", models.PROTECT, null=True, blank=True, verbose_name=_("政策发布件")
    )
    pinned_reason = models.CharField(_("适用版本的理由"), max_length=200, blank=True)
    enterprise = models.ForeignKey(
        Party, models.PROTECT, related_name="applications", verbose_name=_("申领企业")
    )
    state = models.CharField(
        _("状态"), max_length=12, choices=ApplicationState, default=ApplicationState.DRAFT
    )
    requested_amount = models.DecimalField(
        _("申请金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    approved_amount = models.DecimalField(
        _("核准金额"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    # The lease that the application is made for; a draft contract stands in ``facts`` until the lease is filed.
    lease = models.ForeignKey(
        "applications.Lease", models.PROTECT, null=True, blank=True, related_name="applications"
    )
    # What it is made for where there is no contract with another party: an investment, deployed compute, own settlements.
    project = models.ForeignKey(
        "applications.Project",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        verbose_name=_("申报项目"),
    )
    # The project that its contract serves, as it was named at filing: what a cap per project counts by.
    undertaking = models.ForeignKey(
        "applications.Undertaking",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        verbose_name=_("所属项目"),
    )
    facts = models.JSONField(_("申报事实"), default=dict)
    assessment = models.JSONField(_("测算"), default=dict)
    engine_version = models.CharField(max_length=20, blank=True)
    band = models.JSONField(_("审批权限"), default=dict)
    statement_accepted = models.BooleanField(_("真实性承诺"), default=False)
    filer = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("经办人")
    )
    filer_phone = models.CharField(max_length=30, blank=True)
    filer_ip = models.CharField(max_length=45, blank=True)
    filer_device = models.CharField(max_length=64, blank=True)
    submitted_at = models.DateTimeField(_("提交时间"), null=True, blank=True)
    state_since = models.DateTimeField(_("进入本状态时间"), null=True, blank=True)
    due_on = models.DateField(_("办理期限"), null=True, blank=True)
    decided_on = models.DateField(_("核准日"), null=True, blank=True)
    decision_reason = models.TextField(_("决定理由"), blank=True)
    voucher_no = models.CharField(_("券号"), max_length=24, blank=True)
    # The statement of settlements that it holds while it is live.
    evidence_key = models.CharField(
        _("占用的凭证"), max_length=200, blank=True, default="", db_default="", editable=False
    )
    issue_id = models.UUIDField(default=uuid.uuid4, editable=False)
    # Where the version grants by batch (整批核定): set when it is approved, and the batch that shares it out.
    awaits_batch = models.BooleanField(_("由整批核定"), default=False, db_default=False, editable=False)
    batch = models.ForeignKey(
        "applications.IssueBatch",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        verbose_name=_("审定批次"),
    )
    # 免申即享: the office put it on its list; the enterprise confirms its wish and its account before it draws on it.
    is_listed = models.BooleanField(_("免申即享"), default=False, db_default=False, editable=False)
    consented_at = models.DateTimeField(_("意愿确认时间"), null=True, blank=True)
    consented_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("意愿确认人")
    )
    created_at = models.DateTimeField(_("建立时间"), auto_now_add=True)

    lifecycle: ClassVar[Lifecycle]
    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("申领")
        verbose_name_plural = _("申领")
        constraints = (
            models.CheckConstraint(
                condition=Q(origin="imported")
                | Q(state__in=("draft", "withdrawn"))
                | Q(publication__isnull=False, submitted_at__isnull=False, statement_accepted=True)
                | Q(publication__isnull=False, submitted_at__isnull=False, is_listed=True),
                name="application_submitted_whole",
            ),
            models.UniqueConstraint(
                fields=("evidence_key",), condition=~Q(evidence_key=""), name="application_evidence_once"
            ),
        )
        indexes = (
            models.Index(fields=("program", "state", "due_on"), name="application_queue"),
            models.Index(fields=("enterprise", "state"), name="application_by_enterprise"),
        )

    def __str__(self) -> str:
        return self.application_no

    @property
    def STATE_TONES(self) -> dict[str, str]:
        """What waits for its batch is on its way, not granted yet."""
        return {"approved": "progress"} if self.awaits_batch else {}

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        """The state in words; one that was granted without a voucher does not read as if it had one."""
        if self.state == ApplicationState.ISSUED and self.voucher_no.startswith("E-"):
            return str(_("已核定"))
        if self.state == ApplicationState.APPROVED and self.awaits_batch:
            return str(_("待整批核定"))
        return str(ApplicationState(self.state).label)


Application.lifecycle = register(
    Lifecycle(
        name="application",
        label="申领",
        table="applications_application",
        states=ApplicationState,
        initial=(ApplicationState.DRAFT,),
        transitions=(
            Transition("submit", "提交", ("draft", "returned"), "submitted", (Role.FILER,), 15, "补正期限内"),
            Transition("withdraw", "撤回", ("draft", "submitted", "returned"), "withdrawn", (Role.FILER,)),
            Transition("accept", "受理", ("submitted",), "accepted", (Role.HANDLER,), 5),
            Transition(
                "return",
                "退回补正",
                ("submitted", "accepted"),
                "returned",
                (Role.HANDLER,),
                5,
                "一次性告知全部须补正内容",
            ),
            Transition(
                "recommend",
                "初审",
                ("accepted",),
                "recommended",
                (Role.HANDLER, Role.EXPERT),
                10,
                "受理人以外的人办理",
            ),
            Transition(
                "approve",
                "核准",
                ("recommended",),
                "approved",
                (Role.APPROVER,),
                5,
                "受理、初审人以外的人办理",
            ),
            Transition(
                "reject",
                "不予支持",
                ("submitted", "accepted", "recommended"),
                "rejected",
                (Role.HANDLER, Role.APPROVER),
                5,
                "写明条件、事实与补救办法",
            ),
            Transition("publish_notice", "公示", ("approved",), "noticed", (Role.APPROVER, Role.HANDLER), 2),
            Transition(
                "issue",
                "发券",
                ("noticed",),
                "issued",
                (Role.APPROVER, Role.HANDLER),
                3,
                "公示期满且无未决异议",
            ),
            Transition(
                "uphold_objection",
                "异议成立",
                ("noticed",),
                "recommended",
                (Role.APPROVER, Role.INVESTIGATOR),
                15,
            ),
            Transition(
                "list",
                "列入名单",
                ("draft",),
                "accepted",
                (Role.HANDLER,),
                note="免申即享：由主管部门编制名单，逐件测算",
            ),
            Transition(
                "approve_listed",
                "审核名单",
                ("accepted",),
                "approved",
                (Role.APPROVER,),
                10,
                "免申即享名单；编制人以外的人办理",
            ),
            Transition(
                "recall_notice",
                "撤回公示",
                ("noticed",),
                "approved",
                (Role.APPROVER, Role.HANDLER),
                note="所在批次退回归集，重新分配",
            ),
            Transition(
                "unlist",
                "移出名单",
                ("accepted", "recommended", "approved"),
                "withdrawn",
                (Role.HANDLER, Role.APPROVER),
                note="免申即享；写明理由，所用的结算单据可再次列入名单",
            ),
            Transition(
                "leave_unfunded",
                "本批未获分配",
                ("approved",),
                "rejected",
                (Role.APPROVER, Role.HANDLER),
                note="整批发放时，按政策规定的办法分配后为零的件",
            ),
            Transition(
                "readmit",
                "恢复审查",
                ("rejected",),
                "accepted",
                (Role.APPROVER, Role.INVESTIGATOR),
                note="对不予支持的异议成立，重新初审、核准",
            ),
            Transition(
                "share_again",
                "恢复参加分配",
                ("rejected",),
                "approved",
                (Role.APPROVER, Role.INVESTIGATOR),
                note="本批未获分配的件异议成立，由下一批以当时剩余的资金分配",
            ),
            Transition(
                "grant_instantly",
                "即时发券",
                ("submitted",),
                "issued",
                note="即领即享：政策不设人工审核，由系统核算后发券",
            ),
        ),
    )
)
