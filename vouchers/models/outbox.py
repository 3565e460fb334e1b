"""The outbox: what must happen outside, written in the same transaction as the deed. Tasks are wake-ups; this is the truth."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class OutboxMessage(models.Model):
    """A task to send, by name. ``key`` makes it unique while it waits; ``done_at`` is written by the task's own end."""

    task = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)
    key = models.CharField(max_length=120, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    not_before = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("待发消息")
        verbose_name_plural = _("待发消息")
        constraints = (
            models.UniqueConstraint(
                fields=("task", "key"), condition=Q(done_at=None) & ~Q(key=""), name="outbox_waiting_once"
            ),
        )
        indexes = (
            models.Index(fields=("not_before", "id"), condition=Q(done_at=None), name="outbox_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.task}#{self.pk}"
