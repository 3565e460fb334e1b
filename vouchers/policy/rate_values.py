"""The value of a rate for a case: as the text fixes it, at its ceiling, or as reviewers set it."""

from __future__ import annotations

from decimal import Decimal

from vouchers.policy.assessment import Finding
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Rate, Scheme
from vouchers.policy.terms import FindingResult, RateKind
from vouchers.policy.working import money, percent


def rate_now(scheme: Scheme, rate: Rate, facts: Facts, findings: list[Finding]) -> tuple[Decimal, str]:
    """The rate as a fraction (or yuan a unit) and a remark on how it came about. One that is not published is 0, with a
    refusing finding."""
    cite, value = rate.source("rate"), rate.value
    if value is None:
        findings.append(
            Finding(
                code="rate_published",
                result=FindingResult.NOT_MET,
                subject=rate.code,
                fact="补贴比例未公布",
                sentence="该政策的补贴比例未公布，暂不能受理申领。",
                article=cite.words,
                confidence=cite.confidence,
                cure="待主管部门公布补贴比例后再行申领。",
            )
        )
        return Decimal(0), "比例未公布"
    if rate.kind is RateKind.FIXED:
        return value, ""
    if rate.kind is RateKind.CEILING:
        return value, "文件规定“不超过”，且不设评审环节，按上限执行"
    return _reviewer_rate(scheme, rate, value, facts, findings)


def rate_words(rate: Rate, value: Decimal) -> str:
    """`20%`, or the yuan a unit."""
    return percent(value) if rate.unit_amount is None else money(value)


def _reviewer_rate(
    scheme: Scheme, rate: Rate, ceiling: Decimal, facts: Facts, findings: list[Finding]
) -> tuple[Decimal, str]:
    given = facts.review.rates.get(rate.code, facts.review.rates.get(rate.track))
    if given is None and facts.review.score is not None:
        score = facts.review.score
        rows = [row for row in scheme.score_rates if row.track == rate.track and row.score_from <= score]
        given = max(rows, key=lambda row: row.score_from).rate if rows else Decimal(0)
    cite = rate.source("rate")
    if given is None:
        findings.append(
            Finding(
                code="rate_reviewed",
                result=FindingResult.NOT_TESTABLE,
                subject=rate.code,
                fact="评审尚未确定比例",
                sentence=f"比例由评审在 {rate_words(rate, ceiling)} 以内确定，目前按上限估算。",
                article=cite.words,
                confidence=cite.confidence,
                cure="待评审确定比例。",
            )
        )
        return ceiling, "评审尚未确定，按上限估算"
    if given > ceiling:
        findings.append(
            Finding(
                code="rate_reviewed",
                result=FindingResult.NOT_MET,
                subject=rate.code,
                fact=f"评审比例 {rate_words(rate, given)}",
                sentence=f"评审比例 {rate_words(rate, given)} 超过文件规定的上限 {rate_words(rate, ceiling)}，请重新确定。",
                article=cite.words,
                confidence=cite.confidence,
                cure="请评审人员在上限以内确定比例。",
            )
        )
        return ceiling, "评审比例超过上限，按上限"
    return max(given, Decimal(0)), f"评审确定，上限为 {rate_words(rate, ceiling)}"
