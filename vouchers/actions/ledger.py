"""The ledger's verbs: who spends does it here, in one SQL call, as the last statement before COMMIT.

The account map (资金账, yuan)::

    treasury:<region> ──appropriate──▶ budget:<program>:<year> ──issue──▶ voucher:<no>
         ▲                                 ▲      │      ▲                   │ reserve (pending), confirm (post)
         └───────── withdraw ──────────────┼──────┤      └ close, lapse ─────┤
                                carry_over │      ▼ close, lapse             ▼
                       (of last year's) surplus:<program>:<year>   payable:<program>:<year>:<payee>
                                                                             │ instruct      ▲ return (退票)
                                                                             ▼               │
                                                            payment:<payment no> ──pay──▶ paid:<program>:<year>

Where several treasuries share the cost, each has such a map of its own: every name but the cap's ends with the treasury's code. A
chain moves the parts of all or none; which bears what of a claim is in ``vouchers/sql/ledger_shares.sql``.

and of entitlements (额度账: what a cap allows; outside the trial balance)::

    cap_source:<region> ──grant──▶ cap:<publication>:<cap>:<subject>:<period> ──(in the same chain)──▶ cap_used:<region>

* Available = credits posted − debits posted − debits pending; the database refuses any chain that would make it
  negative (``insufficient_funds`` for money, ``cap_exceeded`` for entitlements).
* A reservation outlives the expiry of its voucher: closing takes what is available and leaves what is reserved. When
  that is released later, it does not come to life on the voucher but flows on, in the same chain (``lapse``), to the
  account that the voucher returns to: the budget, or the year's surplus once that is closed too.
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
from collections.abc import Mapping, Sequence
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
from vouchers.actions.ledger_reservations import confirm, release, reserve, reserve_chain, time_out
from vouchers.actions.treasury_parts import paid_by_treasury

__all__ = [
    "NOT_NOW",
    "BookedTransfer",
    "Budget",
    "Cap",
    "Chain",
    "LedgerResult",
    "appropriate",
    "carry_over",
    "close_budget",
    "confirm",
    "event_id",
    "expire_chain",
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
    "reserve_chain",
    "returned",
    "returned_chain",
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
    """下达预算: the treasury gives the year's budget, once or in several instalments. Of a shared budget, one of its parts."""
    return (
        _open_budget(Chain(id, on, "budget", document_no or budget.code), budget)
        .single("appropriate", budget.treasury, budget.code, amount)
        .post()
    )


def _open_budget(chain: Chain, budget: Budget) -> Chain:
    if budget.bearers:
        raise ValueError(f"{budget.code}: the money of one of {', '.join(budget.bearers)}")
    return (
        chain.open(budget.treasury, "treasury", region_code=budget.region_code)
        .open(budget.surplus, "surplus", returns_to=budget.treasury)
        .open(budget.code, "budget", returns_to=budget.surplus)
    )


def withdraw(budget: Budget, amount: Decimal, *, document_no: str, on: date, id: uuid.UUID) -> LedgerResult:
    """收回预算: at most what is available goes back to the treasury."""
    return (
        Chain(id, on, "budget", document_no or budget.code)
        .single("withdraw", budget.code, budget.treasury, amount)
        .post()
    )


def close_budget(budget: Budget, *, on: date, id: uuid.UUID) -> LedgerResult:
    """结账: the year is closed; what is available, and what is released to it later, goes back as the year's surplus.

    What is issued, reserved or owed goes on. Of a shared budget all parts close together.
    """
    chain = Chain(id, on, "budget", budget.code)
    for part in budget.parts:
        chain.close(part.code)
    return chain.post()


def carry_over(
    closed: Budget, to: Budget, amount: Decimal, *, document_no: str, on: date, id: uuid.UUID
) -> LedgerResult:
    """结转: at most what closing a year gave back becomes money of another year's budget."""
    return (
        _open_budget(Chain(id, on, "budget", document_no), to)
        .single("carry_over", closed.surplus, to.code, amount)
        .post()
    )


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
    borne: Mapping[str, Decimal] | None = None,
) -> Chain:
    """The chain of ``issue``, for ``post_all``."""
    chain = Chain(id, on, "voucher", voucher_no)
    parts = budget.split(amount, borne)
    for place, (part, share) in enumerate(parts, start=1):
        own = str(account_id) if account_id and place == len(parts) else None
        source, account = part.code, part.voucher(voucher_no)
        chain.open(account, "voucher", returns_to=source, id=own)
        if share or len(parts) == 1:
            chain.single("issue", source, account, share)
    return chain.use(caps, budget.region_code, amount)


def issue(
    budget: Budget,
    voucher_no: str,
    amount: Decimal,
    *,
    on: date,
    id: uuid.UUID,
    account_id: uuid.UUID | None = None,
    caps: Sequence[Cap] = (),
    borne: Mapping[str, Decimal] | None = None,
) -> LedgerResult:
    """发放: opens the voucher's account and commits the face value from the budget; ``caps`` whose event is the issue.

    ``borne`` is what each treasury bears of it, where the budget has several; ``account_id`` is then the last one's account.
    """
    return issue_chain(
        budget, voucher_no, amount, on=on, id=id, account_id=account_id, caps=caps, borne=borne
    ).post()


def expire_chain(voucher_no: str, *, on: date, id: uuid.UUID, bearers: Sequence[str] = ()) -> Chain:
    """The chain of ``expire_voucher``, for ``post_all``."""
    chain = Chain(id, on, "voucher", voucher_no)
    for bearer in bearers or ("",):
        chain.close(voucher_account(voucher_no, bearer))
    return chain


def expire_voucher(voucher_no: str, *, on: date, id: uuid.UUID, bearers: Sequence[str] = ()) -> LedgerResult:
    """过期: what is available goes back to the budget; what claims have reserved stays theirs until it is resolved.

    ``bearers`` are the treasuries that share the voucher's cost, if several do: each gets its own part back.
    """
    return expire_chain(voucher_no, on=on, id=id, bearers=bearers).post()


def void_voucher(voucher_no: str, *, on: date, id: uuid.UUID, bearers: Sequence[str] = ()) -> LedgerResult:
    """作废: to the ledger the same as expiry; the voucher's state says why."""
    return expire_voucher(voucher_no, on=on, id=id, bearers=bearers)


# -- payments ----------------------------------------------------------------------------------------------------------


def instruct_chain(
    budget: Budget,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
    borne: Mapping[str, Decimal] | None = None,
    caps: Sequence[Cap] = (),
) -> Chain:
    """The chain of ``instruct``, for ``post_all``."""
    chain = Chain(id, on, "payment", payment_no)
    sides = [(part.payable(payee_uscc), part.payment(payment_no)) for part in budget.parts]
    for payable, payment in sides:
        chain.open(payment, "instructed", returns_to=payable)
    if budget.bearers and borne is None:
        chain.shared("single", "instruct", budget.payable(payee_uscc), sides, amount)
    else:
        for (payable, payment), (_part, share) in zip(sides, budget.split(amount, borne), strict=True):
            if share or not budget.bearers:
                chain.single("instruct", payable, payment, share)
    return chain.use(caps, budget.region_code, amount, code="instruct")


def instruct(
    budget: Budget,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
    borne: Mapping[str, Decimal] | None = None,
    caps: Sequence[Cap] = (),
) -> LedgerResult:
    """拨付指令: part of what is owed to the payee is sent to the bank under one payment number; ``caps`` whose event is the payment.

    ``borne`` is what each treasury bears of it, where the budget has several (``treasury_parts.borne_by_claims``); without it,
    each bears in the measure of what it owes to the payee.
    """
    return instruct_chain(
        budget, payment_no, amount, payee_uscc=payee_uscc, on=on, id=id, borne=borne, caps=caps
    ).post()


def mark_paid_chain(budget: Budget, payment_no: str, amount: Decimal, *, on: date, id: uuid.UUID) -> Chain:
    """The chain of ``mark_paid``, for ``post_all``."""
    chain = Chain(id, on, "payment", payment_no)
    for part in budget.parts:
        chain.open(part.paid, "paid", region_code=budget.region_code)
    if budget.bearers:
        sides = [(part.payment(payment_no), part.paid) for part in budget.parts]
        return chain.shared("single", "pay", payment_account(payment_no), sides, amount)
    return chain.single("pay", budget.payment(payment_no), budget.paid, amount)


def mark_paid(budget: Budget, payment_no: str, amount: Decimal, *, on: date, id: uuid.UUID) -> LedgerResult:
    """到账: the bank confirmed. Never more than was instructed under this number."""
    return mark_paid_chain(budget, payment_no, amount, on=on, id=id).post()


def returned_chain(
    budget: Budget,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
    after_paid: bool = False,
    borne: Mapping[str, Decimal] | None = None,
    caps: Sequence[Cap] = (),
) -> Chain:
    """The chain of ``returned``, for ``post_all``."""
    chain = Chain(id, on, "payment", payment_no)
    if budget.bearers and not after_paid:
        sides = [(part.payment(payment_no), part.payable(payee_uscc)) for part in budget.parts]
        chain.shared("single", "return", payment_account(payment_no), sides, amount)
        return chain.give_back(caps, budget.region_code, amount)
    if borne is None and budget.bearers:
        borne = paid_by_treasury(payment_no)
    for part, share in budget.split(amount, borne):
        source = part.paid if after_paid else part.payment(payment_no)
        if share or not budget.bearers:
            chain.single("return", source, part.payable(payee_uscc), share)
    return chain.give_back(caps, budget.region_code, amount)


def returned(
    budget: Budget,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
    after_paid: bool = False,
    borne: Mapping[str, Decimal] | None = None,
    caps: Sequence[Cap] = (),
) -> LedgerResult:
    """退票: the amount is owed to the payee again. ``after_paid`` when the bank had confirmed it before; ``borne`` is then what
    comes back to each treasury, where the budget has several: by default all that it paid under this number. ``caps`` whose
    event is the payment are as they were before it."""
    return returned_chain(
        budget,
        payment_no,
        amount,
        payee_uscc=payee_uscc,
        on=on,
        id=id,
        after_paid=after_paid,
        borne=borne,
        caps=caps,
    ).post()


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
