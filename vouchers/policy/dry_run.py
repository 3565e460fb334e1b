"""What would it cost? The same cases under a draft and under what they had before, held against each other.

    report = dry_run(draft, cases, before=in_force)         # the version in force, computed again
    report = dry_run(draft, cases)                          # against what the cases got in fact (`granted`)
    report.as_json()

`cases` is a list, or a stream in the order (`on`, `case_no`) of which none is kept, so that a million need little memory
(a version that shares a short pool out over batches needs them all at hand). It may be a stream of compact rows when `read`
makes a case of one: then rows travel to the other processes, not facts.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, localcontext
from heapq import nlargest
from itertools import islice
from typing import Any

from vouchers.policy import crew
from vouchers.policy.assess import PRECISION
from vouchers.policy.assessment import ENGINE_VERSION, Assessment
from vouchers.policy.batches import Tell, decide_in_batches, waits_for_batches
from vouchers.policy.dry_run_report import DryRunReport, LargestChange
from vouchers.policy.dry_run_sums import FlowSums
from vouchers.policy.dry_run_words import Words, reasons
from vouchers.policy.entered import Entered, Weigher
from vouchers.policy.packing import Packer, Unpacker
from vouchers.policy.payment_outlook import PaymentOutlooks
from vouchers.policy.replay import CaseOutcome, Replay, ReplayCase, handfuls, in_order, watched
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Stage
from vouchers.policy.turns import Decided, Turn

CHUNK = 500
"""Cases that travel to a worker at once."""

_APPLICATION = Stage.APPLICATION

Each = Callable[[Entered, CaseOutcome | None, CaseOutcome], None]


def dry_run(
    scheme: Scheme,
    cases: Iterable[Any],
    *,
    before: Scheme | None = None,
    read: Callable[[Any], ReplayCase] | None = None,
    budgets: Mapping[int, Decimal] | None = None,
    opening: Mapping[str, Decimal] | None = None,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    processes: int = 1,
    top: int = 20,
    each: Each | None = None,
) -> DryRunReport:
    """Replay the cases under `scheme`, beside `before` (None: what they were granted in fact).

    `read` turns a row into a case (a function of a module without Django, as workers call it). `budgets` is the program's
    budget in yuan by calendar year: it limits commitments (what is granted, with a voucher or without) beside the scheme's
    own pools; years not named are not limited. `opening` is what was used of caps before the first case, by
    `CapKey.key`. `progress` is told the number of cases done, `cancelled` is asked, about twice a second. `processes`
    above 1 starts that many workers beside this one (programs of their own, so also under Celery); it pays from some ten
    thousand cases on, and with rows that are smaller than their facts. `top` is how many of the largest changes are named
    each way. `each` is told every case in order, with its outcome before (None: as recorded) and after.

    The answer is the same whatever `processes` is. Raises Cancelled, and OutOfOrder for a stream that is not in order.
    """
    schemes = [scheme] if before is None else [before, scheme]
    weigher = Weigher(schemes, budgets, read)
    turns = [Turn(version, place, opening) for place, version in enumerate(weigher.versions)]
    sums = _Sums(weigher, turns, top, each, opening)
    with localcontext(PRECISION), _collecting_seldom():
        entering = _enter(weigher, cases, processes, progress, cancelled)
        if any(waits_for_batches(turn) for turn in turns):
            _in_batches(sums, weigher, opening, [pair for some in entering for pair in some], top)
        else:
            for some in entering:
                sums.add(_decide_some(sums, weigher, turns, some))
    return sums.report(before)


def _decide_some(
    sums: _Sums, weigher: Weigher, turns: list[Turn], some: list[tuple[Any, Entered]]
) -> list[_Outcome]:
    """What some cases get, one after the other; the largest changes are named at once, as only then it is known why."""
    first, last = turns[0] if len(turns) > 1 else None, turns[-1]
    outcomes = []
    for row, case in some:
        was = first.decide(case) if first is not None else None
        now = last.decide(case)
        one = (row, case, was[0] if was is not None else None, now[0])
        outcomes.append(one)
        if sums.stands_out(one):
            whole = weigher.case_of(row)
            told = (
                first.explainer(case, whole.facts, was[1]) if first is not None and was is not None else None
            )
            sums.name(whole, one, told, last.explainer(case, whole.facts, now[1]))
    return outcomes


def replay(
    scheme: Scheme,
    cases: Iterable[Any],
    *,
    read: Callable[[Any], ReplayCase] | None = None,
    budgets: Mapping[int, Decimal] | None = None,
    opening: Mapping[str, Decimal] | None = None,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    processes: int = 1,
) -> Replay:
    """The outcomes of all cases under one scheme, in their order; for the arguments see `dry_run`."""
    weigher = Weigher([scheme], budgets, read)
    turn = Turn(weigher.versions[0], 0, opening)
    with localcontext(PRECISION), _collecting_seldom():
        entering = _enter(weigher, cases, processes, progress, cancelled)
        if waits_for_batches(turn):
            outcomes = _decide_all(turn, [case for some in entering for _row, case in some])
        else:
            outcomes = [turn.decide(case)[0] for some in entering for _row, case in some]
    return Replay(
        scheme_sha256=turn.version.sha256,
        engine_version=ENGINE_VERSION,
        outcomes=tuple(outcomes),
        pools=turn.pools(),
        caps=turn.sums.at_end(),
    )


def _enter(
    weigher: Weigher,
    cases: Iterable[Any],
    processes: int,
    progress: Callable[[int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[list[tuple[Any, Entered]]]:
    """The cases in their order, a handful at a time, each with its row, weighed here or by others."""
    if isinstance(cases, (list, tuple)):
        made = [(case.on, case.case_no, place) for place, case in enumerate(map(weigher.case_of, cases))]
        cases = [cases[place] for _on, _no, place in sorted(made)]
    weighed = _here(weigher, cases) if processes <= 1 else _by_workers(weigher, cases, processes)
    return watched(in_order(weighed), progress, cancelled)


def _here(weigher: Weigher, cases: Iterable[Any]) -> Iterator[list[tuple[Any, Entered]]]:
    for rows in handfuls(cases):
        made = [weigher.case_of(row) for row in rows]
        yield list(zip(rows, [weigher.enter(case) for case in made], strict=True))


def _by_workers(
    weigher: Weigher, cases: Iterable[Any], processes: int
) -> Iterator[list[tuple[Any, Entered]]]:
    waiting: deque[list[Any]] = deque()

    def chunks() -> Iterator[list[Any]]:
        rows = iter(cases)
        while chunk := list(islice(rows, CHUNK)):
            waiting.append(chunk)
            yield chunk

    unpack = Unpacker(weigher)
    for packed in crew.in_order(Packer(weigher), chunks(), processes):
        for rows, entered in zip(handfuls(waiting.popleft()), unpack(packed), strict=True):
            yield list(zip(rows, entered, strict=True))


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """A replay makes many objects and hardly a cycle: the collector need not look for one after each handful."""
    usual = gc.get_threshold()
    gc.set_threshold(*crew.SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


_Outcome = tuple[Any, Entered, CaseOutcome | None, CaseOutcome]
"""A case with its row, what it got under the version before, and what it gets now."""


class _Sums:
    """The report while it grows."""

    def __init__(
        self,
        weigher: Weigher,
        turns: list[Turn],
        top: int,
        each: Each | None,
        opening: Mapping[str, Decimal] | None,
    ) -> None:
        self.flows = {False: FlowSums(top), True: FlowSums(top)}
        self.count = 0
        self.first: date | None = None
        self.last: date | None = None
        self.turns = turns
        self._each = each
        self._named = 0
        self._weigher = weigher
        self.outlooks = [PaymentOutlooks(turn.version.scheme, opening) for turn in turns]
        self._looks_ahead = any(one.concerned for one in self.outlooks)

    def add(self, outcomes: Iterable[_Outcome]) -> None:
        """Some cases more, in their order."""
        flows, each = self.flows, self._each
        for row, case, was, now in outcomes:
            if self._looks_ahead and case.stage is not _APPLICATION:
                facts = self._weigher.case_of(row).facts
                for outlook, one in zip(reversed(self.outlooks), (now, was), strict=False):
                    if one is not None:
                        outlook.add(facts, case.on, one.amount)
            self.count += 1
            self.last = case.on
            if self.first is None:
                self.first = case.on
            if each is not None:
                each(case, was, now)
            flow = flows[case.stage is _APPLICATION]
            amount = was.amount if was is not None else case.granted
            if amount is None:
                flow.undecided += 1
                flow.undecided_after += now.amount
            else:
                flow.add(case.case_no, case.profile, amount, was, now)

    def stands_out(self, outcome: _Outcome) -> bool:
        """Whether the case is among the largest changes so far, and is to be named."""
        _row, case, was, now = outcome
        before, after = was.amount if was is not None else case.granted, now.amount
        if before is None or before == after:
            return False
        size = after - before
        flow = self.flows[case.stage is _APPLICATION]
        return flow.gains.wants(size) if size > 0 else flow.losses.wants(-size)

    def name(
        self,
        case: ReplayCase,
        outcome: _Outcome,
        was: Callable[[], Assessment] | None,
        now: Callable[[], Assessment],
    ) -> None:
        """Name a case that stands out; its reasons are found out when it is still among the largest in the end."""
        _row, entered, earlier, later = outcome
        before, after = earlier.amount if earlier is not None else entered.granted, later.amount
        assert before is not None

        def change() -> LargestChange:
            return LargestChange(
                case_no=case.case_no,
                on=case.on,
                stage=case.facts.stage.value,
                enterprise_name=entered.name,
                before=before,
                after=after,
                difference=after - before,
                reasons=reasons(was() if was is not None else None, now()),
            )

        flow = self.flows[entered.stage is _APPLICATION]
        self._named += 1
        (flow.gains if after > before else flow.losses).add(abs(after - before), self._named, change)

    def report(self, before: Scheme | None) -> DryRunReport:
        """The whole answer."""
        after, earlier = self.turns[-1], self.turns[0] if before is not None else None
        scheme = after.version.scheme
        words = Words(before, scheme)
        return DryRunReport(
            engine_version=ENGINE_VERSION,
            scheme_sha256=after.version.sha256,
            scheme_label=f"{scheme.program} {scheme.label}",
            before_sha256=earlier.version.sha256 if earlier is not None else "",
            before_label=f"{before.program} {before.label}" if before is not None else "",
            cases=self.count,
            first_on=self.first,
            last_on=self.last,
            commitments=self.flows[True].flow(words),
            payments=self.flows[False].flow(words),
            pools_before=earlier.pools() if earlier is not None else (),
            pools_after=after.pools(),
            payment_before=self.outlooks[0].outlook() if earlier is not None else None,
            payment_after=self.outlooks[-1].outlook(),
        )


def _in_batches(
    sums: _Sums,
    weigher: Weigher,
    opening: Mapping[str, Decimal] | None,
    entered: list[tuple[Any, Entered]],
    top: int,
) -> None:
    """All cases at hand: each version decides them in its own order, and they are added up in the replay's.

    Which changes are the largest is known only then; a second turn through the cases explains those few.
    """
    cases = [case for _row, case in entered]
    outcomes = [_decide_all(turn, cases) for turn in sums.turns]
    pairs = [
        (outcomes[0][place] if len(outcomes) > 1 else None, now) for place, now in enumerate(outcomes[-1])
    ]
    chosen = _largest(cases, pairs, top)
    told: dict[tuple[int, int], Callable[[], Assessment]] = {}

    for version, place_of_turn in zip(weigher.versions, range(len(outcomes)), strict=True):
        again = Turn(version, place_of_turn, opening)

        def tell(
            place: int, case: Entered, _outcome: CaseOutcome, decided: Decided, again: Turn = again
        ) -> None:
            if place in chosen:
                facts = weigher.case_of(entered[place][0]).facts
                told[again.place, place] = again.explainer(case, facts, decided)

        _decide(again, cases, tell)
    for place, (row, case) in enumerate(entered):
        was, now = pairs[place]
        one = (row, case, was, now)
        sums.add([one])
        if place in chosen and sums.stands_out(one):
            earlier = told[0, place] if len(outcomes) > 1 else None
            sums.name(weigher.case_of(row), one, earlier, told[len(outcomes) - 1, place])


def _largest(cases: list[Entered], pairs: list[tuple[CaseOutcome | None, CaseOutcome]], top: int) -> set[int]:
    sizes: dict[tuple[bool, bool], list[tuple[Decimal, int]]] = {}
    for place, (was, now) in enumerate(pairs):
        amount = was.amount if was is not None else cases[place].granted
        if amount is not None and amount != now.amount:
            kind = (cases[place].stage is _APPLICATION, now.amount > amount)
            sizes.setdefault(kind, []).append((abs(now.amount - amount), -place))
    return {-place for found in sizes.values() for _size, place in nlargest(top, found)}


def _decide(turn: Turn, cases: list[Entered], tell: Tell) -> None:
    if waits_for_batches(turn):
        decide_in_batches(turn, cases, tell)
        return
    for place, case in enumerate(cases):
        outcome, decided = turn.decide(case)
        tell(place, case, outcome, decided)


def _decide_all(turn: Turn, cases: list[Entered]) -> list[CaseOutcome]:
    found: dict[int, CaseOutcome] = {}
    _decide(turn, cases, lambda place, _case, outcome, _decided: found.update({place: outcome}))
    return [found[place] for place in range(len(cases))]
