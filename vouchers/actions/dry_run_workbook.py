"""The dry run as a workbook: what the page shows, and beneath it every case before and after.

More cases than a workbook is read with (`MOST_CASES`) are listed in a file of comma-separated values beside it, and the sheet says so.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from vouchers import dates
from vouchers.actions.dry_run_words import group_label, region_names
from vouchers.policy.caps import cap_period_words
from vouchers.policy.dry_run_report import Change, DryRunReport, Flow
from vouchers.policy.dry_run_words import EVENTS
from vouchers.policy.entered import Entered
from vouchers.policy.payment_outlook import PaymentOutlook
from vouchers.policy.replay import CaseOutcome, PoolUse
from vouchers.policy.terms import Outcome, Stage
from vouchers.sheets import DAY, MONEY, Sheet, new_book, plain_cell, save

MOST_CASES = 200_000
COUNT = "#,##0"
STAGES = {Stage.APPLICATION: "申领", Stage.CLAIM: "兑付", Stage.SETTLEMENT: "即时抵扣"}
OUTCOMES = {Outcome.ELIGIBLE: "符合", Outcome.REVIEW: "须人工核实", Outcome.REFUSED: "不予支持"}
_CASE = (
    ("编号", 20, ""), ("环节", 10, ""), ("来源", 12, ""), ("决定日", 12, DAY), ("企业", 34, ""),
    ("统一社会信用代码", 22, ""), ("注册地", 10, ""), ("规模", 8, ""), ("所有制", 12, ""),
    ("实际核定（元）", 18, MONEY), ("测算前（元）", 18, MONEY), ("测算前结论", 12, ""), ("测算后（元）", 18, MONEY),
    ("测算后结论", 12, ""), ("增减（元）", 18, MONEY), ("测算后未满足的条件", 40, ""), ("测算后受限于", 30, ""),
)  # fmt: skip
_CHANGE = (
    ("件数", 9, COUNT), ("测算前（元）", 18, MONEY), ("测算后（元）", 18, MONEY), ("增减（元）", 18, MONEY),
    ("增加的件数", 11, COUNT), ("减少的件数", 11, COUNT), ("增加额（元）", 18, MONEY), ("减少额（元）", 18, MONEY),
)  # fmt: skip


class CaseFile:
    """A table as comma-separated values (UTF-8), row by row; nothing in it can become a formula."""

    def __init__(self, path: Path, columns: Sequence[tuple[str, int, str]]) -> None:
        self._stream = open(path, "w", encoding="utf-8-sig", newline="", opener=_private)  # noqa: SIM115 - closed by close()
        self._writer = csv.writer(self._stream)
        self._writer.writerow([heading for heading, _width, _format in columns])
        self._path = path
        self.rows = 0

    def add(self, *values: Any) -> None:
        """One row."""
        self._writer.writerow([plain_cell(value) if isinstance(value, str) else value for value in values])
        self.rows += 1

    def close(self) -> str:
        """How many rows it has, and its hash."""
        self._stream.close()
        with self._path.open("rb") as stream:
            return f"{self.rows:,} 行，SHA-256 {hashlib.file_digest(stream, 'sha256').hexdigest()}"


@cache
def _label(by: str, value: str) -> str:
    return group_label(by, value)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class DryRunBook:
    """Takes the cases one by one while they are replayed, then the report."""

    def __init__(self, path: Path, cases: int) -> None:
        """A workbook of that path (`.xlsx`), for so many cases."""
        self._path = path
        self.beside = path.with_suffix(".csv") if cases > MOST_CASES else None
        """The list of cases, where it is not in the workbook."""
        self._book = new_book()
        self._cover = Sheet(self._book, "说明", (("项目", 22, ""), ("内容", 100, "")))
        self._totals = Sheet(self._book, "总览", (("资金", 12, ""), ("", 14, ""), *_CHANGE))
        self._months = Sheet(self._book, "逐月", (("资金", 12, ""), ("月份", 12, ""), *_CHANGE))
        self._pools = Sheet(
            self._book,
            "资金池",
            (
                ("测算", 10, ""), ("资金池", 28, ""), ("期间", 12, ""), ("计入环节", 10, ""), ("总额（元）", 18, MONEY), ("用去（元）", 18, MONEY),
                ("用完的日期", 13, DAY), ("因此未得的件数", 14, COUNT), ("因此少得的件数", 14, COUNT),
            ),
        )  # fmt: skip
        self._outlook = Sheet(
            self._book,
            "拨付限额",
            (
                ("测算", 10, ""), ("限额", 28, ""), ("期间", 12, ""), ("计入对象", 12, ""), ("年度按", 16, ""), ("每个对象的限额（元）", 20, MONEY),
                ("对象数", 9, COUNT), ("件数", 9, COUNT), ("全部拨付需要（元）", 18, MONEY), ("当年放得下（元）", 18, MONEY),
                ("放不下的件数", 12, COUNT), ("放不下（元）", 18, MONEY),
            ),
        )  # fmt: skip
        self._groups = Sheet(
            self._book, "分组", (("资金", 12, ""), ("分组方式", 16, ""), ("组别", 26, ""), *_CHANGE)
        )
        self._largest = Sheet(
            self._book,
            "变化最大",
            (
                ("资金", 12, ""), ("编号", 20, ""), ("企业", 34, ""), ("决定日", 12, DAY), ("测算前（元）", 18, MONEY),
                ("测算后（元）", 18, MONEY), ("增减（元）", 18, MONEY), ("原因", 100, ""),
            ),
        )  # fmt: skip
        self._shifts = Sheet(
            self._book,
            "资格得失",
            (
                ("资金", 12, ""), ("条件代码", 24, ""), ("条件", 60, ""), ("新获资格（件）", 14, COUNT), ("失去资格（件）", 14, COUNT),
                ("新获资格举例", 50, ""), ("失去资格举例", 50, ""),
            ),
        )  # fmt: skip
        self._untestable = Sheet(
            self._book,
            "须人工核实",
            (("资金", 12, ""), ("条件代码", 24, ""), ("条件", 60, ""), ("测算前（件）", 14, COUNT), ("测算后（件）", 14, COUNT)),
        )  # fmt: skip
        self._cases = Sheet(self._book, "逐件", _CASE)
        self._list = CaseFile(self.beside, _CASE) if self.beside is not None else None

    def each(self, case: Entered, was: CaseOutcome | None, now: CaseOutcome) -> None:
        """One case, as it goes by."""
        profile = case.profile
        before = was.amount if was is not None else case.granted
        (self._list or self._cases).add(
            case.case_no, STAGES[case.stage], _label("source", profile.source), case.on, case.name, case.uscc,
            profile.region, _label("size", profile.size), _label("ownership", profile.ownership), case.granted, before,
            OUTCOMES[was.outcome] if was is not None else None, now.amount, OUTCOMES[now.outcome],
            now.amount - before if before is not None else None, "、".join(now.failed), "、".join(now.capped_by),
        )  # fmt: skip

    def save(self, report: DryRunReport, *, basis: Sequence[str], job_no: str, scheme_sha256: str) -> None:
        """Write the report before the cases, and the file."""
        for name, flow in (("发券", report.commitments), ("兑付", report.payments)):
            if flow.total.cases or flow.undecided:
                self._flow(name, flow)
        for name, pools in (("测算前", report.pools_before), ("测算后", report.pools_after)):
            for pool in pools:
                self._pool(name, pool)
        for name, outlook in (("测算前", report.payment_before), ("测算后", report.payment_after)):
            if outlook is not None:
                self._payment(name, outlook)
        sheets = (
            self._totals, self._months, self._pools, self._outlook, self._groups, self._largest, self._shifts, self._untestable,
            self._cases,
        )  # fmt: skip
        listed = "逐件列出"
        if self._list is not None and self.beside is not None:
            listed = f"超过 {MOST_CASES:,} 件，逐件清单另见 {self.beside.name}（{self._list.close()}）；合计与分组已计入"
            self._cases.add(f"共 {report.cases:,} 件，{listed}。", *[None] * (len(_CASE) - 1))
        digests = {sheet.title: sheet.close() for sheet in sheets}
        for key, value in (
            ("名称", "算力券政策影响测算"),
            ("版本", report.scheme_label),
            ("版本内容摘要", f"SHA-256 {scheme_sha256}"),
            ("比较对象", report.before_label or "各件实际核定的金额"),
            ("任务编号", job_no or "命令行"),
            ("制作时间", dates.now().strftime("%Y-%m-%d %H:%M")),
            ("计算引擎", report.engine_version),
            ("案件", f"共 {report.cases:,} 件，{listed}。"),
            *((f"口径 {place}", sentence) for place, sentence in enumerate(basis, start=1)),
            *((sheet.title, f"{sheet.rows:,} 行，SHA-256 {digests[sheet.title]}") for sheet in sheets),
            ("说明", "测算不是承诺：它说明同样的案件按这一版本会得到什么，不预测今后会有哪些申领。发券与兑付是同一笔资金的两个环节，不相加。"),
        ):  # fmt: skip
            self._cover.add(key, value)
        self._cover.close()
        save(self._book, self._path)

    def _flow(self, name: str, flow: Flow) -> None:
        self._totals.add(name, "合计", *_figures(flow.total))
        if flow.undecided:
            empty: list[Decimal | None] = [None] * 5
            self._totals.add(name, "尚未决定", flow.undecided, None, flow.undecided_after, *empty)
        for month in flow.months:
            self._months.add(name, month.label, *_figures(month))
        regions = region_names()
        for breakdown in flow.breakdowns:
            for group in breakdown.groups:
                label = group_label(breakdown.by, group.value, group.label, regions)
                self._groups.add(name, breakdown.label, label, *_figures(group))
        for change in (*flow.gains, *flow.losses):
            self._largest.add(
                name, change.case_no, change.enterprise_name, change.on, change.before, change.after, change.difference,
                "\n".join(change.reasons),
            )  # fmt: skip
        for shift in flow.shifts:
            self._shifts.add(
                name, shift.code, shift.text, shift.gained, shift.lost, "、".join(shift.gained_examples),
                "、".join(shift.lost_examples),
            )  # fmt: skip
        for one in flow.untestable:
            self._untestable.add(name, one.code, one.text, one.before, one.after)

    def _pool(self, name: str, pool: PoolUse) -> None:
        spent: date | None = pool.spent_on
        self._pools.add(
            name, pool.name, cap_period_words(pool.period), EVENTS.get(pool.event, pool.event), pool.limit, pool.used, spent, pool.refused, pool.cut,
        )  # fmt: skip

    def _payment(self, name: str, outlook: PaymentOutlook) -> None:
        for cap in outlook.caps:
            self._outlook.add(
                name, cap.name, cap.period_words, cap.subject, cap.year_by, cap.limit, cap.subjects, None, cap.asked, cap.paid,
                cap.waiting_cases, cap.waiting,
            )  # fmt: skip
        for words, cases, amount in (
            ("合计", outlook.cases, outlook.asked),
            ("其中单笔超过限额、无法拨付", outlook.never_cases, outlook.never),
        ):
            whole = words == "合计"
            self._outlook.add(
                name, words, None, None, None, None, None, cases, amount, outlook.paid if whole else None,
                outlook.waiting_cases if whole else None, outlook.waiting if whole else None,
            )  # fmt: skip


def _figures(change: Change) -> tuple[Any, ...]:
    return (
        change.cases, change.before, change.after, change.difference, change.winners, change.losers, change.won, change.lost,
    )  # fmt: skip


__all__ = ["MOST_CASES", "CaseFile", "DryRunBook"]
