"""What earlier cases of a replay took: of each cap, of each voucher, and of the year's base."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vouchers.policy.ages import months_after
from vouchers.policy.caps import rolling_from
from vouchers.policy.facts import VoucherFacts
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


class Days:
    """What was taken under one key, by the day that it counts for. Days come in any order: cases are decided after the days
    that they count for, and not in their order. Most come near the end, so that a change moves few sums."""

    __slots__ = ("_days", "_sums")

    def __init__(self) -> None:
        self._days: list[date] = []
        self._sums: list[Decimal] = []  # of all up to and with the day

    def add(self, on: date, amount: Decimal) -> None:
        """Take an amount on a day; a negative one takes it back."""
        days, sums = self._days, self._sums
        place = bisect_left(days, on)
        if place == len(days) or days[place] != on:
            days.insert(place, on)
            sums.insert(place, sums[place - 1] if place else ZERO)
        for one in range(place, len(sums)):
            sums[one] += amount

    @property
    def last(self) -> date:
        """The latest day. Raises IndexError where nothing was taken."""
        return self._days[-1]

    def between(self, first: date, last: date) -> Decimal:
        """What was taken from the first day up to and with the last."""
        upto, before = bisect_right(self._days, last), bisect_left(self._days, first)
        if upto <= before:
            return ZERO
        return self._sums[upto - 1] - (self._sums[before - 1] if before else ZERO)


class Used(dict[str, Decimal]):
    """Yuan by key. Where nothing is known nothing was used."""

    def __missing__(self, key: str) -> Decimal:
        return ZERO


@dataclass
class RunningSums:
    """The sums so far. Rolling years keep what was taken by day; all else is a sum by key."""

    caps: Used = field(default_factory=Used)
    """By key; under a rolling year's only what was used before the first case, of which no day is known: it never leaves."""
    rolling: dict[str, Days] = field(default_factory=dict)
    year_basis: dict[Year, dict[str, Decimal]] = field(default_factory=dict)
    """The base of the cases granted so far, by track."""
    vouchers: dict[str, Drawn] = field(default_factory=dict)
    """By the number of the application that they were issued on, or else by their own number."""

    def of(self, key: str, on: date) -> Decimal:
        """Yuan used under a cap's key by the given day; of a rolling year, in the twelve months that end with that day."""
        known = self.caps[key]
        days = self.rolling.get(key)
        return known if days is None else known + days.between(rolling_from(on), on)

    def at_end(self) -> dict[str, Decimal]:
        """By key; of a rolling year, in the twelve months that end with the latest day on which anything was taken."""
        return dict(self.caps) | {key: self.of(key, days.last) for key, days in self.rolling.items()}

    def add_rolling(self, key: str, on: date, amount: Decimal) -> None:
        """Take the amount from the cap of a rolling year."""
        days = self.rolling.get(key)
        if days is None:
            days = self.rolling[key] = Days()
        days.add(on, amount)

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
