"""The observer: trail, fraud rules, flags and reports."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "审计监督"
