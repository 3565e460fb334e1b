"""manage.py seal_trail: seal what waits and tell the witness; with --every, go on doing so, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from audit.trail.sealer import seal_all
from audit.trail.teller import tell_witness
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "封存审计留痕：把已提交的事件编入 Merkle 树并签署封存点。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="秒", help="不退出，每隔若干秒封存一次")

    def handle(self, *args: Any, every: float | None = None, **options: Any) -> None:
        if every is not None:
            threading.Thread(target=self._tell_on, args=(max(every, 1.0),), daemon=True).start()
        while True:
            try:
                done = seal_all()
            except DomainError as refusal:
                raise CommandError(f"{refusal.message}（{refusal.code}）") from refusal
            if done:
                self.stdout.write(
                    f"已封存 {sum(one.added for one in done)} 条事件，累计 {done[-1].size} 条。"
                )
            elif every is None:
                self.stdout.write("没有待封存的事件。")
            if every is None:
                self._tell()
                return
            time.sleep(every)

    def _tell(self) -> None:
        """Sealing has succeeded whatever the witness says: a sentence, not a failure."""
        try:
            if added := tell_witness():
                self.stdout.write(f"见证方已加签 {added} 个封存点。")
        except DomainError as refusal:
            self.stdout.write(f"！ {refusal.message}（{refusal.code}）")

    def _tell_on(self, every: float) -> None:
        while True:
            self._tell()
            connections.close_all()
            time.sleep(every)
