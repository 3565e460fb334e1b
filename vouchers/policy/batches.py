"""Where the text shares a short pool out over a batch: cases are decided together when their batch closes.

All cases that compete for the same pools under one batch number are a batch; without a number, all that compete for the
pools of a year. It closes with its last case. Each is first assessed as if the pool had no end; where that is more than is
left, `shortage.allocate` says what each may get, and they are settled again within it. A claim on a voucher that is not
issued yet waits for the batch of its application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from vouchers.policy.entered import Entered
from vouchers.policy.replay import CaseOutcome
from vouchers.policy.running_sums import ZERO, Drawn, RunningSums
from vouchers.policy.shortage import Contender, allocate
from vouchers.policy.terms import CapPeriod, Shortage, Stage
from vouchers.policy.turns import Decided, Turn, shared_accounts

BOUNDLESS = Decimal(10) ** 16
"""More than any pool: what a case is first assessed with."""

Tell = Callable[[int, Entered, CaseOutcome, Decided], None]
"""Told each case by its place in the replay's order, when it is decided."""

BatchKey = tuple[str, tuple[str, ...]]


def waits_for_batches(turn: Turn) -> bool:
    """Whether the version shares a short pool out over a batch."""
    return turn.version.scheme.issue.shortage in (Shortage.PRO_RATA, Shortage.BY_SCORE)


def decide_in_batches(turn: Turn, cases: Sequence[Entered], tell: Tell) -> None:
    """Decide all cases, given in the replay's order, batch by batch."""
    for key, places in _sequence(turn, cases):
        if key is None:
            for place in places:
                outcome, decided = turn.decide(cases[place])
                tell(place, cases[place], outcome, decided)
        else:
            _decide_batch(turn, [(place, cases[place]) for place in places], key, tell)


def _sequence(turn: Turn, cases: Sequence[Entered]) -> Iterator[tuple[BatchKey | None, list[int]]]:
    """Places in the order in which they are decided: batches whole, when they close, and single cases between them."""
    batch_of: dict[int, BatchKey] = {}
    members: dict[BatchKey, list[int]] = {}
    place_of: dict[str, int] = {}
    for place, case in enumerate(cases):
        if case.stage is Stage.APPLICATION:
            place_of[case.case_no] = place
        keys = sorted(account.key for _bound, account in shared_accounts(case.halves[turn.place]))
        if keys:
            key = (case.batch_no, tuple(keys))
            batch_of[place] = key
            members.setdefault(key, []).append(place)
    closes = {key: places[-1] for key, places in members.items()}

    def issued_at(case: Entered) -> int:
        application = place_of.get(case.application_no, -1)
        return closes[batch_of[application]] if application in batch_of else application

    for place, case in enumerate(cases):
        if case.stage is not Stage.APPLICATION and place in batch_of:
            closes[batch_of[place]] = max(closes[batch_of[place]], issued_at(case))
    order = sorted(
        (closes[batch_of[place]], 0, place)
        if place in batch_of
        else (max(place, issued_at(case) if case.stage is not Stage.APPLICATION else place), 1, place)
        for place, case in enumerate(cases)
    )
    for found, group in groupby((place for _at, _rank, place in order), key=batch_of.get):
        yield found, list(group)


def _decide_batch(turn: Turn, batch: Sequence[tuple[int, Entered]], key: BatchKey, tell: Tell) -> None:
    endless = dict.fromkeys(key[1], BOUNDLESS)
    kept = _keep(turn.sums, turn, batch)
    asked: dict[str, Decimal] = {}
    for _place, case in batch:
        decided = turn.settle(case, case.halves[turn.place], endless)
        turn.take(case, decided)
        kept.note(case.halves[turn.place].weighed.on, decided)
        asked[case.case_no] = decided.settled.granted
    kept.put_back(turn.sums)
    left = min(
        account.limit - turn.sums.of(account.key, batch[-1][1].halves[turn.place].weighed.on)
        for _bound, account in shared_accounts(batch[0][1].halves[turn.place])
        if account.limit is not None
    )
    given = allocate(
        turn.version.scheme.issue.shortage,
        max(left, ZERO),
        [
            Contender(
                case_no=case.case_no,
                amount=asked[case.case_no],
                filed_at=case.filed_at,
                score=case.score,
            )
            for _place, case in batch
            if asked[case.case_no] > 0
        ],
    )
    for place, case in batch:
        wanted = asked[case.case_no]
        within = dict.fromkeys(key[1], given[case.case_no]) if wanted > 0 else endless
        decided = turn.settle(case, case.halves[turn.place], within)
        turn.take(case, decided)
        cut = wanted - decided.settled.granted
        tell(place, case, turn.outcome(case, decided, max(cut, ZERO)), decided)


@dataclass(slots=True)
class _Kept:
    """What a batch's first assessment may change, as it was."""

    caps: dict[str, Decimal | None]
    years: dict[tuple[str, bool, int], dict[str, Decimal] | None]
    vouchers: dict[str, Drawn | None]
    rolling: list[tuple[str, date, Decimal]]
    """What was taken meanwhile from the caps of rolling years."""

    def note(self, on: date, decided: Decided) -> None:
        """What a case took on its day."""
        self.rolling += [
            (account.key, on, amount)
            for bound, account, amount in decided.taken
            if bound.cap.period is CapPeriod.ROLLING_YEAR
        ]

    def put_back(self, sums: RunningSums) -> None:
        """As if nothing had been assessed."""
        _put_back(sums.caps, self.caps)
        _put_back(sums.year_basis, self.years)
        _put_back(sums.vouchers, self.vouchers)
        for key, on, amount in self.rolling:
            sums.add_rolling(key, on, -amount)


def _put_back(values: dict, before: dict) -> None:  # type: ignore[type-arg]
    for key, value in before.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value


def _keep(sums: RunningSums, turn: Turn, batch: Iterable[tuple[int, Entered]]) -> _Kept:
    kept = _Kept({}, {}, {}, [])
    for _place, case in batch:
        weighed = case.halves[turn.place].weighed
        for bound in weighed.caps.values():
            for account in bound.accounts:
                kept.caps[account.key] = sums.caps.get(account.key)
        year = (case.uscc, case.stage is Stage.APPLICATION, weighed.on.year)
        found = sums.year_basis.get(year)
        kept.years[year] = dict(found) if found is not None else None
        numbers = [case.case_no, case.application_no, case.voucher.voucher_no if case.voucher else ""]
        for number in filter(None, numbers):
            drawn = sums.vouchers.get(number)
            kept.vouchers[number] = copy(drawn) if drawn is not None else None
    return kept
