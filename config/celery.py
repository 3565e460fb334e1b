"""The queue's application; its settings are the ``CELERY_…`` ones of config.settings, read when they are first needed."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("vouchers")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
