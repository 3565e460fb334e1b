"""``scan_claims --out FILE``: every fraud rule over all claims; one JSON object a line, the most suspicious first."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actions.scans import recorded_scan
from audit.models.flags import ScanKind
from audit.scan import line, outcomes, party_words, scan
from vouchers.context import Actor, acting


class Command(BaseCommand):
    help = "对全部兑付申请运行稽核规则，每件一行 JSON，最可疑的在前"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, metavar="FILE", help="输出文件，- 为标准输出")
        parser.add_argument(
            "--no-record",
            action="store_true",
            help="只写文件，不登记预警、排序与暂缓（默认与每夜扫描一样登记）",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.perf_counter()
        with acting(Actor.service("scan_claims"), "scan.run"):
            if options["no_record"]:
                facts, answers, found = scan()
            else:
                scanned = recorded_scan(ScanKind.ON_DEMAND)
                facts, answers, found = scanned.facts, scanned.answers, scanned.found
            words = party_words(facts, found)
        claims = [one for one in found if one.kind == "claim"]
        try:
            if options["out"] == "-":
                self._write(sys.stdout, claims, words, answers)
            else:
                with Path(options["out"]).open("w", encoding="utf-8", newline="\n") as file:
                    self._write(file, claims, words, answers)
        except OSError as error:
            raise CommandError(
                f"无法写入 {options['out']}：{error.strerror}。请检查目录是否存在、是否可写。"
            ) from error
        told = "，".join(f"{name} {count}" for name, count in outcomes(found).items())
        self.stderr.write(f"已扫描 {len(claims)} 件，用时 {time.perf_counter() - begun:.1f} 秒：{told}。")
        for rule, why in answers.stopped.items():
            self.stderr.write(f"{rule}：{why}")
        for rule, one in answers.found.items():
            if one.untestable_claims and rule not in answers.stopped:
                self.stderr.write(f"{rule}：{len(one.untestable_claims)} 件因缺少数据无法检验。")

    @staticmethod
    def _write(file: Any, claims: list[Any], words: dict[int, tuple[str, ...]], answers: Any) -> None:
        for one in claims:
            file.write(line(words, answers, one) + "\n")
