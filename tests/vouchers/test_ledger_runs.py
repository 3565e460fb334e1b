"""A run of issues is booked as one set, and nobody can tell it from one after the other."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from tests.vouchers.ledger_moves import BUDGET, ON, account, available, fund, new, yuan
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAttempt, LedgerTransfer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(db):
    yield
    assert check_ledger(business_rows=False) == []


def pool(limit: int) -> ledger.Cap:
    return ledger.Cap("0f" * 32, "issued_in_year", "pool", "2025", yuan(limit), shared=True)


def run(
    count: int, amount: int = 10, *, caps: tuple[ledger.Cap, ...] = (), name: str = "R"
) -> list[ledger.Chain]:
    return [
        ledger.issue_chain(BUDGET, f"V-{name}-{n}", yuan(amount), on=ON, id=new(), caps=caps)
        for n in range(count)
    ]


def told(result: ledger.LedgerResult) -> list[tuple[object, ...]]:
    return [
        (leg.position, leg.kind, leg.code, leg.debit, leg.credit.split(":")[0], leg.amount)
        for leg in result.transfers
    ]


def accounts_as_rows(prefix: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, ledger, region_code, returns_to_id, debits_pending, debits_posted, credits_pending, credits_posted,
                   debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on, closed_on
              FROM vouchers_ledgeraccount WHERE code LIKE %s ORDER BY code
            """,
            [f"voucher:V-{prefix}-%"],
        )
        return cursor.fetchall()


def test_a_run_leaves_and_answers_what_single_issues_would():
    fund(1000)
    together = ledger.post_all(run(5, caps=(pool(500),), name="A"))
    apart = [chain.post() for chain in run(5, caps=(pool(500),), name="B")]
    later = ledger.post_all(run(5, caps=(pool(500),), name="C"))
    # The first of all opened the pool and was granted its limit; from then on the answers have the same legs.
    assert [told(result) for result in later] == [told(result) for result in apart]
    assert {result.code for result in (*together, *apart, *later)} == {"accepted"}
    assert accounts_as_rows("A") == accounts_as_rows("B") == accounts_as_rows("C")
    assert (available(BUDGET.code), available(pool(500).code)) == (yuan(850), yuan(350))


def own(subject: str, limit: int) -> ledger.Cap:
    return ledger.Cap("0f" * 32, "enterprise_year", subject, "2025", yuan(limit))


def statements_that_booked(before: int) -> int:
    """How many statements told of new transfers: a statement's events share all of their number but its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT left(event_no::text, 24)) FROM audit_auditevent WHERE id > %s AND subject_kind = 'ledger_transfer'",
            [before],
        )
        return cursor.fetchone()[0]


def last_event() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent")
        return cursor.fetchone()[0]


def test_caps_that_a_run_is_the_first_to_use_are_opened_with_it_in_the_same_statements():
    fund(1000)
    run(1, caps=(own("somebody", 40), pool(500)), name="first")[0].post().demand()
    before = last_event()
    chains = [
        ledger.issue_chain(
            BUDGET, f"V-S-{n}", yuan(10), on=ON, id=new(), caps=(own(f"E{n // 2}", 40), pool(500))
        )
        for n in range(6)
    ]
    together = ledger.post_all(chains)
    assert statements_that_booked(before) == 1
    singly = [
        ledger.issue_chain(
            BUDGET, f"V-T-{n}", yuan(10), on=ON, id=new(), caps=(own(f"F{n // 2}", 40), pool(500))
        ).post()
        for n in range(6)
    ]
    assert [told(result) for result in together] == [
        [(*leg[:3], leg[3].replace("F", "E"), *leg[4:]) for leg in told(result)] for result in singly
    ]
    grants = [[leg.code for leg in result.transfers].count("grant") for result in together]
    assert grants == [1, 0, 1, 0, 1, 0]  # the first of the two that use a cap is granted its limit
    for n in range(3):
        one, other = account(own(f"E{n}", 40).code), account(own(f"F{n}", 40).code)
        assert (one.limit_amount, one.used, one.available, one.region_code, one.hot) == (
            other.limit_amount,
            other.used,
            other.available,
            other.region_code,
            other.hot,
        )
        assert (one.limit_amount, one.used) == (yuan(40), yuan(20))
    assert ledger.post_all(chains) == together


@pytest.mark.parametrize(
    ("limits", "codes"),
    [
        ((15, 15, 15), ["accepted", "cap_exceeded", "cap_exceeded"]),
        ((15, 20, 15), ["accepted", "accepted", "cap_exceeded"]),
        ((30, 30, 30), ["accepted", "accepted", "accepted"]),
    ],
)
def test_a_new_cap_binds_those_of_the_run_that_first_uses_it(limits, codes):
    fund(1000)
    run(1, caps=(own("somebody", 40),), name="first")[0].post().demand()
    chains = [
        ledger.issue_chain(BUDGET, f"V-U-{n}", yuan(10), on=ON, id=new(), caps=(own("E", limit),))
        for n, limit in enumerate(limits)
    ]
    assert [result.code for result in ledger.post_all(chains)] == codes
    assert account(own("E", 1).code).used == yuan(10 * codes.count("accepted"))


def test_a_run_is_sent_again_and_gives_the_same_answers():
    fund(1000)
    chains = run(4)
    first = ledger.post_all(chains)
    assert ledger.post_all(chains) == first == [chain.post() for chain in chains]
    assert LedgerTransfer.objects.filter(code="issue").count() == 4
    assert LedgerAttempt.objects.filter(accepted=True, pk__in=[chain.id for chain in chains]).count() == 4


def test_when_there_is_not_enough_for_all_those_that_come_first_get_theirs():
    fund(25)
    assert [result.code for result in ledger.post_all(run(3))] == [
        "accepted",
        "accepted",
        "insufficient_funds",
    ]
    assert available(BUDGET.code) == yuan(5)


def test_a_lower_limit_of_another_version_binds_within_a_run():
    fund(1000)
    run(1, caps=(pool(500),), name="first")[0].post().demand()
    codes = [result.code for result in ledger.post_all(run(3, caps=(pool(30),)))]
    assert codes == ["accepted", "accepted", "cap_exceeded"]
    assert account(pool(500).code).used == yuan(30)


def test_a_budget_that_is_closed_issues_nothing_to_a_run():
    fund(1000)
    ledger.close_budget(BUDGET, on=date(2025, 12, 31), id=new()).demand()
    assert {result.code for result in ledger.post_all(run(3))} == {"account_closed"}
    assert not LedgerTransfer.objects.filter(code="issue").exists()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda chain: chain.transfers[0].update(amount="0"), "invalid_amount"),
        (lambda chain: chain.transfers[0].update(amount="1e30"), "invalid_amount"),
        (lambda chain: chain.transfers[0].update(code="pay"), "route_unknown"),
        (lambda chain: chain.transfers[0].update(debit="budget:NONE:2025"), "account_unknown"),
        (lambda chain: chain.transfers.clear(), "invalid_chain"),
    ],
)
def test_one_wrong_chain_of_a_run_is_refused_and_the_rest_booked(spoil, code):
    fund(1000)
    chains = run(3)
    spoil(chains[1])
    assert [result.code for result in ledger.post_all(chains)] == ["accepted", code, "accepted"]
    assert available(BUDGET.code) == yuan(980)


def test_an_id_twice_in_one_run_has_one_effect():
    fund(1000)
    chains = run(2)
    chains[1].id = chains[0].id
    assert [result.code for result in ledger.post_all(chains)] == ["accepted", "id_reused"]
    assert available(BUDGET.code) == yuan(990)


def test_the_trail_tells_each_account_and_transfer_of_a_run():
    fund(1000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent")
        (before,) = cursor.fetchone()
        ledger.post_all(run(3))
        cursor.execute(
            "SELECT subject_kind, count(*), count(DISTINCT subject_no) FROM audit_auditevent WHERE id > %s GROUP BY 1 ORDER BY 1",
            [before],
        )
        assert cursor.fetchall() == [("ledger_account", 3, 3), ("ledger_transfer", 3, 3)]


def test_a_run_without_caps_leaves_and_answers_what_single_issues_would():
    fund(1000)
    before = last_event()
    together = ledger.post_all(run(5, name="D"))
    assert statements_that_booked(before) == 1
    apart = [chain.post() for chain in run(5, name="E")]
    assert [told(result) for result in together] == [told(result) for result in apart]
    assert accounts_as_rows("D") == accounts_as_rows("E")
    assert available(BUDGET.code) == yuan(900)


def test_in_a_run_a_voucher_that_has_its_account_keeps_it_and_gets_what_a_single_chain_would_give():
    fund(1000)
    earlier, *others = run(3, name="F")
    earlier.post().demand()
    again = ledger.issue_chain(BUDGET, "V-F-0", yuan(7), on=ON, id=new())
    twice = ledger.issue_chain(BUDGET, "V-F-1", yuan(5), on=ON, id=new())
    assert [result.accepted for result in ledger.post_all([again, *others, twice])] == [True] * 4
    assert [available(f"voucher:V-F-{n}") for n in range(3)] == [yuan(17), yuan(15), yuan(10)]
    assert available(BUDGET.code) == yuan(1000 - 42)


def test_a_chain_in_a_run_that_would_take_from_elsewhere_than_it_returns_to_is_judged_by_itself():
    fund(1000)
    good, bad = run(2, name="G")
    bad.opens[0]["returns_to"] = BUDGET.surplus
    bad.transfers[0]["amount"] = "0.001"
    results = ledger.post_all([good, bad])
    assert [result.code for result in results] == ["accepted", "invalid_amount"]
    assert available(BUDGET.code) == yuan(990)


def test_a_run_after_the_year_is_closed_issues_nothing():
    fund(1000)
    ledger.close_budget(BUDGET, on=ON, id=new()).demand()
    assert [result.code for result in ledger.post_all(run(3, name="H"))] == ["account_closed"] * 3
