"""The names of the ledger's accounts around one budget. The map itself is in ``vouchers.actions.ledger``.

A budget whose cost several treasuries share has an account for the part of each, and so have its vouchers, payables and
payments: ``budget:<program>:<year>:<treasury>`` and so on, by the code that the version gives the treasury.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from vouchers.money import ZERO, thousands, yuan


def voucher_account(voucher_no: str, bearer: str = "") -> str:
    """The code of a voucher's account, or of the part of it that one treasury bears."""
    return _named("voucher", voucher_no, bearer)


def payment_account(payment_no: str, bearer: str = "") -> str:
    """The code of the account of what is instructed to the bank under one payment number."""
    return _named("payment", payment_no, bearer)


def _named(*words: str | int) -> str:
    return ":".join(str(word) for word in words if word != "")


def in_measure(amount: Decimal, whole: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The amount over parts in the measure of what each is; each truncated to the fen as its running share, the last takes the
    rest, so that they add up and none is more than its part while the amount is not more than the whole."""
    # In whole fen: the product of two amounts has more digits than a Decimal's context keeps.
    fen, fens = _fen(amount), {name: _fen(each) for name, each in whole.items()}
    total = sum(fens.values())
    parts: dict[str, Decimal] = {}
    upto = before = 0
    for name, each in fens.items():
        upto += each
        share = fen * upto // total if total else 0
        parts[name] = Decimal(share - before).scaleb(-2)
        before = share
    return parts


def _fen(amount: Decimal) -> int:
    """Raises ``ValueError`` for what is not exact to the fen."""
    return int(yuan(amount).scaleb(2))


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one program and year (预算指标), and the names of the accounts around it.

    ``bearers`` are the codes of the treasuries that share its cost, in the order in which they bear it; the last takes what
    truncation to the fen leaves. Empty: one treasury bears all. ``bearer`` says whose part this is, of a part.
    """

    program_code: str
    year: int
    region_code: str
    bearers: tuple[str, ...] = ()
    bearer: str = ""

    @property
    def parts(self) -> tuple[Budget, ...]:
        """The budget of each treasury; the budget itself where one bears all."""
        return tuple(replace(self, bearers=(), bearer=code) for code in self.bearers) or (self,)

    def split(self, amount: Decimal, borne: Mapping[str, Decimal] | None) -> list[tuple[Budget, Decimal]]:
        """Each part with what it bears of the amount. ``borne`` is yuan by treasury, needed where there are several.

        Raises ``ValueError`` when that is missing, names another treasury, is below zero or does not add up to the amount.
        """
        if not self.bearers:
            return [(self, amount)]
        if borne is None or set(borne) - set(self.bearers):
            raise ValueError(f"{self.code}: what does each of {', '.join(self.bearers)} bear?")
        parts = [(part, borne.get(part.bearer, ZERO)) for part in self.parts]
        if sum((share for _part, share in parts), ZERO) != amount or any(share < 0 for _part, share in parts):
            raise ValueError(f"{self.code}: the parts do not add up to {thousands(amount)}")
        return parts

    @property
    def code(self) -> str:
        return _named("budget", self.program_code, self.year, self.bearer)

    @property
    def treasury(self) -> str:
        """Whence it is appropriated. A treasury that shares with others is known by its code in this program alone."""
        if self.bearer:
            return _named("treasury", self.region_code, self.program_code, self.bearer)
        return _named("treasury", self.region_code)

    @property
    def surplus(self) -> str:
        """Back at the treasury once the year is closed; what may be carried over to the next."""
        return _named("surplus", self.program_code, self.year, self.bearer)

    @property
    def paid(self) -> str:
        return _named("paid", self.program_code, self.year, self.bearer)

    def payable(self, payee_uscc: str) -> str:
        """The account of what this budget owes to one payee."""
        return _named("payable", self.program_code, self.year, payee_uscc, self.bearer)

    def voucher(self, voucher_no: str) -> str:
        """The account of a voucher issued from it."""
        return voucher_account(voucher_no, self.bearer)

    def payment(self, payment_no: str) -> str:
        """The account of a payment of what it owes."""
        return payment_account(payment_no, self.bearer)
