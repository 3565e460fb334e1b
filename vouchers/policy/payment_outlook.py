"""What caps that count at payment would hold back, if every claim were paid in the year in which it is decided.

A replay ends at the claim and knows no day of payment. Those caps take nothing from what is granted (`payment_caps`); what they say
is when it can be paid. So the replay is followed by a reckoning of its own, on one assumption that is told with the figures: each
claim is sent to the bank on the day of its decision, in the order of the cases, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vouchers.policy.caps import cap_period_words
from vouchers.policy.facts import Facts
from vouchers.policy.payment_caps import PaymentTerm, caps_of_payments, payment_terms
from vouchers.policy.rules import Scheme
from vouchers.policy.running_sums import RunningSums, Used
from vouchers.policy.terms import CapPeriod, CapSubject, Stage, YearBy

ZERO = Decimal(0)
ASSUMED = (
    "拨付时计入的限额不减少核定金额，只决定何时拨付。以下按各件均于决定当日、依次整笔报送银行推算：放不下的留待额度恢复，"
    "单笔超过限额的任何年度都无法拨付。同一集团的限额按各件办理时的控股关系合并计算（没有关联资料的按单个企业计），期间以前的拨付不计入。"
)
"""The assumption, in plain words."""


@dataclass(frozen=True, kw_only=True)
class PaymentCapUse:
    """One such cap in one period, over all whom it counts. Amounts in yuan."""

    code: str
    name: str
    subject: str
    """Whom it counts, in words."""
    period: str
    year_by: str
    """Which date decides the year, in words."""
    limit: Decimal
    """For one of them."""
    subjects: int
    asked: Decimal
    """What would be paid if the cap did not bind."""
    paid: Decimal
    waiting_cases: int
    """Claims that it leaves no room for in this period."""
    waiting: Decimal

    @property
    def period_words(self) -> str:
        """The period as people say it."""
        return cap_period_words(self.period)


@dataclass(frozen=True, kw_only=True)
class PaymentOutlook:
    """All claims that such caps concern. `waiting` is what finds no room in its year, `never` what exceeds a cap by itself."""

    cases: int
    asked: Decimal
    paid: Decimal
    waiting_cases: int
    waiting: Decimal
    never_cases: int
    never: Decimal
    caps: tuple[PaymentCapUse, ...]


@dataclass(slots=True)
class _Use:
    term: PaymentTerm
    period: str
    subjects: set[str] = field(default_factory=set)
    asked: Decimal = ZERO
    paid: Decimal = ZERO
    waiting_cases: int = 0
    waiting: Decimal = ZERO


class PaymentOutlooks:
    """The reckoning while it goes, claim after claim in the order of the replay."""

    def __init__(self, scheme: Scheme, opening: Mapping[str, Decimal] | None = None) -> None:
        self.scheme = scheme
        self.concerned = bool(caps_of_payments(scheme))
        """Whether the scheme has such caps at all: without, nothing need be told of any case."""
        self._sums = RunningSums(caps=Used(opening or {}))
        self._uses: dict[tuple[str, str], _Use] = {}
        self._cases = self._waiting_cases = self._never_cases = 0
        self._asked = self._paid = self._waiting = self._never = ZERO

    def add(self, facts: Facts, on: date, amount: Decimal) -> None:
        """A case that was decided on that day, with what it gets."""
        if not self.concerned or amount <= ZERO or facts.stage is Stage.APPLICATION:
            return
        terms = payment_terms(self.scheme, facts)
        if not terms:
            return
        self._cases += 1
        self._asked += amount
        found = []
        for term in terms:
            of_group = term.cap.subject is CapSubject.GROUP
            key = term.key(on, facts.applicant.group_no if of_group else "")
            use = self._uses.setdefault((key.code, key.period), _Use(term, key.period))
            use.subjects.add(key.subject)
            use.asked += amount
            left = term.limit - self._sums.of(key.key, term.year_day(on))
            found.append((term, key.key, use, amount <= left))
        if any(amount > term.limit for term in terms):
            self._never_cases += 1
            self._never += amount
        elif all(fits for _term, _key, _use, fits in found):
            self._paid += amount
            for term, account, use, _fits in found:
                use.paid += amount
                if term.cap.period is CapPeriod.ROLLING_YEAR:
                    self._sums.add_rolling(account, term.year_day(on), amount)
                else:
                    self._sums.caps[account] += amount
            return
        else:
            self._waiting_cases += 1
            self._waiting += amount
        for _term, _account, use, fits in found:
            if not fits:
                use.waiting_cases += 1
                use.waiting += amount

    def outlook(self) -> PaymentOutlook | None:
        """What came of it; None where the scheme has no such cap."""
        if not self.concerned:
            return None
        return PaymentOutlook(
            cases=self._cases,
            asked=self._asked,
            paid=self._paid,
            waiting_cases=self._waiting_cases,
            waiting=self._waiting,
            never_cases=self._never_cases,
            never=self._never,
            caps=tuple(
                PaymentCapUse(
                    code=code,
                    name=use.term.cap.name,
                    subject=use.term.cap.subject.label,
                    period=period,
                    year_by="申请兑付之日" if use.term.cap.year_by is YearBy.FILING else "报送银行之日",
                    limit=use.term.limit,
                    subjects=len(use.subjects),
                    asked=use.asked,
                    paid=use.paid,
                    waiting_cases=use.waiting_cases,
                    waiting=use.waiting,
                )
                for (code, period), use in sorted(self._uses.items(), key=lambda one: one[0])
            ),
        )


__all__ = ["ASSUMED", "PaymentCapUse", "PaymentOutlook", "PaymentOutlooks"]
