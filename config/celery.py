"""The queue. A task is a wake-up: the truth is a row (outbox, job), so a task lost or run twice changes nothing."""

from __future__ import annotations

import os

from celery import Celery
from celery.schedules import crontab

from config.queue import transport_options

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

BROKER = os.environ.get("CELERY_BROKER_URL")

app = Celery("vouchers")
app.conf.update(
    broker_url=BROKER,
    broker_transport_options=transport_options(BROKER),
    # Neither remote control nor events: nothing here reads them, and on PGMQ they do not work.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    timezone="Asia/Shanghai",
    enable_utc=True,
    beat_schedule={
        "dispatch-outbox": {"task": "vouchers.dispatch_outbox", "schedule": 1.0},
        "seal-trail": {"task": "audit.seal_trail", "schedule": 5.0},
        "expire-vouchers": {"task": "vouchers.expire_vouchers", "schedule": crontab(hour=0, minute=10)},
        "lapse-claims": {"task": "applications.lapse_claims", "schedule": crontab(hour=0, minute=20)},
        "scan-claims": {"task": "audit.scan_claims", "schedule": crontab(hour=2, minute=0)},
    },
)
app.autodiscover_tasks()
