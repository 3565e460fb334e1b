"""What a dry run says, in plain figures: sums, months, pools, who wins and loses, and by which condition.

Commitments (applications: vouchers issued) and payments (claims and settlements) are two flows of the same money and are
never added up. All amounts are Decimal yuan; `difference` is after less before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from vouchers.policy.payment_outlook import PaymentOutlook
from vouchers.policy.replay import PoolUse


@dataclass(frozen=True, kw_only=True)
class Change:
    """Cases, and what they get before and after. `label` names the group or month in words, `value` as stored."""

    value: str = ""
    label: str = ""
    cases: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    difference: Decimal = Decimal(0)
    winners: int = 0
    losers: int = 0
    won: Decimal = Decimal(0)
    """Sum of the differences of those who get more."""
    lost: Decimal = Decimal(0)
    """Sum of the differences of those who get less, as a positive amount."""


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """One way of grouping: `by` is `size`, `ownership`, `province` (two digits and four zeros), `region`, `class` or `source`."""

    by: str
    label: str
    groups: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LargestChange:
    """One of the largest changes, named. `reasons` are Chinese sentences: the conditions and steps that differ."""

    case_no: str
    on: date
    stage: str
    enterprise_name: str
    before: Decimal
    after: Decimal
    difference: Decimal
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GateShift:
    """Cases that gain or lose eligibility by a condition: `gained` failed it before and get something now, `lost` the other
    way. `code` is the gate's or the engine's own; `text` the condition in words. Up to five case numbers each as examples.
    A case that fails several counts once under each."""

    code: str
    text: str
    gained: int = 0
    lost: int = 0
    gained_examples: tuple[str, ...] = ()
    lost_examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Untestable:
    """How many cases leave a condition to a person, before and after."""

    code: str
    text: str
    before: int = 0
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Commitments or payments: all that is said of one flow of money."""

    total: Change
    months: tuple[Change, ...] = ()
    """By month of decision, `value` as `2025-03`, without gaps."""
    breakdowns: tuple[Breakdown, ...] = ()
    gains: tuple[LargestChange, ...] = ()
    """The largest gains, greatest first."""
    losses: tuple[LargestChange, ...] = ()
    gained_eligibility: int = 0
    lost_eligibility: int = 0
    shifts: tuple[GateShift, ...] = ()
    untestable: tuple[Untestable, ...] = ()
    review_before: int = 0
    review_after: int = 0
    """Cases that a person has to look at; they count with their amount."""
    review_amount_after: Decimal = Decimal(0)
    undecided: int = 0
    """Cases without a decision in fact, where the comparison is with what was granted: left out of before, differences
    and groups."""
    undecided_after: Decimal = Decimal(0)
    """What they would get."""


@dataclass(frozen=True, kw_only=True)
class DryRunReport:
    """The whole answer. `before_sha256` is empty where the comparison is with what was granted in fact."""

    engine_version: str
    scheme_sha256: str
    scheme_label: str
    before_sha256: str
    before_label: str
    cases: int
    first_on: date | None
    last_on: date | None
    commitments: Flow
    payments: Flow
    pools_before: tuple[PoolUse, ...] = ()
    pools_after: tuple[PoolUse, ...] = ()
    payment_before: PaymentOutlook | None = None
    """What caps that count at payment would hold back; None where a version has none."""
    payment_after: PaymentOutlook | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values: amounts as strings to the fen, days in ISO 8601; every field stands, also at its default."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
