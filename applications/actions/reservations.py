"""How long a reservation stands, and what becomes of one that nobody resolved in time.

A platform's deduction that it may confirm itself is reserved until a day that it is told; the ledger keeps that day with the
reservation and refuses a confirmation from the next day on, whether or not the clock has come by. What waits for a person has
no such day: an office's delay takes nothing from an enterprise.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from django.db.models import QuerySet

from applications.actions import cases
from applications.actions.assessments import facts_of, kept, scheme_of
from applications.models import Claim
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.caps import caps_of
from vouchers.actions.ledger_chains import Chain, LedgerResult
from vouchers.actions.spending import spend
from vouchers.actions.vouchers import budget_of
from vouchers.errors import Invalid, NotNow
from vouchers.models import LedgerTransfer
from vouchers.models.vouchers import VoucherState
from vouchers.policy.rules import Scheme
from vouchers.policy.words import day_words


def expires_on(claim: Claim) -> date | None:
    """From which day on the reservation of a filed claim can be confirmed no more; None where it waits for a person."""
    if not claim.band.get("instant") or claim.due_on is None:
        return None
    return claim.due_on + timedelta(days=1)


def held_until(claim: Claim, scheme: Scheme, on: date) -> date | None:
    """The last day of a reservation that a platform may confirm itself, by its version's own term where the text has one; else, and
    for what a person decides, the deadline of the claim's state."""
    days = scheme.voucher.reservation_days
    if days is not None and claim.band.get("instant"):
        return dates.add_working_days(on, days)
    return cases.due_after(claim.lifecycle, claim.state, on)


def require_in_time(claim: Claim, on: date) -> None:
    """Refuse (409 ``settlement.expired``) what is confirmed after the day until which it was reserved."""
    until = expires_on(claim)
    if until is not None and on >= until:
        raise NotNow(
            "settlement.expired",
            f"该笔预占保留至 {day_words(until - timedelta(days=1))}，已逾期，不能再确认；额度将自动释放。",
            hint="如使用确已发生，请以新的幂等键重新预占。",
        )


def require_held(claim: Claim, on: date) -> None:
    """Refuse (409 ``claim.reservation_over``) to grant what is not reserved any more: on a voucher that is over it could not be kept
    beyond its day."""
    if claim.claimed_amount and _with_end(claim.reserve_id, before=on + timedelta(days=1)):
        raise NotNow(
            "claim.reservation_over",
            "本件的预占已到期，且所依据的算力券已失效，不能重新预占，因而不能核准。",
            hint="请作不予支持处理，或退回由企业处理。",
        )


def keep_for_review(claim: Claim, on: date) -> None:
    """What turned out to need a person is reserved anew without an end, in one chain with giving back the old one. Call it last.

    On a voucher that is over nothing can be reserved anew: what is reserved there stands until its day.
    """
    if (
        not claim.claimed_amount
        or claim.voucher.state != VoucherState.ACTIVE
        or not _with_end(claim.reserve_id)
    ):
        return
    assessment = kept(claim)
    if assessment is None or claim.payee is None:
        return
    _publication, scheme = scheme_of(claim)
    anew, before = uuid.uuid4(), claim.reserve_id
    caps = caps_of(scheme, facts_of(claim), assessment)
    payee, amount = claim.payee, claim.claimed_amount

    def change() -> Claim:
        claim.reserve_id = anew
        claim.save(update_fields=["reserve_id"])
        return claim

    def send(made: Claim) -> LedgerResult:
        return ledger.reserve(
            budget_of(made.voucher),
            made.voucher.voucher_no,
            amount,
            payee_uscc=payee.uscc,
            claim_no=made.claim_no,
            on=on,
            id=anew,
            caps=caps,
            replacing=before,
        )

    try:
        spend(change, send)
    except (NotNow, Invalid):  # what it holds stands, with its end
        claim.reserve_id = before


def resolving(claim: Claim, on: date) -> Chain:
    """The chain that gives back what a claim holds: by its time (``expire``) where that has an end and it is over, else ``void``."""
    chain = Chain(uuid.uuid4(), on, "claim", claim.claim_no)
    if _with_end(claim.reserve_id, before=on + timedelta(days=1)):
        return chain.resolve("expire", "time_out", claim.reserve_id)
    return chain.resolve("void", "release", claim.reserve_id)


def _with_end(reservation: uuid.UUID, before: date | None = None) -> bool:
    held: QuerySet[LedgerTransfer] = LedgerTransfer.objects.filter(chain_id=reservation, kind="pending")
    ends = held.exclude(expires_on=None) if before is None else held.filter(expires_on__lt=before)
    return ends.exists()


def give_back(claims: Sequence[Claim], on: date) -> None:
    """All of them in one call, the last of the transaction. Raises what the ledger refuses of any (``LedgerResult.demand``)."""
    chains = [resolving(claim, on) for claim in claims]
    for result in ledger.post_all(chains):
        result.demand()


__all__ = [
    "expires_on",
    "give_back",
    "held_until",
    "keep_for_review",
    "require_held",
    "require_in_time",
    "resolving",
]
