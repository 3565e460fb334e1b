"""``manage.py load_demo``: people, schemes, budgets, prices and a year of history. Safe to repeat; each step is whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from config.demo.load import STEPS


class Command(BaseCommand):
    help = "载入演示年度：人员、政策、预算、真实价格与一年的历史。可重复执行。"

    def handle(self, *args: Any, **options: Any) -> None:
        for label, load in STEPS:
            self._step(label, load)

    def _step(self, label: str, load: Callable[[], str]) -> None:
        started = time.monotonic()
        said = load()
        self.stdout.write(f"  {label}：{said}（{time.monotonic() - started:.1f} 秒）")
