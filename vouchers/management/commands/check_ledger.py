"""``manage.py check_ledger``: every invariant of the ledger; 0 findings, or the rows by name and a non-zero exit."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.actions.ledger_check import check_ledger, trial_balance
from vouchers.models.ledger import AccountKind
from vouchers.money import thousands


class Command(BaseCommand):
    help = "核对台账：借贷相等、计数等于转账合计、限额未破、预占只办结一次、券与拨付同台账一致、日结未被改动。有问题时逐行列出并以非零退出。"

    def handle(self, *args: Any, **options: Any) -> None:
        findings = check_ledger()
        for line in trial_balance():
            self.stdout.write(
                f"{AccountKind(line.kind).label}\t{line.accounts} 户\t借方 {thousands(line.debits_posted)}"
                f"（预占 {thousands(line.debits_pending)}）\t贷方 {thousands(line.credits_posted)}"
                f"（预占 {thousands(line.credits_pending)}）"
            )
        if findings:
            for finding in findings:
                self.stderr.write(str(finding))
            raise CommandError(f"台账核对发现 {len(findings)} 处问题。")
        self.stdout.write("台账核对完毕：0 处问题。")
