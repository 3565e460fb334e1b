"""The ledger's verbs of a claim: reserve, confirm, release; what they move is drawn in ``vouchers.actions.ledger``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from vouchers.actions.ledger_chains import Budget, Cap, Chain, LedgerResult, voucher_account


def reserve_chain(
    budget: Budget,
    voucher_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    claim_no: str,
    on: date,
    id: uuid.UUID,
    caps: Sequence[Cap] = (),
    expires_on: date | None = None,
    replacing: uuid.UUID | None = None,
) -> Chain:
    """The chain of ``reserve``, for whoever sends it together with the claim's own rows."""
    chain = Chain(id, on, "claim", claim_no)
    if replacing is not None:
        chain.resolve("void", "release", replacing)
    for part in budget.parts:
        chain.open(part.payable(payee_uscc), "payable", returns_to=part.code)
    if budget.bearers:
        sides = [(part.voucher(voucher_no), part.payable(payee_uscc)) for part in budget.parts]
        chain.shared("pending", "reserve", voucher_account(voucher_no), sides, amount, expires_on)
    else:
        chain.pending("reserve", budget.voucher(voucher_no), budget.payable(payee_uscc), amount, expires_on)
    return chain.use(caps, budget.region_code, amount, expires_on=expires_on, reserved=True)


def reserve(
    budget: Budget,
    voucher_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    claim_no: str,
    on: date,
    id: uuid.UUID,
    caps: Sequence[Cap] = (),
    expires_on: date | None = None,
    replacing: uuid.UUID | None = None,
) -> LedgerResult:
    """预占: holds part of the voucher and of each cap for a claim. ``id`` is the reservation that is confirmed or released later.

    From ``expires_on`` on (if given) it can no longer be confirmed; ``time_out`` gives it back. ``replacing`` is an earlier
    reservation of the same claim: it is given back in the same chain, or stands when the new one is refused.
    """
    return reserve_chain(
        budget,
        voucher_no,
        amount,
        payee_uscc=payee_uscc,
        claim_no=claim_no,
        on=on,
        id=id,
        caps=caps,
        expires_on=expires_on,
        replacing=replacing,
    ).post()


def confirm(
    reservation: uuid.UUID, *, claim_no: str, on: date, id: uuid.UUID, amount: Decimal | None = None
) -> LedgerResult:
    """核销: turns the reservation into a payable, in full or for ``amount``; the rest is released, of caps as well."""
    return Chain(id, on, "claim", claim_no).resolve("post", "confirm", reservation, amount).post()


def release(reservation: uuid.UUID, *, claim_no: str, on: date, id: uuid.UUID) -> LedgerResult:
    """释放: the claim was rejected or withdrawn. Back to the voucher, or on to the budget when the voucher is closed."""
    return Chain(id, on, "claim", claim_no).resolve("void", "release", reservation).post()


def time_out(reservation: uuid.UUID, *, claim_no: str, on: date, id: uuid.UUID) -> LedgerResult:
    """逾期释放: as ``release``, for a reservation past its own ``expires_on``; before that ``not_yet_expired``."""
    return Chain(id, on, "claim", claim_no).resolve("expire", "time_out", reservation).post()
