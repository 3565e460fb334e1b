"""What earlier cases of a replay took: of each cap, of each voucher, and of the year's base."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vouchers.policy.caps import rolling_from
from vouchers.policy.facts import VoucherFacts
from vouchers.policy.gates import months_after
from vouchers.policy.rules import VoucherKind

ZERO = Decimal(0)
NOTHING: Mapping[str, Decimal] = {}

Year = tuple[str, bool, int]
"""An enterprise, whether applications are meant (else claims), and a calendar year."""


def expiry_of(kind: VoucherKind, issued_on: date) -> date:
    """The first day on which a voucher issued then cannot be used: as the scheme says, else the end of the year of issue."""
    if kind.valid_to is not None:
        return kind.valid_to
    if kind.validity_months is not None:
        return months_after(issued_on, kind.validity_months)
    return date(issued_on.year + 1, 1, 1)


@dataclass(slots=True)
class Drawn:
    """A voucher on its way through the replay."""

    voucher_no: str
    face_value: Decimal
    balance: Decimal
    expires_on: date | None
    uses: int = 0


@dataclass
class RunningSums:
    """The sums so far. Rolling years keep their entries by day; all else is a sum by key."""

    caps: dict[str, Decimal] = field(default_factory=dict)
    rolling: dict[str, deque[tuple[date, Decimal]]] = field(default_factory=dict)
    year_basis: dict[Year, dict[str, Decimal]] = field(default_factory=dict)
    """The base of the cases granted so far, by track."""
    vouchers: dict[str, Drawn] = field(default_factory=dict)
    """By the number of the application that they were issued on, or else by their own number."""
    in_order: bool = True
    """Whether cases come by their days, so that what has left a rolling year never comes back into one."""

    def of(self, key: str, on: date) -> Decimal:
        """Yuan used under a cap's key by the given day; of a rolling year, in the twelve months that end with that day."""
        entries = self.rolling.get(key)
        if entries:
            since = rolling_from(on)
            if not self.in_order:
                outside = (amount for day, amount in entries if not since <= day <= on)
                return self.caps[key] - sum(outside, ZERO)
            while entries and entries[0][0] < since:
                self.caps[key] -= entries.popleft()[1]
        return self.caps.get(key, ZERO)

    def add(self, key: str, on: date, amount: Decimal, *, rolling: bool) -> None:
        """Take the amount from the cap."""
        self.caps[key] = self.caps.get(key, ZERO) + amount
        if rolling:
            self.rolling.setdefault(key, deque()).append((on, amount))

    def voucher_of(self, application_no: str, given: VoucherFacts | None) -> Drawn | None:
        """The voucher that a claim draws on, as it stands: issued in this replay, or brought from before."""
        drawn = self.vouchers.get(application_no) if application_no else None
        if drawn is not None or given is None:
            return drawn
        drawn = self.vouchers.get(given.voucher_no)
        if drawn is None:
            drawn = self.vouchers[given.voucher_no] = Drawn(
                given.voucher_no, given.face_value, given.balance, given.expires_on, given.uses
            )
        return drawn

    def add_basis(self, year: Year, bases: list[tuple[str, Decimal]]) -> None:
        """Take the base into the year's."""
        sums = self.year_basis.get(year)
        if sums is None:
            sums = self.year_basis[year] = {}
        for track, basis in bases:
            sums[track] = sums.get(track, ZERO) + basis
