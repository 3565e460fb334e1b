"""The ledger's verbs: who spends does it here, in one SQL call, as the last statement before COMMIT.

The account map (资金账, yuan)::

    treasury:<region> ──appropriate──▶ budget:<program>:<year> ──issue──▶ voucher:<no>
         ▲                                 ▲      │                          │ reserve (pending), confirm (post)
         └───────── withdraw ──────────────┼──────┘                          ▼
                                           └◀── close, lapse ──  payable:<program>:<year>:<payee>
                                                                             │ instruct      ▲ return (退票)
                                                                             ▼               │
                                                            payment:<payment no> ──pay──▶ paid:<program>:<year>

and of entitlements (额度账: what a cap allows; outside the trial balance)::

    cap_source:<region> ──grant──▶ cap:<publication>:<cap>:<subject>:<period> ──(in the same chain)──▶ cap_used:<region>

* Available = credits posted − debits posted − debits pending; the database refuses any chain that would make it
  negative (``insufficient_funds`` for money, ``cap_exceeded`` for entitlements).
* A reservation outlives the expiry of its voucher: closing takes what is available and leaves what is reserved. When
  that is released later, it does not come to life on the voucher but flows on, in the same chain (``lapse``), to the
  account that the voucher returns to: the budget, or the treasury once that is closed too.
* Every send carries an id that the caller made before the first send (``event_id`` derives one from business numbers).
  The same id with the same body gives the first answer again, with another body ``id_reused``. An id that was refused
  stays refused: a new try is a new id.
* Business refusals are returned, not raised, so that the attempt is kept: commit, then answer 409 or 422. A caller that
  raises inside its transaction (``LedgerResult.demand``) gives the attempt up, and may send the same id again.
* Call once in a transaction, last. Two calls in one transaction may wait for each other's accounts in a ring; the
  database then ends one of them (SQLSTATE 40P01, safe to repeat). Several chains together: ``post_all``.

The functions in ``vouchers/sql/ledger.sql`` decide; ``ledger_chains`` words the request; this module has the verbs.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from vouchers.actions.ledger_chains import (
    NOT_NOW,
    BookedTransfer,
    Budget,
    Cap,
    Chain,
    LedgerResult,
    event_id,
    payment_account,
    post_all,
    voucher_account,
)

__all__ = [
    "NOT_NOW",
    "BookedTransfer",
    "Budget",
    "Cap",
    "Chain",
    "LedgerResult",
    "appropriate",
    "close_budget",
    "confirm",
    "event_id",
    "expire_voucher",
    "instruct",
    "instruct_chain",
    "issue",
    "issue_chain",
    "mark_paid",
    "mark_paid_chain",
    "payment_account",
    "post_all",
    "release",
    "reserve",
    "returned",
    "reverse",
    "set_cap",
    "time_out",
    "void_voucher",
    "voucher_account",
    "withdraw",
]

# -- budget ------------------------------------------------------------------------------------------------------------


def appropriate(
    budget: Budget, amount: Decimal, *, document_no: str, on: date, id: uuid.UUID
) -> LedgerResult:
    """下达预算: the treasury gives the year's budget, once or in several instalments."""
    return (
        Chain(id, on, "budget", document_no or budget.code)
        .open(budget.treasury, "treasury", region_code=budget.region_code)
        .open(budget.code, "budget", returns_to=budget.treasury)
        .single("appropriate", budget.treasury, budget.code, amount)
        .post()
    )


def withdraw(budget: Budget, amount: Decimal, *, document_no: str, on: date, id: uuid.UUID) -> LedgerResult:
    """收回预算: at most what is available goes back to the treasury."""
    return (
        Chain(id, on, "budget", document_no or budget.code)
        .single("withdraw", budget.code, budget.treasury, amount)
        .post()
    )


def close_budget(budget: Budget, *, on: date, id: uuid.UUID) -> LedgerResult:
    """结账: the year is closed; what is available, and what is released to it later, goes back to the treasury."""
    return Chain(id, on, "budget", budget.code).close(budget.code).post()


# -- vouchers ----------------------------------------------------------------------------------------------------------


def issue_chain(
    budget: Budget,
    voucher_no: str,
    amount: Decimal,
    *,
    on: date,
    id: uuid.UUID,
    account_id: uuid.UUID | None = None,
    caps: Sequence[Cap] = (),
) -> Chain:
    """The chain of ``issue``, for ``post_all``."""
    voucher = voucher_account(voucher_no)
    return (
        Chain(id, on, "voucher", voucher_no)
        .open(voucher, "voucher", returns_to=budget.code, id=str(account_id) if account_id else None)
        .single("issue", budget.code, voucher, amount)
        .use(caps, budget.region_code, amount)
    )


def issue(
    budget: Budget,
    voucher_no: str,
    amount: Decimal,
    *,
    on: date,
    id: uuid.UUID,
    account_id: uuid.UUID | None = None,
    caps: Sequence[Cap] = (),
) -> LedgerResult:
    """发放: opens the voucher's account and commits the face value from the budget; ``caps`` whose event is the issue."""
    return issue_chain(budget, voucher_no, amount, on=on, id=id, account_id=account_id, caps=caps).post()


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
    payable = budget.payable(payee_uscc)
    chain = Chain(id, on, "claim", claim_no)
    if replacing is not None:
        chain.resolve("void", "release", replacing)
    return (
        chain.open(payable, "payable", returns_to=budget.code)
        .pending("reserve", voucher_account(voucher_no), payable, amount, expires_on)
        .use(caps, budget.region_code, amount, expires_on=expires_on, reserved=True)
        .post()
    )


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


def expire_voucher(voucher_no: str, *, on: date, id: uuid.UUID) -> LedgerResult:
    """过期: what is available goes back to the budget; what claims have reserved stays theirs until it is resolved."""
    return Chain(id, on, "voucher", voucher_no).close(voucher_account(voucher_no)).post()


def void_voucher(voucher_no: str, *, on: date, id: uuid.UUID) -> LedgerResult:
    """作废: to the ledger the same as expiry; the voucher's state says why."""
    return expire_voucher(voucher_no, on=on, id=id)


# -- payments ----------------------------------------------------------------------------------------------------------


def instruct_chain(
    budget: Budget, payment_no: str, amount: Decimal, *, payee_uscc: str, on: date, id: uuid.UUID
) -> Chain:
    """The chain of ``instruct``, for ``post_all``."""
    payable = budget.payable(payee_uscc)
    payment = payment_account(payment_no)
    return (
        Chain(id, on, "payment", payment_no)
        .open(payment, "instructed", returns_to=payable)
        .single("instruct", payable, payment, amount)
    )


def instruct(
    budget: Budget, payment_no: str, amount: Decimal, *, payee_uscc: str, on: date, id: uuid.UUID
) -> LedgerResult:
    """拨付指令: part of what is owed to the payee is sent to the bank under one payment number."""
    return instruct_chain(budget, payment_no, amount, payee_uscc=payee_uscc, on=on, id=id).post()


def mark_paid_chain(budget: Budget, payment_no: str, amount: Decimal, *, on: date, id: uuid.UUID) -> Chain:
    """The chain of ``mark_paid``, for ``post_all``."""
    return (
        Chain(id, on, "payment", payment_no)
        .open(budget.paid, "paid", region_code=budget.region_code)
        .single("pay", payment_account(payment_no), budget.paid, amount)
    )


def mark_paid(budget: Budget, payment_no: str, amount: Decimal, *, on: date, id: uuid.UUID) -> LedgerResult:
    """到账: the bank confirmed. Never more than was instructed under this number."""
    return mark_paid_chain(budget, payment_no, amount, on=on, id=id).post()


def returned(
    budget: Budget,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
    after_paid: bool = False,
) -> LedgerResult:
    """退票: the amount is owed to the payee again. ``after_paid`` when the bank had confirmed it before."""
    source = budget.paid if after_paid else payment_account(payment_no)
    return (
        Chain(id, on, "payment", payment_no)
        .single("return", source, budget.payable(payee_uscc), amount)
        .post()
    )


# -- corrections -------------------------------------------------------------------------------------------------------


def reverse(
    chain_id: uuid.UUID, *, subject_kind: str, subject_no: str, on: date, id: uuid.UUID
) -> LedgerResult:
    """冲正: the linked opposite of all that ``chain_id`` moved, caps included; each transfer is reversed once at most."""
    return Chain(id, on, subject_kind, subject_no).reverse(chain_id).post()


def set_cap(
    cap: Cap, *, region_code: str, on: date, id: uuid.UUID, subject_kind: str, subject_no: str
) -> LedgerResult:
    """调整核定限额: grants or curtails the difference to ``cap.limit``; never below what is already used or reserved."""
    chain = Chain(id, on, subject_kind, subject_no).open(
        f"cap_source:{region_code}", "cap_source", region_code=region_code
    )
    chain.open(cap.code, "cap", region_code=region_code, hot=cap.shared)
    return chain.set_limit(cap.code, cap.limit).post()
