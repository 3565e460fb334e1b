"""The database's copy of the lifecycle tables: what ``enforce_lifecycle`` holds every row to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LifecycleTransition(models.Model):
    """One permitted step. ``source`` is empty for the states in which a row may be born."""

    lifecycle = models.CharField(max_length=40)
    verb = models.CharField(max_length=40)
    source = models.CharField(max_length=30, blank=True)
    target = models.CharField(max_length=30)

    class Meta:
        db_table = "lifecycle_transition"
        verbose_name = _("状态转换")
        verbose_name_plural = _("状态转换")
        constraints = (
            models.UniqueConstraint(
                fields=("lifecycle", "verb", "source", "target"), name="lifecycle_transition_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.lifecycle}: {self.source or '·'} → {self.target} ({self.verb})"
