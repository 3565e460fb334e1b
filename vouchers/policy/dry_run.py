"""What would it cost? The same cases under a draft and under what they had before, held against each other.

    report = dry_run(draft, cases, before=in_force)         # the version in force, computed again
    report = dry_run(draft, cases)                          # against what the cases got in fact (`granted`)
    report.as_json()

`cases` is a list, or a stream in the order (`on`, `case_no`) of which none is kept, so that a million need little memory.
It may be a stream of compact rows when `read` makes a case of one: then rows travel to the other processes, not facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from vouchers.policy.assess import assess
from vouchers.policy.assessment import ENGINE_VERSION, Assessment
from vouchers.policy.classes import in_class
from vouchers.policy.dry_run_report import DryRunReport, LargestChange
from vouchers.policy.dry_run_sums import FlowSums, Largest, profile_of
from vouchers.policy.dry_run_words import Words, reasons
from vouchers.policy.facts import Facts
from vouchers.policy.replay import CaseOutcome, ReplayCase, Turn, in_order, watched
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Stage

ZERO = Decimal(0)


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
    each: Callable[[ReplayCase, CaseOutcome | None, CaseOutcome], None] | None = None,
) -> DryRunReport:
    """Replay the cases under `scheme`, beside `before` (None: what they were granted in fact).

    `read` turns a row into a case (a function of a module, as it is sent to other processes). `budgets` is the program's
    budget in yuan by calendar year: it limits commitments (payments, where the scheme issues no voucher) beside the
    scheme's own pools; years not named are not limited. `opening` is what was used of caps before the first case, by
    `CapKey.key`. `progress` is told the number of cases done, `cancelled` is asked, about twice a second. `processes`
    above 1 starts that many workers; under a daemonic process, which may have no children, leave it at 1. `top` is how
    many of the largest changes are named each way. `each` is told every case in order, with its outcome before (None: as
    recorded) and after, for a list of them all.

    Raises Cancelled, and OutOfOrder for a stream that is not in order.
    """
    rows: Iterable[ReplayCase] = cases if read is None else map(read, cases)
    after = Turn(scheme, budgets, opening)
    earlier = Turn(before, budgets, opening) if before is not None else None
    flows = {False: FlowSums(top), True: FlowSums(top)}
    done = 0
    first: date | None = None
    last: date | None = None
    for case in watched(in_order(rows), progress, cancelled):
        done += 1
        first, last = first or case.on, case.on
        flow = flows[case.facts.stage is Stage.APPLICATION]
        given_before = earlier.facts_of(case) if earlier is not None else None
        given_after = after.facts_of(case)
        was = earlier.decide(case) if earlier is not None else None
        now = after.decide(case)
        if each is not None:
            each(case, was, now)
        amount = was.amount if was is not None else case.granted
        if amount is None:
            flow.undecided += 1
            flow.undecided_after += now.amount
            continue
        classes = tuple(one.code for one in scheme.classes if in_class(one, case.facts))
        flow.add(case.case_no, profile_of(case, classes), amount, was, now)
        difference = now.amount - amount
        if difference:
            heap = flow.gains if difference > 0 else flow.losses
            if heap.wants(abs(difference)):
                _name(heap, done, case, amount, now.amount, (earlier, given_before), (after, given_after))
    words = Words(before, scheme)
    return DryRunReport(
        engine_version=ENGINE_VERSION,
        scheme_sha256=after.budgeted.sha256,
        scheme_label=f"{scheme.program} {scheme.label}",
        before_sha256=earlier.budgeted.sha256 if earlier is not None else "",
        before_label=f"{before.program} {before.label}" if before is not None else "",
        cases=done,
        first_on=first,
        last_on=last,
        commitments=flows[True].flow(words),
        payments=flows[False].flow(words),
        pools_before=earlier.pools() if earlier is not None else (),
        pools_after=after.pools(),
    )


def _name(
    heap: Largest,
    place: int,
    case: ReplayCase,
    before: Decimal,
    after: Decimal,
    earlier: tuple[Turn | None, Facts | None],
    later: tuple[Turn, Facts],
) -> None:
    was = (
        _with_lines(earlier[0], case, earlier[1])
        if earlier[0] is not None and earlier[1] is not None
        else None
    )
    heap.add(
        abs(after - before),
        place,
        LargestChange(
            case_no=case.case_no,
            on=case.on,
            stage=case.facts.stage.value,
            enterprise_name=case.enterprise_name or case.facts.applicant.name,
            before=before,
            after=after,
            difference=after - before,
            reasons=reasons(was, _with_lines(later[0], case, later[1])),
        ),
    )


def _with_lines(turn: Turn, case: ReplayCase, facts: Facts) -> Assessment:
    return assess(turn.budgeted.of(case.on.year), facts, scheme_sha256=turn.budgeted.sha256)
