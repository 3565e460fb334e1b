"""manage.py doctor: is the trail set up as it must be and at work, and can what is in force be carried out."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, connection
from django.db.models import Q
from django.utils.timezone import now

from applications.undertakings import doubled_numbers
from audit.trail import registry, teller
from audit.trail.attach import examine
from audit.trail.checkup import complaints
from vouchers import dates
from vouchers.models import Publication
from vouchers.policy.opening import not_carried_out

WITNESS_MINUTES = 2  # it is told every ten seconds


class Command(BaseCommand):
    help = (
        "检查留痕：每张数据表都有触发器，应用角色无权改写，封存在进行，密钥和库外副本齐备；并列出施行中而系统不能照办的政策版本、"
        "同一编号的不同项目。退出状态：0 正常（！为提示），1 有须处理的问题（✕），2 无法检查。"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            notes, faults, broken = self._examined()
        except OperationalError as fault:
            raise CommandError(f"无法检查：数据库不能连接。{_first_line(fault)}", returncode=2) from fault
        except ProgrammingError as fault:
            raise CommandError(
                f"无法检查：数据库与程序的版本不一致，请先执行 migrate --database owner。数据库答复：{_first_line(fault)}",
                returncode=2,
            ) from fault
        for sentence in notes:
            self.stdout.write(f"！ {sentence}")
        for sentence in (*broken, *faults):
            self.stdout.write(f"✕ {sentence}")
        if broken:
            self.stdout.write(
                "触发器、函数与权限：请由数据库管理员重新执行 migrate --database owner，随之恢复。"
            )
        if faults or broken:
            self.stdout.write(f"结论：有 {len(faults) + len(broken)} 处须处理。")
            sys.exit(1)
        self.stdout.write("✓ 封存在进行，签名密钥与库外副本齐备。")
        self.stdout.write(
            f"✓ {len(registry.tracked_tables())} 张表的变更都会留痕；例外 {len(registry.EXCEPTIONS)} 张："
        )
        for table, reason in sorted(registry.EXCEPTIONS.items()):
            self.stdout.write(f"  {table}：{reason}")

    def _examined(self) -> tuple[list[str], list[str], list[str]]:
        """Notes; what people have to mend; what a migration mends."""
        notes = [*self._not_carried_out(), *doubled_numbers(), *self._witness()]
        told = list(complaints(connection))
        notes += [one.sentence for one in told if not one.grave]
        faults = [one.sentence for one in told if one.grave and not one.by_migration]
        broken = [fault.sentence for fault in examine(connection)] + self._privileges()
        return notes, faults, broken + [one.sentence for one in told if one.by_migration]

    def _not_carried_out(self) -> list[str]:
        """Versions in force, or still to come, that were published before casework's limits were asked for at publication."""
        not_over = Q(validity__effective_to=None) | Q(validity__effective_to__gt=dates.today())
        held = Publication.objects.filter(not_over).order_by("publication_no").distinct()
        return [
            f"{one.publication_no}（{one.label}）不能照文本办理，已停止受理和发放：{''.join(reasons)}"
            for one in held
            if (reasons := not_carried_out(one.scheme))
        ]

    def _witness(self) -> list[str]:
        """How far the witness outside lags behind, by its signatures that were stored."""
        standing = teller.standing()
        if not standing.configured:
            return [
                "没有设见证方（TRAIL_WITNESS_URL）：封存点只抄存在本机文件中，请定期抄送到数据库管理员管不到的地方。"
            ]
        if standing.since is None:
            return []
        minutes = int((now() - standing.since).total_seconds() // 60)
        if minutes < WITNESS_MINUTES:
            return []
        return [
            f"见证方落后 {standing.behind} 条：已见证 {standing.witnessed} 条，已封存 {standing.sealed} 条，"
            f"最早未见证的封存点已有 {minutes} 分钟。请查看后台任务日志，或运行 seal_trail 看见证方的答复。"
        ]

    def _privileges(self) -> list[str]:
        tables = [
            "audit_auditevent",
            "audit_pendingevent",
            "audit_trailleaf",
            "audit_checkpoint",
            "audit_personalsalt",
            "audit_keyrotation",
            "audit_witnesssignature",
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


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0]
