"""审计留痕: the events that the database itself writes, the queue to be sealed, the leaves and the signed checkpoints.

Nothing here is written by Python: events come from triggers and from ``audit_log_event`` (``audit/sql/trail.sql``),
leaves and checkpoints from the sealer under its own role. All of it only grows.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.access import AUDIT_ROLES, ScopedQuerySet, scope_of


class Operation(models.TextChoices):
    INSERT = "insert", _("新增")
    UPDATE = "update", _("修改")
    DELETE = "delete", _("删除")
    READ = "read", _("查阅")
    REFUSAL = "refusal", _("拒绝")
    EXPORT = "export", _("导出")
    SIGN_IN = "sign_in", _("登录")
    IMPORT = "import", _("批量导入")
    SCHEMA = "schema", _("结构变更")


class ActorKind(models.TextChoices):
    USER = "user", _("人员")
    PLATFORM = "platform", _("服务商平台")
    SERVICE = "service", _("系统服务")
    ANONYMOUS = "anonymous", _("未登录")
    UNANNOUNCED = "unannounced", _("未经系统")


class AuditEventQuerySet(ScopedQuerySet):
    """An auditor sees the events of the regions of the grant, and those that belong to no region."""

    def visible_to(self, user: Any, *roles: str) -> Self:
        regions = scope_of(user, *(roles or AUDIT_ROLES)).regions
        if not regions:
            return self.none()
        return self.filter(Q(region_code__in=regions) | Q(region_code=""))

    def story_of(self, kind: str, number: str) -> Self:
        """Everything that happened to one case: to its own row and to the rows that belong to it."""
        return self.filter(Q(subject_kind=kind, subject_no=number) | Q(case_kind=kind, case_no=number))


class AuditEvent(models.Model):
    """One deed. ``canonical`` is the whole of it as stored bytes (UTF-8 JSON, one line); the columns are for finding it.

    What is only read, never searched (names, roles, reason, old and new values) is in ``canonical`` alone.
    """

    event_no = models.UUIDField(_("事件编号"), unique=True, editable=False)
    transaction = models.BigIntegerField(_("事务编号"))
    recorded_at = models.DateTimeField(_("时间"))
    actor_kind = models.CharField(_("来源"), max_length=12, choices=ActorKind)
    actor = models.CharField(_("办理人"), max_length=150)
    verb = models.CharField(_("办理事项"), max_length=80)
    request_id = models.CharField(_("请求编号"), max_length=64, blank=True)
    region_code = models.CharField(_("地区"), max_length=6, blank=True)
    subject_kind = models.CharField(_("对象"), max_length=40)
    subject_no = models.CharField(_("对象编号"), max_length=80)
    subject_pk = models.CharField(max_length=40, blank=True)
    case_kind = models.CharField(_("所属案卷"), max_length=40, blank=True)
    case_no = models.CharField(_("案卷编号"), max_length=80, blank=True)
    operation = models.CharField(_("操作"), max_length=10, choices=Operation)
    canonical = models.BinaryField(_("规范文本"))

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("审计留痕")
        verbose_name_plural = _("审计留痕")
        indexes = (
            models.Index(fields=("subject_kind", "subject_no", "id"), name="audit_event_subject"),
            models.Index(
                fields=("case_kind", "case_no", "id"), name="audit_event_case", condition=~Q(case_no="")
            ),
            models.Index(fields=("actor", "id"), name="audit_event_actor"),
            models.Index(fields=("region_code", "id"), name="audit_event_region"),
            BrinIndex(fields=("recorded_at",), name="audit_event_instant"),
            # What is rare and looked for: changes around the application; reads, exports, refusals, sign-ins.
            models.Index(
                fields=("id",), name="audit_event_unannounced", condition=Q(actor_kind="unannounced")
            ),
            models.Index(
                fields=("operation", "id"),
                name="audit_event_deed",
                condition=~Q(operation__in=("insert", "update")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_no} {self.subject_kind} {self.subject_no} {self.verb}"

    @cached_property
    def document(self) -> dict[str, Any]:
        """The canonical form, parsed; numbers are ``Decimal``."""
        parsed: dict[str, Any] = json.loads(bytes(self.canonical), parse_float=Decimal)
        return parsed

    @property
    def changes(self) -> dict[str, list[Any]]:
        """Column → [old, new]. Nulls of a new or of a deleted row are left out."""
        return self.document.get("changes") or {}

    @property
    def actor_name(self) -> str:
        return str(self.document["actor"].get("name") or self.actor)

    @property
    def actor_roles(self) -> list[str]:
        return list(self.document["actor"].get("roles") or [])

    @property
    def organisation(self) -> str:
        return str(self.document["actor"].get("organisation") or "")

    @property
    def address(self) -> str:
        """Where the deed came from: the address of the request, else that of the database connection."""
        return str(self.document["actor"].get("address") or self.document["database"].get("address") or "")

    @property
    def reason(self) -> str:
        return str(self.document.get("reason") or "")


class PendingEvent(models.Model):
    """The queue: events that no leaf covers yet. A writer adds to it and never waits; the sealer takes from it."""

    event_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = _("待封存")
        verbose_name_plural = _("待封存")

    def __str__(self) -> str:
        return str(self.event_id)


class TrailLeaf(models.Model):
    """The place of an event in the Merkle tree, given when it is sealed: contiguous from 0, in the order of sealing."""

    index = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    leaf_hash = models.BinaryField()

    class Meta:
        verbose_name = _("留痕叶")
        verbose_name_plural = _("留痕叶")

    def __str__(self) -> str:
        return str(self.index)


class Checkpoint(models.Model):
    """封存点: a signed statement that the first ``size`` events have this root hash, chained to the one before.

    ``body`` is the text that is signed; the other columns repeat it for queries. ``frontier`` are the hashes of the
    perfect subtrees along the right edge, largest first, from which the sealer goes on.
    """

    size = models.BigIntegerField(_("事件数"), unique=True)
    origin = models.CharField(_("来源"), max_length=120)
    root_hash = models.BinaryField(_("根散列"))
    hash_algorithm = models.CharField(_("散列算法"), max_length=12)
    sealed_at = models.DateTimeField(_("封存时间"))
    previous = models.BinaryField(_("前一封存点散列"), blank=True)
    body = models.TextField(_("正文"))
    key_id = models.CharField(_("密钥"), max_length=16)
    signature = models.BinaryField(_("签名"))
    frontier = models.BinaryField()

    class Meta:
        verbose_name = _("封存点")
        verbose_name_plural = _("封存点")
        ordering = ("size",)

    def __str__(self) -> str:
        return f"{self.origin} · {self.size}"

    @property
    def short_root(self) -> str:
        """The beginning of the root hash, for people to compare by eye."""
        return bytes(self.root_hash).hex()[:16]


class PersonalSalt(models.Model):
    """The salt of one row's personal data. Deleting it makes the digests in the events meaningless, the tree stays whole."""

    subject_kind = models.CharField(max_length=40)
    subject_pk = models.CharField(max_length=40)
    salt = models.BinaryField()

    class Meta:
        verbose_name = _("个人信息盐值")
        verbose_name_plural = _("个人信息盐值")
        constraints = (
            models.UniqueConstraint(fields=("subject_kind", "subject_pk"), name="audit_personal_salt_once"),
        )

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_pk}"
