"""manage.py witness: the witness on this machine. Elsewhere, ``witness.py`` with its folder ``offline`` runs without the system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import keys, witness
from audit.trail.offline.files import Unverifiable
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "见证程序：保存封存点的副本，只接受前后一致者，并加签。应在数据库管理员管不到的另一台机器上运行。"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", help="状态文件夹，只归见证程序使用")
        parser.add_argument("--log-key", default=settings.TRAIL_PUBLIC_KEY_FILE, help="留痕的公钥文件")
        parser.add_argument("--listen", default="127.0.0.1:8790", metavar="地址:端口")

    def handle(self, *args: Any, folder: str, log_key: str, listen: str, **options: Any) -> None:
        try:
            self._on_file(Path(log_key))
        except (DomainError, Unverifiable, OSError) as refusal:
            raise CommandError(str(refusal)) from refusal
        status = witness.main([folder, "--log-key", log_key, "--listen", listen])
        if status:
            raise CommandError("见证程序未能启动。", returncode=status)

    def _on_file(self, log_key: Path) -> None:
        """On the sealer's own machine the public key is put on file when it is not yet; the first start makes the key."""
        public = keys.public_keys()
        if not log_key.exists() and log_key == Path(settings.TRAIL_PUBLIC_KEY_FILE):
            log_key.parent.mkdir(parents=True, exist_ok=True)
            log_key.write_text(keys.public_text(public.values()), encoding="utf-8")
