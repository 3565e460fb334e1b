"""``manage.py install_queue``: PGMQ's tables and functions into the database of CELERY_BROKER_URL. Safe to repeat."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.queue import install


class Command(BaseCommand):
    help = "在 CELERY_BROKER_URL 指向的 PostgreSQL 中建立任务队列。可重复执行。"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        broker = settings.CELERY_BROKER_URL
        if not broker or not broker.startswith("pgmq://"):
            raise CommandError("CELERY_BROKER_URL 不是 pgmq://… 形式的地址，无需建立队列。")
        fresh = install(f"postgresql{broker.removeprefix('pgmq')}")
        self.stdout.write("已建立任务队列。" if fresh else "任务队列已存在。")
