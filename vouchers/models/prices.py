"""Prices: what was seen, in what units, by which method it became a fair price, and which lease was held against it.

The arithmetic is in ``vouchers.policy.fair_price``; here is only what is kept. An observation keeps its original fields
for ever; normalising, admitting or setting it aside writes beside them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.models.parties import Party, Tier
from vouchers.models.people import Region, User
from vouchers.models.price_tables import (
    ChipModel,
    ChipOrigin,
    Confidence,
    FxRate,
    Market,
    PriceKind,
    PriceMethod,
    PriceUnit,
    TermBucket,
)
from vouchers.models.recorded import Recorded
from vouchers.states import Lifecycle, Transition, register


class ObservationState(models.TextChoices):
    ADMITTED = "admitted", _("采用")
    QUARANTINED = "quarantined", _("待人工核对")
    SET_ASIDE = "set_aside", _("不采用")


class Evidence(models.TextChoices):
    """What a transaction rests on: only verified ones, and those of an office's own past years, may vote."""

    VERIFIED = "verified", _("合同、发票、付款与用量已核验")
    IMPORTED = "imported", _("历史数据移交")
    DECLARED = "declared", _("自行申报，未核验")


class IssueState(models.TextChoices):
    DRAFT = "draft", _("已测算")
    PROPOSED = "proposed", _("待发布")
    PUBLISHED = "published", _("已发布")
    SUPERSEDED = "superseded", _("已被更正版取代")
    DISCARDED = "discarded", _("已弃用")


ISSUE_LIFECYCLE = register(
    Lifecycle(
        name="price_index_issue",
        label="公允价格指数",
        table="vouchers_priceindexissue",
        states=IssueState,
        initial=("draft",),
        transitions=(
            Transition(
                "propose", "提请发布", ("draft",), "proposed", (Role.PRICE_PUBLISHER, Role.POLICY_EDITOR)
            ),
            Transition("send_back", "退回重算", ("proposed",), "draft", (Role.PRICE_PUBLISHER,)),
            Transition(
                "publish",
                "发布",
                ("proposed",),
                "published",
                (Role.PRICE_PUBLISHER,),
                note="提请人与发布人不得为同一人",
            ),
            Transition(
                "discard",
                "弃用",
                ("draft", "proposed"),
                "discarded",
                (Role.PRICE_PUBLISHER, Role.POLICY_EDITOR),
            ),
            Transition(
                "supersede",
                "由更正版取代",
                ("published",),
                "superseded",
                note="更正版发布时由系统办理，不影响此前的认定",
            ),
        ),
    )
)


class PriceObservationQuerySet(ScopedQuerySet):
    """Staff of every region see all observations; a provider's people see their own."""

    staff_see_all = True
    party_paths = ("party",)


class PriceObservation(Recorded):
    """价格采集: one price seen. ``original`` is what was handed in, to the letter; the rest is how it was read.

    ``unit_price`` is in ``currency`` per ``unit``; ``normalised_price`` in the market's currency per card-hour without VAT.
    ``known_at`` is when this system knew it; for imported history the date of its source, marked by ``origin``.
    """

    observation_no = models.CharField(_("编号"), max_length=24, unique=True)
    digest = models.CharField(_("摘要"), max_length=64, unique=True)
    revision = models.PositiveIntegerField(_("修订"), default=1)
    market = models.CharField(_("市场"), max_length=10, choices=Market, default=Market.CHINA)
    observed_on = models.DateField(_("采集日"), null=True, blank=True)
    known_at = models.DateTimeField(_("知悉时间"), null=True, blank=True)
    source = models.CharField(_("来源"), max_length=120)
    source_key = models.CharField(_("归并后的来源"), max_length=120)
    party = models.ForeignKey(
        Party,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="price_observations",
        verbose_name=_("来源单位"),
    )
    kind = models.CharField(_("种类"), max_length=12, choices=PriceKind, blank=True)
    region_code = models.CharField(_("算力所在地"), max_length=40, blank=True)
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("行政区划")
    )
    tier = models.CharField(_("供应方类别"), max_length=12, choices=Tier, blank=True)
    accelerator = models.CharField(_("加速卡"), max_length=40, blank=True)
    form_factor = models.CharField(_("形态"), max_length=12, blank=True)
    term_months = models.PositiveIntegerField(
        _("租期（月）"), null=True, blank=True, help_text=_("0 为按需。")
    )
    unit = models.CharField(_("计价单位"), max_length=12, choices=PriceUnit, blank=True)
    cards = models.PositiveIntegerField(_("每单位卡数"), null=True, blank=True)
    precision = models.CharField(_("精度"), max_length=10, blank=True)
    unit_price = models.DecimalField(_("原始单价"), max_digits=18, decimal_places=6, null=True, blank=True)
    currency = models.CharField(_("币种"), max_length=3, blank=True)
    vat_rate = models.DecimalField(_("税率"), max_digits=9, decimal_places=6, null=True, blank=True)
    tax_included = models.BooleanField(_("含税"), default=False)
    bookable_since = models.DateField(_("可订购自"), null=True, blank=True)
    carried_from = models.DateField(
        _("沿用自"), null=True, blank=True, help_text=_("价格最后一次真实出现的日期。")
    )
    reference = models.CharField(_("依据编号"), max_length=60, blank=True)
    sku = models.CharField(_("规格"), max_length=60, blank=True)
    evidence = models.CharField(_("佐证"), max_length=10, choices=Evidence, blank=True)
    original = models.JSONField(_("原始记录"), default=dict)
    feed = models.CharField(_("数据来源文件"), max_length=60, blank=True)
    row_no = models.PositiveIntegerField(_("行号"), null=True, blank=True)
    region_group = models.CharField(_("区域组"), max_length=20, blank=True)
    term_bucket = models.CharField(_("租期档"), max_length=10, choices=TermBucket, blank=True)
    normalised_price = models.DecimalField(
        _("折算单价（每卡时，不含税）"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    state = models.CharField(_("状态"), max_length=12, choices=ObservationState)
    reason = models.CharField(_("原因代码"), max_length=40, blank=True)
    note = models.CharField(_("说明"), max_length=300, blank=True)
    set_aside_at = models.DateTimeField(_("剔除时间"), null=True, blank=True)
    set_aside_reason = models.CharField(_("剔除原因代码"), max_length=40, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("核对人")
    )
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("取代的采集")
    )
    # A correction that would move its cell by more than the method's limit waits for a second person.
    proposal = models.JSONField(_("待复核的更正"), null=True, blank=True)
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("更正提出人")
    )

    objects = PriceObservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("价格采集")
        verbose_name_plural = _("价格采集")
        ordering = ("-observed_on", "observation_no")
        indexes = (
            models.Index(
                fields=("market", "accelerator", "form_factor", "tier", "observed_on"),
                name="price_observation_cell",
            ),
            models.Index(fields=("state", "reason"), name="price_observation_state"),
            models.Index(fields=("reference",), name="price_observation_ref", condition=~Q(reference="")),
        )
        constraints = (
            models.CheckConstraint(
                name="price_observation_admitted",
                condition=~Q(state="admitted")
                | Q(normalised_price__gt=0, observed_on__isnull=False, known_at__isnull=False, reason=""),
            ),
            models.CheckConstraint(
                name="price_observation_reason", condition=Q(state="admitted") | ~Q(reason="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.observation_no} {self.accelerator} {self.observed_on}"


class PriceSnapshot(models.Model):
    """The input of a computation, as canonical JSON under its SHA-256: enough to recompute the row byte for byte."""

    sha256 = models.CharField(max_length=64, unique=True)
    content = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("价格快照")
        verbose_name_plural = _("价格快照")

    def __str__(self) -> str:
        return self.sha256[:12]


class PriceIndexIssue(models.Model):
    """公允价格指数, one month of one market. A correction is a new revision; past decisions keep theirs."""

    lifecycle = ISSUE_LIFECYCLE

    issue_no = models.CharField(_("编号"), max_length=40, unique=True)
    market = models.CharField(_("市场"), max_length=10, choices=Market)
    month = models.DateField(_("适用月份"), help_text=_("当月第一日。"))
    revision = models.PositiveIntegerField(_("版次"), default=1)
    method = models.ForeignKey(PriceMethod, models.PROTECT, related_name="issues", verbose_name=_("方法"))
    as_of = models.DateField(_("基准日"))
    known_at = models.DateTimeField(_("数据截至"))
    snapshot = models.ForeignKey(PriceSnapshot, models.PROTECT, related_name="+", verbose_name=_("快照"))
    rows_hash = models.CharField(_("全部行摘要"), max_length=64)
    state = models.CharField(_("状态"), max_length=12, choices=IssueState, default=IssueState.DRAFT)
    factors = models.JSONField(_("折算系数"), default=dict)
    jumps = models.JSONField(_("较上月变动超过阈值的单元"), default=list)
    jump_text = models.TextField(_("变动说明"), blank=True)
    jump_confirmation = models.TextField(_("复核意见"), blank=True)
    proposer = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提请人")
    )
    proposed_at = models.DateTimeField(_("提请时间"), null=True, blank=True)
    publisher = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("发布人")
    )
    published_at = models.DateTimeField(_("发布时间"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("公允价格指数")
        verbose_name_plural = _("公允价格指数")
        ordering = ("-month", "market", "-revision")
        constraints = (
            models.UniqueConstraint(fields=("market", "month", "revision"), name="price_issue_once"),
            models.UniqueConstraint(
                fields=("market", "month"), condition=Q(state="published"), name="price_issue_one_published"
            ),
            models.CheckConstraint(
                condition=Q(publisher=None) | Q(proposer=None) | ~Q(publisher=models.F("proposer")),
                name="price_issue_two_persons",
            ),
        )

    def __str__(self) -> str:
        return self.issue_no


class PriceIndexRow(models.Model):
    """One cell of an issue: base price, band, grade, level, what it rests on, and the hashes of input and output."""

    issue = models.ForeignKey(PriceIndexIssue, models.PROTECT, related_name="rows", verbose_name=_("期次"))
    cell = models.CharField(_("单元"), max_length=140)
    accelerator = models.CharField(_("加速卡"), max_length=40)
    form_factor = models.CharField(_("形态"), max_length=12, blank=True)
    tier = models.CharField(_("供应方类别"), max_length=12, choices=Tier)
    region_group = models.CharField(_("区域组"), max_length=20)
    term_bucket = models.CharField(_("租期档"), max_length=10, choices=TermBucket)
    level = models.CharField(_("层级"), max_length=4)
    basis = models.CharField(_("依据"), max_length=12)
    grade = models.CharField(_("评级"), max_length=1, blank=True)
    base = models.DecimalField(_("基准价"), max_digits=18, decimal_places=6, null=True, blank=True)
    lower = models.DecimalField(_("下限"), max_digits=18, decimal_places=6, null=True, blank=True)
    upper = models.DecimalField(_("上限"), max_digits=18, decimal_places=6, null=True, blank=True)
    q25 = models.DecimalField(_("下四分位"), max_digits=18, decimal_places=6, null=True, blank=True)
    q75 = models.DecimalField(_("上四分位"), max_digits=18, decimal_places=6, null=True, blank=True)
    phi = models.DecimalField(_("浮动幅度"), max_digits=9, decimal_places=6, null=True, blank=True)
    n_groups = models.PositiveIntegerField(_("互不关联的供应方"))
    n_t = models.PositiveIntegerField(_("其中成交"))
    n_q = models.PositiveIntegerField(_("其中报价"))
    delta1 = models.DecimalField(_("去一最大变化"), max_digits=9, decimal_places=6, null=True, blank=True)
    delta2 = models.DecimalField(_("去二最大变化"), max_digits=9, decimal_places=6, null=True, blank=True)
    exclusions = models.JSONField(_("剔除原因与条数"), default=dict)
    record = models.JSONField(_("完整记录"))
    sentence = models.TextField(_("说明"))
    input_set_hash = models.CharField(_("输入摘要"), max_length=64)
    output_hash = models.CharField(_("结果摘要"), max_length=64)

    class Meta:
        verbose_name = _("公允价格")
        verbose_name_plural = _("公允价格")
        ordering = ("accelerator", "form_factor", "tier", "region_group", "term_bucket")
        constraints = (models.UniqueConstraint(fields=("issue", "cell"), name="price_row_once"),)
        indexes = (models.Index(fields=("cell",), name="price_row_cell"),)

    def __str__(self) -> str:
        return self.cell


__all__ = [
    "ChipModel",
    "ChipOrigin",
    "Confidence",
    "Evidence",
    "FxRate",
    "IssueState",
    "Market",
    "ObservationState",
    "PriceIndexIssue",
    "PriceIndexRow",
    "PriceKind",
    "PriceMethod",
    "PriceObservation",
    "PriceSnapshot",
    "PriceUnit",
    "TermBucket",
]
