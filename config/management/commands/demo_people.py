"""``manage.py demo_people``: who can sign in to the demonstration, and as what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.demo.people import PASSWORD, table


class Command(BaseCommand):
    help = "列出演示账号及其角色。"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"  演示账号（密码均为 {PASSWORD}）：")
        for heading, rows in table():
            self.stdout.write(f"  {heading}")
            for account, role, name in rows:
                self.stdout.write(f"    {account:<14} {role}　{name}")
