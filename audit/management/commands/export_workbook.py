"""``export_workbook --out FILE``: the auditor's workbook of a region, programme or year; logged as an export."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from applications.models import Claim
from audit.actions.trail import log_export
from audit.models import Flag
from audit.reports.workbook import Choice, build
from vouchers.context import Actor, acting
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = "导出审计工作簿：兑付申请、计算过程、价格核对、风险预警"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, metavar="FILE")
        parser.add_argument("--region", default="", help="6 位行政区划代码")
        parser.add_argument("--program", default="", help="专项代码")
        parser.add_argument("--year", type=int, default=None, help="提交年度")

    def handle(self, *args: Any, **options: Any) -> None:
        choice = Choice(options["region"], options["program"], options["year"])
        out = Path(options["out"])
        with acting(Actor.service("export_workbook"), "workbook.export"):
            try:
                flags = Flag.objects.all()
                if choice.region:
                    flags = flags.filter(region_code=choice.region)
                made = build(out, Claim.objects.all(), flags, choice, by="命令行 export_workbook")
            except DomainError as error:
                raise CommandError(f"{error.message}（{error.code}）{error.hint or ''}") from error
            except OSError as error:
                raise CommandError(
                    f"无法写入 {out}：{error.strerror}。请检查目录是否存在、是否可写。"
                ) from error
            sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
            facts = {
                "rows": made.rows,
                "filter": made.filter,
                "content_sha256": made.content_sha256,
                "sha256": sha256,
            }
            log_export("workbook.export", "workbook", out.name, region=choice.region, facts=facts)
        told = "，".join(f"{title} {rows} 行" for title, rows in made.rows.items())
        self.stdout.write(f"已写入 {out}：{told}。文件 SHA-256 {sha256}")
