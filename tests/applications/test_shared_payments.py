"""Where two treasuries share the cost: each pays its part, gets its own back, and bears a return, to the fen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from tests import banking
from tests.applications import kinds
from tests.applications.test_kinds_of_basis import SETTLED, shared_by_two
from tests.cast import SINCE, receiving_account
from tests.vouchers.clawing import noticed, set_off
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import approve_clawback, draft_clawback, notice_clawback, propose_clawback
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.ledger_recoveries import balances
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.recoveries import record_receipt
from vouchers.context import acting
from vouchers.models import LedgerAccount, Payment, RoleGrant


@pytest.fixture
def entitlement(cast):
    """Of a scheme whose cost is shared sixty to forty; the city takes what truncation leaves."""
    publication = kinds.opened(cast, "NM-JS", change=shared_by_two)
    kinds.connect(cast, cast.alpha, publication, date(2024, 9, 1))
    RoleGrant.objects.create(
        user=cast.second_approver, role=Role.APPROVER, region=publication.program.region, effective_from=SINCE
    )
    receiving_account(publication.program.region, cast.finance, cast.second_finance)
    return kinds.granted(cast, kinds.project_application(cast, publication, SETTLED))


def redeemed(cast, entitlement, reference: str, amount: str) -> Payment:
    """A tenth of what was settled."""
    item = ItemFields(kind="settlement_line", reference=reference, net_amount=Decimal(amount))
    claim = kinds.redeemed(cast, kinds.claimed(cast, entitlement, [item]))
    return Payment.objects.get(claim_no=claim.claim_no)


@pytest.fixture
def payment(cast, entitlement) -> Payment:
    """799,999.99 yuan."""
    return redeemed(cast, entitlement, "JS-2025-H1", "7999999.99")


def paid_parts(payment: Payment) -> list[Decimal]:
    rows = LedgerAccount.objects.filter(kind="paid", code__startswith=f"paid:{payment.program.code}:")
    return [row.balance for row in rows.order_by("-code")]


def test_each_treasury_pays_its_part_and_gets_its_own_back(cast, payment):
    banking.paid(cast, payment)
    assert paid_parts(payment) == [Decimal("479999.99"), Decimal("320000.00")]
    payment.refresh_from_db()
    with acting(cast.handler, "test"):
        clawback = draft_clawback(
            payment,
            Reassessed(payment.amount - Decimal("100000.01")),
            ground="finding",
            ground_no="K-1",
            reason="核查认定多领。",
            by=cast.handler,
        )
        propose_clawback(clawback, by=cast.handler)
    with acting(cast.second_approver, "test"):
        approve_clawback(clawback, by=cast.second_approver)
    with acting(cast.finance, "test"):
        notice_clawback(clawback, by=cast.finance)
        due = balances(clawback)
        assert sum(due.values()) == Decimal("100000.01")
        assert abs(due["province"] - Decimal("60000")) < 1
        record_receipt(
            clawback,
            amount=Decimal("100000.01"),
            received_on=dates.today(),
            bank_reference="IN-1",
            by=cast.finance,
        )
    assert set(balances(clawback).values()) == {Decimal("0.00")}
    assert check_ledger() == []


def test_what_comes_back_after_it_arrived_is_owed_by_each_again(cast, payment):
    batch = banking.paid(cast, payment)
    banking.answer(cast, batch, banking.said(banking.line_of(batch, payment), "returned", reason="已销户"))
    assert paid_parts(payment) == [Decimal("0.00"), Decimal("0.00")]
    assert check_ledger() == []


def test_after_a_set_off_in_odd_fen_the_rest_goes_to_the_bank_and_nothing_is_left(cast, entitlement):
    first = redeemed(cast, entitlement, "JS-2025-Q1", "3333333.30")
    second = redeemed(cast, entitlement, "JS-2025-Q2", "1111111.10")
    third = redeemed(cast, entitlement, "JS-2025-Q3", "2222222.30")
    banking.paid(cast, first)
    clawback = noticed(cast, Payment.objects.get(pk=first.pk), Decimal("33333.35"))
    for amount in ("0.01", "11111.11", "0.02", "7.77"):
        set_off(cast, clawback, second, amount)
    set_off(cast, clawback, third, "22214.44")
    assert clawback.state == "settled"
    assert check_ledger() == []
    batch = banking.exported(cast, second, third)
    assert [line.amount for line in lines_of(batch)] == [second.bank_amount, third.bank_amount]
    assert {row.balance for row in LedgerAccount.objects.filter(kind="payable")} == {Decimal("0.00")}
    banking.answer(cast, batch, *map(banking.said, lines_of(batch)))
    assert sum(paid_parts(first)) == first.amount + second.amount + third.amount - clawback.principal_amount
    assert check_ledger() == []
