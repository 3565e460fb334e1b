"""``manage.py import_dataset FOLDER``: bring the tables of a past year along."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from applications.actions.imports import FileReport, FolderReport, import_folder
from vouchers.context import Actor, acting
from vouchers.errors import DomainError


class Command(BaseCommand):
    help = (
        "导入一个文件夹的历史数据（CSV）。不合规的行写入 refused-*.csv，注明行、列和原因，改正后可再次导入。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="存放 CSV 文件的文件夹")
        parser.add_argument(
            "--out", type=Path, default=None, help="退回的行写到哪里（默认 var/imports/<文件夹名>）"
        )

    def handle(self, *args: Any, folder: Path, out: Path | None, **options: Any) -> None:
        folder = folder.resolve()
        out = out or Path(settings.VAR_DIR) / "imports" / folder.name
        try:
            with acting(Actor.service("import_dataset"), "import_dataset"):
                report = import_folder(folder, out=out, progress=self._progress)
        except DomainError as fault:
            raise CommandError(f"{fault.message}{fault.hint or ''} [{fault.code}]") from None
        self._clear()
        self._print(report)

    def _progress(self, file: str, rows: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{file}: {rows:,} 行", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r" + " " * 60 + "\r", ending="")

    def _print(self, report: FolderReport) -> None:
        if all(one.unchanged for one in report.files if one.collected):
            self.stdout.write(f"{report.folder.name}：此前已全部导入，没有变化（{report.seconds:.1f} 秒）。")
            return
        self.stdout.write(f"{'文件':<28}{'读取':>9}{'入库':>9}{'已有':>9}{'退回':>9}{'秒':>7}")
        for one in report.files:
            self._print_file(one)
        for remark in report.remarks:
            self.stdout.write(f"注意：{remark}")
        if report.strange_files:
            self.stdout.write(f"注意：不属于本格式、未读取的文件：{'、'.join(report.strange_files)}")
        self.stdout.write(
            f"合计入库 {report.taken:,} 行，退回 {report.refused:,} 行，用时 {report.seconds:.1f} 秒。"
        )

    def _print_file(self, one: FileReport) -> None:
        if not one.collected:
            self.stdout.write(f"{one.name:<30}未提供（依赖它的核验为“无法核验”）")
            return
        if one.refused_whole:
            self.stdout.write(f"{one.name:<30}整个文件未读取：{one.refused_whole} [{one.refused_code}]")
            return
        self.stdout.write(
            f"{one.name:<30}{one.rows_read:>11,}{one.rows_taken:>11,}{one.rows_known:>11,}{one.rows_refused:>11,}{one.seconds:>8.1f}"
        )
        for sentence, count in one.remarks.most_common():
            self.stdout.write(f"    {sentence}：{count:,} 行")
        if one.unknown_columns:
            self.stdout.write(f"    不认识、已忽略的列：{'、'.join(one.unknown_columns)}")
        if one.missing_columns:
            self.stdout.write(f"    文件中没有的列（按空处理）：{'、'.join(one.missing_columns)}")
        for code, count in one.reasons.most_common():
            self.stdout.write(f"    退回 {code}：{count:,} 行")
        if one.refused_file:
            self.stdout.write(f"    退回的行：{one.refused_file}")
