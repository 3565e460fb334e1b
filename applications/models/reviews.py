"""Who decided what, when and why; and the named checks behind it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import User


class ReviewQuerySet(ScopedQuerySet):
    region_path = "region_code"


class Review(models.Model):
    """One deed of one person on a case: the time line that people read, and the ground of maker ≠ checker."""

    subject_kind = models.CharField(max_length=12)
    subject_no = models.CharField(max_length=30)
    region_code = models.CharField(max_length=6)
    verb = models.CharField(_("事项"), max_length=40)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    actor = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("办理人")
    )
    actor_name = models.CharField(max_length=60)
    reason = models.TextField(_("意见"), blank=True)
    amount = models.DecimalField(_("金额"), max_digits=18, decimal_places=2, null=True, blank=True)
    internal = models.BooleanField(_("仅内部可见"), default=False)
    done_at = models.DateTimeField(_("时间"))
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("办理记录")
        verbose_name_plural = _("办理记录")
        ordering = ("pk",)
        indexes = (models.Index(fields=("subject_kind", "subject_no"), name="review_subject"),)

    def __str__(self) -> str:
        return f"{self.subject_no} · {self.verb} · {self.actor_name}"


class CheckResult(models.TextChoices):
    PASSED = "passed", _("相符")
    FAILED = "failed", _("不符")
    NOT_TESTABLE = "not_testable", _("无法核验")
    WAITING = "waiting", _("待核")


class Check(models.Model):
    """One named check of a case, by machine or by a person. Verification asks that each has an answer."""

    subject_kind = models.CharField(max_length=12)
    subject_no = models.CharField(max_length=30)
    code = models.CharField(_("核验项"), max_length=40)
    label = models.CharField(_("名称"), max_length=100)
    by_machine = models.BooleanField(_("机器核验"), default=True)
    result = models.CharField(_("结果"), max_length=14, choices=CheckResult, default=CheckResult.WAITING)
    sentence = models.TextField(_("说明"), blank=True)
    evidence = models.JSONField(default=list)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("核验项")
        verbose_name_plural = _("核验项")
        constraints = (
            models.UniqueConstraint(fields=("subject_kind", "subject_no", "code"), name="check_once"),
        )

    def __str__(self) -> str:
        return f"{self.subject_no} · {self.label}"

    @property
    def is_for_reviewers(self) -> bool:
        """Whether only the reviewers' own step can answer it: a rate is set there, not ticked off."""
        return self.code.partition(":")[0] == "rate_reviewed"
