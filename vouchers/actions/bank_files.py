"""What a bank answers, as a file of lines that states its own count and sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.money import ZERO

OUTCOMES = ("confirmed", "returned", "unknown")


@dataclass(frozen=True)
class BankLine:
    """One line of the bank's answer. ``answered_at`` is the bank's own time of it, where the file tells."""

    instruction_no: str
    outcome: str
    amount: Decimal
    bank_reference: str = ""
    reason: str = ""
    paid_on: date | None = None
    answered_at: datetime | None = None
    #: where it stands in the file; its place among the lines where that is not known
    row: int = 0


@dataclass(frozen=True)
class LineFault:
    """A line that is not taken in: its place, the stable code, what is wrong, and what it said of itself."""

    row: int
    code: str
    message: str
    instruction_no: str = ""
    amount: Decimal = ZERO

    def told(self) -> dict[str, Any]:
        """As it is kept with the file."""
        return {
            "line": self.row,
            "code": self.code,
            "message": self.message,
            "instruction_no": self.instruction_no[:40],
        }


@dataclass(frozen=True)
class BankFile:
    """The file: its lines, and the count and sum that it states of itself. What was cut off on the way does not agree with them."""

    lines: Sequence[BankLine]
    count: int
    total: Decimal
    filename: str = ""
    content: bytes = b""
    #: lines that could not be read; they count for the file's own totals
    faults: Sequence[LineFault] = ()

    @classmethod
    def of(cls, *lines: BankLine) -> BankFile:
        """A file of these lines that agrees with itself."""
        return cls(lines, len(lines), sum((line.amount for line in lines), ZERO))
