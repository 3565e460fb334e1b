"""A case as it enters a replay: weighed under each version, with what settling and reporting it need, and no more.

Weighing is the work that other processes do. What comes back from them is packed small: of a million cases each byte and
each object counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from vouchers.policy.assess import PRECISION
from vouchers.policy.caps import Account, BoundCap
from vouchers.policy.classes import in_class
from vouchers.policy.compiled import Compiled
from vouchers.policy.facts import VoucherFacts
from vouchers.policy.ladders import Group
from vouchers.policy.replay import BUDGET, ReplayCase
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, Stage
from vouchers.policy.weighing import Weighed, weigh
from vouchers.policy.working import ZERO, Working

_APPLICATION = Stage.APPLICATION


class Profile(NamedTuple):
    """What the groups of a report are made of. `classes` are those of the version after that the applicant belongs to."""

    size: str
    ownership: str
    region: str
    classes: tuple[str, ...]
    source: str


class Half(NamedTuple):
    """A case weighed under one version, with the codes of conditions that refuse it and that a person has to settle."""

    weighed: Weighed
    failed: list[str]
    open: list[str]


@dataclass(slots=True)
class Entered:
    """A case on its way. `halves` are one for each version, in the order of `Weigher.versions`."""

    case_no: str
    on: date
    stage: Stage
    application_no: str
    uscc: str
    voucher: VoucherFacts | None
    granted: Decimal | None
    batch_no: str
    score: Decimal | None
    filed_at: datetime | None
    profile: Profile
    halves: list[Half]


class Version:
    """One version of the rules as a replay takes it: with the program's budget of each year as one more pool."""

    def __init__(self, scheme: Scheme, budgets: Mapping[int, Decimal] | None = None) -> None:
        self.scheme = scheme
        self._plain = Compiled(scheme)
        self._by_year = {
            year: Compiled(replace(scheme, caps=(*scheme.caps, _budget(scheme, amount))))
            for year, amount in (budgets or {}).items()
        }
        self.tracks = frozenset(track.code for track in scheme.tracks)

    @property
    def sha256(self) -> str:
        """The hash of the version as it is published, without the budget."""
        return self._plain.sha256

    def of(self, year: int) -> Compiled:
        """The version as it holds for cases of a year."""
        return self._by_year.get(year, self._plain) if self._by_year else self._plain

    def has_rolling_caps(self) -> bool:
        """Whether a cap looks back twelve months from each case."""
        return any(cap.period is CapPeriod.ROLLING_YEAR for cap in self.scheme.caps)


def _budget(scheme: Scheme, amount: Decimal) -> Cap:
    return Cap(
        cite=scheme.cite,
        code=BUDGET,
        name="年度预算指标",
        subject=CapSubject.POOL,
        amount=amount,
        period=CapPeriod.CALENDAR_YEAR,
        counts_at=CountsAt.ISSUE if scheme.voucher.issues_voucher else CountsAt.CLAIM,
    )


class Weigher:
    """Makes rows into cases and weighs them; sent to workers whole, so it holds only data and a function of a module."""

    def __init__(
        self,
        schemes: Sequence[Scheme],
        budgets: Mapping[int, Decimal] | None,
        read: Callable[[Any], ReplayCase] | None,
    ) -> None:
        self._made_of = (tuple(schemes), budgets, read)
        self.versions = [Version(scheme, budgets) for scheme in schemes]
        self._read = read
        self._profiles: dict[Any, Profile] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return (Weigher, self._made_of)

    def case_of(self, row: Any) -> ReplayCase:
        """The case of a row."""
        if self._read is not None:
            return self._read(row)
        assert isinstance(row, ReplayCase)
        return row

    def enter(self, case: ReplayCase) -> Entered:
        """The case weighed under every version. Wants a context of enough precision (`PRECISION`)."""
        facts = case.facts
        party = facts.applicant
        halves = []
        for version in self.versions:
            working = Working(told=False)
            known = facts
            if facts.track and facts.track not in version.tracks:
                known = replace(facts, track="")  # a track that this version does not have is not named
            weighed = weigh(version.of(facts.on.year), known, working)
            halves.append(Half(weighed, working.failed, working.open))
        classes: tuple[str, ...] = ()
        if self.versions[-1].scheme.classes or party.classes:
            classes = tuple(one.code for one in self.versions[-1].scheme.classes if in_class(one, facts))
        key = (party.size, party.ownership, party.region_code, classes, case.source)
        profile = self._profiles.get(key)
        if profile is None:
            profile = self._profiles[key] = Profile(*key)
        return Entered(
            case.case_no,
            case.on,
            facts.stage,
            case.application_no,
            party.uscc,
            None if facts.stage is _APPLICATION else facts.voucher,
            case.granted,
            facts.batch_no,
            facts.review.score,
            facts.filed_at,
            profile,
            halves,
        )

    def __call__(self, rows: Iterable[Any]) -> list[tuple[Any, ...]]:
        """A chunk of rows, read, weighed and packed: what a worker does."""
        with localcontext(PRECISION):
            return [_pack(self.enter(self.case_of(row))) for row in rows]

    def unpack(self, packed: tuple[Any, ...]) -> Entered:
        """What a worker sent."""
        (
            case_no,
            on,
            stage,
            application_no,
            uscc,
            voucher,
            granted,
            batch_no,
            score,
            filed_at,
            profile,
            halves,
        ) = packed
        known = self._profiles.get(profile)
        if known is None:
            known = self._profiles[profile] = Profile(*profile)
        return Entered(
            case_no,
            on,
            stage,
            application_no,
            uscc,
            voucher,
            granted,
            batch_no,
            score,
            filed_at,
            known,
            [_unpack_half(version, stage, half) for version, half in zip(self.versions, halves, strict=True)],
        )


def _pack(case: Entered) -> tuple[Any, ...]:
    return (
        case.case_no,
        case.on,
        case.stage,
        case.application_no,
        case.uscc,
        case.voucher,
        case.granted,
        case.batch_no,
        case.score,
        case.filed_at,
        tuple(case.profile),
        [_pack_half(half) for half in case.halves],
    )


def _pack_half(half: Half) -> tuple[Any, ...]:
    weighed = half.weighed
    return (
        weighed.on,
        weighed.used_on,
        weighed.requested,
        weighed.other,
        weighed.plan.codes,
        [
            (place, None if bound.limit is bound.cap.amount else bound.limit, _pack_accounts(bound))
            for place, bound in weighed.caps.items()
        ],
        [
            [(group.ladder, group.values, group.basis, group.weights) for group in groups]
            for groups in weighed.groups
        ],
        half.failed,
        half.open,
    )


def _pack_accounts(bound: BoundCap) -> str | list[tuple[Any, ...]]:
    """Nearly always one account, of the cap's own limit, whose subject nobody asks for again."""
    accounts = bound.accounts
    if len(accounts) == 1 and accounts[0].limit is bound.limit and accounts[0].counted:
        return accounts[0].key
    return [tuple(account) for account in accounts]


def _unpack_half(version: Version, stage: Stage, packed: tuple[Any, ...]) -> Half:
    on, used_on, requested, other, codes, caps, groups, failed, open_ = packed
    compiled = version.of(on.year)
    bound = {}
    for place, limit, accounts in caps:
        cap = compiled.caps[place]
        if limit is None:
            limit = cap.amount
        if isinstance(accounts, str):
            held = [Account("", accounts, limit)]
        else:
            held = [Account(*account) for account in accounts]
        bound[place] = BoundCap(cap, on, limit, held)
    weighed = Weighed(
        compiled.plan_of(stage, codes),
        on,
        used_on,
        requested,
        other,
        bound,
        [
            [Group(ladder, values, basis, weights, []) for ladder, values, basis, weights in track]
            for track in groups
        ],
    )
    return Half(weighed, failed, open_)


__all__ = ["ZERO", "Entered", "Half", "Profile", "Version", "Weigher"]
