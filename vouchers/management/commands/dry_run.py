"""`manage.py dry_run`: what a version, or a scheme in a YAML file, would cost. Prints JSON; nothing is written to the database.

    manage.py dry_run BJ-AIQ-2 --from 2025-01-01 --to 2025-12-31 --source cases --source sample
    manage.py dry_run --file scheme.yaml --source sample --before BJ-AIQ-1 --xlsx impact.xlsx

Both days count. Exit status 0; 1 with the reason on stderr where it cannot be run.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from vouchers import dates
from vouchers.actions import dry_runs
from vouchers.actions.case_sources import CaseQuery, chosen_sources
from vouchers.actions.dry_run_workbook import MOST_CASES, DryRunBook
from vouchers.actions.dry_runs import Plan
from vouchers.actions.policies import find_publication_in_force
from vouchers.actions.policy_soundness import complete_scheme
from vouchers.errors import DomainError, Invalid, Problems
from vouchers.models import PolicyVersion, Program, Publication
from vouchers.policy.bundles import read_bundle
from vouchers.policy.canonical import digest
from vouchers.policy.checks import check_document
from vouchers.policy.plain import SchemeError
from vouchers.policy.rules import Scheme, render


class Command(BaseCommand):
    help = "测算一个政策版本（或一份 YAML）的影响，输出 JSON。不写入数据库。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", nargs="?", help="版本编号，例如 BJ-AIQ-2")
        parser.add_argument("--file", type=Path, help="政策 YAML 文件，可以不在库中")
        parser.add_argument(
            "--from", dest="from_on", type=date.fromisoformat, help="期间第一日；不写则去年一月一日"
        )
        parser.add_argument("--to", dest="to_on", type=date.fromisoformat, help="期间最后一日；不写则今日")
        parser.add_argument(
            "--source",
            action="append",
            dest="sources",
            help="案件来源 cases 或 sample，可写多个；不写则 cases",
        )
        parser.add_argument("--like", default="", help="样本年度中取哪个专项的案件，例如 GZ-SLQ")
        parser.add_argument("--sample-folder", type=Path, help="批量格式的另一个年度所在文件夹")
        parser.add_argument(
            "--before",
            default=dry_runs.IN_FORCE,
            help="比较对象：in_force（现行版本）、recorded（实际核定）或发布编号",
        )
        parser.add_argument("--json", type=Path, help="JSON 写入该文件，不在屏幕输出")
        parser.add_argument(
            "--xlsx",
            type=Path,
            help=f"同时写出 Excel 工作簿；超过 {MOST_CASES:,} 件时，逐件清单另写为同名 .csv",
        )
        parser.add_argument("--processes", type=int, default=1, help="并行的进程数")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["version"]) == bool(options["file"]):
            raise CommandError("请写明版本编号，或用 --file 指定 YAML 文件，二者取一。")
        try:
            with transaction.atomic():
                answer = self._run(options)
        except Problems as error:
            raise CommandError("\n".join(f"{one.code}：{one.message}" for one in error.problems)) from None
        except DomainError as error:
            raise CommandError(f"{error.code}：{error.message}{error.hint or ''}") from None
        text = json.dumps(answer, ensure_ascii=False, indent=2)
        if options["json"]:
            options["json"].write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)

    def _run(self, options: dict[str, Any]) -> dict[str, Any]:
        plan = self._plan(options)
        told = dry_runs.told_sources(plan)
        total = sum(one["cases"] for one in told)
        book = DryRunBook(options["xlsx"], total) if options["xlsx"] else None
        loud = sys.stderr.isatty()

        def progress(done: int) -> None:
            if loud:
                self.stderr.write(f"\r{done:,} / {total:,}", ending="")

        report = dry_runs.compute(plan, progress=progress, each=book.each if book else None)
        if loud:
            self.stderr.write("")
        basis, sha256 = dry_runs.basis_of(plan, told), digest(render(plan.scheme))
        if book is not None:
            book.save(report, basis=basis, job_no="", scheme_sha256=sha256)
        return {"scheme_sha256": sha256, "sources": told, "basis": basis, "report": report.as_json()}

    def _plan(self, options: dict[str, Any]) -> Plan:
        scheme, version = self._scheme(options)
        from_on = options["from_on"] or date(dates.today().year - 1, 1, 1)
        to_on = (options["to_on"] or dates.today()) + timedelta(days=1)
        dry_runs.check_period(from_on, to_on)
        query = CaseQuery(
            program=scheme.program,
            region=scheme.region,
            from_on=from_on,
            to_on=to_on,
            like=options["like"],
            folder=options["sample_folder"],
        )
        sources = tuple(chosen_sources(options["sources"] or ["cases"]))
        return Plan(
            scheme=scheme,
            before=self._before(scheme, version, options["before"]),
            query=query,
            sources=sources,
            budgets=dry_runs.budgets_of(scheme.program),
            opening=dry_runs.opening_of(sources, query),
            processes=options["processes"],
        )

    def _scheme(self, options: dict[str, Any]) -> tuple[Scheme, PolicyVersion | None]:
        if options["file"]:
            return self._from_file(options["file"]), None
        program, _dash, number = options["version"].rpartition("-")
        version = None
        with suppress(ValueError):
            version = PolicyVersion.objects.filter(program__code=program, number=int(number)).first()
        if version is None:
            raise CommandError(f"没有编号为 {options['version']} 的政策版本。")
        published = Publication.objects.filter(version=version).first()
        return (published.scheme if published else complete_scheme(version)), version

    def _from_file(self, path: Path) -> Scheme:
        try:
            scheme = read_bundle(path.read_text(encoding="utf-8")).scheme
        except OSError as error:
            raise CommandError(f"{path}：不能读取（{error.strerror}）") from None
        except SchemeError as error:
            raise CommandError(f"{path.name}：\n{error}") from None
        problems = check_document(scheme)
        if problems:
            raise CommandError("\n".join(f"{one.path}：{one.message}" for one in problems))
        return scheme

    def _before(self, scheme: Scheme, version: PolicyVersion | None, before: str) -> Scheme | None:
        if version is not None:
            against = dry_runs.publication_before(version, before)
            return against.scheme if against else None
        if before == dry_runs.RECORDED:
            return None
        if before == dry_runs.IN_FORCE:
            program = Program.objects.filter(code=scheme.program).first()
            current = find_publication_in_force(program, dates.today()) if program else None
            return current.scheme if current else None
        found = Publication.objects.filter(publication_no=before, program__code=scheme.program).first()
        if found is None:
            raise Invalid("dry_run.before", f"没有发布编号为 {before} 的本专项版本。", field="before")
        return found.scheme
