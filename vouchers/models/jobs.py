"""Long work that people wait for: import, scan, export, dry run. Shown with progress, and can be cancelled."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.people import User


class JobState(models.TextChoices):
    WAITING = "waiting", _("排队中")
    RUNNING = "running", _("进行中")
    DONE = "done", _("已完成")
    FAILED = "failed", _("未完成")
    CANCELLED = "cancelled", _("已取消")


class JobQuerySet(ScopedQuerySet):
    region_path = "region_code"


class Job(models.Model):
    """One run. The task polls ``cancel_asked``; ``progress`` of ``total`` in units of ``unit``."""

    job_no = models.CharField(_("编号"), max_length=20, unique=True)
    kind = models.CharField(_("事项"), max_length=40)
    label = models.CharField(_("名称"), max_length=120)
    region_code = models.CharField(max_length=6, blank=True)
    params = models.JSONField(default=dict)
    state = models.CharField(_("状态"), max_length=10, choices=JobState, default=JobState.WAITING)
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=10, blank=True)
    cancel_asked = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    result_file = models.CharField(max_length=200, blank=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("后台任务")
        verbose_name_plural = _("后台任务")

    def __str__(self) -> str:
        return f"{self.job_no} {self.label}"
