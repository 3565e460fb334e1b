"""Long work that people wait for: import, scan, export, dry run. Shown with progress, and can be cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models.people import User
from vouchers.states import Lifecycle, Transition, register

LOST_AFTER = timedelta(seconds=60)
"""A run that has not shown itself for so long is over, whatever became of its process."""


class JobState(models.TextChoices):
    WAITING = "waiting", _("排队中")
    RUNNING = "running", _("进行中")
    DONE = "done", _("已完成")
    FAILED = "failed", _("未完成")
    CANCELLED = "cancelled", _("已取消")


UNDER_WAY = (JobState.WAITING, JobState.RUNNING)


class JobQuerySet(ScopedQuerySet):
    region_path = "region_code"

    def under_way(self) -> Self:
        """The jobs that wait or run."""
        return self.filter(state__in=UNDER_WAY)

    def lost(self) -> Self:
        """The jobs that are said to run and whose process is gone."""
        return self.filter(state=JobState.RUNNING).filter(Q(beat_at=None) | Q(beat_at__lt=Now() - LOST_AFTER))


class Job(models.Model):
    """One piece of long work. ``progress`` of ``total`` in units of ``unit``; ``runs`` counts how often it was begun, and is
    the token of the run that may still write; ``beat_at`` is when that run last showed itself.

    ``region_code`` is whose work it is; ``case_regions`` names the regions whose cases it reads: only who holds a role of the
    kind for every one of them may see it.

    ``key`` keeps a second job of the same kind from waiting or running beside it. ``outcome_code`` is stable, ``message``
    is the sentence for people; ``seen_at`` is when the person who asked first looked at the end.
    """

    job_no = models.CharField(_("编号"), max_length=20, unique=True)
    kind = models.CharField(_("事项"), max_length=40)
    label = models.CharField(_("名称"), max_length=120)
    region_code = models.CharField(max_length=6, blank=True)
    case_regions = ArrayField(models.CharField(max_length=6), default=list, blank=True)
    key = models.CharField(max_length=120, blank=True)
    params = models.JSONField(default=dict)
    state = models.CharField(_("状态"), max_length=10, choices=JobState, default=JobState.WAITING)
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=10, blank=True)
    cancel_asked = models.BooleanField(default=False)
    runs = models.PositiveSmallIntegerField(default=0)
    beat_at = models.DateTimeField(null=True, blank=True)
    outcome_code = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    result_file = models.CharField(max_length=200, blank=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    lifecycle: ClassVar[Lifecycle]
    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("后台任务")
        verbose_name_plural = _("后台任务")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "key"),
                condition=Q(state__in=("waiting", "running")) & ~Q(key=""),
                name="job_once_at_a_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("state", "id"), name="job_queue", condition=Q(state__in=("waiting", "running"))
            ),
            models.Index(fields=("asked_by", "-id"), name="job_by_person"),
            models.Index(fields=("kind", "region_code", "-id"), name="job_by_kind"),
        )

    def __str__(self) -> str:
        return f"{self.job_no} {self.label}"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in UNDER_WAY


Job.lifecycle = register(
    Lifecycle(
        name="job",
        label="后台任务",
        table="vouchers_job",
        states=JobState,
        initial=(JobState.WAITING,),
        transitions=(
            Transition("start", "开始", ("waiting",), "running", note="同时进行的任务数有限，其余排队"),
            Transition("wait_again", "重新排队", ("running",), "waiting", note="执行进程中断，从头再来"),
            Transition("finish", "完成", ("running",), "done"),
            Transition("fail", "未完成", ("waiting", "running"), "failed", note="写明原因"),
            Transition(
                "cancel", "取消", ("waiting", "running"), "cancelled", note="由有权办理该事项的人提出"
            ),
        ),
    )
)
