"""A replay: many cases of a program, in their order, under one scheme, as the ledger would have counted them.

Pure. The cases bring no running sums: what is used of each cap, of each voucher, of the year's base and of the pool follows
from what the replay itself granted before. Cases are taken by (`on`, `case_no`); a later case never changes an earlier one.
`dry_run.py` holds two replays of the same cases against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Protocol, TypeVar

from vouchers.policy.facts import Facts
from vouchers.policy.records import record
from vouchers.policy.terms import Outcome, Stage


class Cancelled(Exception):
    """The caller's `cancelled` said yes; nothing was produced."""


class OutOfOrder(ValueError):
    """A stream of cases was not in the order (`on`, `case_no`); a list is sorted, a stream cannot be."""


@record
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


@dataclass(slots=True)
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

HANDFUL = 50
"""Cases that one step is done for before the next step begins: so few that they, and so many that its code, stay in the
processor's cache. A step for one case after the other takes a fifth longer."""

T = TypeVar("T")


class Placed(Protocol):
    """What has a place in a replay."""

    case_no: str
    on: date


P = TypeVar("P", bound=Placed)


def handfuls(rows: Iterable[T]) -> Iterator[list[T]]:
    """The rows, a handful at a time."""
    rest = iter(rows)
    while some := list(islice(rest, HANDFUL)):
        yield some


def in_order(handfuls: Iterable[list[tuple[T, P]]]) -> Iterator[list[tuple[T, P]]]:
    """The cases, each with its row, as they come; raises OutOfOrder where they are not by (`on`, `case_no`)."""
    on, case_no = date.min, ""
    for some in handfuls:
        for _row, case in some:
            if case.on < on or (case.on == on and case.case_no < case_no):
                raise OutOfOrder(f"{case.case_no} ({case.on}) 排在 {case_no} ({on}) 之后")
            on, case_no = case.on, case.case_no
        yield some


def watched(
    handfuls: Iterable[list[T]],
    progress: Callable[[int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[list[T]]:
    """The cases, telling now and then how many were done and asking whether to go on. Raises Cancelled."""
    done = asked = 0
    for some in handfuls:
        if done >= asked:
            asked = done + ASKED_EVERY
            if progress is not None and done:
                progress(done)
            if cancelled is not None and cancelled():
                raise Cancelled
        yield some
        done += len(some)
    if progress is not None:
        progress(done)
