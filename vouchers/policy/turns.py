"""One version's turn through the cases: decides one after the other, and keeps what they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial

from vouchers.policy.assess import assess
from vouchers.policy.assessment import Assessment
from vouchers.policy.cap_limits import UsedOf, takes
from vouchers.policy.caps import Account, BoundCap, event_of, period_of
from vouchers.policy.entered import Entered, Half, Version
from vouchers.policy.facts import Facts, UsedAmounts, VoucherFacts
from vouchers.policy.replay import CaseOutcome, PoolUse
from vouchers.policy.running_sums import NOTHING, ZERO, Drawn, RunningSums, Used, Year, expiry_of
from vouchers.policy.settling import Before, Settled, settle
from vouchers.policy.terms import CapPeriod, CapSubject, Shortage, Stage
from vouchers.policy.working import Working

_APPLICATION = Stage.APPLICATION
_ROLLING = CapPeriod.ROLLING_YEAR


@dataclass(slots=True)
class Pool:
    """A pool while the cases go."""

    code: str
    name: str
    period: str
    event: str
    limit: Decimal
    last_on: date
    spent_on: date | None = None
    refused: int = 0
    cut: int = 0


@dataclass(slots=True)
class Decided:
    """How one case came out, and what it took."""

    settled: Settled
    working: Working
    voucher: Drawn | None
    taken: list[tuple[BoundCap, Account, Decimal]]
    left: Mapping[str, Decimal] | None
    """What was said to be left of some accounts, whatever was used."""
    used: Mapping[str, Decimal] | None = None
    """What was used of its accounts when it was settled, where others were settled before it is taken."""


class Turn:
    """One version's turn."""

    def __init__(self, version: Version, place: int, opening: Mapping[str, Decimal] | None = None) -> None:
        self.version = version
        self.place = place
        """Which of a case's halves is this version's."""
        self.sums = RunningSums(caps=Used(opening or {}))
        self._rolls = version.has_rolling_caps()
        self._used: UsedOf = self.sums.caps.__getitem__
        self._pools: dict[str, Pool] = {}
        self.stopped: set[str] = set()
        """Pools that pay nobody any more, by their accounts' keys."""
        self._stops = version.scheme.issue.shortage is Shortage.STOP
        self._kind = version.scheme.voucher
        self._expiries: dict[date, date] = {}

    # ---- one case

    def decide(self, case: Entered) -> tuple[CaseOutcome, Decided]:
        """The case's outcome; what it is granted is taken from its caps and its voucher."""
        half = case.halves[self.place]
        decided = self.settle(case, half)
        if self._stops:
            decided = self._stop(case, half, decided)
        self.take(case, decided)
        return self.outcome(case, decided), decided

    def settle(self, case: Entered, half: Half, left: Mapping[str, Decimal] | None = None) -> Decided:
        """What the case gets now; nothing is taken yet. `left` says what is left of some accounts, whatever was used."""
        weighed = half.weighed
        on, sums = weighed.on, self.sums
        working = Working(told=False, failed=half.failed, open_=half.open)
        voucher = None
        if case.stage is not _APPLICATION:  # where no voucher is issued it is an entitlement (decision 10)
            voucher = sums.voucher_of(case.application_no, case.voucher)
        used = partial(sums.of, on=on) if self._rolls else self._used
        if left is not None:
            used = _rather(used, weighed.caps.values(), left)
        year_basis = sums.year_basis.get(self._year(case, on), NOTHING)
        settled = settle(weighed, Before(used, year_basis), voucher, working)
        taken = takes(weighed.caps.values(), settled.base, settled.granted) if settled.granted else []
        return Decided(settled, working, voucher, taken, left)

    def _year(self, case: Entered, on: date) -> Year:
        return (case.uscc, case.stage is _APPLICATION, on.year)

    def take(self, case: Entered, decided: Decided) -> None:
        """Book what the case was granted."""
        sums, granted, on = self.sums, decided.settled.granted, case.halves[self.place].weighed.on
        if case.stage is _APPLICATION:
            number = case.case_no if self._kind.issues_voucher else f"E-{case.case_no}"
            expires_on = self._expiries.get(on)
            if expires_on is None:
                expires_on = self._expiries[on] = expiry_of(self._kind, on)
            sums.vouchers[case.case_no] = Drawn(number, granted, granted, expires_on)
        if granted > ZERO:
            caps = sums.caps
            for bound, account, amount in decided.taken:
                if bound.cap.period is _ROLLING:
                    sums.add_rolling(account.key, on, amount)
                else:
                    caps[account.key] += amount
            sums.add_basis(self._year(case, on), decided.settled.year_basis)
            if decided.voucher is not None:
                decided.voucher.balance -= granted
                decided.voucher.uses += 1

    def outcome(self, case: Entered, decided: Decided, cut_by_shortage: Decimal = ZERO) -> CaseOutcome:
        """The outcome, once it is booked; the pools learn of it."""
        settled, working, weighed = decided.settled, decided.working, case.halves[self.place].weighed
        for place in weighed.plan.shared_caps:
            bound = weighed.caps.get(place)
            if bound is not None:
                self._note_pool(case, bound, decided)
        return CaseOutcome(
            case.case_no,
            case.on,
            case.stage,
            settled.outcome,
            settled.granted,
            settled.amount.value,
            settled.base.basis,
            _once_each(working.failed) if working.failed else _NONE,
            _once_each(working.open) if working.open else _NONE,
            _once_each(working.capped_by) if working.capped_by else _NONE,
            cut_by_shortage,
        )

    # ---- pools

    def _note_pool(self, case: Entered, bound: BoundCap, decided: Decided) -> None:
        cap = bound.cap
        for account in bound.accounts:
            if account.limit is None:
                continue
            pool = self._pools.get(account.key)
            if pool is None:
                pool = self._pools[account.key] = Pool(
                    cap.code,
                    cap.name,
                    period_of(cap, bound.on),
                    event_of(case.stage),
                    account.limit,
                    bound.on,
                )
            if bound.on > pool.last_on:
                pool.last_on = bound.on
            if pool.spent_on is None and self.sums.of(account.key, bound.on) >= account.limit:
                pool.spent_on = bound.on
            if cap.code in decided.working.capped_by:
                if decided.settled.granted > ZERO:
                    pool.cut += 1
                elif all(code.startswith("cap.") for code in decided.working.failed):
                    pool.refused += 1  # nothing but caps stood in its way

    def pools(self) -> tuple[PoolUse, ...]:
        """The pools at the end, by key."""
        return tuple(
            PoolUse(
                key=key,
                code=pool.code,
                name=pool.name,
                period=pool.period,
                event=pool.event,
                limit=pool.limit,
                used=self.sums.of(key, pool.last_on),
                spent_on=pool.spent_on,
                refused=pool.refused,
                cut=pool.cut,
            )
            for key, pool in sorted(self._pools.items())
        )

    def _stop(self, case: Entered, half: Half, decided: Decided) -> Decided:
        """停止受理: from the first case that the pool cannot pay in full on, nobody gets anything from it."""
        shared = shared_accounts(half)
        keys = [account.key for _bound, account in shared]
        short = any(bound.cap.code in decided.working.capped_by for bound, _account in shared)
        if not short and self.stopped.isdisjoint(keys):
            return decided
        self.stopped.update(keys)
        return self.settle(case, half, dict.fromkeys(keys, ZERO))

    # ---- why

    def facts_before(self, case: Entered, facts: Facts, decided: Decided) -> Facts:
        """The case's facts as they were when it was decided, just now: with what was used before it."""
        weighed = case.halves[self.place].weighed
        taken = {account.key: amount for _bound, account, amount in decided.taken}
        caps = {}
        for bound in weighed.caps.values():
            for account in bound.accounts:
                if decided.used is not None and account.key in decided.used:
                    used = decided.used[account.key]
                else:
                    used = self.sums.of(account.key, weighed.on) - taken.get(account.key, ZERO)
                if decided.left is not None and account.key in decided.left and account.limit is not None:
                    used = account.limit - decided.left[account.key]
                caps[account.key] = used
        year_basis = dict(self.sums.year_basis.get(self._year(case, weighed.on), NOTHING))
        voucher = None
        granted = decided.settled.granted
        if granted > 0:
            for track, basis in decided.settled.year_basis:
                year_basis[track] = year_basis.get(track, ZERO) - basis
        if (drawn := decided.voucher) is not None:
            voucher = VoucherFacts(
                voucher_no=facts.voucher.voucher_no if facts.voucher else drawn.voucher_no,
                face_value=drawn.face_value,
                balance=drawn.balance + granted,
                expires_on=drawn.expires_on,
                uses=drawn.uses - (granted > 0),
            )
        track = facts.track if facts.track in self.version.tracks else ""
        before = UsedAmounts(caps=caps, year_basis=year_basis)
        number = _batch_number(weighed.caps.values()) or facts.batch_no
        return replace(facts, used=before, voucher=voucher, track=track, batch_no=number)

    def explainer(self, case: Entered, facts: Facts, decided: Decided) -> Callable[[], Assessment]:
        """What makes the whole assessment, with its lines, of the case that was decided just now; it may be called later."""
        known = self.facts_before(case, facts, decided)
        scheme = self.version.of(facts.on.year).scheme
        return partial(assess, scheme, known, scheme_sha256=self.version.sha256)


def shared_accounts(half: Half) -> list[tuple[BoundCap, Account]]:
    """The pools that a case has an account in."""
    weighed = half.weighed
    return [
        (bound, account)
        for place in weighed.plan.shared_caps
        if (bound := weighed.caps.get(place)) is not None
        for account in bound.accounts
        if account.limit is not None
    ]


def _batch_number(caps: Iterable[BoundCap]) -> str:
    """By which number a cap of the batch counts the case; empty where none does."""
    return next(
        (one.accounts[0].subject for one in caps if one.cap.subject is CapSubject.BATCH and one.accounts), ""
    )


def _rather(used: UsedOf, caps: Iterable[BoundCap], left: Mapping[str, Decimal]) -> UsedOf:
    limits = {account.key: account.limit for bound in caps for account in bound.accounts}

    def rather(key: str) -> Decimal:
        limit = limits.get(key)
        return limit - left[key] if key in left and limit is not None else used(key)

    return rather


_NONE: tuple[str, ...] = ()


def _once_each(codes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes) if len(codes) > 1 else codes)
