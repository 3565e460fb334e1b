"""追回 decided by two at once, on connections of their own: who comes second decides on what the first left, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests import banking
from tests.bank_exchange import payables, without_casework
from tests.cast import Cast
from tests.conftest import TODAY
from tests.meanwhile import Meanwhile
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import (
    approve_clawback,
    draft_clawback,
    notice_clawback,
    propose_clawback,
    revise_clawback,
    send_back,
    withdraw_clawback,
)
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.models import Clawback, LedgerTransfer, Payment, User

SMALL, LARGE = Decimal("1.00"), Decimal("60.00")


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    with without_casework():
        yield


@pytest.fixture
def payment(committed_db: Any, cast: Cast) -> Payment:
    """A payment of some hundred yuan that has arrived."""
    (made,) = payables(cast, 1)
    banking.paid(cast, made)
    made.refresh_from_db()
    assert made.amount > LARGE
    return made


def drafted(cast: Cast, payment: Payment, amount: Decimal, ground_no: str = "K-1") -> Clawback:
    with acting(cast.handler, "test"):
        return draft_clawback(
            payment,
            Reassessed(payment.amount - amount),
            ground="finding",
            ground_no=ground_no,
            reason="核查认定。",
            by=cast.handler,
        )


def proposed(cast: Cast, payment: Payment, amount: Decimal) -> Clawback:
    row = drafted(cast, payment, amount)
    with acting(cast.handler, "test"):
        return propose_clawback(row, by=cast.handler)


def approved(cast: Cast, payment: Payment, amount: Decimal) -> Clawback:
    row = proposed(cast, payment, amount)
    with acting(cast.second_approver, "test"):
        return approve_clawback(row, by=cast.second_approver)


def approve(number: str) -> str:
    by = User.objects.get(username="second-approver")
    with acting(by, "test"):
        return approve_clawback(Clawback.objects.get(clawback_no=number), by=by).state


def notice(number: str) -> str:
    by = User.objects.get(username="finance")
    with acting(by, "test"):
        row = notice_clawback(Clawback.objects.get(clawback_no=number), by=by)
    return f"{row.state} {row.principal_amount}"


def raised(number: str) -> str:
    """Revised to all of the payment that no other clawback takes, as far as shows."""
    by = User.objects.get(username="handler")
    with acting(by, "test"):
        row = Clawback.objects.get(clawback_no=number)
        return str(
            revise_clawback(row, founded_amount=Decimal(0), reason="核查认定。", by=by).principal_amount
        )


def demanded() -> list[Decimal]:
    return list(LedgerTransfer.objects.filter(code="claw_back").values_list("amount", flat=True))


def test_who_proposed_it_anew_meanwhile_does_not_approve_it(committed_db: Any, cast: Cast, payment: Payment):
    """The approval was begun while another had proposed it: what counts is who has a hand in it when it is given."""
    row = proposed(cast, payment, SMALL)
    both = cast.second_approver
    both.grants.create(role="handler", region=payment.region, effective_from=date(2020, 1, 1))
    with acting(cast.approver, "test"):
        send_back(row, by=cast.approver, reason="请写明期间。")
        both = User.objects.get(pk=both.pk)
        propose_clawback(row, by=both)
        other = Meanwhile(committed_db.dsn, TODAY, lambda: approve(row.clawback_no))
        other.start()
        assert other.waits()
    assert other.told() == "access.same_person"
    row.refresh_from_db()
    assert (row.state, row.approved_by) == ("proposed", None)


def test_what_was_sent_back_meanwhile_is_not_approved(committed_db: Any, cast: Cast, payment: Payment):
    row = proposed(cast, payment, SMALL)
    with acting(cast.approver, "test"):
        send_back(row, by=cast.approver, reason="金额有误。")
        other = Meanwhile(committed_db.dsn, TODAY, lambda: approve(row.clawback_no))
        other.start()
        assert other.waits()
    assert other.told() == "clawback.not_now"
    row.refresh_from_db()
    assert (row.state, row.approved_by) == ("drafted", None)


def test_the_notice_demands_the_amount_that_was_approved_last(
    committed_db: Any, cast: Cast, payment: Payment
):
    """It is begun while the draft is corrected and approved anew, and waits for that."""
    row = proposed(cast, payment, SMALL)
    with acting(cast.approver, "test"):
        send_back(row, by=cast.approver, reason="金额有误。")
        revise_clawback(row, founded_amount=payment.amount - LARGE, reason="核查认定。", by=cast.handler)
        propose_clawback(row, by=cast.handler)
        approve_clawback(row, by=cast.second_approver)
        other = Meanwhile(committed_db.dsn, TODAY, lambda: notice(row.clawback_no))
        other.start()
        assert other.waits()
    assert other.told() == f"noticed {LARGE}"
    assert demanded() == [LARGE]
    assert check_ledger() == []


def test_two_notices_at_once_do_not_demand_more_than_was_paid(
    committed_db: Any, cast: Cast, payment: Payment
):
    """Each was revised while the other's new amount did not show yet; both were approved."""
    one, two = drafted(cast, payment, SMALL, "K-1"), drafted(cast, payment, 2 * SMALL, "K-2")
    with acting(cast.handler, "test"):
        raised(one.clawback_no)
        other = Meanwhile(committed_db.dsn, TODAY, lambda: raised(two.clawback_no))
        other.start()
        assert other.told() == str(payment.amount - SMALL)
    for row in (one, two):
        row.refresh_from_db()
        with acting(cast.handler, "test"):
            propose_clawback(row, by=cast.handler)
        with acting(cast.second_approver, "test"):
            approve_clawback(row, by=cast.second_approver)
    with acting(cast.finance, "test"):
        notice_clawback(one, by=cast.finance)
        other = Meanwhile(committed_db.dsn, TODAY, lambda: notice(two.clawback_no))
        other.start()
        assert other.waits()
    assert other.told() == "clawback.more_than_paid"
    assert demanded() == [payment.amount - SMALL]
    assert check_ledger() == []


def test_what_was_withdrawn_meanwhile_is_not_demanded(committed_db: Any, cast: Cast, payment: Payment):
    row = approved(cast, payment, SMALL)
    with acting(cast.handler, "test"):
        withdraw_clawback(row, by=cast.handler, reason="依据不足。")
        other = Meanwhile(committed_db.dsn, TODAY, lambda: notice(row.clawback_no))
        other.start()
        assert other.waits()
    assert other.told() == "clawback.not_now"
    assert demanded() == []
    assert check_ledger() == []
