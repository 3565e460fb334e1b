"""兑付申请: reserve on submission, post on approval, release on rejection, withdrawal or time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from applications.actions import cases
from applications.actions.assessments import assessed, columns, facts_of, reassess, scheme_of
from applications.actions.basis_items import require_filer
from applications.actions.claim_grounds import (
    keep_lease,
    may_settle_instantly,
    payee_of,
    require_balance,
    require_lease,
    require_papers,
    require_reason,
    require_voucher,
)
from applications.actions.leases import check_invoice_prices, check_lease_price
from applications.actions.reservations import (
    expires_on,
    give_back,
    require_held,
)
from applications.evidence import free_evidence, hold_evidence, require_evidence
from applications.facts import latest_price_check
from applications.models import Application, Claim, Lease
from applications.models.claims import ClaimKind, ClaimState
from applications.own_checks import own_checks
from applications.stopping import require_claim_not_stopped
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger
from vouchers.actions.caps import caps_of
from vouchers.actions.holds import require_clear, screen, was_screened
from vouchers.actions.outbox import enqueue
from vouchers.actions.payment_caps import require_payable_amount
from vouchers.actions.payments import add_payable
from vouchers.actions.spending import spend
from vouchers.actions.vouchers import budget_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Party, User, Voucher
from vouchers.models.holds import ScreeningMoment
from vouchers.models.vouchers import VoucherState
from vouchers.money import ZERO, thousands
from vouchers.numbers import next_no
from vouchers.policy.facts import Facts
from vouchers.policy.payment_caps import PaymentTerm, caps_of_payments, payment_terms
from vouchers.policy.plain import from_plain
from vouchers.policy.terms import Outcome
from vouchers.states import not_now

#: What is written beside a deed: in its transaction, before the ledger's call, which comes last.
Also = Callable[[Claim], object]
_CLOSED = frozenset({VoucherState.EXPIRED, VoucherState.VOIDED})
RESERVED_STATES = frozenset({ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.VERIFIED})


def start_claim(voucher: Voucher, lease: Lease | None, *, by: User) -> Claim:
    """A draft claim of the enterprise on a voucher that may still be used; a platform's is made in ``settlement_filing``."""
    announce("claim.start")
    require_role(by, Role.FILER, party=voucher.enterprise)
    require_voucher(voucher, filed_before=False)
    require_balance(voucher)
    require_lease(lease, voucher)
    assert voucher.program is not None and voucher.publication is not None
    application = Application.objects.filter(application_no=voucher.application_no).first()
    lessor = lease.lessor if lease else None
    return Claim.objects.create(
        claim_no=next_no("C", dates.today()),
        voucher=voucher,
        publication=voucher.publication,
        program_code=voucher.program.code,
        program_region_code=voucher.program.region.code,
        enterprise=voucher.enterprise,
        provider=lessor,
        payee=payee_of(voucher, application, lessor),
        lease=lease,
        filer=by,
        state_since=dates.now(),
    )


def submit_claim(claim: Claim, *, by: User, filer_ip: str = "", filer_device: str = "") -> Claim:
    """File it and reserve its amount on the voucher and under every cap; the ledger's answer is final."""
    announce("claim.submit")
    require_filer(claim, by)
    cases.as_it_stands(claim)
    if claim.lifecycle.find("submit", claim.state) is None:
        raise not_now(claim, "submit")
    require_voucher(claim.voucher, filed_before=claim.submitted_at is not None)
    if claim.kind == ClaimKind.CLAIM and claim.submitted_at is None:
        require_balance(claim.voucher)
    require_lease(claim.lease, claim.voucher)
    keep_lease(claim)
    if not claim.items.exists():
        raise Invalid("claim.no_items", "请至少添加一项兑付依据（发票或结算单）。", field="items")
    _publication, scheme = scheme_of(claim)
    require_claim_not_stopped(claim, scheme)
    require_papers(claim, scheme)
    if claim.lease is not None:
        check_lease_price(claim.lease, scheme)
        if claim.kind != ClaimKind.SETTLEMENT or not was_screened("lease", claim.lease.lease_no):
            screen("lease", claim.lease.lease_no, ScreeningMoment.FILING)
        claim.price_check = latest_price_check(claim.lease)
        check_invoice_prices(claim, scheme)
    # A claim that is filed again still holds its old reservation: the ledger gives it back in the chain that takes the new one.
    held = claim.reserve_id if claim.state == ClaimState.RETURNED and claim.claimed_amount else None
    facts = facts_of(claim)
    assessment = assessed(claim, facts)
    require_payable_amount(payment_terms(scheme, facts), assessment.amount)
    # On a voucher that has run out in the meantime nothing can be reserved anew: what it still holds is what it asks for.
    stands = held is not None and assessment.amount > 0 and claim.voucher.state in _CLOSED
    reserve_id = claim.reserve_id if stands else uuid.uuid4()

    def change() -> Claim:
        hold_evidence(claim)
        own = own_checks(claim)
        cases.move(
            claim,
            "submit",
            by=by,
            party=claim.provider if claim.kind == ClaimKind.SETTLEMENT else claim.enterprise,
            acting_as_staff=False,
            amount=assessment.amount,
            update={
                "claimed_amount": claim.claimed_amount if stands else assessment.amount,
                **columns(claim, facts, assessment),
                "price_check": claim.price_check,
                "band": {"instant": may_settle_instantly(claim, scheme, assessment, own)},
                "reserve_id": reserve_id,
                "resolve_id": uuid.uuid4(),
                "filer": by,
                "filer_ip": filer_ip,
                "filer_device": filer_device,
                # The day of the first filing counts: for the voucher's expiry, and for the year of the caps.
                "submitted_at": claim.submitted_at or dates.now(),
            },
        )
        cases.write_checks(claim, assessment, own)
        if claim.kind != ClaimKind.SETTLEMENT:
            # A platform's deduction is screened when it is confirmed, within the same minutes; until then nobody is paid.
            screen("claim", claim.claim_no, ScreeningMoment.FILING)
        return claim

    if stands:
        return change()
    if assessment.amount <= 0:
        # A claim that the rules refuse may be filed, for a formal decision that can be objected to; it reserves nothing.
        made = change()
        if held is not None:
            ledger.release(held, claim_no=claim.claim_no, on=dates.today(), id=uuid.uuid4()).demand()
        return made
    claim_made, _result = spend(
        change,
        lambda made: ledger.reserve(
            budget_of(made.voucher),
            made.voucher.voucher_no,
            assessment.amount,
            payee_uscc=_payee(made).uscc,
            claim_no=made.claim_no,
            on=dates.today(),
            id=reserve_id,
            caps=caps_of(scheme, facts, assessment),
            expires_on=expires_on(made),
            replacing=held,
        ),
    )
    return claim_made


def _payee(claim: Claim) -> Party:
    assert claim.payee is not None
    return claim.payee


def withdraw_claim(claim: Claim, *, by: User, reason: str = "", also: Also | None = None) -> Claim:
    """The enterprise takes it back; the reservation is released. ``also`` is written with it, before the ledger is called."""
    announce("claim.withdraw", reason)
    require_filer(claim, by)
    party = claim.provider if claim.kind == ClaimKind.SETTLEMENT else claim.enterprise
    return _release(claim, "withdraw", by=by, reason=reason, party=party, acting_as_staff=False, also=also)


def return_claim(claim: Claim, *, by: User, reason: str) -> Claim:
    """退回补正: the reservation stays until the time to mend it is over."""
    announce("claim.return", reason)
    require_reason(reason, "请一次性写明需要补正的全部内容。")
    cases.move(claim, "return", by=by, reason=reason)
    _tell(claim, "claim_returned")
    return claim


def verify_claim(claim: Claim, *, by: User, reason: str = "") -> Claim:
    """核验: every named check has its answer, and none failed."""
    announce("claim.verify", reason)
    require_role(by, Role.HANDLER, region=claim.program_region_code)
    cases.as_it_stands(claim)
    if claim.lifecycle.find("verify", claim.state) is None:
        raise not_now(claim, "verify")
    require_other_person(by, cases.hands(claim, "submit"), "核验")
    reassess(claim)
    cases.require_answered(claim)
    cases.move(claim, "verify", by=by, reason=reason)
    return claim


def approve_claim(claim: Claim, *, by: User, reason: str = "", amount: Decimal | None = None) -> Claim:
    """核准: by another person, on a fresh screening and assessment; posts the reservation and makes the payable."""
    announce("claim.approve", reason)
    require_role(by, Role.APPROVER, region=claim.program_region_code)
    cases.as_it_stands(claim)
    require_other_person(by, cases.hands(claim), "核准")
    if claim.lifecycle.find("approve", claim.state) is None:
        raise not_now(claim, "approve")
    require_held(claim, dates.today())
    keep_lease(claim)
    screen("claim", claim.claim_no, ScreeningMoment.APPROVAL)
    require_clear("claim", claim.claim_no)
    assessment = reassess(claim)
    cases.require_answered(claim)
    if assessment.outcome is Outcome.REFUSED:
        raise NotNow(
            "claim.refused_by_rules",
            "按政策规定本件不符合条件，不能核准：" + "；".join(f.sentence for f in assessment.refusals),
        )
    most = min(assessment.amount, claim.claimed_amount or ZERO)
    granted = most if amount is None else amount
    if granted <= 0 or granted > most:
        raise Invalid("claim.amount", f"核准金额应大于 0 且不超过 {thousands(most)} 元。", field="amount")
    return _confirm(claim, "approve", by=by, reason=reason, granted=granted)


def _confirm(
    claim: Claim,
    verb: str,
    *,
    by: User | None,
    reason: str,
    granted: Decimal,
) -> Claim:
    participants = cases.hands(claim) | ({by.pk} if by else set())
    terms = payment_terms_of(claim, granted)

    def change() -> Claim:
        require_evidence(claim)
        cases.move(
            claim,
            verb,
            by=by,
            reason=reason,
            amount=granted,
            acting_as_staff=by is not None,
            update={"approved_amount": granted, "decided_at": dates.now(), "decision_reason": reason},
        )
        add_payable(
            claim_no=claim.claim_no,
            voucher=claim.voucher,
            payee=_payee(claim),
            amount=granted,
            participants=participants,
            on=dates.today(),
            terms=terms,
        )
        _tell(claim, "claim_approved")
        enqueue(
            "vouchers.follow_ledger", {"voucher_no": claim.voucher.voucher_no}, key=claim.voucher.voucher_no
        )
        return claim

    resolve_id = uuid.uuid4()
    try:
        made, _result = spend(
            change,
            lambda made: ledger.confirm(
                made.reserve_id, claim_no=made.claim_no, on=dates.today(), id=resolve_id, amount=granted
            ),
        )
    except (NotNow, Invalid):
        claim.refresh_from_db()
        raise
    return made


def payment_terms_of(claim: Claim, amount: Decimal) -> tuple[PaymentTerm, ...]:
    """The caps that will bind its payment; refused is what none of their periods could ever hold."""
    _publication, scheme = scheme_of(claim)
    if not caps_of_payments(scheme):
        return ()
    terms = payment_terms(scheme, from_plain(Facts, claim.facts["assessed"]))
    require_payable_amount(terms, amount)
    return terms


def reject_claim(claim: Claim, *, by: User, reason: str) -> Claim:
    """不予支持: the reservation is released."""
    announce("claim.reject", reason)
    require_reason(reason, "请写明不予支持的条件、事实和救济途径，企业将看到这段话。")
    return _release(
        claim, "reject", by=by, reason=reason, update={"decided_at": dates.now(), "decision_reason": reason}
    )


def _release(claim: Claim, verb: str, *, by: User | None, also: Also | None = None, **how: Any) -> Claim:
    with transaction.atomic():
        cases.as_it_stands(claim)
        held = let_go(claim, verb, by=by, **how)
        if also is not None:
            also(claim)
        if held:
            give_back([claim], dates.today())
    return claim


def let_go(
    claim: Claim, verb: str, *, by: User | None, update: dict[str, Any] | None = None, **how: Any
) -> bool:
    """The case's part of giving back; whether it holds anything that the ledger is to give back, last of all."""
    held = bool(claim.claimed_amount) and claim.state in RESERVED_STATES
    cases.move(claim, verb, by=by, update=update, **how)
    free_evidence(claim)
    if verb in ("reject", "lapse"):
        _tell(claim, f"claim_{verb}ed" if verb == "reject" else "claim_lapsed")
    return held


def mark_claim_paid(claim_no: str, paid_on: date) -> Claim:
    """The bank confirmed its payment. Told by the outbox; the second telling changes nothing."""
    announce("claim.pay")
    claim = Claim.objects.get(claim_no=claim_no)
    if claim.state != ClaimState.PAID:
        cases.move(
            claim,
            "pay",
            by=None,
            acting_as_staff=False,
            amount=claim.approved_amount,
            update={"paid_on": paid_on},
        )
        _tell(claim, "claim_paid")
    return claim


def _tell(claim: Claim, message: str) -> None:
    enqueue("applications.notify", {"message": message, "claim_no": claim.claim_no})
