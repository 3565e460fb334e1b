"""``export_workbook --out FILE``: a workbook for auditors, of a region, programme or year or of one number; logged as an export."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actions.trail import log_export
from audit.reports.orders import LABELS, REGISTERS, Order, make, rows_of
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.models.holds import ScreeningOutcome


class Command(BaseCommand):
    help = "导出审计用的工作簿：" + "、".join(f"{kind}（{label}）" for kind, label in LABELS.items())

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, metavar="FILE")
        parser.add_argument("--kind", choices=tuple(LABELS), default="audit", help="哪一种，默认 audit")
        parser.add_argument("--region", default="", help="6 位行政区划代码")
        parser.add_argument("--program", default="", help="专项代码")
        parser.add_argument("--year", type=int, default=None, help="audit 为提交年度，prices 为签订年度")
        parser.add_argument(
            "--outcome", choices=ScreeningOutcome.values, default="", help="只用于 suspicions"
        )
        parser.add_argument(
            "--number",
            default="",
            help="编号：" + "、".join(kind for kind in LABELS if kind not in REGISTERS),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        order = Order(
            options["kind"],
            options["region"],
            options["program"],
            options["year"],
            options["outcome"],
            options["number"],
        )
        if (order.kind in REGISTERS) == bool(order.number):
            raise CommandError(
                f"{order.label} 不按编号导出，请去掉 --number。"
                if order.number
                else f"请用 --number 写明{order.label}的编号。"
            )
        out = Path(options["out"])
        with acting(Actor.service("export_workbook"), "workbook.export"):
            try:
                rows_of(order, None)
                made = make(order, out, None, by="命令行 export_workbook")
            except ObjectDoesNotExist:
                raise CommandError(f"没有编号为 {order.number} 的{order.label}。") from None
            except DomainError as error:
                raise CommandError(f"{error.message}（{error.code}）{error.hint or ''}") from error
            except OSError as error:
                raise CommandError(
                    f"无法写入 {out}：{error.strerror}。请检查目录是否存在、是否可写。"
                ) from error
            sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
            facts = {
                "workbook": order.label,
                "rows": made.rows,
                "filter": made.filter,
                "content_sha256": made.content_sha256,
                "sha256": sha256,
            }
            log_export("workbook.export", "workbook", out.name, region=order.region, facts=facts)
        told = "，".join(f"{title} {rows} 行" for title, rows in made.rows.items())
        self.stdout.write(f"已写入 {out}：{told}。文件 SHA-256 {sha256}")
