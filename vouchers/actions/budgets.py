"""预算指标: what a program's budget of a year has room for; the closing of a year, and what is carried over to another."""

from __future__ import annotations

from decimal import Decimal

from vouchers.actions.ledger_chains import Budget
from vouchers.actions.treasury_parts import bearers_of, borne_by
from vouchers.models import LedgerAccount, Program
from vouchers.money import ZERO
from vouchers.policy.rules import Scheme


def budget_for(program: Program, year: int, scheme: Scheme | None) -> Budget:
    """The year's budget as a version has it: with the treasuries that share its cost."""
    return Budget(program.code, year, program.region.code, bearers_of(scheme) if scheme else ())


def room_of(program: Program, year: int, scheme: Scheme | None) -> Decimal | None:
    """The most that a new voucher under the version can still take of the year's budget, in yuan; None when nothing was
    appropriated to it. Where treasuries share the cost, the one with the least for its share decides."""
    parts = budget_for(program, year, scheme).parts
    left = {
        account.code: ZERO if account.closed else account.available
        for account in LedgerAccount.objects.filter(code__in=[part.code for part in parts])
    }
    if not left:
        return None
    if scheme is None or len(parts) == 1:
        return left[parts[0].code]
    has = {part.bearer: left.get(part.code, ZERO) for part in parts}

    def fits(fen: int) -> bool:
        return all(share <= has[code] for code, share in borne_by(scheme, Decimal(fen) / 100).items())

    # What each bears never falls when the amount grows: the last amount that fits is found by halving.
    least, most = 0, int(sum(has.values(), ZERO) * 100)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return Decimal(least) / 100
