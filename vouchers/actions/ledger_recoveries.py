"""How clawbacks are booked: what is demanded, received, set off, written off. The account map beside that of ``ledger``::

    paid:<program>:<year> ──claw_back──▶ receivable:<clawback no> ──recover──▶ recovered:<program>:<year>
    levied:<region> ──levy──▶ receivable:<clawback no>:levy       ──write_off──▶ written_off:<program>:<year>
    payable:… ──offset──▶ paid:…  (with recover, in one chain: a later payment is made by what its payee owes)
    recovered:… ──give_back──▶ refundable:<clawback no>:<part> ──refund──▶ paid:…   (withdrawn after something had come in;
    receivable:… ──waive──▶ paid:…                                                   the rest of the demand is waived)
    received:<region> ──overpay──▶ refundable:<clawback no>:excess ──refund──▶ received:<region>   (beyond what was due)

Where several treasuries share the cost, each has a receivable of its own, in the measure in which it bore the payment, and
each gets its own back. No more is ever demanded than was paid, nor received, set off or written off than was demanded: the
accounts have limits. A demand that is withdrawn is reversed, whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from vouchers.actions.ledger_accounts import Budget, in_measure
from vouchers.actions.ledger_chains import Chain, LedgerResult, event_id
from vouchers.actions.payment_caps import caps_at
from vouchers.actions.treasury_parts import owed_by_treasury
from vouchers.models import Clawback, LedgerAccount, LedgerTransfer, Payment, Refund
from vouchers.models.refunds import RefundKind
from vouchers.money import ZERO

LEVY, EXCESS = "levy", "excess"


def _named(kind: str, *words: str | int) -> str:
    return ":".join([kind, *(str(word) for word in words if word != "")])


def receivable(clawback_no: str, part: str = "") -> str:
    """The account of what is demanded under one number, or of the part that one treasury gets."""
    return _named("receivable", clawback_no, part)


def balances(clawback: Clawback) -> dict[str, Decimal]:
    """What is still due, in yuan, by treasury (empty where there is one); interest and penalty under ``LEVY``, last."""
    root = receivable(clawback.clawback_no)
    rows = LedgerAccount.objects.filter(Q(code=root) | Q(code__startswith=f"{root}:"), kind="receivable")
    found = {row.code.removeprefix(root).removeprefix(":"): row.balance for row in rows.order_by("code")}
    return dict(sorted(found.items(), key=lambda item: item[0] == LEVY))


def outstanding(clawback: Clawback) -> Decimal:
    """What is still due, in yuan."""
    return sum(balances(clawback).values(), ZERO)


def borne_of(payment: Payment, budget: Budget) -> dict[str, Decimal]:
    """What each treasury bore of a payment that arrived, by its transfers, less what the bank brought back; the empty name where
    one bears all."""
    moved = LedgerTransfer.objects.filter(subject_kind="payment", subject_no=payment.payment_no).order_by()
    came = moved.filter(code__in=("pay", "offset")).values_list("credit__code").annotate(total=Sum("amount"))
    back = moved.filter(code="return").values_list("debit__code").annotate(total=Sum("amount"))
    paid, returned = dict(came), dict(back)
    return {part.bearer: paid.get(part.paid, ZERO) - returned.get(part.paid, ZERO) for part in budget.parts}


def demand(clawback: Clawback, budget: Budget, *, on: date) -> LedgerResult:
    """追回入账: the principal out of what was paid, interest and penalty beside it."""
    number = clawback.clawback_no
    chain = Chain(demand_id(clawback), on, "clawback", number)
    shares = in_measure(clawback.principal_amount, borne_of(clawback.payment, budget))
    for part in budget.parts:
        account = receivable(number, part.bearer)
        chain.open(account, "receivable", region_code=budget.region_code)
        if shares[part.bearer] or not budget.bearers:
            chain.single("claw_back", part.paid, account, shares[part.bearer])
    levied = clawback.interest_amount + clawback.penalty_amount
    if levied:
        source = _named("levied", budget.region_code)
        chain.open(source, "levied", region_code=budget.region_code)
        chain.open(receivable(number, LEVY), "receivable", region_code=budget.region_code)
        chain.single("levy", source, receivable(number, LEVY), levied)
    return chain.post()


def demand_id(clawback: Clawback) -> uuid.UUID:
    """The id of the demand: it is made once."""
    return event_id("claw_back", clawback.clawback_no)


def withdraw(clawback: Clawback, *, on: date) -> LedgerResult:
    """撤销: the opposite of the demand; refused by the accounts once anything was received."""
    chain = Chain(event_id("withdraw_clawback", clawback.clawback_no), on, "clawback", clawback.clawback_no)
    return chain.reverse(demand_id(clawback)).post()


def received_of(clawback: Clawback) -> dict[str, Decimal]:
    """What has come in on a demand, by transfer or set-off, in yuan by part (``LEVY`` for interest and penalty)."""
    root = receivable(clawback.clawback_no)
    rows = (
        LedgerTransfer.objects.filter(
            Q(debit__code=root) | Q(debit__code__startswith=f"{root}:"), code="recover"
        )
        .order_by()
        .values_list("debit__code")
        .annotate(total=Sum("amount"))
    )
    return {code.removeprefix(root).removeprefix(":"): amount for code, amount in sorted(rows)}


def refundable(clawback_no: str, part: str = "") -> str:
    """The account of what goes back to the payer under one number."""
    return _named("refundable", clawback_no, part)


def waive(clawback: Clawback, budget: Budget, *, on: date) -> LedgerResult:
    """撤销 after something has come in: what is still due is waived, what came in is to be refunded. The caller holds the row."""
    number = clawback.clawback_no
    chain = Chain(event_id("waive_clawback", number), on, "clawback", number)
    for name, left in balances(clawback).items():
        if left:
            chain.single("waive", receivable(number, name), _origin(budget, name), left)
    for name, came in received_of(clawback).items():
        chain.open(refundable(number, name), "refundable", region_code=budget.region_code)
        chain.single("give_back", _target("recovered", budget, name), refundable(number, name), came)
    return chain.post()


def refund(row: Refund, budget: Budget, *, on: date) -> LedgerResult:
    """退还: to where it came from, so that what was paid is again what the scheme has paid. The caller holds the row."""
    number = row.clawback.clawback_no
    chain = Chain(event_id("refund", row.refund_no), on, "clawback", number)
    if row.kind == RefundKind.EXCESS:
        source = _named("received", budget.region_code)
        return chain.single("refund", refundable(number, EXCESS), source, row.amount).post()
    for name, came in received_of(row.clawback).items():
        chain.single("refund", refundable(number, name), _origin(budget, name), came)
    return chain.post()


def _origin(budget: Budget, name: str) -> str:
    """Where a part of a demand was taken from."""
    if name == LEVY:
        return _named("levied", budget.region_code)
    return _named("paid", budget.program_code, budget.year, name)


def _target(kind: str, budget: Budget, name: str) -> str:
    """Where a part goes that came in, or was lost."""
    if name == LEVY:
        return _named(kind, budget.region_code, LEVY)
    return _named(kind, budget.program_code, budget.year, name)


def _take(chain: Chain, clawback: Clawback, budget: Budget, amount: Decimal, code: str, kind: str) -> Chain:
    """An amount out of the receivables: the principal first, each treasury in its measure, then interest and penalty."""
    due = balances(clawback)
    levy = due.pop(LEVY, ZERO)
    principal = min(amount, sum(due.values(), ZERO))
    moves = {**in_measure(principal, due), LEVY: min(amount - principal, levy)}
    for name, share in moves.items():
        if not share:
            continue
        target = _target(kind, budget, name)
        chain.open(target, kind, region_code=budget.region_code)
        chain.single(code, receivable(clawback.clawback_no, name), target, share)
    return chain


def recover(
    clawback: Clawback, budget: Budget, amount: Decimal, *, event: str, on: date, excess: Decimal = ZERO
) -> LedgerResult:
    """收款: what came in by the bank, ``excess`` beyond it. The caller holds the clawback's row."""
    number = clawback.clawback_no
    chain = Chain(event_id("recover", number, event), on, "clawback", number)
    if excess:
        source = _named("received", budget.region_code)
        chain.open(source, "received", region_code=budget.region_code)
        chain.open(refundable(number, EXCESS), "refundable", region_code=budget.region_code)
        chain.single("overpay", source, refundable(number, EXCESS), excess)
    return _take(chain, clawback, budget, amount, "recover", "recovered").post()


def write_off(clawback: Clawback, budget: Budget, *, on: date) -> LedgerResult:
    """核销坏账: all that is still due. The caller holds the clawback's row."""
    chain = Chain(event_id("write_off", clawback.clawback_no), on, "clawback", clawback.clawback_no)
    return _take(chain, clawback, budget, outstanding(clawback), "write_off", "written_off").post()


def set_off_of(amount: Decimal, owed_by: Budget, left: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What each treasury gives of a set-off, of what each still owes of the claim; never more than that."""
    return in_measure(amount, {part.bearer: left.get(part.bearer, ZERO) for part in owed_by.parts})


def offset(
    clawback: Clawback,
    budget: Budget,
    payment: Payment,
    owed_by: Budget,
    amount: Decimal,
    *,
    event: str,
    on: date,
) -> LedgerResult:
    """抵扣: a later payment is made, in part or in full, by what its payee owes. The caller holds both rows.

    Each treasury gives of its own part of that claim, in the measure of what it still owes of it: what is left is again exactly
    what the bank is to move. So nothing is split by what lies on the payee's account beside it, and no lock but the rows'."""
    chain = Chain(
        event_id("offset", clawback.clawback_no, payment.payment_no, event),
        on,
        "payment",
        payment.payment_no,
    )
    uscc = payment.payee.uscc
    for part in owed_by.parts:
        chain.open(part.paid, "paid", region_code=owed_by.region_code)
    left = owed_by_treasury([payment])[payment.payment_no] if owed_by.bearers else {"": payment.bank_amount}
    for part, share in owed_by.split(amount, set_off_of(amount, owed_by, left)):
        if share:
            chain.single("offset", part.payable(uscc), part.paid, share)
    # What is set off is paid: it counts under the caps of payments of this day.
    chain.use(caps_at(payment, on), owed_by.region_code, amount, code="instruct")
    return _take(chain, clawback, budget, amount, "recover", "recovered").post()
