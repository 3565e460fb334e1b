"""The parts of a scheme that say how it is carried out: windows, papers, review, voucher, issue, rounding, cost shares.

They belong to the rule model as those of `rules` do, which gives them out under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from vouchers.policy.citations import Part
from vouchers.policy.terms import (
    IssueWay,
    Repeats,
    RoundMode,
    RoundUnit,
    RoundWhen,
    Shortage,
    Stage,
)


@dataclass(frozen=True, kw_only=True)
class Window(Part):
    """A filing window (申报期), to the hour, half-open. One that `repeats` states its first time; it opens and closes again at
    the same day and hour of each following year, quarter or month, the last time before `repeats_until`."""

    code: str
    name: str
    opens_at: datetime
    closes_at: datetime
    stage: Stage = Stage.APPLICATION
    repeats: Repeats = Repeats.NONE
    repeats_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Paper(Part):
    """A paper that must be filed."""

    code: str
    name: str
    stage: Stage = Stage.APPLICATION
    required: bool = True
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class ReviewStep(Part):
    """A step of the review chain, in order. `role` is a role of the system; `working_days` its deadline.

    `sets_rate` marks the step in which reviewers set the rate or the score; `amount_from` the least amount that needs it.
    """

    code: str
    name: str
    role: str
    stage: Stage = Stage.APPLICATION
    working_days: int | None = None
    sets_rate: bool = False
    amount_from: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class VoucherKind(Part):
    """What a voucher of this scheme is. Never transferable, never cash: that is not a parameter.

    `reservation_days` is for how many working days a platform's reservation stands before it is confirmed or given back; None:
    the deadline of the case's state.
    """

    issues_voucher: bool = True
    divisible: bool = True
    many_uses: bool = True
    validity_months: int | None = None
    valid_to: date | None = None
    reservation_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class WayOfIssue(Part):
    """How vouchers come to the applicants, and what happens when the pool runs short."""

    way: IssueWay = IssueWay.APPLY
    shortage: Shortage = Shortage.NOT_STATED
    notice_working_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Rounding(Part):
    """How amounts are rounded. DOWN keeps every amount within 不超过."""

    mode: RoundMode = RoundMode.DOWN
    unit: RoundUnit = RoundUnit.FEN
    when: RoundWhen = RoundWhen.END


@dataclass(frozen=True, kw_only=True)
class TreasuryShare(Part):
    """The part of the cost that one treasury bears, as a fraction; the shares of a scheme add up to 1.

    The one that `takes_rest` bears what truncating the others' parts to the fen leaves; where none is marked, the last.
    """

    code: str
    treasury: str
    share: Decimal
    takes_rest: bool = False
