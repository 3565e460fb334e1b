"""The sums of a dry run while it goes: case by case, in a space that does not grow with the cases."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vouchers.policy.dry_run_report import (
    Breakdown,
    Change,
    Flow,
    GateShift,
    LargestChange,
    Untestable,
)
from vouchers.policy.dry_run_words import Words
from vouchers.policy.entered import Profile
from vouchers.policy.replay import CaseOutcome
from vouchers.policy.terms import Outcome

ZERO = Decimal(0)
_REVIEW = Outcome.REVIEW
EXAMPLES = 5
RECORDED = "recorded"
"""Stands for the conditions of a past decision, which are not computed again."""


@dataclass(slots=True)
class Tally:
    """Cases and their sums."""

    cases: int = 0
    before: Decimal = ZERO
    after: Decimal = ZERO
    winners: int = 0
    losers: int = 0
    won: Decimal = ZERO
    lost: Decimal = ZERO

    def add(self, before: Decimal, after: Decimal) -> None:
        """One case more."""
        self.cases += 1
        self.before += before
        self.after += after
        if after > before:
            self.winners += 1
            self.won += after - before
        elif after < before:
            self.losers += 1
            self.lost += before - after

    def include(self, other: Tally) -> None:
        """All of another tally's cases more."""
        self.cases += other.cases
        self.before += other.before
        self.after += other.after
        self.winners += other.winners
        self.losers += other.losers
        self.won += other.won
        self.lost += other.lost

    def change(self, value: str = "", label: str = "") -> Change:
        """As the report has it."""
        return Change(
            value=value,
            label=label,
            cases=self.cases,
            before=self.before,
            after=self.after,
            difference=self.after - self.before,
            winners=self.winners,
            losers=self.losers,
            won=self.won,
            lost=self.lost,
        )


@dataclass(slots=True)
class Shift:
    """Cases that gain or lose by one condition."""

    gained: int = 0
    lost: int = 0
    gained_examples: list[str] = field(default_factory=list)
    lost_examples: list[str] = field(default_factory=list)


class Largest:
    """The largest differences of one direction; their reasons are asked for only in the end.

    Ties go to the case that came first, so that the answer is the same each time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[Decimal, int, Callable[[], LargestChange]]] = []

    def wants(self, size: Decimal) -> bool:
        """Whether a difference of that size (above zero) would stand among the largest."""
        return self._size > 0 and (len(self._heap) < self._size or size > self._heap[0][0])

    def add(self, size: Decimal, place: int, change: Callable[[], LargestChange]) -> None:
        """Take it in; the least of them goes."""
        heapq.heappush(self._heap, (size, -place, change))
        if len(self._heap) > self._size:
            heapq.heappop(self._heap)

    def changes(self) -> tuple[LargestChange, ...]:
        """Greatest first."""
        return tuple(change() for _size, _place, change in sorted(self._heap, reverse=True))


class FlowSums:
    """All sums of one flow of money: commitments, or payments."""

    def __init__(self, top: int) -> None:
        self.undecided = 0
        self.undecided_after = ZERO
        self.gains, self.losses = Largest(top), Largest(top)
        self._tallies: dict[tuple[str, Profile], Tally] = defaultdict(Tally)
        self._month_of: dict[date, str] = {}
        self._gained = self._lost = 0
        self._shifts: dict[str, Shift] = defaultdict(Shift)
        self._open_before: dict[str, int] = defaultdict(int)
        self._open_after: dict[str, int] = defaultdict(int)
        self._review_before = self._review_after = 0
        self._review_amount_after = ZERO

    def add(
        self, case_no: str, profile: Profile, before: Decimal, was: CaseOutcome | None, now: CaseOutcome
    ) -> None:
        """One case: what it got or would get before (`was`: as computed again, None: as recorded), and what it gets now."""
        on, after = now.on, now.amount
        month = self._month_of.get(on)
        if month is None:
            month = self._month_of[on] = f"{on.year}-{on.month:02d}"
        self._tallies[month, profile].add(before, after)
        if was is not None and was.outcome is _REVIEW:
            self._review_before += 1
            for code in was.open:
                self._open_before[code] += 1
        if now.outcome is _REVIEW:
            self._review_after += 1
            self._review_amount_after += after
            for code in now.open:
                self._open_after[code] += 1
        if before > ZERO >= after:
            self._lost += 1
            earlier = was.failed if was is not None else ()
            for code in [code for code in now.failed if code not in earlier] or ["amount"]:
                shift = self._shifts[code]
                shift.lost += 1
                if len(shift.lost_examples) < EXAMPLES:
                    shift.lost_examples.append(case_no)
        elif before <= ZERO < after:
            self._gained += 1
            earlier = was.failed if was is not None else (RECORDED,)
            for code in [code for code in earlier if code not in now.failed] or ["amount"]:
                shift = self._shifts[code]
                shift.gained += 1
                if len(shift.gained_examples) < EXAMPLES:
                    shift.gained_examples.append(case_no)

    def flow(self, words: Words) -> Flow:
        """As the report has it."""
        total = Tally()
        months: dict[str, Tally] = defaultdict(Tally)
        groups: dict[str, dict[str, Tally]] = {by: defaultdict(Tally) for by in BREAKDOWNS}
        for (month, profile), tally in self._tallies.items():
            total.include(tally)
            months[month].include(tally)
            for by, value in _places(profile):
                groups[by][value].include(tally)
        codes = sorted(self._open_before.keys() | self._open_after.keys())
        return Flow(
            total=total.change(),
            months=tuple(months[month].change(month, month) for month in _months(months)),
            breakdowns=tuple(
                Breakdown(
                    by=by,
                    label=label,
                    groups=tuple(
                        groups[by][value].change(value, words.group(by, value))
                        for value in sorted(groups[by])
                    ),
                )
                for by, label in BREAKDOWNS.items()
            ),
            gains=self.gains.changes(),
            losses=self.losses.changes(),
            gained_eligibility=self._gained,
            lost_eligibility=self._lost,
            shifts=tuple(
                GateShift(
                    code=code,
                    text=words.condition(code),
                    gained=shift.gained,
                    lost=shift.lost,
                    gained_examples=tuple(shift.gained_examples),
                    lost_examples=tuple(shift.lost_examples),
                )
                for code, shift in sorted(self._shifts.items())
            ),
            untestable=tuple(
                Untestable(
                    code=code,
                    text=words.condition(code),
                    before=self._open_before.get(code, 0),
                    after=self._open_after.get(code, 0),
                )
                for code in codes
            ),
            review_before=self._review_before,
            review_after=self._review_after,
            review_amount_after=self._review_amount_after,
            undecided=self.undecided,
            undecided_after=self.undecided_after,
        )


BREAKDOWNS = {
    "size": "企业规模",
    "ownership": "所有制",
    "province": "省级行政区",
    "region": "注册地行政区划",
    "class": "主体类别",
    "source": "案件来源",
}


def _places(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "size", profile.size
    yield "ownership", profile.ownership
    yield "province", f"{profile.region[:2]}0000" if profile.region else ""
    yield "region", profile.region
    for one in profile.classes or ("",):
        yield "class", one
    yield "source", profile.source


def _months(found: Iterable[str]) -> list[str]:
    """Every month from the first to the last."""
    places = sorted(int(month[:4]) * 12 + int(month[5:]) - 1 for month in found)
    if not places:
        return []
    return [f"{place // 12}-{place % 12 + 1:02d}" for place in range(places[0], places[-1] + 1)]
