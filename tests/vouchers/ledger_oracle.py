"""What the ledger should hold, kept the simplest way: the oracle of tests.vouchers.test_ledger_model.

Every amount is a list, one number for each treasury that bears a part of it.
"""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vouchers.actions import ledger

Parts = tuple[Decimal, ...]


def plus(one: Parts, other: Parts) -> Parts:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def minus(one: Parts, other: Parts) -> Parts:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def shares(amount: Decimal, has: Parts) -> Parts:
    """The amount taken from several in the measure of what each has: whole fen, the last takes what truncation leaves."""
    whole, upto, fen, ends = int(sum(has) * 100), 0, int(amount * 100), [0]
    for one in has:
        upto += int(one * 100)
        ends.append(fen * upto // whole)
    return tuple(Decimal(end - begin) / 100 for begin, end in itertools.pairwise(ends))


@dataclass
class Reservation:
    voucher: str
    payee: str
    parts: Parts
    claim: str
    capped: bool
    ends: bool = False
    state: str = "open"
    confirmed: Parts = ()
    confirm_id: uuid.UUID | None = None


@dataclass
class Payment:
    payee: str
    in_transit: Parts
    paid: Parts
    clawed_back: bool = False


@dataclass
class Oracle:
    """What should be there, kept the simplest way: one number a thing and treasury."""

    none: Parts
    budget: Parts
    surplus: Parts
    next_year: Parts
    paid: Parts
    recovered: Decimal = Decimal(0)
    budget_closed: bool = False
    vouchers: dict[str, Parts] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    cap_left: dict[str, Decimal] = field(default_factory=dict)
    reservations: dict[uuid.UUID, Reservation] = field(default_factory=dict)
    payable: dict[str, Parts] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    receivables: dict[str, tuple[int, Decimal]] = field(default_factory=dict)

    def give_back(self, voucher: str, parts: Parts) -> None:
        """Back to the voucher; on to the budget when it is closed, on to the year's surplus when that is closed too."""
        if voucher not in self.closed:
            self.vouchers[voucher] = plus(self.vouchers[voucher], parts)
        elif not self.budget_closed:
            self.budget = plus(self.budget, parts)
        else:
            self.surplus = plus(self.surplus, parts)


def claw_back(
    part: ledger.Budget, clawback_no: str, amount: Decimal, *, on: date, id: uuid.UUID
) -> ledger.LedgerResult:
    receivable = f"receivable:{clawback_no}"
    return (
        ledger.Chain(id, on, "clawback", clawback_no)
        .open(receivable, "receivable", returns_to=part.paid)
        .single("claw_back", part.paid, receivable, amount)
        .post()
    )


def set_off(
    part: ledger.Budget,
    clawback_no: str,
    payment_no: str,
    amount: Decimal,
    *,
    payee_uscc: str,
    on: date,
    id: uuid.UUID,
) -> ledger.LedgerResult:
    """A payment is made by what its payee owes: what was due to it is paid, and the demand is met, in one chain."""
    return (
        ledger.Chain(id, on, "payment", payment_no)
        .open(part.paid, "paid", region_code=part.region_code)
        .open(recovered_of(part), "recovered", region_code=part.region_code)
        .single("offset", part.payable(payee_uscc), part.paid, amount)
        .single("recover", f"receivable:{clawback_no}", recovered_of(part), amount)
        .post()
    )


def recovered_of(part: ledger.Budget) -> str:
    return f"recovered:{part.program_code}:{part.year}" + (f":{part.bearer}" if part.bearer else "")
