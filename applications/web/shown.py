"""What portal, desk and audit pages show of a case: working, findings, price, time line, facts. No decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from applications.actions import cases
from applications.models import Application, Claim, Lease, Review
from vouchers.models import Hold, PriceCheck
from vouchers.policy.assessment import Assessment, Finding, Line
from vouchers.policy.facts import PriceVerdict
from vouchers.web.wording import money_text, plain_number, rate_text

STEPS = {
    "basis": "计入基数",
    "basis.exclude": "不计入",
    "basis.price_cut": "按区间上限核减",
    "basis.window": "期间折算",
    "rate": "补贴比例",
    "rate.sum": "合计",
    "rate.tier": "分档",
    "tracks": "补贴方向",
    "other_money": "其他财政资金",
    "requested": "申请金额",
    "voucher": "券面余额",
    "rounding": "尾数处理",
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
            "result": line.result,
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


def shown_price(check: PriceCheck | PriceVerdict | None) -> dict[str, Any] | None:
    """The price verdict as the component takes it."""
    if check is None:
        return None
    if isinstance(check, PriceCheck):
        verdict = {"unknown": "untested"}.get(check.position, check.position)
        return {
            "verdict": "review" if check.consequence == "review" and verdict != "untested" else verdict,
            "lower": check.lower,
            "upper": check.upper,
            "price": check.unit_price,
            "benchmark": check.base,
            "grade": check.grade,
            "as_of": check.as_of,
            "sentence": check.sentence,
        }
    return {
        "verdict": {"untestable": "untested"}.get(check.verdict.value, check.verdict.value),
        "lower": check.lower,
        "upper": check.upper,
        "price": check.unit_price,
        "benchmark": check.base,
        "grade": check.grade,
        "as_of": None,
        "sentence": check.sentence,
    }


def reviews_of(case: Application | Claim, *, internal: bool) -> list[Review]:
    """The deeds on the case; internal ones only for the office."""
    kind, number = (
        ("application", case.application_no) if isinstance(case, Application) else ("claim", case.claim_no)
    )
    rows = Review.objects.filter(subject_kind=kind, subject_no=number).select_related("actor")
    return list(rows if internal else rows.filter(internal=False))


def shown_timeline(case: Application | Claim, *, internal: bool) -> list[dict[str, Any]]:
    """Who did what and when; last, who has it now and until when."""
    done: list[dict[str, Any]] = [
        {
            "title": case.lifecycle.label_of(review.verb)
            if review.verb != "answer_check"
            else str(_("核验项结论")),
            "state": "done",
            "tone": "refused" if review.verb == "reject" else "",
            # The enterprise is told the office, not the officer.
            "who": _who(review) if internal else "",
            "at": review.done_at,
            "note": review.reason if internal or review.verb in cases.REASONS_TOLD else "",
        }
        for review in reviews_of(case, internal=internal)
    ]
    waiting = [
        t
        for t in case.lifecycle.transitions
        if case.state in t.sources and t.roles and t.verb not in ("withdraw", "return", "reject")
    ]
    if waiting:
        step = waiting[0]
        rule = (
            str(_("自进入本环节起 %(days)s 个工作日内办结")) % {"days": step.working_days}
            if step.working_days
            else ""
        )
        done.append(
            {
                "title": step.label,
                "state": "current",
                "who": "、".join(_role_label(role) for role in step.roles)
                if internal
                else _who_has_it(step.roles),
                "at": case.state_since,
                "until": case.due_on,
                "rule": rule,
                "note": "",
            }
        )
    return done


def _who(review: Review) -> str:
    return review.actor_name if review.actor_id else str(_("系统自动办理"))


def _role_label(role: str) -> str:
    from vouchers.access import Role

    return str(Role(role).label)


def _who_has_it(roles: tuple[str, ...]) -> str:
    return str(_("等您办理")) if "filer" in roles else str(_("本机关办理中"))


def lease_facts(lease: Lease) -> list[dict[str, Any]]:
    """A contract as a facts table; dates inclusive, as contracts write them."""
    last_day = lease.ends_before - timedelta(days=1)
    price = ""
    if lease.unit_price is not None:
        price = f"{plain_number(lease.unit_price)} {lease.get_unit_display()}（不含税）"
    return [
        {"label": _("合同备案号"), "value": lease.lease_no},
        {"label": _("合同编号"), "value": lease.contract_no},
        {"label": _("承租方"), "value": lease.lessee.name},
        {"label": _("出租方"), "value": lease.lessor.name},
        {"label": _("签订日"), "value": f"{lease.signed_on:%Y年%-m月%-d日}"},
        {"label": _("租期"), "value": f"{lease.starts_on:%Y年%-m月%-d日} 至 {last_day:%Y年%-m月%-d日}"},
        {
            "label": _("加速卡"),
            "value": " ".join(
                part
                for part in (lease.accelerator, lease.form_factor, f"× {lease.cards}" if lease.cards else "")
                if part
            ),
        },
        {"label": _("单价"), "value": price},
        {"label": _("合同金额（不含税）"), "amount": lease.amount},
        {"label": _("用途"), "value": lease.get_purpose_display() if lease.purpose else ""},
    ]


def holds_on(*subjects: tuple[str, str]) -> list[Hold]:
    """The holds, open or not, on any of the subjects; the open ones first."""
    from django.db.models import Q

    wanted = Q(pk__in=[])
    for kind, number in subjects:
        wanted |= Q(subject_kind=kind, subject_no=number)
    rows = (
        Hold.objects.filter(wanted)
        .select_related("placed_by", "lift_requested_by", "lifted_by")
        .order_by("-pk")
    )
    return sorted(rows, key=lambda hold: hold.state not in ("open", "lift_requested"))
