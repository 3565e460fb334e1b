"""What pages show of an assessment: its working and its findings, as the components take them. No decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from vouchers.policy.assessment import Assessment, Counterfactual, Finding, Line
from vouchers.policy.terms import FindingResult
from vouchers.web.wording import money_text, plain_number, rate_text

STEPS = {
    "basis": "计入基数",
    "basis.exclude": "不计入",
    "basis.price_cut": "按区间上限核减",
    "basis.joint": "基数合并",
    "basis.window": "期间折算",
    "rate": "补贴比例",
    "rate.joint": "分摊",
    "rate.sum": "合计",
    "rate.tier": "分档",
    "tracks": "补贴方向",
    "other_money": "其他财政资金",
    "requested": "申请金额",
    "voucher": "余额",
    "voucher_balance": "余额",
    "rounding": "尾数处理",
    "not_negative": "冲红",
    "treasury": "财政分担",
    "refused": "结论",
}


def _step(line: Line) -> str:
    if line.code.startswith("cap."):
        return str(_("限额"))
    return STEPS.get(line.code, STEPS.get(line.code.split(".")[0], str(_("计算"))))


def _operand(value: Any, unit: str) -> str:
    if unit == "元":
        return money_text(value)
    return str(rate_text(value)) if unit in ("", "比例", "rate", "%") else plain_number(value)


def shown_lines(assessment: Assessment) -> list[dict[str, Any]]:
    """The working, a line a step; the last line carries the amount."""
    last = len(assessment.lines)
    return [
        {
            "no": line.number,
            "step": _step(line),
            "sentence": line.sentence,
            "article": line.article,
            "operands": [(one.name, _operand(one.value, one.unit), one.unit) for one in line.operands],
            "result": line.result if line.unit == "元" else plain_number(line.result),
            "unit": line.unit,
            "counts": line.number == last,
        }
        for line in assessment.lines
    ]


def shown_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Conditions: what is not met first, then what is not testable, then what is met."""
    order = {"not_met": 0, "not_testable": 1, "met": 2}
    rows = [
        {
            "outcome": finding.result.value,
            "title": finding.sentence,
            "fact": finding.fact,
            "article": finding.article,
            "cure": finding.cure,
        }
        for finding in findings
    ]
    return sorted(rows, key=lambda row: order[row["outcome"]])


def shown_counterfactuals(assessment: Assessment) -> tuple[Counterfactual, ...]:
    """What would change the outcome: of conditions, only those that are known not to be met. Whoever is merely not judged yet
    is not told what to mend."""
    open_codes = {one.code for one in assessment.findings if one.result is FindingResult.NOT_TESTABLE}
    failed = {one.code for one in assessment.findings if one.result is FindingResult.NOT_MET}
    return tuple(one for one in assessment.counterfactuals if one.code not in open_codes - failed)


def shown_assessment(assessment: Assessment) -> dict[str, Any]:
    """A whole assessment for `portal/parts/estimate.html` and `working.html`."""
    return {
        "assessment": assessment,
        "outcome": assessment.outcome.value,
        "lines": shown_lines(assessment),
        "findings": shown_findings(assessment.findings),
        "counterfactuals": shown_counterfactuals(assessment),
        "refused_by": assessment.refusals,
    }
