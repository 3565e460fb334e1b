"""The replay on random versions and cases: as one case after the other, whoever does the work."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy import random_replays as rr
from tests.vouchers.policy import random_schemes as rs
from vouchers.policy import assess
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import CHUNK, dry_run, replay
from vouchers.policy.dry_run_report import DryRunReport
from vouchers.policy.entered import Entered
from vouchers.policy.replay import HANDFUL, CaseOutcome, Replay, ReplayCase

D = Decimal
SLOW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def told(one: CaseOutcome) -> tuple[Any, ...]:
    return (
        one.case_no, one.outcome, one.amount, one.computed_amount, one.basis_amount, set(one.failed), set(one.open)
    )  # fmt: skip


@st.composite
def replays(draw: st.DrawFn, **kinds: Any) -> tuple[r.Scheme, list[ReplayCase]]:
    scheme = draw(rr.schemes(**kinds))
    return scheme, draw(rr.cases_for(scheme))


@st.composite
def singly(draw: st.DrawFn) -> tuple[r.Scheme, list[ReplayCase]]:
    """A version that grants each case by itself: no cap counts by batch."""
    scheme = draw(rr.schemes())
    caps = tuple(cap for cap in scheme.caps if cap.subject is not t.CapSubject.BATCH)
    scheme = replace(scheme, caps=caps)
    return scheme, draw(rr.cases_for(scheme))


@given(singly())
@SLOW
def test_a_replay_is_one_assessment_after_the_other(drawn: tuple[r.Scheme, list[ReplayCase]]):
    scheme, cases = drawn
    assert [told(one) for one in replay(scheme, cases).outcomes] == rr.naive(scheme, cases)


@given(replays(shortages=tuple(t.Shortage)), st.data())
@FEW
def test_whoever_does_the_work_the_report_is_the_same(
    drawn: tuple[r.Scheme, list[ReplayCase]], data: st.DataObject
):
    scheme, cases = drawn
    before = data.draw(st.none() | st.just(replace(data.draw(rr.schemes()), program=scheme.program)))
    budgets = data.draw(st.sampled_from([{}, {2025: D(300000)}]))
    alone = dry_run(scheme, cases, before=before, budgets=budgets)
    together = dry_run(scheme, cases, before=before, budgets=budgets, processes=2)
    assert together == alone
    assert replay(scheme, cases, budgets=budgets, processes=2) == replay(scheme, cases, budgets=budgets)


@given(singly())
@FEW
def test_over_many_handfuls_it_is_one_assessment_after_the_other_too(
    drawn: tuple[r.Scheme, list[ReplayCase]],
):
    scheme, cases = drawn[0], rr.many(drawn[1], 2 * HANDFUL + 1)
    assert [told(one) for one in replay(scheme, cases).outcomes] == rr.naive(scheme, cases)


@given(replays(shortages=tuple(t.Shortage)), st.sampled_from([2, 3]), st.data())
@settings(FEW, max_examples=4)
def test_chunks_over_any_number_of_workers_give_the_report_of_one_process(
    drawn: tuple[r.Scheme, list[ReplayCase]], processes: int, data: st.DataObject
):
    """More cases than two chunks, in the order of a stream: the report, and what each case is told to have got."""
    scheme = drawn[0]
    cases = sorted(rr.many(drawn[1], 2 * CHUNK + 1), key=lambda one: (one.on, one.case_no))
    before = data.draw(st.none() | st.just(replace(data.draw(rr.schemes()), program=scheme.program)))
    seen: dict[int, list[Any]] = {1: [], processes: []}

    def reported(workers: int) -> DryRunReport:
        def each(case: Entered, was: CaseOutcome | None, now: CaseOutcome) -> None:
            seen[workers].append((case.case_no, case.name, case.uscc, case.profile, case.granted, was, now))

        return dry_run(scheme, iter(cases), before=before, processes=workers, each=each)

    assert reported(processes) == reported(1)
    assert seen[processes] == seen[1]
    assert [one[0] for one in seen[1]] == [one.case_no for one in cases]


@given(replays(shortages=tuple(t.Shortage)))
@SLOW
def test_no_cap_pool_or_voucher_gives_more_than_it_holds(drawn: tuple[r.Scheme, list[ReplayCase]]):
    scheme, cases = drawn
    done = replay(scheme, cases)
    for pool in done.pools:
        assert pool.used <= pool.limit
        assert (pool.spent_on is not None) == (pool.used == pool.limit)
    assert all(amount >= 0 for amount in done.caps.values())
    _hold_to_vouchers(scheme, done, cases)


def _hold_to_vouchers(scheme: r.Scheme, done: Replay, cases: list[ReplayCase]) -> None:
    """What comes after an application draws on what it was granted.

    A claim dated before its application cannot: nothing was granted yet. It draws on the voucher that its facts bring; without
    one a person has to settle which is meant, and it counts with its amount as any such case does.
    """
    got = {one.case_no: one for one in done.outcomes}
    for application in got.values():
        drawn = [
            got[one.case_no].amount
            for one in cases
            if one.application_no == application.case_no
            and (one.on, one.case_no) > (application.on, application.case_no)
        ]
        assert sum(drawn) <= application.amount
    if not scheme.voucher.issues_voucher:
        return
    for one in cases:
        drawn_on = got.get(one.application_no)
        if one.facts.stage is not t.Stage.APPLICATION and drawn_on is None and one.facts.voucher is None:
            assert "voucher" in got[one.case_no].open


@given(replays(shortages=(t.Shortage.PRO_RATA, t.Shortage.BY_SCORE)))
@SLOW
def test_a_pool_that_suffices_is_shared_out_as_if_there_were_no_rule(
    drawn: tuple[r.Scheme, list[ReplayCase]],
):
    """A batch is decided when it closes, but each case gets what it would have got in its turn."""
    scheme, cases = drawn
    boundless = tuple(
        replace(cap, amount=D(10) ** 12) if cap.subject in (t.CapSubject.POOL, t.CapSubject.BATCH) else cap
        for cap in scheme.caps
    )
    applications = [one for one in cases if one.facts.stage is t.Stage.APPLICATION]
    scheme = replace(scheme, caps=boundless)
    in_turn = replace(scheme, issue=replace(scheme.issue, shortage=t.Shortage.FIRST_COME))
    if all(cap.period is not t.CapPeriod.ROLLING_YEAR for cap in scheme.caps) and all(
        track.tier_measure is t.TierMeasure.CASE for track in scheme.tracks
    ):
        shared = {one.case_no: one.amount for one in replay(scheme, applications).outcomes}
        assert sum(shared.values()) == sum(one.amount for one in replay(in_turn, applications).outcomes)


@given(rs.cases())
@SLOW
def test_with_lines_and_without_the_answer_is_the_same(drawn: tuple[r.Scheme, Any]):
    scheme, facts = drawn
    full, bare = assess(scheme, facts), assess(scheme, facts, with_lines=False)
    assert bare.lines == ()
    assert replace(full, lines=()) == bare
