"""``manage.py import_prices [FILE]``: load a price file, or the real one that is shipped; a second time changes nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vouchers.actions.price_observations import LoadReport
from vouchers.actions.prices import import_prices
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.policy.fair_price import REASONS


class Command(BaseCommand):
    """Prints what was admitted, held back and refused; refused rows can be written to a CSV to be mended."""

    help = "导入价格文件（gpu_prices.csv 或 price_observations.csv 格式，可为 .gz）；不带参数时导入随附的真实价格记录。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="价格文件")
        parser.add_argument("--refused", type=Path, help="把退回的行连同原因写入此 CSV")

    def handle(
        self, *args: Any, file: Path | None = None, refused: Path | None = None, **options: Any
    ) -> None:
        try:
            with acting(
                Actor.service("import_prices"), "price.import", file.name if file else "gpu_prices.csv"
            ):
                report = import_prices(file)
        except DomainError as problem:
            raise CommandError(f"{problem.code}：{problem.message}{problem.hint or ''}") from None
        self.stdout.write(
            f"读取 {report.read} 行：采用 {report.admitted}，待核对 {report.quarantined}，不采用 {report.set_aside}，"
            f"已有 {report.known}，退回 {len(report.refused)}。"
        )
        for code, count in report.reasons.most_common():
            self.stdout.write(f"  {REASONS.get(code, code)}（{code}）{count} 行")
        for row in report.refused[:20]:
            self.stdout.write(f"  第 {row.row_no} 行 {row.field}：{row.message}（{row.code}）")
        if len(report.refused) > 20:
            self.stdout.write(f"  …… 另有 {len(report.refused) - 20} 行退回")
        if refused is not None:
            write_refused(refused, report)


def write_refused(path: Path, report: LoadReport) -> None:
    """The refused rows as they were, with row number, column, code and reason in front."""
    columns = list(dict.fromkeys(name for row in report.refused for name in row.raw))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "column", "code", "reason", *columns])
        for row in report.refused:
            writer.writerow(
                [row.row_no, row.field, row.code, row.message, *(row.raw.get(name, "") for name in columns)]
            )
