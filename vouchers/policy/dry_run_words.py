"""The words of a dry run: what a condition, a step or a group is called, and why a case comes out otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from vouchers.policy.assessment import Assessment, Line
from vouchers.policy.names import OWNERSHIPS, SIZES
from vouchers.policy.rules import Scheme

_OWN = {
    "amount": "核算金额变动(条件未变)",
    "recorded": "原决定的条件(未重新核算)",
    "in_force": "适用本版本的期间",
    "window": "申报期",
    "papers": "申报材料",
    "fair_price": "公允价格",
    "other_money": "其他财政资金",
    "voucher": "所用的券",
    "basis": "补贴基数",
    "basis_kind": "补贴基数的种类",
    "basis_period": "费用所属期间",
    "rate": "适用的补贴比例",
    "rate_published": "补贴比例已公布",
    "rate_reviewed": "评审确定的比例",
    "shortage": "资金不足时的分配",
    "cap.budget": "年度预算指标",
}
EVENTS = {"issue": "发券", "claim": "兑付"}
"""At which event a pool counts."""
MOST_REASONS = 8


class Words:
    """What the codes of two versions are called; the later version's words win."""

    def __init__(self, before: Scheme | None, after: Scheme) -> None:
        self._conditions = dict(_OWN)
        self._classes: dict[str, str] = {}
        for scheme in (before, after):
            if scheme is None:
                continue
            self._conditions |= {gate.code: gate.text for gate in scheme.gates}
            self._conditions |= {f"floor.{floor.code}": floor.name for floor in scheme.floors}
            self._conditions |= {f"cap.{cap.code}": cap.name for cap in scheme.caps}
            self._classes |= {one.code: one.name for one in scheme.classes}

    def condition(self, code: str) -> str:
        """The condition in words; a code that no version knows stands for itself."""
        return self._conditions.get(code, code)

    def group(self, by: str, value: str) -> str:
        """A group's name where the schemes have one; what is empty is said to be so."""
        if by == "class":
            return self._classes.get(value, value) or "无特定类别"
        if by == "source":
            return {"cases": "本专项案件", "history": "导入的历史案件", "sample": "合成样本"}.get(
                value, value
            )
        known = {"size": SIZES, "ownership": OWNERSHIPS}.get(by, {})
        return known.get(value, value) or "未取得"


def reasons(before: Assessment | None, after: Assessment) -> tuple[str, ...]:
    """Why two assessments of one case differ: the conditions held otherwise, then the steps that came out otherwise.

    Without an assessment before (the case as decided in fact), what refuses or cuts it now.
    """
    return tuple(_told(before, after))[:MOST_REASONS]


def _told(before: Assessment | None, after: Assessment) -> Iterator[str]:
    was = {(one.code, one.subject): one for one in before.refusals} if before else {}
    now = {(one.code, one.subject): one for one in after.refusals}
    for key, finding in was.items():
        if key not in now:
            yield f"原不予支持：{finding.sentence}"
    for key, finding in now.items():
        if key not in was:
            yield f"现不予支持：{finding.sentence}"
    if before is None:
        for line in after.lines:
            if _matters(line) and line.code.startswith(
                ("rate", "cap.", "other_money", "voucher_balance", "requested")
            ):
                yield f"现：{line.sentence}"
        return
    old, new = _by_code(before), _by_code(after)
    for code in dict.fromkeys((*old, *new)):
        then, here = old.get(code), new.get(code)
        if then is not None and here is not None and _same(then, here):
            continue
        if not _matters(then) and not _matters(here):
            continue
        if then is not None:
            yield f"原：{then.sentence}"
        if here is not None:
            yield f"现：{here.sentence}"


def _by_code(answer: Assessment) -> dict[tuple[str, int], Line]:
    """The lines by code and how often that code stood before."""
    found: dict[tuple[str, int], Line] = {}
    times: dict[str, int] = {}
    for line in answer.lines:
        times[line.code] = times.get(line.code, 0) + 1
        found[line.code, times[line.code]] = line
    return found


def _matters(line: Line | None) -> bool:
    """Whether a step did anything to the amount: not a limit that was not reached, nor rounding."""
    if line is None or line.operator.startswith("round_"):
        return False
    return line.operator != "minimum" or line.result != line.operands[0].value


def _same(then: Line, here: Line) -> bool:
    return (then.operator, then.result, [one.value for one in then.operands]) == (
        here.operator,
        here.result,
        [one.value for one in here.operands],
    )
