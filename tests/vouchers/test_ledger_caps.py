"""Caps in the ledger: what is left of one, for whom, and which limit a chain is held to."""

from __future__ import annotations

import pytest

from tests.vouchers.ledger_moves import (
    BUDGET,
    LATER,
    ON,
    PAYEE,
    VOUCHER,
    account,
    available,
    cap,
    fund,
    new,
    reserve,
    voucher_of,
    yuan,
)
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerTransfer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(db):
    yield
    assert check_ledger(business_rows=False) == []


class TestCaps:
    def test_a_cap_is_reserved_and_confirmed_with_the_money(self):
        voucher_of(1000)
        held = reserve(300, caps=[cap(500)])
        assert (account(cap(500).code).debits_pending, available(cap(500).code)) == (yuan(300), yuan(200))
        ledger.confirm(held.id, claim_no="C-1", on=ON, id=new(), amount=yuan(250)).demand()
        assert (account(cap(500).code).debits_posted, available(cap(500).code)) == (yuan(250), yuan(250))

    def test_beyond_the_cap_the_whole_chain_is_refused(self):
        voucher_of(1000)
        reserve(300, caps=[cap(500)])
        refused = reserve("200.01", claim="C-2", caps=[cap(500)])
        assert (refused.code, refused.account, refused.available) == (
            "cap_exceeded",
            cap(500).code,
            yuan(200),
        )
        assert available(f"voucher:{VOUCHER}") == yuan(700)

    def test_a_cap_of_a_first_claim_that_is_refused_is_there_for_the_next(self):
        voucher_of(1000)
        assert reserve(501, caps=[cap(500)]).code == "cap_exceeded"
        assert reserve(500, caps=[cap(500)]).accepted

    def test_a_cap_of_zero_allows_nothing(self):
        voucher_of(1000)
        assert reserve("0.01", caps=[cap(0)]).code == "cap_exceeded"

    def test_released_and_reversed_claims_give_the_cap_back(self):
        voucher_of(1000)
        ledger.release(reserve(500, caps=[cap(500)]).id, claim_no="C-1", on=ON, id=new()).demand()
        held = reserve(500, claim="C-2", caps=[cap(500)])
        confirmed = ledger.confirm(held.id, claim_no="C-2", on=ON, id=new()).demand()
        ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-2", on=ON, id=new()).demand()
        assert available(cap(500).code) == yuan(500)

    def test_a_cap_is_used_in_another_measure_than_the_money(self):
        voucher_of(1000)
        reserve(300, caps=[cap(500, amount=yuan(120))])
        assert available(cap(500).code) == yuan(380)

    def test_a_higher_limit_of_a_later_version_gives_the_difference(self):
        voucher_of(1000)
        reserve(300, caps=[cap(500)])
        refused = reserve(301, claim="C-2", caps=[cap(600)])
        assert (refused.code, refused.available, refused.needed) == ("cap_exceeded", yuan(300), yuan(301))
        accepted = reserve(300, claim="C-3", caps=[cap(600)])
        assert [leg.code for leg in accepted.transfers] == ["reserve", "reserve", "grant"]
        assert (account(cap(600).code).limit_amount, account(cap(600).code).used) == (yuan(600), yuan(600))

    def test_a_lower_limit_binds_the_cases_of_its_version_and_no_other(self):
        voucher_of(1000)
        reserve(300, caps=[cap(500)])
        refused = reserve(101, claim="C-2", caps=[cap(400)])
        assert (refused.code, refused.available, refused.needed) == ("cap_exceeded", yuan(100), yuan(101))
        assert reserve(100, claim="C-3", caps=[cap(400)]).accepted
        assert reserve("0.01", claim="C-4", caps=[cap(400)]).code == "cap_exceeded"
        assert reserve(100, claim="C-5", caps=[cap(500)]).accepted
        assert account(cap(500).code).limit_amount == yuan(500)

    def test_what_was_used_above_a_lower_limit_stays_and_may_only_become_less(self):
        voucher_of(1000)
        held = reserve(300, caps=[cap(500)])
        refused = reserve("0.01", claim="C-2", caps=[cap(200)])
        assert (refused.code, refused.available) == ("cap_exceeded", yuan(0))
        assert reserve(250, replacing=held.id, caps=[cap(200)]).accepted
        assert account(cap(500).code).used == yuan(250)

    def test_a_limit_is_never_set_below_what_is_used(self):
        voucher_of(1000)
        reserve(300, caps=[cap(500)])
        lowered = [
            ledger.set_cap(
                cap(to), region_code="110000", on=ON, id=new(), subject_kind="party", subject_no=PAYEE
            )
            for to in (299, 300)
        ]
        assert [result.code for result in lowered] == ["cap_exceeded", "accepted"]
        assert available(cap(300).code) == 0

    def test_a_pool_is_consumed_at_issue(self):
        fund(1000)
        pool = ledger.Cap("0f" * 32, "issued_in_year", "pool", "2025", yuan(500), shared=True)
        assert ledger.issue(BUDGET, "V-1", yuan(400), on=ON, id=new(), caps=[pool]).accepted
        assert ledger.issue(BUDGET, "V-2", yuan(101), on=ON, id=new(), caps=[pool]).code == "cap_exceeded"
        assert not LedgerTransfer.objects.filter(subject_no="V-2").exists()
        assert account(pool.code).hot


class TestACapThatCountsAtPayment:
    """Its event is the payment instruction: what is owed stays owed when the year's payments are used up."""

    def owed(self, amount: int) -> None:
        voucher_of(amount, budget=1000)
        ledger.confirm(reserve(amount).id, claim_no="C-1", on=ON, id=new()).demand()

    def instructed(self, no: str, amount: int, on=ON) -> ledger.LedgerResult:
        caps = [ledger.Cap("0f" * 32, "paid_a_year.payment", PAYEE, str(on.year), yuan(100))]
        return ledger.instruct(BUDGET, no, yuan(amount), payee_uscc=PAYEE, on=on, id=new(), caps=caps)

    def test_what_is_over_it_waits_for_the_next_year_by_the_day_of_the_payment(self):
        self.owed(150)
        assert self.instructed("P-1", 100).code == "accepted"
        assert self.instructed("P-2", 50).code == "cap_exceeded"
        assert available(BUDGET.payable(PAYEE)) == 50
        assert self.instructed("P-3", 50, LATER).code == "accepted"

    def test_what_the_bank_returned_is_not_used(self):
        self.owed(150)
        self.instructed("P-1", 100).demand()
        caps = [ledger.Cap("0f" * 32, "paid_a_year.payment", PAYEE, "2025", yuan(100))]
        back = {"payee_uscc": PAYEE, "on": ON, "caps": caps}
        ledger.returned(BUDGET, "P-1", yuan(100), id=new(), **back).demand()
        assert self.instructed("P-1", 100).code == "accepted"
        assert self.instructed("P-2", 1).code == "cap_exceeded"
