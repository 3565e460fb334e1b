"""停止受理: where the text stops at the first application that the pool cannot grant in full, nobody behind it is taken in.

Which application that is follows from the cases alone: an open one that does not fit into what is left now, or one that was
turned down for it. While it stands, those filed before it may still be granted; those behind it, and new ones, may not.
Where the pool counts at claims alone, the same holds of claims, and no new application is taken in either.
"""

from __future__ import annotations

from django.db.models import Q

from applications.actions.assessments import assessed, facts_of, kept, scheme_of
from applications.models import Application, Claim
from applications.models.applications import ApplicationState
from applications.models.claims import ClaimState
from vouchers import dates
from vouchers.actions.budgets import room_of
from vouchers.errors import NotNow
from vouchers.models import Program
from vouchers.money import ZERO
from vouchers.policy.assessment import Assessment
from vouchers.policy.batching import grants_by_batch
from vouchers.policy.caps import period_of, stops_at
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CountsAt, FindingResult, Shortage

_OPEN = (
    ApplicationState.SUBMITTED,
    ApplicationState.ACCEPTED,
    ApplicationState.RECOMMENDED,
    ApplicationState.APPROVED,
    ApplicationState.NOTICED,
)
_CLAIM_OPEN = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.VERIFIED)


def require_not_stopped(program: Program, scheme: Scheme, application: Application | None = None) -> None:
    """Refuse (``program.stopped``) a new application, or the given one, behind the one that the pool cannot grant in full."""
    if scheme.issue.shortage is not Shortage.STOP or grants_by_batch(scheme):
        return  # where cases are granted by batch, the sharing out stops at the first that does not fit
    if application is None or application.submitted_at is None:
        _require_claims_not_stopped(program.code, scheme)
    others = Application.objects.filter(program=program, submitted_at__isnull=False)
    if application is not None:
        others = others.exclude(pk=application.pk)
        if application.submitted_at is not None:
            filed_at = application.submitted_at
            others = others.filter(
                Q(submitted_at__lt=filed_at) | Q(submitted_at=filed_at, pk__lt=application.pk)
            )
    pools = _pools(scheme)
    stopped = any(
        _does_not_fit(other, assessed(other, facts_of(other)), pools)
        for other in others.filter(state__in=_OPEN).order_by("submitted_at")
    ) or any(_was_turned_down(other, pools) for other in others.filter(state=ApplicationState.REJECTED))
    if stopped:
        raise _stopped("申领")


def require_claim_not_stopped(claim: Claim, scheme: Scheme) -> None:
    """Refuse (``program.stopped``) a claim behind one that a pool which counts at claims cannot pay in full."""
    if scheme.issue.shortage is Shortage.STOP and claim.submitted_at is None:
        _require_claims_not_stopped(claim.program_code, scheme)


def _require_claims_not_stopped(program_code: str, scheme: Scheme) -> None:
    pools = [cap for cap in _pools(scheme) if cap.counts_at is CountsAt.CLAIM]
    if not pools:
        return
    filed = Claim.objects.filter(program_code=program_code, origin="live", submitted_at__isnull=False)
    for claim in filed.filter(state__in=_CLAIM_OPEN).order_by("submitted_at"):
        before = kept(claim)
        # Room may have come back since: what did not fit when it was filed is looked at again.
        if before is not None and _short(before, pools) and _short(assessed(claim, facts_of(claim)), pools):
            raise _stopped("兑付")
    for claim in filed.filter(state=ClaimState.REJECTED):
        before, on = kept(claim), claim.submitted_at.astimezone(dates.SHANGHAI).date()
        now = [cap for cap in pools if period_of(cap, on) == period_of(cap, dates.today())]
        if before is not None and _short(before, now):
            raise _stopped("兑付")


def _pools(scheme: Scheme) -> list[Cap]:
    return [cap for cap in scheme.caps if cap.switched_on and stops_at(scheme, cap)]


def _stopped(noun: str) -> NotNow:
    return NotNow(
        "program.stopped",
        f"本专项资金已不足以全额支持在先的{noun}，按政策规定停止受理。",
        hint="资金恢复时由主管部门另行公告。",
    )


def _does_not_fit(other: Application, assessment: Assessment, pools: list[Cap]) -> bool:
    if _short(assessment, pools):
        return True
    on = dates.today()
    program = other.program
    assert program is not None
    _publication, scheme = scheme_of(other)
    room = room_of(program, on.year, scheme)
    wanted = (
        assessment.amount if other.approved_amount is None else min(other.approved_amount, assessment.amount)
    )
    return room is not None and room < max(wanted, ZERO)


def _was_turned_down(other: Application, pools: list[Cap]) -> bool:
    assessment = kept(other)
    on = other.decided_on
    if assessment is None or on is None:
        return False
    now = [cap for cap in pools if period_of(cap, on) == period_of(cap, dates.today())]
    return _short(assessment, now)


def _short(assessment: Assessment, pools: list[Cap]) -> bool:
    codes = {f"cap.{cap.code}" for cap in pools}
    return any(
        finding.code in codes and finding.result is FindingResult.NOT_MET for finding in assessment.findings
    )
