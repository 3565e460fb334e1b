"""A replay shares a batch out as casework does: over the same members, the same pools, by the one `share_out`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy.replayed import CITE, D, amounts, application, cap, of, scheme_with
from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assessment import Assessment
from vouchers.policy.batching import SHARED, Room, filing_window, share_out, terms_for
from vouchers.policy.dry_run import dry_run, replay
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.replay import ReplayCase
from vouchers.policy.shortage import Contender

POOL, BATCH, ENTERPRISE = t.CapSubject.POOL, t.CapSubject.BATCH, t.CapSubject.ENTERPRISE
YEAR = t.CapPeriod.CALENDAR_YEAR
SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
KINDS = {kind.value for kind in SHARED}


def sharing(
    *caps: r.Cap, rule: t.Shortage = t.Shortage.PRO_RATA, windows: tuple[r.Window, ...] = ()
) -> r.Scheme:
    """30 % on either of two tracks."""
    base = scheme_with()
    return scheme_with(
        tracks=(base.tracks[0], replace(base.tracks[0], code="b", name="乙")),
        rates=(base.rates[0], replace(base.rates[0], code="flat_b", track="b")),
        caps=caps,
        windows=windows,
        issue=r.WayOfIssue(cite=CITE, shortage=rule),
    )


def window(code: str, month: int, **changes: object) -> r.Window:
    return r.Window(
        cite=CITE,
        code=code,
        name=code,
        opens_at=datetime(2025, month, 1, tzinfo=BEIJING_TIME),
        closes_at=datetime(2025, month + 1, 1, tzinfo=BEIJING_TIME),
        **changes,  # type: ignore[arg-type]
    )


def filed(case_no: str, on: date, amount: object, who: str, track: str = "a", score: int = 0) -> ReplayCase:
    case = application(case_no, on, amount, who)
    facts = replace(
        case.facts,
        track=track,
        filed_at=datetime(on.year, on.month, on.day, 10, tzinfo=BEIJING_TIME),
        review=f.ReviewFacts(score=D(score)),
    )
    return replace(case, facts=facts)


def test_a_case_whose_enterprise_cap_went_to_one_before_it_takes_nothing_from_the_pool():
    done = replay(
        sharing(cap(ENTERPRISE, 100, YEAR), cap(POOL, 100, YEAR)),
        [
            filed("1", date(2025, 3, 1), 1000, "U1"),
            filed("2", date(2025, 3, 2), 1000, "U1"),
            filed("3", date(2025, 3, 3), 1000, "U2"),
        ],
    )
    assert amounts(done) == {"1": D(50), "2": D(0), "3": D(50)}
    assert of(done, "2").failed == ("cap.enterprise",)
    (pool,) = done.pools
    assert (pool.used, pool.cut) == (D(100), 2)


def test_each_filing_window_is_a_batch_of_its_own_and_the_next_shares_what_it_left():
    cases = [filed("1", date(2025, 3, 5), 400, "U1"), filed("2", date(2025, 9, 5), 400, "U2")]
    twice = sharing(cap(POOL, 150, YEAR), windows=(window("w1", 3), window("w2", 9)))
    assert amounts(replay(twice, cases)) == {"1": D(120), "2": D(30)}
    again = sharing(cap(POOL, 150, YEAR), windows=(window("w", 3, repeats=t.Repeats.QUARTERLY),))
    assert amounts(replay(again, cases)) == {"1": D(120), "2": D(30)}


def test_what_was_filed_in_the_earlier_window_is_shared_out_earlier_though_it_is_decided_later():
    late = replace(filed("1", date(2025, 3, 5), 400, "U1"), on=date(2025, 10, 1))
    scheme = sharing(cap(POOL, 150, YEAR), windows=(window("w1", 3), window("w2", 9)))
    assert amounts(replay(scheme, [late, filed("2", date(2025, 9, 5), 400, "U2")])) == {
        "1": D(120),
        "2": D(30),
    }


def test_several_pools_are_shared_out_one_after_the_other():
    scheme = sharing(
        replace(cap(POOL, 100, YEAR), code="all"), replace(cap(POOL, 1000, YEAR), code="of_b", tracks=("b",))
    )
    cases = [filed("1", date(2025, 3, 1), 400, "U1", "b"), filed("2", date(2025, 3, 2), 400, "U2", "a")]
    assert amounts(replay(scheme, cases)) == {"1": D(50), "2": D(50)}


def test_a_cap_of_the_batch_holds_for_cases_that_have_no_number():
    cases = [filed("1", date(2025, 3, 1), 400, "U1"), filed("2", date(2025, 3, 2), 400, "U2")]
    done = replay(sharing(cap(BATCH, 100, t.CapPeriod.NONE)), cases)
    assert amounts(done) == {"1": D(50), "2": D(50)}
    assert all(not one.open for one in done.outcomes)
    first_come = sharing(cap(BATCH, 150, t.CapPeriod.NONE), rule=t.Shortage.FIRST_COME)
    assert amounts(replay(first_come, cases)) == {"1": D(120), "2": D(30)}


def test_the_report_says_why_a_case_without_a_number_was_cut():
    cases = [
        replace(filed(number, date(2025, 3, 1), 400, f"U{number}"), granted=D(120)) for number in ("1", "2")
    ]
    report = dry_run(sharing(cap(BATCH, 100, t.CapPeriod.NONE)), cases)
    assert [(one.case_no, one.after) for one in report.commitments.losses] == [("1", D(50)), ("2", D(50))]
    assert all(any("尚余 50.00 元" in why for why in one.reasons) for one in report.commitments.losses)


@st.composite
def members(draw: st.DrawFn) -> list[ReplayCase]:
    """Applications of three enterprises on two tracks, all of them filed in a window."""
    made = []
    for number in range(draw(st.integers(1, 9))):
        day = date(2025, draw(st.sampled_from([3, 6, 9])), 1) + timedelta(days=draw(st.integers(0, 27)))
        made.append(
            filed(
                f"A{number}",
                day,
                draw(st.integers(1, 3000)),
                f"U{draw(st.integers(1, 3))}",
                draw(st.sampled_from("ab")),
                draw(st.integers(0, 3)),
            )
        )
    return made


@st.composite
def versions(draw: st.DrawFn) -> r.Scheme:
    """Tight pools of all and of a track, a cap of the batch, caps of an enterprise and of a group's track; windows."""
    tight = st.integers(1, 1500)
    caps = (
        replace(cap(POOL, draw(tight), draw(st.sampled_from([YEAR, t.CapPeriod.TOTAL]))), code="all"),
        replace(cap(POOL, draw(tight), YEAR), code="of_b", tracks=("b",)),
        cap(BATCH, draw(tight), t.CapPeriod.NONE),
        cap(ENTERPRISE, draw(tight), YEAR),
        replace(cap(ENTERPRISE, draw(tight), YEAR), code="of_a", tracks=("a",)),
    )
    chosen = [one for one in caps if draw(st.booleans())]
    windows = draw(
        st.sampled_from(
            [
                (window("w1", 3), window("w2", 6), window("w3", 9)),
                (window("w", 3, repeats=t.Repeats.QUARTERLY),),
            ]
        )
    )
    rule = draw(st.sampled_from([t.Shortage.PRO_RATA, t.Shortage.BY_SCORE]))
    return sharing(*chosen, rule=rule, windows=windows)


def shared_live(scheme: r.Scheme, cases: list[ReplayCase]) -> dict[str, Decimal]:
    """As `applications.actions.batch_sharing` and `issue_batch` do it, a batch for each time of a window, through `assess`."""
    used: dict[str, Decimal] = defaultdict(Decimal)
    times: dict[datetime, list[ReplayCase]] = defaultdict(list)
    for case in cases:
        assert case.facts.filed_at is not None
        time = filing_window(scheme, case.facts.filed_at)
        assert time is not None
        times[time.opens_at].append(case)
    given: dict[str, Decimal] = {}
    for opened, batch in sorted(times.items()):
        taken: dict[str, Decimal] = defaultdict(Decimal)
        asked: dict[str, Decimal] = {}
        approved = [one for one in batch if _assessed(scheme, one, used).outcome is not t.Outcome.REFUSED]
        for one in sorted(approved, key=lambda one: (one.facts.filed_at, one.case_no)):
            sums = {key: used[key] + taken[key] for key in {*used, *taken}}
            answer = _assessed(scheme, one, sums)
            asked[one.case_no] = answer.amount
            for use in answer.cap_uses:
                taken[use.key] += use.amount
        rooms: dict[str, Room] = {}
        keys = {}
        for one in approved:
            mine = cap_keys(scheme, replace(one.facts, batch_no=opened.isoformat()))
            keys[one.case_no] = [key.key for key in mine]
            for key in mine:
                if key.subject_kind in KINDS:
                    there = rooms[key.key].members if key.key in rooms else frozenset()
                    left = max(key.limit - used[key.key], D(0))
                    rooms[key.key] = Room(
                        code=key.code, name=key.name, left=left, members=there | {one.case_no}
                    )
        contenders = [
            Contender(
                case_no=one.case_no,
                amount=asked[one.case_no],
                filed_at=one.facts.filed_at,
                score=one.facts.review.score,
            )
            for one in approved
        ]
        shared = share_out(scheme.issue.shortage, rooms.values(), contenders)
        for one in batch:
            given[one.case_no] = shared[one.case_no].given if one.case_no in shared else D(0)
            for account in keys.get(one.case_no, []):
                used[account] += given[one.case_no]
    return given


def _assessed(scheme: r.Scheme, case: ReplayCase, used: dict[str, Decimal]) -> Assessment:
    facts = replace(case.facts, used=f.UsedAmounts(caps=dict(used)))
    return assess(terms_for(scheme, facts), facts)


@given(versions(), members())
@SOME
def test_the_dry_run_gives_each_what_casework_gives(scheme: r.Scheme, cases: list[ReplayCase]):
    assert amounts(replay(scheme, cases)) == shared_live(scheme, cases)


@given(versions(), members(), st.booleans())
@SOME
def test_no_tight_pool_or_cap_gives_more_than_it_holds(
    scheme: r.Scheme, cases: list[ReplayCase], windows: bool
):
    scheme = scheme if windows else replace(scheme, windows=())
    done = replay(scheme, cases, budgets={2025: D(900)})
    limits = {one.code: one.amount for one in scheme.caps} | {"budget": D(900)}
    assert all(pool.used <= pool.limit for pool in done.pools)
    for key, amount in done.caps.items():
        limit = limits[key.split(":")[1]]
        assert limit is not None
        assert amount <= limit
