"""What a claim stands on: a voucher that it may draw on, a contract that it may rest on, the papers that go with it."""

from __future__ import annotations

from collections.abc import Iterable

from applications.case_reads import DATABASE, CaseReads
from applications.grounds import first_track
from applications.models import Application, Check, Claim, Lease, Paper
from applications.models.claims import ClaimKind
from applications.models.leases import LeaseState
from applications.own_checks import stop_instantly
from vouchers import dates
from vouchers.actions.vouchers import balance_of
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Party, Voucher
from vouchers.models.vouchers import VoucherState
from vouchers.policy.assessment import Assessment
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import IssueWay, Outcome, PayTo, Stage
from vouchers.policy.words import day_words

_CLAIMABLE = frozenset({LeaseState.FILED, LeaseState.VERIFIED, LeaseState.ENDED})


def require_voucher(voucher: Voucher, *, filed_before: bool, reads: CaseReads = DATABASE) -> None:
    """That a claim may draw on it. One that was filed in time goes on after the voucher's expiry: what it reserved is its own."""
    number = voucher.voucher_no
    if voucher.origin != "live":
        raise NotNow("voucher.imported", f"算力券 {number} 为历史导入，仅供查询，不能申请兑付。")
    if voucher.state == VoucherState.FROZEN:
        raise NotNow("voucher.frozen", f"算力券 {number} 已冻结，解冻前不能兑付。")
    if filed_before:
        return
    if voucher.expires_on <= dates.today():
        raise NotNow("voucher.expired", f"算力券 {number} 已于 {day_words(voucher.expires_on)} 到期。")
    if voucher.state != VoucherState.ACTIVE:
        raise NotNow(
            "voucher.not_usable", f"算力券 {number} 目前为“{voucher.get_state_display()}”，不能申请兑付。"
        )
    _require_consent(reads.application(voucher.application_no))


def _require_consent(listed: Application | None) -> None:
    """What was granted without application is drawn on once the enterprise has confirmed its wish (409 ``application.consent``)."""
    if listed is not None and listed.is_listed and listed.consented_at is None:
        raise NotNow(
            "application.consent",
            "本件免申即享，须先确认意愿和收款账户。",
            hint=f"请在申领 {listed.application_no} 的页面确认。",
        )


def require_balance(voucher: Voucher) -> None:
    """That there is something left on it for a new claim (409 ``voucher.used_up``)."""
    if balance_of(voucher).available > 0:
        return
    what = "核定额度" if voucher.is_entitlement else "算力券"
    raise NotNow(
        "voucher.used_up",
        f"{what} {voucher.voucher_no} 的可用余额为 0.00 元，不能再申请兑付。",
        hint="余额已全部兑付，或已由办理中的兑付申请预占；可在该券的兑付记录中查看。",
    )


def require_lease(lease: Lease | None, voucher: Voucher) -> None:
    """That a claim may rest on it: the holder's own, filed, not taken back."""
    if lease is None:
        return
    if lease.lessee_id != voucher.enterprise_id:
        raise Forbidden("claim.lease_not_yours", "该合同的承租方不是持券单位，不能据以申请兑付。")
    if lease.origin != "live" or lease.state not in _CLAIMABLE:
        raise NotNow(
            "claim.lease_not_filed",
            f"合同 {lease.lease_no} 目前为“{lease.get_state_display()}”，不能据以申请兑付。",
            hint="请选择已备案的合同。",
        )


def keep_lease(claim: Claim) -> None:
    """The contract's row, held until the filing or the decision stands: meanwhile nobody takes the contract back or corrects what was
    metered under it. Called before anything is looked at again; 409 ``claim.lease_not_filed`` where it was taken back since."""
    if claim.lease_id is None:
        return
    rows = Lease.objects.select_for_update(no_key=True).filter(pk=claim.lease_id)
    require_lease_stands(*rows.values_list("lease_no", "state").get())


def require_lease_stands(number: str, state: str) -> None:
    """Refuse (409 ``claim.lease_not_filed``) to decide on a contract that was taken back, or was never filed."""
    if state not in _CLAIMABLE:
        raise NotNow(
            "claim.lease_not_filed",
            f"合同 {number} 目前为“{LeaseState(state).label}”，不能据以兑付。",
            hint="请核对合同；确已作废的，应不予支持或由申报单位撤回。",
        )


def require_papers(claim: Claim, scheme: Scheme) -> None:
    """That every paper is there that the version asks for at the claim; a platform's settlement brings none."""
    filed = set(
        Paper.objects.filter(subject_kind="claim", subject_no=claim.claim_no, removed_at=None).values_list(
            "kind", flat=True
        )
    )
    if claim.items.filter(invoice__isnull=False).exists():
        filed.add("invoice")
    problems = [
        Invalid("claim.paper_missing", f"还缺少材料：{paper.name}。", field=paper.code)
        for paper in scheme.papers
        if paper.required and paper.stage is Stage.CLAIM and paper.code not in filed
    ]
    if problems and claim.kind == ClaimKind.CLAIM:
        raise Problems(problems, code="claim.incomplete", message="兑付材料尚不完整，请补齐后提交。")


def payee_of(voucher: Voucher, application: Application | None, lessor: Party | None) -> Party | None:
    """Whom the subsidy is paid to: the enterprise, or the provider where it was taken off the enterprise's bill."""
    assert voucher.publication is not None
    track = first_track(voucher.publication.scheme, application.facts if application else {})
    return lessor if track.pay_to is PayTo.OFFSET_AT_PROVIDER else voucher.enterprise


def may_settle_instantly(claim: Claim, scheme: Scheme, assessment: Assessment, own: Iterable[Check]) -> bool:
    """Whether the platform may confirm it without a person: the version has none look, the rules ask for none, the checks pass."""
    return (
        claim.kind == ClaimKind.SETTLEMENT
        and settles_instantly(scheme)
        and assessment.outcome is Outcome.ELIGIBLE
        and not stop_instantly(own)
    )


def settles_instantly(scheme: Scheme) -> bool:
    """Whether the version has no step in which a person looks at a claim."""
    return scheme.issue.way is IssueWay.INSTANT and all(
        step.stage is Stage.APPLICATION for step in scheme.review_steps
    )


def require_reason(reason: str, message: str) -> None:
    """That a deed which turns against the enterprise says why (``case.reason``)."""
    if not reason.strip():
        raise Invalid("case.reason", message, field="reason")
