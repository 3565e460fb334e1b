"""A batch shares out several pools at once: within each, to the fen, and each step says how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vouchers.policy.tiny import CITE, application, cap, contract, scheme, track
from vouchers.policy import assess
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.batching import Room, grants_by_batch, in_order, share_out, terms_for
from vouchers.policy.shortage import Contender, allocate

D = Decimal
NINE = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)
POOL, BATCH = t.CapSubject.POOL, t.CapSubject.BATCH
PRO_RATA = t.Shortage.PRO_RATA


def case(number: str, amount: str, minutes: int = 0, score: str | None = None) -> Contender:
    return Contender(
        case_no=number,
        amount=D(amount),
        filed_at=NINE + timedelta(minutes=minutes),
        score=None if score is None else D(score),
    )


def room(name: str, left: str, *members: str) -> Room:
    return Room(code=name, name=name, left=D(left), members=frozenset(members))


def version(way: t.IssueWay = t.IssueWay.APPLY, shortage: t.Shortage = PRO_RATA, *caps: r.Cap) -> r.Scheme:
    """30 % of a contract's amount."""
    by_contract = track(basis_kinds=(t.BasisKind.CONTRACT_AMOUNT,))
    return scheme(tracks=(by_contract,), issue=r.WayOfIssue(cite=CITE, way=way, shortage=shortage), caps=caps)


# ---- which versions, on which terms


@pytest.mark.parametrize(
    ("one", "by_batch"),
    [
        (version(shortage=PRO_RATA), True),
        (version(shortage=t.Shortage.BY_SCORE), True),
        (version(t.IssueWay.WITHOUT_APPLICATION, t.Shortage.NOT_STATED), True),
        (version(t.IssueWay.APPLY, t.Shortage.FIRST_COME, cap("1", BATCH)), True),
        (version(t.IssueWay.APPLY, t.Shortage.FIRST_COME, cap("1", BATCH, switched_on=False)), False),
        (version(t.IssueWay.BATCH, t.Shortage.FIRST_COME, cap("1", POOL)), False),
        (version(t.IssueWay.INSTANT, t.Shortage.NOT_STATED, cap("1", BATCH)), False),
    ],
)
def test_a_version_grants_by_batch_where_its_text_needs_one(one: r.Scheme, by_batch: bool):
    assert grants_by_batch(one) is by_batch


def test_before_its_batch_a_case_is_not_cut_by_what_the_batch_shares_and_with_it_is():
    one = version(
        t.IssueWay.APPLY, PRO_RATA, cap("100", POOL, code="pool"), cap("50", BATCH, code="batch"), cap("250")
    )
    alone = application(contract(net_amount=D(1000)))
    before = assess(terms_for(one, alone), alone)
    assert (before.outcome, before.amount) == (t.Outcome.ELIGIBLE, D(250))
    assert before.finding("cap.batch") is None
    numbered = application(contract(net_amount=D(1000)), batch_no="B-1")
    assert terms_for(one, numbered) is one
    assert assess(one, numbered).amount == D(50)


def test_the_same_version_has_the_same_terms_each_time_and_one_that_grants_singly_its_own():
    one, facts = version(), application(contract(net_amount=D(1000)))
    assert terms_for(one, facts) is terms_for(one, facts)
    single = version(shortage=t.Shortage.FIRST_COME)
    assert terms_for(single, facts) is single


# ---- sharing out


def test_where_every_pool_suffices_each_gets_what_it_asks_and_there_is_nothing_to_tell():
    given_ = share_out(PRO_RATA, [room("a", "300", "1", "2")], [case("1", "100"), case("2", "200")])
    assert {number: one.given for number, one in given_.items()} == {"1": D(100), "2": D(200)}
    assert all(one.steps == () for one in given_.values())


def test_a_pool_of_some_is_shared_first_and_what_it_leaves_goes_into_the_pool_of_all():
    cases = [case("1", "100"), case("2", "100"), case("3", "100")]
    given_ = share_out(PRO_RATA, [room("all", "120", "1", "2", "3"), room("some", "100", "1", "2")], cases)
    assert {number: one.given for number, one in given_.items()} == {"1": D(30), "2": D(30), "3": D(60)}
    assert [step.code for step in given_["1"].steps] == ["some", "all"]
    assert [step.code for step in given_["3"].steps] == ["all"]


def test_each_step_says_what_was_left_what_was_asked_and_how_it_came_out():
    cases = [case("1", "100", 1), case("2", "100", 2), case("3", "100", 3)]
    given_ = share_out(PRO_RATA, [room("年度资金", "200.00", "1", "2", "3")], cases)
    assert [given_[number].given for number in "123"] == [D("66.67"), D("66.67"), D("66.66")]
    assert "100.00 元 × 200.00 元 ÷ 300.00 元 = 66.66 元" in given_["1"].steps[0].sentence
    assert "最大余数" in given_["1"].steps[0].sentence and "舍去" in given_["3"].steps[0].sentence


def test_by_score_the_place_is_told_and_who_gets_nothing_is_told_why():
    cases = [case("1", "100", 1, "60"), case("2", "100", 2, "90.5"), case("3", "100", 3)]
    given_ = share_out(t.Shortage.BY_SCORE, [room("年度资金", "150", "1", "2", "3")], cases)
    assert [(given_[n].place, given_[n].given) for n in "213"] == [(1, D(100)), (2, D(50)), (3, D(0))]
    assert "得分 90.5" in given_["2"].steps[0].sentence and "第 1 位" in given_["2"].steps[0].sentence
    assert "资金已分配完毕" in given_["3"].steps[0].sentence


FEN = st.integers(0, 10**12).map(lambda fen: D(fen).scaleb(-2))
NUMBERS = [f"A-{number:02}" for number in range(10)]
CASES = st.lists(
    st.tuples(FEN, st.integers(0, 99), st.none() | st.integers(0, 100).map(D)), min_size=1, max_size=10
).map(
    lambda rows: [
        Contender(case_no=number, amount=amount, filed_at=NINE + timedelta(minutes=minutes), score=score)
        for number, (amount, minutes, score) in zip(NUMBERS, rows, strict=False)
    ]
)
ROOMS = st.lists(st.tuples(FEN, st.frozensets(st.sampled_from(NUMBERS))), max_size=4).map(
    lambda rows: [
        Room(code=str(number), name=f"资金{number}", left=left, members=members)
        for number, (left, members) in enumerate(rows)
    ]
)


@given(st.sampled_from(list(t.Shortage)), ROOMS, CASES)
def test_no_pool_gives_more_than_it_has_and_nobody_gets_more_than_it_asked(
    rule: t.Shortage, rooms: list[Room], cases: list[Contender]
):
    given_ = share_out(rule, rooms, cases)
    assert set(given_) == {one.case_no for one in cases}
    for one in cases:
        mine = given_[one.case_no]
        assert D(0) <= mine.given <= mine.asked == one.amount
        assert (mine.given < mine.asked) <= bool(mine.steps)
        if mine.steps:  # the steps lead from what was asked to what is given, without a gap
            assert mine.steps[0].asked == one.amount and mine.steps[-1].given == mine.given
            pairs = zip(mine.steps, mine.steps[1:], strict=False)
            assert all(earlier.given == later.asked for earlier, later in pairs)
    for pool in rooms:
        assert sum((given_[n].given for n in pool.members if n in given_), D(0)) <= pool.left


@given(st.sampled_from([PRO_RATA, t.Shortage.BY_SCORE, t.Shortage.FIRST_COME]), FEN, CASES)
def test_of_one_pool_exactly_what_is_left_is_given_where_it_is_short(
    rule: t.Shortage, left: Decimal, cases: list[Contender]
):
    pool = Room(code="p", name="资金", left=left, members=frozenset(one.case_no for one in cases))
    given_ = share_out(rule, [pool], cases)
    asked = sum((one.amount for one in cases), D(0))
    assert sum((one.given for one in given_.values()), D(0)) == min(left, asked)
    assert {number: one.given for number, one in given_.items()} == allocate(rule, left, cases)


@given(ROOMS, CASES, st.randoms())
def test_the_order_in_which_cases_and_pools_are_named_does_not_matter(
    rooms: list[Room], cases: list[Contender], random
):
    before = share_out(PRO_RATA, rooms, cases)
    random.shuffle(cases)
    random.shuffle(rooms)
    assert share_out(PRO_RATA, rooms, cases) == before
    assert [one.case_no for one in in_order(PRO_RATA, cases)] == sorted(
        before, key=lambda number: before[number].place
    )
