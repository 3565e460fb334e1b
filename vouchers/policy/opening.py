"""Whether a version can open for applications: nothing that its text leaves out is invented, and nothing that the system cannot
carry out as the text says is taken in."""

from __future__ import annotations

from collections.abc import Iterator

from vouchers.policy.batching import SHARED
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapSubject, CountsAt, IssueWay, Shortage


def closed_reasons(scheme: Scheme) -> list[str]:
    """Why the scheme cannot open for applications, each a sentence; empty when it can. A rate that no text publishes is never
    invented."""
    return [*cannot_be_granted(scheme), *_takes_none(scheme)]


def cannot_be_granted(scheme: Scheme) -> list[str]:
    """Why nothing can be granted under it, in whatever way."""
    return [*_not_published(scheme), *not_carried_out(scheme)]


def not_carried_out(scheme: Scheme) -> list[str]:
    """What casework cannot do as the text says. A version that was published before this was asked may have it all the same: it
    takes nothing in and issues nothing any more (`manage.py doctor` names it)."""
    return list(_not_carried_out(scheme))


def _takes_none(scheme: Scheme) -> Iterator[str]:
    if scheme.issue.way is IssueWay.WITHOUT_APPLICATION:
        yield "本政策免申即享，由主管部门编制名单发放，不需提交申领；列入名单的单位会收到通知，确认意愿后即可使用。"


def _not_published(scheme: Scheme) -> Iterator[str]:
    for rate in scheme.rates:
        if rate.value is None:
            yield f"“{scheme.track(rate.track).name}”的补贴比例未公布，暂不能受理申领。"


def _not_carried_out(scheme: Scheme) -> Iterator[str]:
    """Batches casework can carry out (`batching`), and a pool that stops at claims (`caps.stops_at`); not these."""
    for cap in scheme.caps:
        if cap.switched_on and cap.subject is CapSubject.BATCH and scheme.issue.way is IssueWay.INSTANT:
            yield f"“{cap.name}”按批次计算，而本政策即领即享、逐件即时发放，没有批次可计，暂不能受理申领。"
        if cap.switched_on and _shared_at_claims(scheme, cap):
            yield (
                f"“{cap.name}”在兑付时计入，兑付逐件随时办理，没有整批可供“{scheme.issue.shortage.label}”分配，暂不能受理申领；"
                "请改为发券时计入，或改按先到先得、停止受理。"
            )
    if scheme.issue.way is IssueWay.WITHOUT_APPLICATION and scheme.issue.shortage is Shortage.BY_SCORE:
        yield "本政策免申即享，名单不经评审、没有得分，不能按评分先后分配，暂不能发放。"


def _shared_at_claims(scheme: Scheme, cap: Cap) -> bool:
    """A pool that only claims draw on, where the text shares a short pool out over a batch: claims have no batch."""
    return (
        cap.subject in SHARED
        and cap.counts_at is CountsAt.CLAIM
        and scheme.issue.shortage in (Shortage.PRO_RATA, Shortage.BY_SCORE)
    )
