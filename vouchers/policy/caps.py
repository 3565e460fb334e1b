"""Caps: which concern a case, within which limit, and by which key the ledger counts them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from vouchers.money import round_fen
from vouchers.policy.ages import months_after
from vouchers.policy.assessment import CapKey
from vouchers.policy.classes import membership
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import (
    CapPeriod,
    CapSubject,
    CountsAt,
    OtherMoneyMode,
    Shortage,
    Stage,
    TaxMode,
)
from vouchers.policy.tracks import chosen_tracks
from vouchers.policy.words import day_words
from vouchers.policy.working import ZERO

_CONTRACT = CapSubject.CONTRACT
_POOL = CapSubject.POOL
_GROUP = CapSubject.GROUP
_ENTERPRISE = CapSubject.ENTERPRISE

ROLLING = "rolling"
"""How a rolling year is named in a key: it begins on another day for each case (`rolling_from`)."""

ALL_PUBLIC_MONEY = "other_money"
"""The code of the cap that SHARE_LIMIT makes: no cap of a text may have it."""


@dataclass(frozen=True, kw_only=True)
class SharedLimit(Cap):
    """All public money on one contract, as a cap of it: what others gave is taken off its share first."""


def caps_in(scheme: Scheme) -> tuple[Cap, ...]:
    """The scheme's caps, and the one that it makes of its limit on all public money of a contract."""
    limit = shared_limit(scheme)
    return scheme.caps if limit is None else (*scheme.caps, limit)


def shared_limit(scheme: Scheme) -> SharedLimit | None:
    """The limit on all public money of a contract, where the scheme has one switched on."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode is not OtherMoneyMode.SHARE_LIMIT:
        return None
    return SharedLimit(
        cite=rule.source("share"),
        code=ALL_PUBLIC_MONEY,
        name="财政资金合计限额",
        subject=_CONTRACT,
        share=rule.share or Decimal(0),
        period=CapPeriod.TOTAL,
    )


def event_of(stage: Stage) -> str:
    """`issue` for applications, `claim` for claims and settlements."""
    return "issue" if stage is Stage.APPLICATION else "claim"


def period_of(cap: Cap, on: date) -> str:
    """The period that `on` lies in: `2025`, `2025-04-01` (a programme's year, by its first day), `rolling` or `total`."""
    if cap.period is CapPeriod.CALENDAR_YEAR:
        return str(on.year)
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        first = f"{on.year}-{cap.year_starts}"
        return first if on.isoformat() >= first else f"{on.year - 1}-{cap.year_starts}"
    return ROLLING if cap.period is CapPeriod.ROLLING_YEAR else "total"


def cap_period_words(period: str) -> str:
    """A cap's period (`period_of`): `2025年`, `2025年4月1日起的年度`, `连续十二个月`, `全期`."""
    if period == ROLLING:
        return "连续十二个月"
    if not period or period == "total":
        return "全期"
    return f"{period}年" if period.isdigit() else f"{day_words(date.fromisoformat(period))}起的年度"


def may_concern(cap: Cap, stage: Stage, tracks: Collection[str]) -> bool:
    """Whether the cap binds cases of a stage on these tracks, as far as that rests on the scheme alone."""
    if not cap.switched_on or (cap.counts_at is not CountsAt.BOTH and cap.counts_at.value != event_of(stage)):
        return False
    return not cap.tracks or not set(cap.tracks).isdisjoint(tracks)


def binds(scheme: Scheme, cap: Cap, facts: Facts) -> bool:
    """Whether the cap binds this applicant: those of its classes, and none of those for whom it is waived."""
    if cap.classes and membership(scheme, cap.classes, facts) is False:
        return False
    return membership(scheme, cap.waived_for, facts) is not True if cap.waived_for else True


def _subjects(cap: Cap, facts: Facts) -> list[str]:
    subject = cap.subject
    if subject is _ENTERPRISE:
        return [facts.applicant.uscc]
    if subject is _POOL:
        return ["*"]
    if subject is _GROUP:
        return [facts.applicant.group_no or facts.applicant.uscc]
    if subject is _CONTRACT:
        return sorted({contract.contract_no for contract in facts.contracts})
    if subject is CapSubject.PROJECT:
        return [facts.project_no] if facts.project_no else []
    if subject is CapSubject.BATCH:
        return [facts.batch_no] if facts.batch_no else []
    return []


def limit_of(scheme: Scheme, cap: Cap, facts: Facts, contract_no: str = "") -> Decimal | None:
    """The cap in yuan: its amount, or its share of the contract's (or all contracts') amount, less what others gave on it
    where it limits all public money. The contract counts with tax where the base of the cap's tracks does."""
    if cap.amount is not None:
        return cap.amount
    if cap.share is None:
        return None
    contracts = [one for one in facts.contracts if not contract_no or one.contract_no == contract_no]
    whole = sum((one.net_amount for one in contracts), ZERO)
    if all(
        one.tax_mode is TaxMode.GROSS for one in scheme.tracks if not cap.tracks or one.code in cap.tracks
    ):
        whole += sum((one.tax_amount for one in contracts), ZERO)
    limit = round_fen(cap.share * whole, "down")
    if isinstance(cap, SharedLimit):
        limit -= sum((row.amount for one in contracts for row in one.other_money or ()), ZERO)
    return max(limit, ZERO)


@dataclass(slots=True)
class Account:
    """One subject's account of a cap: an account in the ledger, where `counted`. `limit` in yuan; None: not limited."""

    subject: str
    key: str
    limit: Decimal | None
    counted: bool = True


@dataclass(slots=True)
class BoundCap:
    """A cap as it binds one case: on which day, within which limit, on which accounts. With no account, the number that it is
    counted by (of the project, of the batch) is not known. One that is `in_full_only` gives the whole amount or nothing."""

    cap: Cap
    on: date
    limit: Decimal | None
    accounts: list[Account]
    in_full_only: bool = False

    def account(self, contract_no: str) -> Account:
        """The account of a contract. Raises KeyError."""
        for account in self.accounts:
            if account.subject == contract_no:
                return account
        raise KeyError(contract_no)


def bind_cap(scheme: Scheme, cap: Cap, facts: Facts) -> BoundCap:
    """The cap with the accounts that the case has in it: `program:cap:event:subject:period`."""
    head = f"{scheme.program}:{cap.code}:{event_of(facts.stage)}:"
    tail = f":{period_of(cap, facts.on)}"
    subjects = _subjects(cap, facts)
    if cap.subject is not _CONTRACT:
        limit = limit_of(scheme, cap, facts)
        accounts = [Account(subject, f"{head}{subject}{tail}", limit) for subject in subjects]
        at_its_event = facts.stage is Stage.APPLICATION or cap.counts_at is CountsAt.CLAIM
        in_full_only = at_its_event and stops_at(scheme, cap)
        return BoundCap(cap, facts.on, limit, accounts, in_full_only)
    strays = {item.contract_no for item in facts.items}.difference(subjects)
    accounts = [
        Account(number, f"{head}{number}{tail}", limit_of(scheme, cap, facts, number), number in subjects)
        for number in (*subjects, *sorted(strays))
    ]
    return BoundCap(cap, facts.on, None, accounts)


class CapBinder:
    """Binds one cap to case after case. Nearly all caps are an amount for an enterprise, a group or a pool, and bind all: for
    these the key is put together from pieces that stay."""

    __slots__ = ("_head", "_is_plain", "_pools", "_scheme", "_tails", "cap")

    def __init__(self, scheme: Scheme, cap: Cap, stage: Stage) -> None:
        self.cap = cap
        self._scheme = scheme
        self._head = f"{scheme.program}:{cap.code}:{event_of(stage)}:"
        self._is_plain = (
            cap.amount is not None
            and not cap.classes
            and not cap.waived_for
            and cap.subject in (_ENTERPRISE, _GROUP, _POOL)
        )
        self._tails: dict[date, str] = {}
        self._pools: dict[date, BoundCap] = {}

    def bind(self, facts: Facts) -> BoundCap | None:
        """The cap as it binds the case; None where it does not."""
        cap, on = self.cap, facts.on
        if not self._is_plain:
            if (cap.classes or cap.waived_for) and not binds(self._scheme, cap, facts):
                return None
            return bind_cap(self._scheme, cap, facts)
        if cap.subject is _POOL:
            pool = self._pools.get(on)
            if pool is None:
                pool = self._pools[on] = bind_cap(self._scheme, cap, facts)
            return pool
        tail = self._tails.get(on)
        if tail is None:
            tail = self._tails[on] = f":{period_of(cap, on)}"
        subject = facts.applicant.uscc
        if cap.subject is _GROUP and facts.applicant.group_no:
            subject = facts.applicant.group_no
        account = Account(subject, self._head + subject + tail, cap.amount)
        return BoundCap(cap, on, cap.amount, [account])


def cap_keys(scheme: Scheme, facts: Facts) -> list[CapKey]:
    """Every cap that counts up over cases and binds this one: an account each for the ledger.

    Caps of a single use have no account. The ledger must hold an account of that key with that limit, and take the
    assessment's `cap_uses` from it in the same chain as the voucher's or the claim's amount.
    """
    tracks = [track.code for track in chosen_tracks(scheme, facts)]
    keys = []
    for cap in caps_in(scheme):
        if not may_concern(cap, facts.stage, tracks) or not binds(scheme, cap, facts):
            continue
        for account in bind_cap(scheme, cap, facts).accounts:
            if account.limit is not None and account.counted:
                keys.append(
                    CapKey(
                        key=account.key,
                        code=cap.code,
                        name=cap.name,
                        subject_kind=cap.subject.value,
                        subject=account.subject,
                        period=period_of(cap, facts.on),
                        event=event_of(facts.stage),
                        limit=account.limit,
                    )
                )
    return keys


def rolling_from(on: date) -> date:
    """The first day that a rolling year ending with `on` counts: the day after the same day a year before."""
    return months_after(on, -12) + timedelta(days=1)


def next_period(cap: Cap, on: date) -> date | None:
    """The first day of the cap's next period; None where it has none, or (a rolling year) none that is known."""
    if cap.period is CapPeriod.CALENDAR_YEAR:
        return date(on.year + 1, 1, 1)
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        year, month, day = (int(word) for word in period_of(cap, on).split("-"))
        return date(year + 1, month, 1) + timedelta(days=day - 1)
    return None


def stops_at(scheme: Scheme, cap: Cap) -> bool:
    """Whether the text stops (停止受理) at the first case that this cap cannot grant in full: an application, or a claim where the
    cap counts at claims alone. A claim on what was granted under it is never stopped by it."""
    return scheme.issue.shortage is Shortage.STOP and cap.subject in (_POOL, CapSubject.BATCH)


def in_turn(scheme: Scheme, caps: Iterable[Cap]) -> list[Cap]:
    """The caps in the order in which they are applied: a pool that grants in full or not at all, last."""
    return sorted(caps, key=lambda one: (one.subject is not _CONTRACT, stops_at(scheme, one)))
