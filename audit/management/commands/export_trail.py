"""manage.py export_trail FOLDER: what an auditor takes along to verify without the system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actions.trail import log_export
from audit.trail.export import export_trail
from vouchers.context import Actor, acting
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "导出全部已封存的审计留痕，供离线验证（含验证程序与公钥）。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="新的或空的文件夹")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            manifest = export_trail(folder)
        except DomainError as refusal:
            raise CommandError(f"{refusal.message}（{refusal.code}）") from refusal
        except OSError as fault:
            raise CommandError(f"无法写入文件夹 {folder.name}：{fault.strerror}。") from fault
        with acting(Actor.service("export_trail"), "trail.export"):
            log_export(
                "trail.export", "trail", "trail", facts={"size": manifest["size"], "root": manifest["root"]}
            )
        self.stdout.write(
            f"已导出 {manifest['size']} 条事件，根散列 {manifest['root']}。验证：python3 verify.py . --key 您另存的公钥文件"
        )
