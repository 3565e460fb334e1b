"""A case as it enters a replay: weighed under each version, with what settling and reporting it need, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from vouchers.policy.classes import in_class
from vouchers.policy.compiled import Compiled
from vouchers.policy.facts import VoucherFacts
from vouchers.policy.replay import BUDGET, ReplayCase
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, Stage
from vouchers.policy.weighing import Weighed, weigh
from vouchers.policy.working import Working

_APPLICATION = Stage.APPLICATION


class Profile(NamedTuple):
    """What the groups of a report are made of. `classes` are those of the version after that the applicant belongs to."""

    size: str
    ownership: str
    region: str
    classes: tuple[str, ...]
    source: str


@dataclass(slots=True)
class Half:
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
    name: str
    """The enterprise's, as a report names it."""
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
        counts_at=CountsAt.ISSUE,  # what is granted is set apart, with a voucher or without (decision 10)
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
            case.enterprise_name or party.name,
            None if facts.stage is _APPLICATION else facts.voucher,
            case.granted,
            facts.batch_no,
            facts.review.score,
            facts.filed_at,
            profile,
            halves,
        )
