"""Contradictions between the way of issue, the voucher, the windows and the review: what no case could go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vouchers.policy.plain import Problem
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject, GateKind, IssueWay, PayTo, RateKind, Repeats, Shortage, Stage

WAY = "issue.way"


def check_issue(scheme: Scheme) -> Iterator[Problem]:
    """What the scheme's way of issue demands, and what it cannot stand beside."""
    demand = _DEMANDS.get(scheme.issue.way)
    if demand is not None:
        yield from demand(scheme)
    yield from _shortage(scheme)
    yield from _voucher(scheme)


def _reviewed(scheme: Scheme) -> bool:
    """Whether anybody reviews an application: a step of the chain, or a condition that experts answer."""
    return any(step.stage is Stage.APPLICATION for step in scheme.review_steps) or any(
        gate.kind is GateKind.EXPERT_REVIEW and gate.switched_on for gate in scheme.gates
    )


def _nobody_reviews(scheme: Scheme) -> Iterator[Problem]:
    """A voucher that is had at once waits for nobody."""
    for rate in scheme.rates:
        if rate.kind is RateKind.REVIEWER_SET:
            yield Problem(f"rates.{rate.code}.kind", "即领即享没有评审环节，比例不能由评审确定")
    for gate in scheme.gates:
        if gate.kind is GateKind.EXPERT_REVIEW and gate.switched_on and Stage.APPLICATION in gate.stages:
            yield Problem(f"gates.{gate.code}.kind", "即领即享在领券时没有评审环节，不能要求经评审认定")
    if scheme.issue.notice_working_days:
        yield Problem("issue.notice_working_days", "即领即享不经公示")
    for cap in scheme.caps:
        if cap.switched_on and cap.subject is CapSubject.BATCH:
            yield Problem(
                f"caps.{cap.code}.subject",
                "即领即享逐件即时发放，没有批次可计；请改为资金总量等其他限额，或改用其他发放方式",
            )
    yield from _issues_a_voucher(scheme)


def _issues_a_voucher(scheme: Scheme) -> Iterator[Problem]:
    if not scheme.voucher.issues_voucher:
        yield Problem(WAY, f"“{scheme.issue.way.label}”发放的是券，与“不发放算力券”矛盾")


def _needs_a_window(scheme: Scheme) -> Iterator[Problem]:
    if not any(window.stage is Stage.APPLICATION for window in scheme.windows):
        yield Problem("windows", "年度集中申报须列出申领的申报期")


def _needs_windows_of_the_quarters(scheme: Scheme) -> Iterator[Problem]:
    within_the_year = (Repeats.QUARTERLY, Repeats.MONTHLY)
    if len(scheme.windows) < 2 and not any(window.repeats in within_the_year for window in scheme.windows):
        yield Problem("windows", "按季申报须逐季列出申报期，或列一期并选择“每季度”重复")


def _files_nothing(scheme: Scheme) -> Iterator[Problem]:
    """The office computes the list; the enterprise only confirms."""
    for paper in scheme.papers:
        if paper.stage is Stage.APPLICATION and paper.required:
            yield Problem(
                f"papers.{paper.code}.required", "免申即享不需企业提交申领材料，请改为选交或移到兑付"
            )
    for window in scheme.windows:
        if window.stage is Stage.APPLICATION:
            yield Problem(f"windows.{window.code}.stage", "免申即享没有申领的申报期")


def _needs_a_review(scheme: Scheme) -> Iterator[Problem]:
    if not _reviewed(scheme):
        yield Problem(WAY, "评审认定须有申领阶段的审核环节，或“经评审认定”的条件")


def _needs_an_assessor(scheme: Scheme) -> Iterator[Problem]:
    if not any(rate.kind is RateKind.REVIEWER_SET for rate in scheme.rates):
        yield Problem(WAY, "评估确定须有“评审确定，不超过上限”的补贴比例")


def _needs_a_target(scheme: Scheme) -> Iterator[Problem]:
    by_degree = any(rate.completion_from is not None for rate in scheme.rates)
    attested = any(gate.kind is GateKind.ATTESTED and gate.switched_on for gate in scheme.gates)
    if not by_degree and not attested:
        yield Problem(WAY, "签订目标责任书的，须有按目标完成度的比例，或核验目标完成情况的条件")
    if not any(paper.stage is Stage.APPLICATION and paper.required for paper in scheme.papers):
        yield Problem("papers", "签订目标责任书的，须把目标责任书列为申领时必交的材料")


_DEMANDS: dict[IssueWay, Callable[[Scheme], Iterator[Problem]]] = {
    IssueWay.INSTANT: _nobody_reviews,
    IssueWay.FROM_CONTRACT: _issues_a_voucher,
    IssueWay.YEARLY_WINDOW: _needs_a_window,
    IssueWay.QUARTERLY: _needs_windows_of_the_quarters,
    IssueWay.WITHOUT_APPLICATION: _files_nothing,
    IssueWay.REVIEW: _needs_a_review,
    IssueWay.ASSESSMENT: _needs_an_assessor,
    IssueWay.TARGET_AGREEMENT: _needs_a_target,
}
"""APPLY and BATCH demand nothing: applications come at any time, and the office makes the batches."""


def _shortage(scheme: Scheme) -> Iterator[Problem]:
    rule, way = scheme.issue.shortage, scheme.issue.way
    if rule in (Shortage.PRO_RATA, Shortage.BY_SCORE) and way is IssueWay.INSTANT:
        yield Problem(
            "issue.shortage",
            f"即领即享逐件即时发放，没有可供“{rule.label}”分配的批次；请改为“{Shortage.FIRST_COME.label}”"
            f"或“{Shortage.STOP.label}”，文件规定整批分配的请改用其他发放方式",
        )
    if rule is Shortage.BY_SCORE and not _reviewed(scheme):
        way_out = (
            f"；免申即享的名单没有得分，文件写明评分的，发放方式请改为“{IssueWay.REVIEW.label}”"
            if way is IssueWay.WITHOUT_APPLICATION
            else ""
        )
        yield Problem("issue.shortage", f"按评分排序须有申领阶段的审核环节{way_out}")
    if rule is Shortage.PRO_RATA and any(
        cap.subject is CapSubject.POOL and cap.switched_on for cap in scheme.caps
    ):
        return
    if rule is Shortage.PRO_RATA and not any(
        cap.subject is CapSubject.BATCH and cap.switched_on for cap in scheme.caps
    ):
        yield Problem("issue.shortage", "同批按比例须有资金总量或批次限额，否则不会不足")


def _voucher(scheme: Scheme) -> Iterator[Problem]:
    kind = scheme.voucher
    if kind.validity_months is not None and kind.validity_months < 1:
        yield Problem("voucher.validity_months", "有效期至少一个月")
    if not kind.divisible and kind.many_uses:
        yield Problem("voucher.many_uses", "不可拆分的券只能使用一次")
    if kind.reservation_days is not None and not 1 <= kind.reservation_days <= 60:
        yield Problem("voucher.reservation_days", "预占保留应为 1 至 60 个工作日；文件没有写的留空")
    if kind.valid_to and scheme.effective_from and kind.valid_to <= scheme.effective_from:
        yield Problem("voucher.valid_to", "统一失效日应晚于施行日期，否则券一发出即已失效")
    direct = [track for track in scheme.tracks if track.pay_to is PayTo.DIRECT_SUBSIDY]
    if kind.issues_voucher and direct and len(direct) == len(scheme.tracks):
        yield Problem("voucher.issues_voucher", "各方向都是使用后直接补助，不发券，请取消“发放算力券”")
    for track in scheme.tracks:
        if track.pay_to is PayTo.OFFSET_AT_PROVIDER and not kind.issues_voucher:
            yield Problem(f"tracks.{track.code}.pay_to", "结算时抵扣须有可抵扣的券")
