"""manage.py erase_personal: personal data of a company's or an account's row is emptied, and with its salt all digests of it lose their meaning."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from audit.trail.erasing import ERASABLE, erase
from audit.trail.registry import tracked_tables
from audit.trail.subjects import rows_of


class Command(BaseCommand):
    help = "依法删除个人信息：清空一个单位（party）或账号（user）登记的个人信息，并删去其盐值。留痕的树保持完整。须以数据库所有者运行。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(ERASABLE), help="party 或 user")
        parser.add_argument("number", help="统一社会信用代码，或账号")
        parser.add_argument("--reason", required=True, help="依据，例如申请书文号；记入留痕")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, number = options["kind"], options["number"]
        if "owner" not in connections:
            raise CommandError("没有数据库所有者的连接：请设置 MIGRATION_DATABASE_URL。")
        rows = rows_of(kind, number)
        row = rows.first() if rows is not None else None
        if row is None:
            raise CommandError(f"没有 {number}。请核对后重试。")
        tracked = next(one for one in tracked_tables() if one.kind == kind)
        emptied = erase(tracked, str(row.pk), options["reason"])
        self.stdout.write(
            f"已清空 {number} 的 {'、'.join(emptied) or '个人信息（本已为空）'}，并删去盐值：此前留痕中的摘要不再对应到任何人。"
        )
