"""What a platform compares its books with, and what it is told of: the reconciliation of a period, and the feed of events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from applications.actions.settlements import EVERYWHERE, Reach
from applications.models import Claim
from applications.models.claims import ClaimKind, ClaimState
from vouchers import dates
from vouchers.actions.platform_events import events_after
from vouchers.errors import Invalid
from vouchers.models import Party, PlatformEvent
from vouchers.money import ZERO

#: A settlement counts with its amount while it holds or has taken money.
_COUNTING = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.VERIFIED)
_TAKEN = (ClaimState.APPROVED, ClaimState.PAID)
MOST_DAYS = 366


@dataclass(frozen=True)
class BookLine:
    """One settlement as both sides have it in their books."""

    idempotency_key: str
    settlement_no: str
    state: str
    amount: Decimal

    @property
    def text(self) -> str:
        """The line that is hashed, without its end."""
        return f"{self.idempotency_key}|{self.settlement_no}|{self.state}|{self.amount:.2f}"


@dataclass(frozen=True)
class Books:
    """Count, sum and hash over lines in ascending order of their keys (as bytes): what two systems compare."""

    lines: tuple[BookLine, ...]

    @property
    def total(self) -> Decimal:
        """The sum of all lines' amounts."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def sha256(self) -> str:
        """Over every line's text, each ended by a line feed, in UTF-8."""
        return hashlib.sha256("".join(f"{line.text}\n" for line in self.lines).encode()).hexdigest()

    def by_state(self) -> dict[str, dict[str, Any]]:
        """Count and sum of each state."""
        found: dict[str, dict[str, Any]] = {}
        for line in self.lines:
            row = found.setdefault(line.state, {"count": 0, "sum": ZERO})
            row["count"] += 1
            row["sum"] += line.amount
        return {
            state: {"count": row["count"], "sum": f"{row['sum']:.2f}"} for state, row in sorted(found.items())
        }


def booked_amount(state: str, claimed: Decimal | None, approved: Decimal | None) -> Decimal:
    """What a settlement in this state comes to: what it reserves, or what was confirmed; nothing once it is given back."""
    if state in _TAKEN:
        return approved or ZERO
    return (claimed or ZERO) if state in _COUNTING else ZERO


def books_of(provider: Party, first: date, last: date, *, reach: Reach = EVERYWHERE) -> Books:
    """The provider's settlements that were reserved from ``first`` to ``last`` (both days count, by Beijing time).

    Raises ``Invalid`` (``reconciliation.period``) for a period that ends before it begins or is longer than a year.
    """
    if last < first or (last - first).days >= MOST_DAYS:
        raise Invalid("reconciliation.period", f"对账期间须为 1 至 {MOST_DAYS} 天。", field="to")
    rows = (
        Claim.objects.filter(
            provider=provider,
            kind=ClaimKind.SETTLEMENT,
            origin="live",
            submitted_at__gte=_midnight(first),
            submitted_at__lt=_midnight(last + timedelta(days=1)),
        )
        .exclude(state=ClaimState.DRAFT)
        .values_list(
            "idempotency_key",
            "claim_no",
            "state",
            "claimed_amount",
            "approved_amount",
            "program_code",
            "program_region_code",
        )
    )
    lines = [
        BookLine(key, number, state, booked_amount(state, claimed, approved))
        for key, number, state, claimed, approved, program, region in rows.iterator()
        if reach.admits(program, region)
    ]
    return Books(tuple(sorted(lines, key=lambda line: line.idempotency_key.encode())))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=dates.SHANGHAI)


def events_within(
    provider: Party, position: int, *, most: int, reach: Reach = EVERYWHERE
) -> tuple[list[PlatformEvent], int]:
    """The provider's events after a position, in order, and the position that they reach: what comes later is above it.

    What the credential is not bound to is left out, but counts in the positions.
    """
    events = events_after(provider, position, most=most)
    reached = events[-1].position if events else position
    assert reached is not None
    return [event for event in events if reach.admits(event.program_code, event.program_region_code)], reached


def csv_lines(books: Books) -> Iterator[str]:
    """The books as CSV, a line a settlement."""
    yield "idempotency_key,settlement_no,state,amount\r\n"
    for line in books.lines:
        key = line.idempotency_key
        if any(sign in key for sign in ',"'):
            key = '"' + key.replace('"', '""') + '"'
        if key[:1] in "=+-@":
            key = f"'{key}"  # a spreadsheet must not take it for a formula
        yield f"{key},{line.settlement_no},{line.state},{line.amount:.2f}\r\n"
