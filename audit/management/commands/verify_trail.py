"""manage.py verify_trail: the live log against its leaves, checkpoints and outside copy; the tables against the log."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, connections, transaction

from audit.models import AuditEvent, Checkpoint, PendingEvent
from audit.trail import keys, teller
from audit.trail.attach import examine
from audit.trail.live import Finding, examine_log
from audit.trail.offline.files import Unverifiable, read_keys
from audit.trail.replay import replay
from audit.trail.verification import record_verification
from vouchers.actions.ledger_check import check_ledger
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "验证审计留痕：事件、叶、根散列、签名、库外副本，以及各表现状与其留痕是否一致。退出状态：0 完好，1 发现问题，2 无法验证。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--key", type=Path, help="另行保管的公钥文件；缺省用本系统的公钥")
        parser.add_argument("--witness", type=Path, help="封存点副本；缺省用本系统库外的副本")
        parser.add_argument("--log-only", action="store_true", help="只验证留痕本身，不与各表现状比对")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            public = read_keys(options["key"]) if options["key"] else keys.public_keys()
            witness: Path = options["witness"] or Path(settings.TRAIL_CHECKPOINT_FILE)
            with TemporaryDirectory() as folder:
                copy = self._witness_copy(Path(folder) / "checkpoints.jsonl")
                findings = self._examine(public, witness, copy, log_only=options["log_only"])
        except Unverifiable as fault:
            raise CommandError(f"无法验证：{fault}", returncode=2) from fault
        except ProgrammingError as fault:
            said = str(fault).splitlines()[0]
            raise CommandError(
                f"无法验证：数据库与程序的版本不一致，请先执行 migrate --database owner。数据库答复：{said}",
                returncode=2,
            ) from fault
        except DomainError as refusal:
            raise CommandError(f"无法验证：{refusal.message}（{refusal.code}）", returncode=2) from refusal
        if findings:
            self.stdout.write(f"结论：发现 {len(findings)} 处问题。")
            sys.exit(1)

    def _witness_copy(self, path: Path) -> Path | None:
        """What the witness holds; None when there is none. One that does not answer is said, and is no finding."""
        if not settings.TRAIL_WITNESS_URL:
            return None
        try:
            teller.fetch_copy(path)
        except DomainError as refusal:
            self.stdout.write(f"！ {refusal.message}未与其副本核对。（{refusal.code}）")
            return None
        return path

    def _examine(
        self, public: dict[str, bytes], witness: Path, copy: Path | None, *, log_only: bool
    ) -> list[Finding]:
        findings: list[Finding] = []
        with transaction.atomic():
            with connections["default"].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            last = Checkpoint.objects.order_by("-size").first()
            waiting, total = PendingEvent.objects.count(), AuditEvent.objects.count()
            found: list[Iterable[Finding]] = [
                examine_log(
                    witness=witness, public=public, witness_copy=copy, witness_public=teller.witness_keys()
                )
            ]
            if not log_only:
                found.append(Finding("trigger", fault.sentence) for fault in examine(connections["default"]))
                found.append(replay())
                found.append(
                    Finding(f"ledger.{one.invariant}", f"账务 {one.row}：{one.sentence}")
                    for one in check_ledger()
                )
            for finding in chain.from_iterable(found):
                findings.append(finding)
                self.stdout.write(f"✕ {finding.sentence}（{finding.code}）")
        record_verification(findings, events=total, tables=not log_only)
        if not findings:
            sealed = last.size if last else 0
            self.stdout.write(
                f"✓ 留痕完好：共 {total} 条，已封存 {sealed} 条，待封存 {waiting} 条；"
                + (
                    f"封存点 {Checkpoint.objects.count()} 个，签名密钥 {'、'.join(public)}，与库外副本{'及见证方' if copy else ''}一致。"
                    if last
                    else "尚未封存，没有封存点可供比对。"
                )
            )
            if not log_only:
                self.stdout.write("✓ 各表现状与留痕一致，账户余额与转账一致。")
        return findings
