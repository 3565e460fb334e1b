"""The value of a rate for a case: as the text fixes it, at its ceiling, or as reviewers set it."""

from __future__ import annotations

from decimal import Decimal

from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.working import Working, money, percent
from vouchers.policy.rules import Rate, Scheme
from vouchers.policy.terms import FindingResult, RateKind


def rate_now(scheme: Scheme, rate: Rate, facts: Facts, working: Working) -> tuple[Decimal, str]:
    """The rate as a fraction (or yuan a unit) and a remark on how it came about. One that is not published is 0, with a
    refusing finding."""
    value = rate.value
    if value is None:
        working.find(
            "rate_published",
            FindingResult.NOT_MET,
            rate.source("rate"),
            lambda: (
                "补贴比例未公布",
                "该政策的补贴比例未公布，暂不能受理申领。",
                "待主管部门公布补贴比例后再行申领。",
            ),
            subject=rate.code,
        )
        return Decimal(0), "比例未公布"
    if rate.kind is RateKind.FIXED:
        return value, ""
    if rate.kind is RateKind.CEILING:
        return value, "文件规定“不超过”，且不设评审环节，按上限执行"
    return _reviewer_rate(scheme, rate, value, facts, working)


def rate_words(rate: Rate, value: Decimal) -> str:
    """`20%`, or the yuan a unit."""
    return percent(value) if rate.unit_amount is None else money(value)


def _reviewer_rate(
    scheme: Scheme, rate: Rate, ceiling: Decimal, facts: Facts, working: Working
) -> tuple[Decimal, str]:
    found = facts.review.rates.get(rate.code, facts.review.rates.get(rate.track))
    if found is None and facts.review.score is not None:
        score = facts.review.score
        rows = [row for row in scheme.score_rates if row.track == rate.track and row.score_from <= score]
        found = max(rows, key=lambda row: row.score_from).rate if rows else Decimal(0)
    noun = "比例" if rate.unit_amount is None else "补贴标准"
    cite = rate.source("rate")
    if found is None:
        working.find(
            "rate_reviewed",
            FindingResult.NOT_TESTABLE,
            cite,
            lambda: (
                f"评审尚未确定{noun}",
                f"{noun}由评审在 {rate_words(rate, ceiling)} 以内确定，目前按上限估算。",
                f"待评审确定{noun}。",
            ),
            subject=rate.code,
        )
        return ceiling, "评审尚未确定，按上限估算"
    given = found
    if given > ceiling:
        working.find(
            "rate_reviewed",
            FindingResult.NOT_MET,
            cite,
            lambda: (
                f"评审{noun} {rate_words(rate, given)}",
                f"评审{noun} {rate_words(rate, given)} 超过文件规定的上限 {rate_words(rate, ceiling)}，请重新确定。",
                f"请评审人员在上限以内确定{noun}。",
            ),
            subject=rate.code,
        )
        return ceiling, f"评审{noun}超过上限，按上限"
    return max(given, Decimal(0)), f"评审确定，上限为 {rate_words(rate, ceiling)}"
