"""``manage.py simulate_bank``: a bank for tests and the demonstration. Reads what a batch was exported as, writes answers.

    manage.py simulate_bank PB-2025-00000001.csv --out bank --seed 7
    manage.py simulate_bank PB-2025-00000001-查询.csv --out bank --inquiry

The book is kept in ``bank/book.json``: the same instruction sent again is carried out once. Nothing is written to the database.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from applications.bank_simulator import Bank, Behaviour
from vouchers import dates


class Command(BaseCommand):
    help = "模拟银行：读取拨付指令（CSV），写出回执；含超时后成功、重复、乱序、退票、到账后退票和查询。不写入数据库。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="拨付指令，或查询清单（--inquiry）")
        parser.add_argument("--out", type=Path, default=Path("bank"), help="回执写到这个目录")
        parser.add_argument("--seed", type=int, default=1, help="同一种子得到同样的回执")
        parser.add_argument("--inquiry", action="store_true", help="文件是查询清单")
        parser.add_argument("--files", type=int, default=5, help="回执分几个文件")
        for name, meaning in (
            ("timed-out", "超时后成功"),
            ("returned", "退票"),
            ("returned-later", "到账后退票"),
            ("silent", "查询才答复"),
            ("duplicated", "重复的回执"),
        ):
            default = getattr(Behaviour, name.replace("-", "_"))
            parser.add_argument(f"--{name}", type=float, default=default, help=f"{meaning}的比例")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        behaviour = Behaviour(
            timed_out=options["timed_out"],
            returned=options["returned"],
            returned_later=options["returned_later"],
            silent=options["silent"],
            duplicated=options["duplicated"],
            files=max(options["files"], 1),
        )
        bank = Bank(options["seed"], behaviour, datetime.combine(dates.today(), time(9)))
        book = out / "book.json"
        try:
            out.mkdir(parents=True, exist_ok=True)
            if book.exists():
                bank.load(book)
            raw = options["file"].read_bytes()
            answers = [bank.ask(raw)] if options["inquiry"] else bank.take(raw)
        except (OSError, ValueError, KeyError) as problem:
            raise CommandError(f"{options['file']}：{problem}") from problem
        stem = "inquiry" if options["inquiry"] else options["file"].stem
        for number, answer in enumerate(answers, start=1):
            path = out / f"{stem}-return-{number:02d}.csv"
            path.write_bytes(answer)
            self.stdout.write(str(path))
        bank.save(book)
        self.stdout.write(f"账簿：{len(bank.book)} 笔，最终到账 {bank.executed} 笔。")
