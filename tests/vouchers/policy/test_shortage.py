"""When the pool runs short, each case gets what the stated rule gives it, and all together never more than is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.policy.shortage import Contender, allocate
from vouchers.policy.terms import Shortage

D = Decimal
NINE = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)


def case(number: str, amount: str, *, minutes: int | None = 0, score: str | None = None) -> Contender:
    return Contender(
        case_no=number,
        amount=D(amount),
        filed_at=None if minutes is None else NINE + timedelta(minutes=minutes),
        score=None if score is None else D(score),
    )


CASES = (
    case("C", "500.00", minutes=3, score="90"),
    case("A", "400.00", minutes=1, score="70"),
    case("B", "600.00", minutes=2, score="80"),
)


@pytest.mark.parametrize(
    ("rule", "amounts"),
    [
        (Shortage.FIRST_COME, {"A": "400", "B": "600", "C": "0"}),
        (Shortage.NOT_STATED, {"A": "400", "B": "600", "C": "0"}),
        (Shortage.BY_SCORE, {"A": "0", "B": "500", "C": "500"}),
        (Shortage.PRO_RATA, {"A": "266.67", "B": "400", "C": "333.33"}),
        (Shortage.STOP, {"A": "400", "B": "600", "C": "0"}),
    ],
)
def test_each_rule_gives_its_own_amounts(rule: Shortage, amounts: dict[str, str]):
    assert allocate(rule, D(1000), CASES) == {number: D(amount) for number, amount in amounts.items()}


def test_first_come_gives_the_one_at_the_border_what_is_left_and_stop_gives_nobody_a_part():
    assert allocate(Shortage.FIRST_COME, D(900), CASES) == {"A": D(400), "B": D(500), "C": D(0)}
    assert allocate(Shortage.STOP, D(900), CASES) == {"A": D(400), "B": D(0), "C": D(0)}


def test_stop_closes_the_door_also_for_a_later_case_that_would_still_fit():
    cases = (case("A", "400", minutes=1), case("B", "600", minutes=2), case("C", "100", minutes=3))
    assert allocate(Shortage.STOP, D(900), cases)["C"] == 0


def test_equal_scores_go_by_filing_and_an_unscored_case_stands_last():
    cases = (
        case("A", "100", minutes=2, score="80"),
        case("B", "100", minutes=1, score="80"),
        case("C", "100", minutes=0),
    )
    assert allocate(Shortage.BY_SCORE, D(150), cases) == {"A": D(50), "B": D(100), "C": D(0)}


def test_without_a_filing_time_a_case_stands_behind_those_that_have_one():
    cases = (case("A", "100", minutes=None), case("B", "100", minutes=9))
    assert allocate(Shortage.FIRST_COME, D(100), cases) == {"A": D(0), "B": D(100)}


def test_an_empty_or_overdrawn_pool_gives_nothing():
    for left in (D(0), D(-5)):
        assert set(allocate(Shortage.PRO_RATA, left, CASES).values()) == {D(0)}


@pytest.mark.parametrize("amount", ["-1", "0.001"])
def test_an_amount_below_zero_or_finer_than_a_fen_is_refused(amount: str):
    with pytest.raises(ValueError):
        allocate(Shortage.FIRST_COME, D(10), (case("A", amount),))


def test_a_case_that_stands_twice_is_refused():
    with pytest.raises(ValueError):
        allocate(Shortage.FIRST_COME, D(10), (case("A", "1"), case("A", "1")))


FEN = st.integers(0, 10**9).map(lambda fen: D(fen).scaleb(-2))
CONTENDERS = st.lists(
    st.tuples(
        FEN, st.none() | st.integers(0, 999), st.none() | st.integers(0, 100).map(lambda score: D(score))
    ),
    max_size=12,
).map(
    lambda rows: [
        Contender(
            case_no=f"A-{number:03}",
            amount=amount,
            filed_at=None if minutes is None else NINE + timedelta(minutes=minutes),
            score=score,
        )
        for number, (amount, minutes, score) in enumerate(rows)
    ]
)


@given(st.sampled_from(list(Shortage)), FEN, CONTENDERS, st.randoms())
def test_nobody_gets_more_than_was_assessed_nor_all_more_than_is_left(
    rule: Shortage, left: Decimal, contenders: list[Contender], random
):
    given_ = allocate(rule, left, contenders)
    asked = {one.case_no: one.amount for one in contenders}
    total = sum(asked.values(), D(0))
    assert all(D(0) <= amount <= asked[number] for number, amount in given_.items())
    spent = sum(given_.values(), D(0))
    assert spent <= min(left, total)
    if rule is not Shortage.STOP:
        assert spent == min(left, total)
    random.shuffle(contenders)
    assert allocate(rule, left, contenders) == given_


@given(FEN, CONTENDERS)
def test_pro_rata_is_within_a_fen_of_the_exact_share(left: Decimal, contenders: list[Contender]):
    total = sum((one.amount for one in contenders), D(0))
    if total <= left:
        return
    given_ = allocate(Shortage.PRO_RATA, left, contenders)
    for one in contenders:
        assert abs(given_[one.case_no] - one.amount * left / total) < D("0.01")
