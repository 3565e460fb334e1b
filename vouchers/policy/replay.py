"""A replay: many cases of a program, in their order, under one scheme, as the ledger would have counted them.

Pure. The cases bring no running sums: what is used of each cap, of each voucher, of the year's base and of the pool follows
from what the replay itself granted before. Cases are taken by (`on`, `case_no`); a later case never changes an earlier one.
`dry_run.py` holds two replays of the same cases against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from vouchers.policy.assess import assess
from vouchers.policy.assessment import ENGINE_VERSION, Assessment
from vouchers.policy.canonical import digest
from vouchers.policy.caps import cap_keys
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Cap, Scheme, render
from vouchers.policy.running_sums import RunningSums
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, Outcome, Stage


class Cancelled(Exception):
    """The caller's `cancelled` said yes; nothing was produced."""


class OutOfOrder(ValueError):
    """A stream of cases was not in the order (`on`, `case_no`); a list is sorted, a stream cannot be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayCase:
    """One case as it is to be decided again.

    `facts.used` is left empty, as the replay keeps the sums; so is the balance of `facts.voucher` where `application_no`
    names an application of the same replay: the voucher then is worth what the replay granted that application, less what
    earlier claims took, and expires as the scheme says. A claim on a voucher from before the period keeps the voucher of
    its facts, whose `balance` is what it had when the period began.
    """

    case_no: str
    """Business number of the case."""
    on: date
    """The day on which it was, or would be, decided."""
    facts: Facts
    application_no: str = ""
    """For a claim or settlement: the application whose voucher it draws on."""
    enterprise_name: str = ""
    """As the report names it; empty: the name in the facts."""
    granted: Decimal | None = None
    """Yuan that it got in fact; None: not decided (then it is left out of a comparison with what was granted)."""
    source: str = "cases"
    """`cases` (the program's own) or `sample` (the synthetic sample year)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseOutcome:
    """What one case gets in a replay, without sentences.

    `failed` are the codes of findings that refuse (a gate's code or the engine's own, such as `cap.pool_year`), `open`
    those that a person has to settle: such a case counts with its amount, as casework would grant it after a look.
    `capped_by` are the codes of caps (without `cap.`) that left less than was computed; `cut_by_shortage` is what the
    shortage rule took from it, in yuan.
    """

    case_no: str
    on: date
    stage: Stage
    outcome: Outcome
    amount: Decimal
    computed_amount: Decimal
    basis_amount: Decimal
    failed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    capped_by: tuple[str, ...] = ()
    cut_by_shortage: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolUse:
    """A pool (a cap of subject POOL or BATCH, or the year's budget, code `budget`) at the end of a replay.

    `spent_on` is the first day on which nothing was left, None when something is left over; `refused` and `cut` count the
    cases that it refused or gave less, with the yuan that they went without.
    """

    key: str
    code: str
    name: str
    period: str
    event: str
    limit: Decimal
    used: Decimal
    spent_on: date | None = None
    refused: int = 0
    cut: int = 0


@dataclass(frozen=True, kw_only=True)
class Replay:
    """All outcomes in order, and the pools. For millions of cases use `dry_run.dry_run`, which keeps none."""

    scheme_sha256: str
    engine_version: str
    outcomes: tuple[CaseOutcome, ...]
    pools: tuple[PoolUse, ...] = ()
    caps: Mapping[str, Decimal] = field(default_factory=dict)
    """Yuan used at the end by `CapKey.key`, as far as granted within the replay (rolling years: of the last twelve months)."""


BUDGET = "budget"
"""The code under which the program's yearly budget stands as a cap of subject POOL."""

ASKED_EVERY = 500
"""Cases between two looks at `cancelled`."""

_SHARED = (CapSubject.POOL, CapSubject.BATCH)
T = TypeVar("T")


class Budgeted:
    """A scheme with the program's budget of each year as one more pool."""

    def __init__(self, scheme: Scheme, budgets: Mapping[int, Decimal] | None = None) -> None:
        self.scheme = scheme
        self.sha256 = digest(render(scheme))
        event = CountsAt.ISSUE if scheme.voucher.issues_voucher else CountsAt.CLAIM
        self._by_year = {
            year: replace(
                scheme,
                caps=(
                    *scheme.caps,
                    Cap(
                        cite=scheme.cite,
                        code=BUDGET,
                        name="年度预算指标",
                        subject=CapSubject.POOL,
                        amount=amount,
                        period=CapPeriod.CALENDAR_YEAR,
                        counts_at=event,
                    ),
                ),
            )
            for year, amount in (budgets or {}).items()
        }

    def of(self, year: int) -> Scheme:
        """The scheme as it holds in a year."""
        return self._by_year.get(year, self.scheme)


class Turn:
    """One scheme's turn through the cases: decides one after the other and keeps the sums."""

    def __init__(
        self,
        scheme: Scheme,
        budgets: Mapping[int, Decimal] | None = None,
        opening: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.budgeted = Budgeted(scheme, budgets)
        self.sums = RunningSums(caps=dict(opening or {}))
        self._pools: dict[str, PoolUse] = {}

    def facts_of(self, case: ReplayCase) -> Facts:
        """The case's facts with what was used before it."""
        return self.sums.facts_of(self.budgeted.of(case.on.year), case.facts, case.application_no)

    def decide(self, case: ReplayCase) -> CaseOutcome:
        """The case's outcome; what it is granted is taken from its caps and its voucher."""
        scheme = self.budgeted.of(case.on.year)
        facts = self.facts_of(case)
        answer = assess(scheme, facts, with_lines=False, scheme_sha256=self.budgeted.sha256)
        self.sums.take(scheme, case.case_no, facts, case.application_no, answer)
        outcome = _outcome_of(case, answer)
        self._note_pools(scheme, facts, outcome)
        return outcome

    def _note_pools(self, scheme: Scheme, facts: Facts, outcome: CaseOutcome) -> None:
        for key in cap_keys(scheme, facts):
            if key.subject_kind not in _SHARED:
                continue
            pool = self._pools.get(key.key) or PoolUse(
                key=key.key,
                code=key.code,
                name=key.name,
                period=key.period,
                event=key.event,
                limit=key.limit,
                used=Decimal(0),
            )
            used = self.sums.of(key.key, facts.on)
            self._pools[key.key] = replace(
                pool,
                used=used,
                spent_on=pool.spent_on or (facts.on if used >= key.limit else None),
                refused=pool.refused + (f"cap.{key.code}" in outcome.failed),
                cut=pool.cut + (key.code in outcome.capped_by and outcome.amount > 0),
            )

    def pools(self) -> tuple[PoolUse, ...]:
        """The pools so far, by key."""
        return tuple(self._pools[key] for key in sorted(self._pools))


def _outcome_of(case: ReplayCase, answer: Assessment) -> CaseOutcome:
    codes = [one.code for one in answer.counterfactuals] + [one.code for one in answer.refusals]
    cuts = [code for code in codes if code.startswith("cap.")]
    return CaseOutcome(
        case_no=case.case_no,
        on=case.on,
        stage=answer.stage,
        outcome=answer.outcome,
        amount=answer.amount,
        computed_amount=answer.computed_amount,
        basis_amount=answer.basis_amount,
        failed=_codes(finding.code for finding in answer.refusals),
        open=_codes(finding.code for finding in answer.open_points),
        capped_by=_codes(code.removeprefix("cap.") for code in cuts),
    )


def _codes(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


def in_order(cases: Iterable[ReplayCase]) -> Iterator[ReplayCase]:
    """The cases by (`on`, `case_no`): a list is sorted, a stream is held to it. Raises OutOfOrder."""
    if isinstance(cases, (list, tuple)):
        yield from sorted(cases, key=lambda case: (case.on, case.case_no))
        return
    last: tuple[date, str] | None = None
    for case in cases:
        place = (case.on, case.case_no)
        if last is not None and place < last:
            raise OutOfOrder(f"{case.case_no} ({case.on}) 排在 {last[1]} ({last[0]}) 之后")
        last = place
        yield case


def watched(
    cases: Iterable[T],
    progress: Callable[[int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[T]:
    """The cases, telling now and then how many were done and asking whether to go on. Raises Cancelled."""
    done = 0
    for case in cases:
        if done % ASKED_EVERY == 0:
            if progress is not None and done:
                progress(done)
            if cancelled is not None and cancelled():
                raise Cancelled
        yield case
        done += 1
    if progress is not None:
        progress(done)


def replay(
    scheme: Scheme,
    cases: Iterable[ReplayCase],
    *,
    budgets: Mapping[int, Decimal] | None = None,
    opening: Mapping[str, Decimal] | None = None,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Replay:
    """Decide the cases one after the other. `budgets`, `opening`, `progress` and `cancelled` as in `dry_run`."""
    turn = Turn(scheme, budgets, opening)
    outcomes = tuple(turn.decide(case) for case in watched(in_order(cases), progress, cancelled))
    return Replay(
        scheme_sha256=turn.budgeted.sha256,
        engine_version=ENGINE_VERSION,
        outcomes=outcomes,
        pools=turn.pools(),
        caps=dict(turn.sums.caps),
    )
