"""manage.py rotate_trail_key: the old key signs the new one; the trail has it as an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import keys
from audit.trail.rotation import rotate
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "更换留痕签名密钥：由旧密钥签署新公钥，记入留痕，其后的封存点由新密钥签署。旧密钥随即从本机删除。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-key",
            type=Path,
            metavar="文件",
            help="另行备好的新密钥（32 字节种子的 Base64）；缺省由系统生成",
        )
        parser.add_argument("--reason", default="", help="换钥的理由，记入留痕")

    def handle(self, *args: Any, new_key: Path | None, reason: str, **options: Any) -> None:
        try:
            made = rotate(keys.read_key(new_key) if new_key else None, reason=reason)
        except DomainError as refusal:
            raise CommandError(f"{refusal.message}（{refusal.code}）") from refusal
        self.stdout.write(
            f"已换钥：{made.old_key_id} → {made.new_key_id}，自第 {made.size + 1} 条起由新密钥封存。\n新公钥：{made.public_key}"
        )
        if settings.TRAIL_SIGNING_KEY:
            self.stdout.write("请立即把环境变量 TRAIL_SIGNING_KEY 改为新密钥并重启后台任务；此前封存会暂停。")
        self.stdout.write("请将新公钥（export_trail_key）送交审计机关和见证方留存。")
