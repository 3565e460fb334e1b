"""What reviewers decide: whether the case passes, and where the version leaves it to them, the rate or the score."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from vouchers.errors import Invalid, Problems
from vouchers.models import User
from vouchers.policy.batching import asks_for_a_score
from vouchers.policy.rate_values import rate_words
from vouchers.policy.rules import Rate, Scheme
from vouchers.policy.terms import RateKind


@dataclass(frozen=True, kw_only=True)
class ReviewerOpinion:
    """An opinion as given. ``rates`` are fractions by track or rate; ``scores`` are the points by criterion that ``score``
    adds up, where they are given one by one."""

    passed: bool | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    score: Decimal | None = None
    scores: Mapping[str, Decimal] = field(default_factory=dict)
    reason: str = ""

    @property
    def total(self) -> Decimal | None:
        """The score, or what its criteria add up to."""
        if self.score is not None or not self.scores:
            return self.score
        return sum(self.scores.values(), Decimal(0))


def rates_for_reviewers(scheme: Scheme) -> list[Rate]:
    """The rates that the version leaves to reviewers."""
    return [rate for rate in scheme.rates if rate.kind is RateKind.REVIEWER_SET]


_NAMED = re.compile(r"[（(]([^（）()]+)[)）]")


def criteria(scheme: Scheme) -> tuple[str, ...]:
    """What reviewers look at, as the step in which they set the rate or the score names it: 评估（集群规模、成果水平）."""
    for step in scheme.review_steps:
        named = _NAMED.search(step.name) if step.sets_rate else None
        if named is not None:
            return tuple(part.strip() for part in named.group(1).split("、") if part.strip())
    return ()


def opinion_rows(scheme: Scheme, review: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A kept opinion in words, for the page; empty when there is none."""
    if not review:
        return []
    rows: list[tuple[str, str]] = []
    if review.get("passed") is not None:
        rows.append(("评审结论", "通过" if review["passed"] else "不通过"))
    for name, points in review.get("scores", {}).items():
        rows.append((f"{name}得分", points))
    if review.get("score"):
        rows.append(("评审得分", review["score"]))
    for name, value in review.get("rates", {}).items():
        rate = next((one for one in rates_for_reviewers(scheme) if name in (one.code, one.track)), None)
        rows.append(("评审确定", rate_words(rate, Decimal(value)) if rate is not None else value))
    for label, name in (("理由", "reason"), ("评审人", "reviewer"), ("评审日", "reviewed_on")):
        if review.get(name):
            rows.append((label, review[name]))
    return rows


def reviewed(
    scheme: Scheme, facts: Mapping[str, Any], opinion: ReviewerOpinion, *, by: User, on: date
) -> dict[str, Any]:
    """The opinion as it is kept with the case's facts; empty when there is none. It never goes beyond the text's ceiling.

    Raises ``Problems`` (``review.score_missing``, ``review.not_theirs``, ``review.above_ceiling``, ``review.no_table``, ``review.reason``)."""
    score = opinion.total
    ranked = asks_for_a_score(scheme)
    if opinion.passed is None and not opinion.rates and score is None and not ranked:
        return {}
    problems: list[Invalid] = []
    if ranked and score is None:
        problems.append(
            Invalid(
                "review.score_missing",
                "资金不足时本专项按评分排序，请填写评审得分。",
                field="score",
            )
        )
    theirs = rates_for_reviewers(scheme)
    for name, rate in opinion.rates.items():
        named = [one for one in theirs if name in (one.code, one.track)]
        ceiling = max((one.value for one in named if one.value is not None), default=None)
        if not named:
            problems.append(
                Invalid("review.not_theirs", "该比例由政策直接规定，不由评审确定。", field=f"rate-{name}")
            )
        elif ceiling is not None and rate > ceiling:
            problems.append(
                Invalid(
                    "review.above_ceiling",
                    f"评审比例 {rate_words(named[0], rate)} 超过文件规定的上限 {rate_words(named[0], ceiling)}，请重新确定。",
                    field=f"rate-{name}",
                )
            )
    if score is not None and not scheme.score_rates and not ranked:
        problems.append(
            Invalid("review.no_table", "本版政策没有评分对应的比例表，请直接填写比例。", field="score")
        )
    if (opinion.rates or score is not None) and not opinion.reason.strip():
        problems.append(
            Invalid(
                "review.reason",
                "请写明确定比例或得分的理由（例如集群规模、成果水平），理由随件留存。",
                field="reason",
            )
        )
    if problems:
        raise Problems(problems, code="review.invalid")
    return {
        "passed": opinion.passed,
        "rates": {name: str(rate) for name, rate in opinion.rates.items()},
        "score": str(score) if score is not None else "",
        "scores": {name: str(points) for name, points in opinion.scores.items()},
        "reason": opinion.reason.strip(),
        "reviewer": by.display_name,
        "reviewed_on": on.isoformat(),
    }
