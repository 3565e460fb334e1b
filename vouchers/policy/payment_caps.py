"""Caps that count when money is sent to the bank (拨付时计入): which bind a claim, and in which period a payment falls.

They take nothing from an assessment: what is granted is owed. They say how much of it may be paid in a period, so they are
pushed down with what is owed and asked again on the day of the payment. Pure: the day is an argument.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from vouchers.policy.assessment import CapKey
from vouchers.policy.caps import binds, next_period, period_of
from vouchers.policy.facts import Facts
from vouchers.policy.records import record
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, Stage, YearBy
from vouchers.policy.tracks import chosen_tracks
from vouchers.policy.working import money

EVENT = "payment"
"""The event's name in keys and accounts, beside `issue` and `claim`."""


@record
class PaymentTerm:
    """A cap as it binds the payments of one claim, under the version that the claim was decided by. `subject` is whom it counts:
    the applicant's code (of a group as well: which group that is, is asked on the day), the project's number, or `*`."""

    program: str
    cap: Cap
    subject: str
    filed_on: date

    @property
    def limit(self) -> Decimal:
        """Yuan for one subject and period."""
        return self.cap.amount or Decimal(0)

    def year_day(self, paid_on: date) -> date:
        """The date that decides the year of a payment that is sent on `paid_on`."""
        return self.filed_on if self.cap.year_by is YearBy.FILING else paid_on

    def key(self, paid_on: date, subject: str = "") -> CapKey:
        """The cap's account for a payment that is sent on that day; of a group, for the `subject` that it is called by then."""
        cap, counted = self.cap, subject or self.subject
        period = period_of(cap, self.year_day(paid_on))
        return CapKey(
            key=f"{self.program}:{cap.code}:{EVENT}:{counted}:{period}",
            code=cap.code,
            name=cap.name,
            subject_kind=cap.subject.value,
            subject=counted,
            period=period,
            event=EVENT,
            limit=self.limit,
        )

    def again_on(self, paid_on: date) -> date | None:
        """The first day of the next period, in which what does not fit now may be paid; None where no day brings one."""
        return None if self.cap.year_by is YearBy.FILING else next_period(self.cap, paid_on)


def caps_of_payments(scheme: Scheme) -> tuple[Cap, ...]:
    """The scheme's caps that count at payment and are switched on."""
    return tuple(cap for cap in scheme.caps if cap.switched_on and cap.counts_at is CountsAt.PAYMENT)


def payment_terms(scheme: Scheme, facts: Facts) -> tuple[PaymentTerm, ...]:
    """The caps that will bind the payment of a claim on these facts, in the order of the text."""
    caps = caps_of_payments(scheme)
    if not caps:
        return ()
    tracks = {track.code for track in chosen_tracks(scheme, facts)}
    return tuple(
        # The working has the source; a row of money keeps what it needs to be counted by.
        PaymentTerm(
            program=scheme.program,
            cap=replace(cap, cites={}),
            subject=_subject(cap, facts),
            filed_on=facts.on,
        )
        for cap in caps
        if (not cap.tracks or tracks.intersection(cap.tracks)) and binds(scheme, cap, facts)
    )


def _subject(cap: Cap, facts: Facts) -> str:
    if cap.subject is CapSubject.POOL:
        return "*"
    if cap.subject is CapSubject.PROJECT:
        # A claim whose project nobody knows is a project of its own: by its voucher.
        return facts.project_no or (facts.voucher.voucher_no if facts.voucher else facts.applicant.uscc)
    return facts.applicant.uscc


def payment_sentences(scheme: Scheme, facts: Facts, amount: Decimal) -> list[str]:
    """What will hold the payment of a claim, for who tries a case: each cap, and that it could never hold the amount."""
    told: list[str] = []
    if facts.stage is Stage.APPLICATION:
        return told
    for term in payment_terms(scheme, facts):
        day = "申请兑付之日" if term.cap.year_by is YearBy.FILING else "报送银行之日"
        by_year = term.cap.period in (CapPeriod.CALENDAR_YEAR, CapPeriod.PROGRAMME_YEAR)
        said = f"“{term.cap.name}”：{term.cap.period.label}{money(term.limit)}" + (
            f"，按{day}计年度" if by_year else ""
        )
        said += (
            "；本件超过该限额，无法拨付，请分次申请"
            if amount > term.limit
            else "；放不下的整笔留待额度恢复时拨付"
        )
        told.append(f"{said}。")
    return told


def too_large(terms: tuple[PaymentTerm, ...], amount: Decimal) -> PaymentTerm | None:
    """The first cap that could never hold the amount: a claim is paid in one piece."""
    return next((term for term in terms if amount > term.limit), None)
