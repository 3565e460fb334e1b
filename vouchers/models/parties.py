"""Companies and institutions in either role, who holds them, and which providers a scheme has admitted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.recorded import Recorded, entry_number


class Ownership(models.TextChoices):
    PRIVATE = "private", _("民营")
    STATE = "state", _("国有")
    FOREIGN = "foreign", _("外资")
    MIXED = "mixed", _("混合所有制")
    PUBLIC_INSTITUTION = "public_institution", _("事业单位")


class Size(models.TextChoices):
    MICRO = "micro", _("微型")
    SMALL = "small", _("小型")
    MEDIUM = "medium", _("中型")
    LARGE = "large", _("大型")


class PartyStatus(models.TextChoices):
    ACTIVE = "active", _("存续")
    REVOKED = "revoked", _("吊销")
    CANCELLED = "cancelled", _("注销")


class PartyQuerySet(ScopedQuerySet):
    """Staff of any region see the register; an enterprise's people see their own row."""

    staff_see_all = True
    party_paths = ("pk",)


class Party(Recorded):
    """A company or institution: 申领企业(算力需求方), 服务商(算力供给方), or both.

    A wrong check digit of ``uscc`` is a warning, never a refusal: such codes exist (policies.md section 5).
    """

    uscc = models.CharField(_("统一社会信用代码"), max_length=18, unique=True)
    name = models.CharField(_("名称"), max_length=200)
    is_enterprise = models.BooleanField(_("申领企业"), default=False)
    is_provider = models.BooleanField(_("服务商"), default=False)
    region_code = models.CharField(_("注册地"), max_length=6)
    registered_on = models.DateField(_("成立日期"), null=True, blank=True)
    ownership = models.CharField(_("所有制"), max_length=20, choices=Ownership, blank=True)
    size = models.CharField(_("规模"), max_length=10, choices=Size, blank=True)
    industry_code = models.CharField(_("行业代码"), max_length=5, blank=True)
    registered_capital = models.DecimalField(
        _("注册资本"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    legal_rep_name = models.CharField(_("法定代表人"), max_length=60, blank=True)
    legal_rep_id = models.CharField(_("法定代表人证件摘要"), max_length=64, blank=True)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    phone = models.CharField(_("电话"), max_length=30, blank=True)
    email = models.CharField(_("邮箱"), max_length=120, blank=True)
    status = models.CharField(_("登记状态"), max_length=10, choices=PartyStatus, default=PartyStatus.ACTIVE)

    objects = PartyQuerySet.as_manager()

    class Meta:
        verbose_name = _("单位")
        verbose_name_plural = _("单位")
        indexes = (
            models.Index(fields=("legal_rep_id",), name="party_legal_rep", condition=~Q(legal_rep_id="")),
            models.Index(fields=("name",), name="party_name"),
        )
        constraints = (
            # It is a piece of accounts in the ledger (``payable:…``, ``cap:…``).
            models.CheckConstraint(condition=Q(uscc__regex=r"\A[0-9A-Z]{1,18}\Z"), name="party_uscc_in_form"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def current_account(self) -> BankAccount | None:
        """The account that subsidies are paid to: registered by the office, or entered by one person of the party and
        confirmed by another."""
        return (
            self.accounts.filter(superseded_at=None)
            .filter(Q(entered_by=None) | Q(confirmed_by__isnull=False))
            .order_by("-pk")
            .first()
        )


class PartyOwnedQuerySet(ScopedQuerySet):
    staff_see_all = True
    party_paths = ("party",)


class BankAccount(Recorded):
    """A bank account of a party. A change is a new row, entered by one person and confirmed by another."""

    entry_no = entry_number("BA")
    party = models.ForeignKey(Party, models.PROTECT, related_name="accounts", verbose_name=_("单位"))
    account_no = models.CharField(_("账号"), max_length=40)
    account_name = models.CharField(_("户名"), max_length=200, blank=True)
    bank_name = models.CharField(_("开户行"), max_length=120, blank=True)
    entered_by = models.ForeignKey("vouchers.User", models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_by = models.ForeignKey("vouchers.User", models.PROTECT, null=True, blank=True, related_name="+")
    superseded_at = models.DateTimeField(_("停用时间"), null=True, blank=True)
    # Why the office entered it in the party's place; the paper that it was read from is an ``AccountPaper``.
    office_reason = models.CharField(
        _("代为登记的理由"), max_length=500, blank=True, default="", db_default=""
    )

    objects = PartyOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("银行账户")
        verbose_name_plural = _("银行账户")
        constraints = (
            # A number that was put out of use may be entered anew, with what was wrong about it mended.
            models.UniqueConstraint(
                fields=("party", "account_no"), condition=Q(superseded_at=None), name="bank_account_once"
            ),
        )
        indexes = (models.Index(fields=("account_no",), name="bank_account_no"),)

    def __str__(self) -> str:
        return f"{self.party} · 尾号 {self.account_no[-4:]}"


class AccountPaper(models.Model):
    """The paper that an office read a payee's account from (开户许可证 or the payee's letter), as it was handed in."""

    account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="papers", verbose_name=_("银行账户")
    )
    filename = models.CharField(_("文件名"), max_length=200)
    content_type = models.CharField(_("格式"), max_length=100)
    content = models.BinaryField(_("文件内容"), editable=False)
    sha256 = models.CharField(_("摘要"), max_length=64)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("账户材料")
        verbose_name_plural = _("账户材料")

    def __str__(self) -> str:
        return self.filename


class HolderKind(models.TextChoices):
    COMPANY = "company", _("单位")
    PERSON = "person", _("自然人")


class Shareholding(Recorded):
    """A holding over a time, half-open. ``percent`` is 0–100, two places, as the register gives it."""

    entry_no = entry_number("SH")
    company = models.ForeignKey(Party, models.PROTECT, related_name="shareholdings", verbose_name=_("公司"))
    holder_kind = models.CharField(_("股东类型"), max_length=10, choices=HolderKind)
    holder_id = models.CharField(
        _("股东标识"), max_length=64, help_text=_("单位为统一社会信用代码，自然人为证件号单向摘要。")
    )
    holder_name = models.CharField(_("股东名称"), max_length=200, blank=True)
    percent = models.DecimalField(_("持股比例"), max_digits=7, decimal_places=4)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至"), null=True, blank=True)

    class Meta:
        verbose_name = _("股权")
        verbose_name_plural = _("股权")
        constraints = (
            models.UniqueConstraint(
                fields=("company", "holder_kind", "holder_id", "effective_from"), name="shareholding_once"
            ),
        )
        indexes = (models.Index(fields=("holder_id",), name="shareholding_holder"),)

    def __str__(self) -> str:
        return f"{self.holder_name or self.holder_id} → {self.company} {self.percent}%"


class Relation(models.TextChoices):
    PARENT = "parent", _("母公司")
    SUBSIDIARY = "subsidiary", _("子公司")
    SISTER = "sister", _("同受控制")
    BRANCH = "branch", _("分支机构")
    AGENT = "agent", _("代理")
    SPOUSE = "spouse", _("近亲属")
    OTHER = "other", _("其他")


class DeclaredAffiliation(Recorded):
    """A relation that a party itself declared."""

    entry_no = entry_number("DA")
    party = models.ForeignKey(
        Party, models.PROTECT, related_name="declared_affiliations", verbose_name=_("申报单位")
    )
    other = models.ForeignKey(
        Party, models.PROTECT, related_name="declared_by_others", verbose_name=_("关联单位")
    )
    relation = models.CharField(_("关系"), max_length=12, choices=Relation)
    declared_on = models.DateField(_("申报日"))

    class Meta:
        verbose_name = _("申报的关联关系")
        verbose_name_plural = _("申报的关联关系")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "other", "relation", "declared_on"), name="declared_affiliation_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} — {self.get_relation_display()} — {self.other}"


class Affiliation(models.Model):
    """关联关系 as established above this app (registered control, common control …) and pushed down for price and gates.

    ``one`` has the smaller key. ``ground`` says how it was established; ``evidence`` names the records.
    """

    one = models.ForeignKey(Party, models.PROTECT, related_name="+")
    other = models.ForeignKey(Party, models.PROTECT, related_name="+")
    ground = models.CharField(_("依据"), max_length=40)
    evidence = models.JSONField(_("证据"), default=list)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至"), null=True, blank=True)

    class Meta:
        verbose_name = _("关联关系")
        verbose_name_plural = _("关联关系")
        constraints = (
            models.UniqueConstraint(
                fields=("one", "other", "ground", "effective_from"), name="affiliation_once"
            ),
            models.CheckConstraint(condition=Q(one__lt=models.F("other")), name="affiliation_ordered"),
        )

    def __str__(self) -> str:
        return f"{self.one} — {self.other}（{self.ground}）"


class Tier(models.TextChoices):
    CLOUD = "cloud", _("云厂商")
    SPECIALIST = "specialist", _("智算中心/专业商")
    MARKETPLACE = "marketplace", _("闲散/撮合")


class ProviderAdmission(Recorded):
    """入库: a provider admitted to a scheme, with its batch and listed service item."""

    entry_no = entry_number("AD")
    provider = models.ForeignKey(Party, models.PROTECT, related_name="admissions", verbose_name=_("服务商"))
    program_code = models.CharField(_("专项代码"), max_length=30)
    batch = models.CharField(_("批次"), max_length=60, blank=True)
    service_item = models.CharField(_("服务事项"), max_length=100, blank=True)
    tier = models.CharField(_("类别"), max_length=12, choices=Tier, blank=True)
    effective_from = models.DateField(_("入库日"))
    effective_to = models.DateField(_("出库日"), null=True, blank=True)

    class Meta:
        verbose_name = _("服务商入库")
        verbose_name_plural = _("服务商入库")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "program_code", "batch", "service_item"), name="provider_admission_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} · {self.program_code} · {self.batch}"


class PlatformConnection(Recorded):
    """接入: a party's compute connected to a monitoring or dispatch platform over a time, half-open, by the office's own record.

    With ``program_code`` it tells of the platform that one scheme names, without it of the region's platform for all its schemes.
    ``document_no`` is the notice or agreement that the connection rests on.
    """

    entry_no = entry_number("PL")
    party = models.ForeignKey(Party, models.PROTECT, related_name="connections", verbose_name=_("单位"))
    platform = models.CharField(_("平台名称"), max_length=120)
    region_code = models.CharField(_("平台所属地区"), max_length=6)
    program_code = models.CharField(
        _("专项代码"), max_length=30, blank=True, help_text=_("留空即适用于该地区的各专项。")
    )
    effective_from = models.DateField(_("接入日"))
    effective_to = models.DateField(_("断开日"), null=True, blank=True, help_text=_("当日起不再接入。"))
    document_no = models.CharField(_("接入依据"), max_length=100)

    objects = PartyOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("平台接入")
        verbose_name_plural = _("平台接入")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "platform", "program_code", "effective_from"),
                name="platform_connection_once",
            ),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=models.F("effective_from")),
                name="platform_connection_dates",
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} · {self.platform}"
