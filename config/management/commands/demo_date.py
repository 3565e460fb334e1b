"""``manage.py demo_date YYYY-MM-DD``: move the date at which the demonstration stands, for all running processes."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from vouchers import dates


def move_demo_date(day: date) -> None:
    """Write the date where every process reads it; only in a demonstration."""
    if settings.DEMO_DATE is None:
        raise CommandError("只有演示环境可以移动业务日期。")
    path = Path(settings.DEMO_DATE_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(day.isoformat(), encoding="ascii")
    fresh.replace(path)


class Command(BaseCommand):
    help = "移动演示的业务日期（例如让公示期满）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("day", type=date.fromisoformat, nargs="?", help="YYYY-MM-DD；不写则显示当前日期")

    def handle(self, *args: Any, day: date | None = None, **options: Any) -> None:
        if day is not None:
            move_demo_date(day)
        self.stdout.write(f"业务日期：{dates.today():%Y年%m月%d日}")
