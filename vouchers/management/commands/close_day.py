"""``manage.py close_day``: close every day that is over with its trial balance; the clock does it every night."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.actions.ledger_days import close_due_days
from vouchers.money import thousands


class Command(BaseCommand):
    help = "日结：把已过去而未结的日子逐日试算、留存，只增不改。不平时以非零退出。"

    def handle(self, *args: Any, **options: Any) -> None:
        closed = close_due_days("close_day")
        for row in closed:
            self.stdout.write(
                f"{row.day}\t{row.transfers} 笔\t借方 {thousands(row.debits_posted)}\t贷方 {thousands(row.credits_posted)}"
                f"\t{'平' if row.balanced else '不平'}\t{row.sha256[:16]}"
            )
        if not closed:
            self.stdout.write("没有待日结的日子。")
        if any(not row.balanced for row in closed):
            raise CommandError("试算不平，请运行 check_ledger 查明。")
