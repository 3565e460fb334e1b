"""manage.py export_trail_key: the public part of the signing keys, for auditors and for the witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import keys
from audit.trail.offline.files import Unverifiable
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "导出留痕签名密钥的公钥（退役的也在内），供审计机关和见证方留存。不含私钥。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="写入的文件；缺省显示在屏幕上")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        try:
            text = keys.public_text(keys.public_keys().values())
        except (DomainError, Unverifiable) as refusal:
            raise CommandError(str(refusal)) from refusal
        if file is None:
            self.stdout.write(text, ending="")
            return
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as fault:
            raise CommandError(f"无法写入 {file.name}：{fault.strerror}。") from fault
        self.stdout.write(f"已写入 {file.name}。")
