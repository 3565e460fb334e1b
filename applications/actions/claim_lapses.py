"""Claims whose time is over: returned and not mended, or a deduction whose reservation has run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from applications.actions.claims import let_go
from applications.actions.reservations import give_back
from applications.models import Claim
from applications.models.claims import ClaimKind, ClaimState
from vouchers.context import announce
from vouchers.models import LedgerTransfer


def _due_to_lapse(on: date) -> QuerySet[Claim]:
    unconfirmed = Q(state=ClaimState.SUBMITTED, kind=ClaimKind.SETTLEMENT, band__instant=True)
    # Sent to a person on a voucher that was over: it could not be reserved anew, and its reservation has run out.
    ended = LedgerTransfer.objects.filter(chain_id=OuterRef("reserve_id"), kind="pending", expires_on__lte=on)
    run_out = Q(state=ClaimState.SUBMITTED, kind=ClaimKind.SETTLEMENT, band__instant=False) & Exists(ended)
    rows: QuerySet[Claim] = Claim.objects.filter(
        Q(Q(state=ClaimState.RETURNED) | unconfirmed, due_on__lt=on) | run_out, origin="live"
    )
    return rows


def claims_due_to_lapse(on: date) -> list[str]:
    """The numbers of claims returned and not mended in time, and of deductions whose reservation has run out."""
    return list(_due_to_lapse(on).order_by("pk").values_list("claim_no", flat=True))


def lapse_due(claim_nos: Sequence[str], on: date) -> int:
    """Lapse those of them that are still due, in one transaction with one call of the ledger; how many. For the clock.

    One that is confirmed, mended or released at this moment is left to whoever does it.
    """
    announce("claim.lapse")
    with transaction.atomic():
        due = _due_to_lapse(on).filter(claim_no__in=claim_nos).order_by("pk")
        lapsed = list(due.select_for_update(no_key=True, skip_locked=True, of=("self",)))
        held = [claim for claim in lapsed if let_go(claim, "lapse", by=None, acting_as_staff=False)]
        give_back(held, on)
    return len(lapsed)
