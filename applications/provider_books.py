"""What a simulated platform serves, how it behaves, and what it writes down: see ``provider_simulator``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Contract:
    """Whom the platform serves: the customer's voucher and the lease that it rests on."""

    voucher_no: str
    lease_no: str
    period_from: date
    period_to: date


@dataclass(frozen=True)
class Habits:
    """Shares of the settlements, and of the pushes of usage, (0–1) for which the platform does this."""

    confirms: float = 0.6
    releases: float = 0.2
    repeats: float = 0.15
    gives_up: float = 0.1
    changes_body: float = 0.05
    reuses_line: float = 0.05
    corrects: float = 0.1


@dataclass
class Entry:
    """One settlement in the platform's own books."""

    key: str
    settlement_no: str = ""
    state: str = ""
    amount: Decimal = Decimal(0)
    first: bytes = b""
    refused: str = ""

    @property
    def text(self) -> str:
        """The line that both sides hash."""
        amount = self.amount if self.state in ("submitted", "approved", "paid") else Decimal(0)
        return f"{self.key}|{self.settlement_no}|{self.state}|{amount:.2f}"


@dataclass
class Report:
    """What came out. ``faults`` is empty when both sides have the same and every answer was as documented."""

    settlements: int = 0
    confirmed: int = 0
    released: int = 0
    reserved: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    retries: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    own: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    events: int = 0
    metered_days: int = 0
    metered_hours: str = "0"
    corrected_days: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the books are the same and nothing was out of order."""
        return not self.faults and self.own == self.theirs


class GaveUp(Exception):
    """No definite answer within the time that the platform has."""
