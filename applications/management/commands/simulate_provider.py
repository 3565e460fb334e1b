"""``manage.py simulate_provider``: a provider's platform against a running server, over HTTP and with a token."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from applications.provider_simulator import Contract, Habits, ProviderSimulator
from vouchers import dates


def contract(text: str) -> Contract:
    """``V-…:L-…:2025-06-01:2025-06-30``: voucher, lease, first and last day of the usage."""
    try:
        voucher_no, lease_no, first, last = text.split(":")
        return Contract(voucher_no, lease_no, date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        raise ArgumentTypeError("应为 券号:合同备案号:使用期间自:使用期间至，日期为 YYYY-MM-DD。") from None


class Command(BaseCommand):
    help = "模拟服务商平台：对运行中的服务上报用量，办理若干笔即时抵扣（含确认、释放、更正、重发、超时），最后对账；两边账目不一致时以非零退出。"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="服务地址，如 http://127.0.0.1:8000")
        parser.add_argument("--token", required=True, help="平台令牌")
        parser.add_argument("--contract", required=True, action="append", type=contract, dest="contracts")
        parser.add_argument("--count", type=int, default=100, help="抵扣笔数")
        parser.add_argument("--concurrency", type=int, default=8, help="同时办理的笔数")
        parser.add_argument("--amount", type=Decimal, default=Decimal("100.00"), help="每笔不含税金额（元）")
        parser.add_argument(
            "--metering",
            action=BooleanOptionalAction,
            default=True,
            help="先上报各合同使用期间的逐日用量（令牌须有计量上报权限）；--no-metering 只办理抵扣",
        )
        parser.add_argument("--card-hours", type=Decimal, default=Decimal("24.00"), help="每日用量至多的卡时")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--run", default="", help="本次运行的标识，作为幂等键的开头")
        parser.add_argument("--patience", type=float, default=60.0, help="每个请求最多等候的秒数")
        for name, shown in Habits.__dataclass_fields__.items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=float, default=shown.default, help="占比，0 至 1")
        parser.add_argument(
            "--from", type=date.fromisoformat, dest="first", help="对账期间自；缺省为业务日期"
        )
        parser.add_argument("--to", type=date.fromisoformat, dest="last", help="对账期间至；缺省为业务日期")

    def handle(self, *args: Any, **options: Any) -> None:
        habits = Habits(**{name: options[name] for name in Habits.__dataclass_fields__})
        simulator = ProviderSimulator(
            options["url"],
            options["token"],
            options["contracts"],
            run=options["run"] or f"sim{timezone.now():%m%d%H%M%S}",
            habits=habits,
            amount=options["amount"],
            seed=options["seed"],
            patience=options["patience"],
            concurrency=options["concurrency"],
        )
        if options["metering"]:
            simulator.meter(options["card_hours"])
        simulator.work(options["count"])
        today = dates.today()
        report = simulator.reconcile(options["first"] or today, options["last"] or today)
        self.stdout.write(json.dumps(asdict(report), ensure_ascii=False, indent=2))
        if not report.equal:
            raise CommandError(f"两边账目不一致或应答不合约定，共 {len(report.faults)} 处。")
        self.stdout.write(
            f"两边账目一致：{report.settlements} 笔，{report.own['sum']} 元，摘要 {report.own['sha256'][:16]}…"
            + (f"；用量 {report.metered_days} 天，{report.metered_hours} 卡时" if options["metering"] else "")
        )
