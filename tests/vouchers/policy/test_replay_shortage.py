"""A replay where the pool runs short: shared in proportion, by score, or first come first served, batch by batch."""

from __future__ import annotations

import dataclasses
from datetime import date

from tests.vouchers.policy.replayed import CITE, D, amounts, application, cap, claim, of, scheme_with
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import dry_run, replay
from vouchers.policy.replay import ReplayCase


def short_of(rule: t.Shortage, pool: int) -> r.Scheme:
    one = cap(t.CapSubject.POOL, pool, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    return scheme_with(caps=(one,), issue=r.WayOfIssue(cite=CITE, shortage=rule))


def test_a_batch_shares_a_short_pool_in_proportion_when_it_closes():
    """300 and 900 are asked, 600 are left: half of each, also where the first came a month before the last."""
    done = replay(
        short_of(t.Shortage.PRO_RATA, 600),
        [
            application("A1", date(2024, 3, 1), 1000, batch_no="一"),
            claim("C1", date(2024, 3, 15), 1000, "A1"),  # waits for its voucher
            application("A2", date(2024, 4, 1), 3000, "U2", batch_no="一"),
        ],
    )
    assert amounts(done) == {"A1": D(150), "C1": D(150), "A2": D(450)}
    assert (of(done, "A1").cut_by_shortage, of(done, "A2").cut_by_shortage) == (D(150), D(450))
    (pool,) = done.pools
    assert (pool.used, pool.cut) == (D(600), 2)


def test_what_one_batch_leaves_is_there_for_the_next():
    done = replay(
        short_of(t.Shortage.PRO_RATA, 600),
        [
            application("A1", date(2024, 3, 1), 1000, batch_no="一"),
            application("A2", date(2024, 4, 1), 1000, "U2", batch_no="二"),
            application("A3", date(2024, 4, 2), 2000, "U3", batch_no="二"),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(100), "A3": D(200)}


def test_the_highest_scores_are_served_first():
    def scored(case_no: str, score: int, who: str) -> ReplayCase:
        case = application(case_no, date(2024, 3, 1), 1000, who)
        return dataclasses.replace(
            case, facts=dataclasses.replace(case.facts, review=f.ReviewFacts(score=D(score)))
        )

    cases = [scored("A1", 70, "U1"), scored("A2", 90, "U2"), scored("A3", 80, "U3")]
    done = replay(short_of(t.Shortage.BY_SCORE, 500), cases)
    assert amounts(done) == {"A1": D(0), "A2": D(300), "A3": D(200)}
    assert of(done, "A1").failed == ("cap.pool",)


def test_where_the_text_says_stop_nobody_gets_anything_from_the_first_on_that_does_not_fit():
    done = replay(
        short_of(t.Shortage.STOP, 500),
        [
            application("A1", date(2024, 3, 1), 1000),
            application("A2", date(2024, 3, 2), 1000, "U2"),
            application("A3", date(2024, 3, 3), 100, "U3"),  # 30 would fit
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(0), "A3": D(0)}


def test_a_dry_run_holds_sharing_out_against_first_come():
    cases = [
        application("A1", date(2024, 3, 1), 2000),
        application("A2", date(2024, 3, 2), 2000, "U2"),
    ]
    report = dry_run(short_of(t.Shortage.PRO_RATA, 600), cases, before=short_of(t.Shortage.FIRST_COME, 600))
    (gain,), (loss,) = report.commitments.gains, report.commitments.losses
    assert (gain.case_no, gain.before, gain.after) == ("A2", D(0), D(300))
    assert (loss.case_no, loss.before, loss.after) == ("A1", D(600), D(300))
    assert any("尚余 300.00 元" in reason for reason in loss.reasons)
    (shift,) = report.commitments.shifts
    assert (shift.code, shift.gained_examples) == ("cap.pool", ("A2",))
