"""manage.py doctor: is the trail set up as it must be."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from audit.trail import registry
from audit.trail.attach import examine


class Command(BaseCommand):
    help = "检查每张数据表是否都有留痕触发器，以及应用角色是否无权改写留痕。"

    def handle(self, *args: Any, **options: Any) -> None:
        sentences = [fault.sentence for fault in examine(connection)] + self._privileges()
        for sentence in sentences:
            self.stdout.write(f"✕ {sentence}")
        if sentences:
            self.stdout.write("请由数据库管理员重新执行 migrate --database owner，触发器与权限会随之恢复。")
            sys.exit(1)
        self.stdout.write(
            f"✓ {len(registry.tracked_tables())} 张表的变更都会留痕；例外 {len(registry.EXCEPTIONS)} 张："
        )
        for table, reason in sorted(registry.EXCEPTIONS.items()):
            self.stdout.write(f"  {table}：{reason}")

    def _privileges(self) -> list[str]:
        tables = [
            "audit_auditevent",
            "audit_pendingevent",
            "audit_trailleaf",
            "audit_checkpoint",
            "audit_personalsalt",
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT t, p FROM unnest(%s::text[]) t, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
                " WHERE has_table_privilege(current_user, t, p)",
                [tables],
            )
            return [
                f"应用角色可以对 {table} 执行 {privilege}，应当收回。"
                for table, privilege in cursor.fetchall()
            ]
