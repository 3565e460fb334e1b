"""The dry run as a workbook: what the page shows, and beneath it every case before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from vouchers import dates
from vouchers.actions.dry_run_words import group_label, region_names
from vouchers.policy.dry_run import Each
from vouchers.policy.dry_run_report import Change, DryRunReport, Flow
from vouchers.policy.replay import CaseOutcome, PoolUse, ReplayCase
from vouchers.policy.terms import Outcome, Stage
from vouchers.sheets import DAY, MONEY, Sheet, new_book, save

MOST_CASES = 200_000
COUNT = "#,##0"
STAGES = {Stage.APPLICATION: "申领", Stage.CLAIM: "兑付", Stage.SETTLEMENT: "即时抵扣"}
OUTCOMES = {Outcome.ELIGIBLE: "符合", Outcome.REVIEW: "须人工核实", Outcome.REFUSED: "不予支持"}
_CHANGE = (
    ("件数", 9, COUNT), ("测算前（元）", 18, MONEY), ("测算后（元）", 18, MONEY), ("增减（元）", 18, MONEY),
    ("增加的件数", 11, COUNT), ("减少的件数", 11, COUNT), ("增加额（元）", 18, MONEY), ("减少额（元）", 18, MONEY),
)  # fmt: skip


class DryRunBook:
    """Takes the cases one by one while they are replayed, then the report."""

    def __init__(self, cases: int) -> None:
        """For so many cases; more than a workbook can hold are not listed one by one."""
        self._listed = cases <= MOST_CASES
        self._book = new_book()
        self._cover = Sheet(self._book, "说明", (("项目", 22, ""), ("内容", 100, "")))
        self._totals = Sheet(self._book, "总览", (("资金", 12, ""), ("", 14, ""), *_CHANGE))
        self._months = Sheet(self._book, "逐月", (("资金", 12, ""), ("月份", 12, ""), *_CHANGE))
        self._pools = Sheet(
            self._book,
            "资金池",
            (
                ("测算", 10, ""), ("资金池", 28, ""), ("期间", 12, ""), ("总额（元）", 18, MONEY), ("用去（元）", 18, MONEY),
                ("用完的日期", 13, DAY), ("因此未得的件数", 14, COUNT), ("因此少得的件数", 14, COUNT),
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
        self._cases = Sheet(
            self._book,
            "逐件",
            (
                ("编号", 20, ""), ("环节", 10, ""), ("来源", 12, ""), ("决定日", 12, DAY), ("企业", 34, ""),
                ("统一社会信用代码", 22, ""), ("注册地", 10, ""), ("规模", 8, ""), ("所有制", 12, ""),
                ("实际核定（元）", 18, MONEY), ("测算前（元）", 18, MONEY), ("测算前结论", 12, ""), ("测算后（元）", 18, MONEY),
                ("测算后结论", 12, ""), ("增减（元）", 18, MONEY), ("测算后未满足的条件", 40, ""), ("测算后受限于", 30, ""),
            ),
        )  # fmt: skip

    @property
    def each(self) -> Each | None:
        """What takes the cases as they go by; None where they are too many."""
        return self._add if self._listed else None

    def _add(self, case: ReplayCase, was: CaseOutcome | None, now: CaseOutcome) -> None:
        """One case, as it goes by."""
        party = case.facts.applicant
        before = was.amount if was is not None else case.granted
        self._cases.add(
            case.case_no, STAGES[case.facts.stage], group_label("source", case.source), case.on,
            case.enterprise_name or party.name, party.uscc, party.region_code, group_label("size", party.size),
            group_label("ownership", party.ownership), case.granted, before,
            OUTCOMES[was.outcome] if was is not None else None, now.amount, OUTCOMES[now.outcome],
            now.amount - before if before is not None else None, "、".join(now.failed), "、".join(now.capped_by),
        )  # fmt: skip

    def save(
        self, path: Path, report: DryRunReport, *, basis: Sequence[str], job_no: str, scheme_sha256: str
    ) -> None:
        """Write the report before the cases, and the file."""
        for name, flow in (("发券", report.commitments), ("兑付", report.payments)):
            if flow.total.cases or flow.undecided:
                self._flow(name, flow)
        for name, pools in (("测算前", report.pools_before), ("测算后", report.pools_after)):
            for pool in pools:
                self._pool(name, pool)
        sheets = (
            self._totals, self._months, self._pools, self._groups, self._largest, self._shifts, self._untestable,
            self._cases,
        )  # fmt: skip
        digests = {sheet.title: sheet.close() for sheet in sheets}
        listed = "逐件列出" if self._listed else f"超过 {MOST_CASES:,} 件，不逐件列出（合计与分组已计入）"
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
        save(self._book, path)

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
        self._pools.add(name, pool.name, pool.period, pool.limit, pool.used, spent, pool.refused, pool.cut)


def _figures(change: Change) -> tuple[Any, ...]:
    return (
        change.cases, change.before, change.after, change.difference, change.winners, change.losers, change.won, change.lost,
    )  # fmt: skip


__all__ = ["MOST_CASES", "DryRunBook"]
