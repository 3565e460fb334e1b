"""Whether a version can open for applications: nothing that its text leaves out is invented, and nothing that the system cannot
carry out as the text says is taken in."""

from __future__ import annotations

from collections.abc import Iterator

from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject, CountsAt, IssueWay, Shortage


def closed_reasons(scheme: Scheme) -> list[str]:
    """Why the scheme cannot open for applications, each a sentence; empty when it can. A rate that no text publishes is never
    invented; a batch is never granted case by case."""
    return [*_not_published(scheme), *_not_carried_out(scheme)]


def _not_published(scheme: Scheme) -> Iterator[str]:
    for rate in scheme.rates:
        if rate.value is None:
            yield f"“{scheme.track(rate.track).name}”的补贴比例未公布，暂不能受理申领。"


def _not_carried_out(scheme: Scheme) -> Iterator[str]:
    rule = scheme.issue.shortage
    if scheme.issue.way is IssueWay.WITHOUT_APPLICATION:
        yield "本政策免申即享，由主管部门核定名单发放，不需提交申领；名单发放尚未开通。"
    if rule in (Shortage.PRO_RATA, Shortage.BY_SCORE):
        yield f"本政策资金不足时“{rule.label}”，须整批核定；整批核定尚未开通，逐件受理会有先后之别，暂不能受理申领。"
    for cap in scheme.caps:
        if cap.switched_on and cap.subject is CapSubject.BATCH:
            yield f"“{cap.name}”按批次计算，须整批核定；整批核定尚未开通，暂不能受理申领。"
        if rule is Shortage.STOP and cap.subject is CapSubject.POOL and cap.counts_at is CountsAt.CLAIM:
            yield f"“{cap.name}”在兑付时才计入，额满时无法在申领环节停止受理，暂不能受理申领。"
