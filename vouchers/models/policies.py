"""Policy versions (政策版本) as drafts that people edit, and publications (政策发布件) that cases are computed from.

The draft's parts are rows of their own (`policy_parts`), so that the admin edits them. Publishing inserts one
`Publication` with the canonical JSON of the whole scheme and its SHA-256; it is never changed, by anyone. From when to
when it holds, and whether it is suspended, are dated rows beside it.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet
from vouchers.policy import rules, terms
from vouchers.policy.canonical import read_canonical
from vouchers.policy.opening import not_carried_out
from vouchers.states import Lifecycle, Transition, register


class PolicyVersionQuerySet(ScopedQuerySet):
    region_path = "program__region__code"


class PolicyVersion(models.Model):
    """One edition of a program's rules, while it is written, and as the form that people read afterwards."""

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        PROPOSED = "proposed", _("已提请发布")
        PUBLISHED = "published", _("已发布")
        SUSPENDED = "suspended", _("已暂停")
        SUPERSEDED = "superseded", _("已被替代")
        TERMINATED = "terminated", _("已终止")

    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, related_name="versions", verbose_name=_("专项")
    )
    number = models.PositiveIntegerField(_("版本号"), editable=False)
    state = models.CharField(
        _("状态"), max_length=20, choices=State.choices, default=State.DRAFT, editable=False
    )

    # 一、依据与适用
    title = models.CharField(_("政策名称"), max_length=300, help_text=_("与文件标题一致。"))
    label = models.CharField(_("版本名称"), max_length=60, help_text=_("例如“2025年度”“v2”。"))
    side = models.CharField(
        _("支持对象"), max_length=20, choices=terms.Side.pairs(), default=terms.Side.DEMAND.value
    )
    office = models.CharField(_("主管部门"), max_length=200, blank=True)
    effective_from = models.DateField(_("施行日期"), null=True, blank=True)
    effective_to = models.DateField(
        _("失效日期"), null=True, blank=True, help_text=_("该日零时起不再适用；无期限可留空。")
    )
    retroactive_from = models.DateField(
        _("溯及适用的起始日"),
        null=True,
        blank=True,
        help_text=_("文件规定溯及既往的才填写：自该日起的事项也适用本版本。"),
    )
    in_force_by = models.CharField(
        _("适用版本的确定"),
        max_length=20,
        choices=terms.InForceBy.pairs(),
        default=terms.InForceBy.APPLICATION.value,
        help_text=_("同一件事跨越两个版本时，以哪一天为准。"),
    )
    track_choice = models.CharField(
        _("多个补贴方向的关系"),
        max_length=20,
        choices=terms.TrackChoice.pairs(),
        default=terms.TrackChoice.CHOICE.value,
    )
    demonstration = models.BooleanField(_("演示版本"), default=False, help_text=_("含有并非政府公布的数值。"))
    note = models.TextField(_("版本说明"), blank=True)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("起草人"), editable=False
    )
    created_at = models.DateTimeField(_("起草时间"), editable=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("提请人"),
        editable=False,
    )
    proposed_at = models.DateTimeField(_("提请时间"), null=True, blank=True, editable=False)
    proposed_sha256 = models.CharField(
        _("提请内容的摘要"),
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("发布时内容须与提请时一致。"),
    )

    lifecycle: ClassVar[Lifecycle]
    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("政策版本")
        verbose_name_plural = _("政策版本")
        ordering = ["program__code", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["program", "number"], name="policy_version_number_once"),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gt=F("effective_from")),
                name="policy_version_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program.code} {self.label or self.number}"

    @property
    def version_no(self) -> str:
        """The public number, `BJ-AIQ-1`."""
        return f"{self.program.code}-{self.number}"

    @property
    def editable(self) -> bool:
        """Only a draft may be edited; everything later is read."""
        return self.state == self.State.DRAFT


LIFECYCLE = register(
    Lifecycle(
        name="policy_version",
        label="政策版本",
        table="vouchers_policyversion",
        states=PolicyVersion.State,
        initial=("draft",),
        transitions=(
            Transition(
                "propose",
                "提请发布",
                ("draft",),
                "proposed",
                (Role.POLICY_EDITOR,),
                note="内容完整、无矛盾，且全部算例通过",
            ),
            Transition(
                "return_to_draft", "退回修改", ("proposed",), "draft", (Role.POLICY_EDITOR, Role.PUBLISHER)
            ),
            Transition(
                "publish",
                "发布",
                ("proposed",),
                "published",
                (Role.PUBLISHER,),
                note="提请人以外的人；生成发布件，前一版本同日失效",
            ),
            Transition("suspend", "暂停", ("published",), "suspended", (Role.PUBLISHER,)),
            Transition("resume", "恢复", ("suspended",), "published", (Role.PUBLISHER,)),
            Transition(
                "supersede",
                "替代",
                ("published", "suspended"),
                "superseded",
                (Role.PUBLISHER,),
                note="发布后一版本时自动办理",
            ),
            Transition("terminate", "终止", ("published", "suspended"), "terminated", (Role.PUBLISHER,)),
        ),
    )
)
PolicyVersion.lifecycle = LIFECYCLE


class PolicyEditorQuerySet(ScopedQuerySet):
    region_path = "version__program__region__code"


class PolicyEditor(models.Model):
    """Who ever wrote anything into a version: whoever did may not publish it, whatever role is held later. Append-only.

    Actions write it when they begin to edit, and the database beside every change of the version's content by a signed-in
    person; it refuses a publication by one of them (``vouchers/sql/policy_editors.sql``).
    """

    version = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="editors", verbose_name=_("政策版本")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("编辑人")
    )
    first_at = models.DateTimeField(_("首次编辑时间"), db_default=Now())

    objects = PolicyEditorQuerySet.as_manager()

    class Meta:
        verbose_name = _("政策版本的编辑人")
        verbose_name_plural = _("政策版本的编辑人")
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "person"], name="policy_editor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.person}"


class PublicationQuerySet(ScopedQuerySet):
    region_path = "program__region__code"

    def valid_on(self, on: date) -> PublicationQuerySet:
        """Publications whose validity holds on that day, whatever their status."""
        return self.filter(Q(validity__effective_to__isnull=True) | Q(validity__effective_to__gt=on)).filter(
            validity__effective_from__lte=on
        )


_READ: dict[str, rules.Scheme] = {}
"""Schemes by the hash of their publication, so that a publication whose bytes were not fetched has its rules all the same."""


@lru_cache(maxsize=256)
def _scheme(sha256: str, canonical: bytes) -> rules.Scheme:
    return rules.parse(read_canonical(canonical))


class Publication(models.Model):
    """A version as published: canonical JSON bytes and their SHA-256. Append-only.

    Only this is computed from, pinned on cases and exported. The database itself checks the hash and that two different
    persons proposed and published.
    """

    publication_no = models.CharField(_("发布编号"), max_length=60, unique=True)
    program = models.ForeignKey(
        "vouchers.Program", models.PROTECT, related_name="publications", verbose_name=_("专项")
    )
    version = models.OneToOneField(
        PolicyVersion, models.PROTECT, related_name="publication", verbose_name=_("政策版本")
    )
    canonical = models.BinaryField(_("规范文本"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    label = models.CharField(_("版本名称"), max_length=60)
    demonstration = models.BooleanField(_("演示版本"), default=False)
    accepts_applications = models.BooleanField(
        _("可开放申领"), default=True, help_text=_("补贴比例未公布的版本不能开放申领。")
    )
    engine_version = models.CharField(_("计算引擎版本"), max_length=20)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("提请人")
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("发布人")
    )
    published_at = models.DateTimeField(_("发布时间"))

    objects = PublicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("政策发布件")
        verbose_name_plural = _("政策发布件")
        ordering = ["program__code", "-published_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(proposed_by=F("published_by")), name="publication_by_two_persons"
            ),
            models.CheckConstraint(
                condition=Q(
                    sha256=Func(
                        Func(F("canonical"), function="sha256", output_field=models.BinaryField()),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    )
                ),
                name="publication_hash_is_of_its_bytes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.publication_no} {self.label}"

    @property
    def takes_applications(self) -> bool:
        """Whether it can open for applications: as was found at its publication, and as casework can carry it out today."""
        return self.accepts_applications and not not_carried_out(self.scheme)

    @property
    def document(self) -> dict[str, Any]:
        """The canonical JSON as plain values."""
        return read_canonical(bytes(self.canonical))

    @cached_property
    def scheme(self) -> rules.Scheme:
        """The rules as the engine takes them, read once a process: what is published never changes."""
        known = _READ.get(self.sha256)
        if known is None:
            known = _scheme(self.sha256, bytes(self.canonical))
            if self.pk is not None:  # kept under its hash: the database holds the hash to the bytes
                _READ[self.sha256] = known
        return known

    def status_on(self, on: date) -> str:
        """`published`, `suspended`, `superseded` or `terminated` as it stood on that day; empty before the first row."""
        row = self.statuses.filter(effective_from__lte=on).order_by("-effective_from", "-pk").first()
        return row.status if row else ""


class PublicationValidity(models.Model):
    """From when to when a publication holds (half-open). Validities of one program cannot overlap."""

    program = models.ForeignKey("vouchers.Program", models.PROTECT, related_name="+")
    publication = models.OneToOneField(Publication, models.PROTECT, related_name="validity")
    effective_from = models.DateField(_("施行日期"))
    effective_to = models.DateField(_("失效日期"), null=True, blank=True)

    class Meta:
        verbose_name = _("政策有效期")
        verbose_name_plural = _("政策有效期")
        ordering = ["program", "effective_from"]
        constraints = [
            # effective_to may equal effective_from: a version superseded before its first day was never in force.
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                name="publication_validity_in_order",
            ),
            ExclusionConstraint(
                name="publication_validity_no_overlap",
                expressions=[
                    ("program", RangeOperators.EQUAL),
                    (
                        Func(
                            F("effective_from"),
                            F("effective_to"),
                            Value("[)"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.publication} {self.effective_from}–{self.effective_to or ''}"


class PublicationStatus(models.Model):
    """What became of a publication, and from which day; the latest row that has begun counts. Append-only."""

    class Status(models.TextChoices):
        PUBLISHED = "published", _("已发布")
        SUSPENDED = "suspended", _("已暂停")
        SUPERSEDED = "superseded", _("已被替代")
        TERMINATED = "terminated", _("已终止")

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="statuses")
    status = models.CharField(_("状态"), max_length=20, choices=Status.choices)
    effective_from = models.DateField(_("自何日起"))
    reason = models.CharField(_("理由"), max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("办理人")
    )
    decided_at = models.DateTimeField(_("办理时间"))

    class Meta:
        verbose_name = _("发布件状态")
        verbose_name_plural = _("发布件状态")
        ordering = ["publication", "effective_from", "pk"]

    def __str__(self) -> str:
        return f"{self.publication} {self.status} {self.effective_from}"
