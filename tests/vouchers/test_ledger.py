"""The ledger: what each verb moves, what is refused and why, and that nothing booked can be changed."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count

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
from vouchers.errors import NotNow
from vouchers.models import LedgerAccount, LedgerTransfer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(db):
    yield
    assert check_ledger(business_rows=False) == []


class TestTheWholeWay:
    def test_from_treasury_to_paid(self):
        voucher_of("600.00", budget="1000.00")
        held = reserve("400.10")
        assert [(t.kind, t.code, t.debit, t.credit, t.amount) for t in held.transfers] == [
            ("pending", "reserve", f"voucher:{VOUCHER}", f"payable:BJ-AIQ:2025:{PAYEE}", yuan("400.10"))
        ]
        assert available(f"voucher:{VOUCHER}") == yuan("199.90")
        ledger.confirm(held.id, claim_no="C-1", on=ON, id=new()).demand()
        assert available(BUDGET.payable(PAYEE)) == yuan("400.10")
        ledger.instruct(BUDGET, "P-1", yuan("400.10"), payee_uscc=PAYEE, on=ON, id=new()).demand()
        assert available("payment:P-1") == yuan("400.10")
        ledger.mark_paid(BUDGET, "P-1", yuan("400.10"), on=ON, id=new()).demand()
        assert available(BUDGET.code) == yuan("400.00")
        assert account(BUDGET.paid).balance == yuan("400.10")
        assert available(BUDGET.payable(PAYEE)) == available("payment:P-1") == 0

    def test_a_voucher_takes_the_account_id_that_its_row_carries(self):
        fund()
        carried = new()
        ledger.issue(BUDGET, VOUCHER, yuan(5), on=ON, id=new(), account_id=carried).demand()
        assert account(f"voucher:{VOUCHER}").id == carried

    def test_accounts_inherit_the_region_of_the_account_they_return_to(self):
        voucher_of(5)
        reserve(1)
        assert set(LedgerAccount.objects.values_list("region_code", flat=True)) == {"110000"}

    def test_a_budget_is_appropriated_in_instalments_and_withdrawn_only_as_far_as_it_is_free(self):
        fund(600)
        fund(400)
        ledger.issue(BUDGET, VOUCHER, yuan(700), on=ON, id=new()).demand()
        refused = ledger.withdraw(BUDGET, yuan("300.01"), document_no="收", on=ON, id=new())
        assert (refused.code, refused.available, refused.needed) == (
            "insufficient_funds",
            yuan(300),
            yuan("300.01"),
        )
        assert ledger.withdraw(BUDGET, yuan(300), document_no="收", on=ON, id=new()).accepted


class TestOverspending:
    def test_a_voucher_larger_than_the_budget_is_refused_and_nothing_moves(self):
        fund("1000.00")
        refused = ledger.issue(BUDGET, VOUCHER, yuan("1000.01"), on=ON, id=new())
        assert not refused.accepted
        assert (refused.code, refused.account) == ("insufficient_funds", BUDGET.code)
        assert (refused.available, refused.needed) == (yuan(1000), yuan("1000.01"))
        assert refused.message == "可用余额不足：需要 1,000.01 元，可用 1,000.00 元。"
        assert LedgerTransfer.objects.filter(code="issue").count() == 0

    def test_what_is_reserved_cannot_be_reserved_again(self):
        voucher_of(100)
        assert reserve(60).accepted
        assert reserve("40.01", claim="C-2").code == "insufficient_funds"
        assert reserve(40, claim="C-2").accepted

    def test_what_is_only_reserved_is_not_yet_payable(self):
        voucher_of(100)
        reserve(60)
        assert (
            ledger.instruct(BUDGET, "P-1", yuan(60), payee_uscc=PAYEE, on=ON, id=new()).code
            == "insufficient_funds"
        )

    def test_more_than_was_instructed_under_a_number_is_never_paid(self):
        voucher_of(100)
        ledger.confirm(reserve(60).id, claim_no="C-1", on=ON, id=new()).demand()
        ledger.instruct(BUDGET, "P-1", yuan(30), payee_uscc=PAYEE, on=ON, id=new()).demand()
        assert ledger.mark_paid(BUDGET, "P-1", yuan("30.01"), on=ON, id=new()).code == "insufficient_funds"
        assert ledger.mark_paid(BUDGET, "P-1", yuan(30), on=ON, id=new()).accepted
        assert ledger.mark_paid(BUDGET, "P-1", yuan(30), on=ON, id=new()).code == "insufficient_funds"

    def test_a_refusal_is_raised_as_not_now_for_callers_who_ask(self):
        voucher_of(100)
        with pytest.raises(NotNow) as refused:
            reserve(101).demand()
        assert refused.value.code == "ledger.insufficient_funds"
        assert refused.value.detail["available"] == "100.00"


class TestResolving:
    def test_a_confirmation_for_less_releases_the_rest(self):
        voucher_of(100)
        held = reserve(60)
        ledger.confirm(held.id, claim_no="C-1", on=ON, id=new(), amount=yuan("12.34")).demand()
        assert available(f"voucher:{VOUCHER}") == yuan("87.66")
        assert available(BUDGET.payable(PAYEE)) == yuan("12.34")

    def test_a_confirmation_for_more_is_refused(self):
        voucher_of(100)
        refused = ledger.confirm(reserve(60).id, claim_no="C-1", on=ON, id=new(), amount=yuan(61))
        assert (refused.code, refused.available, refused.needed) == ("exceeds_pending", yuan(60), yuan(61))

    @pytest.mark.parametrize("first", ["confirm", "release"])
    @pytest.mark.parametrize("second", ["confirm", "release"])
    def test_a_reservation_is_resolved_once(self, first, second):
        voucher_of(100)
        held = reserve(60)
        assert getattr(ledger, first)(held.id, claim_no="C-1", on=ON, id=new()).accepted
        assert getattr(ledger, second)(held.id, claim_no="C-1", on=ON, id=new()).code == "pending_resolved"

    def test_that_it_is_resolved_is_said_before_what_else_would_be_wrong(self):
        voucher_of(100)
        held = reserve(60, expires_on=LATER)
        ledger.confirm(held.id, claim_no="C-1", on=ON, id=new()).demand()
        too_much = ledger.confirm(held.id, claim_no="C-1", on=ON, id=new(), amount=yuan(61))
        too_late = ledger.confirm(held.id, claim_no="C-1", on=LATER, id=new())
        assert (too_much.code, too_late.code) == ("pending_resolved", "pending_resolved")

    def test_a_reservation_that_nobody_made_is_not_resolved(self):
        voucher_of(100)
        assert ledger.confirm(new(), claim_no="C-1", on=ON, id=new()).code == "pending_unknown"

    def test_from_its_day_of_expiry_on_it_can_only_be_given_back(self):
        voucher_of(100)
        held = reserve(60, expires_on=LATER)
        day_before = date(2026, 1, 4)
        early = ledger.time_out(held.id, claim_no="C-1", on=day_before, id=new())
        late = ledger.confirm(held.id, claim_no="C-1", on=LATER, id=new())
        assert (early.code, late.code) == ("not_yet_expired", "pending_expired")
        assert ledger.time_out(held.id, claim_no="C-1", on=LATER, id=new()).accepted
        assert available(f"voucher:{VOUCHER}") == yuan(100)

    def test_the_day_before_its_expiry_it_can_still_be_confirmed(self):
        voucher_of(100)
        held = reserve(60, expires_on=LATER)
        assert ledger.confirm(held.id, claim_no="C-1", on=date(2026, 1, 4), id=new()).accepted


class TestReplacing:
    """A claim that is mended is reserved anew in the chain that gives the old reservation back."""

    def test_the_old_amount_is_there_for_the_new_one(self):
        voucher_of(100)
        first = reserve(80, caps=[cap(90)])
        assert reserve(90, caps=[cap(90)]).code == "insufficient_funds"
        second = reserve(90, caps=[cap(90)], replacing=first.id)
        assert second.accepted
        assert (available(f"voucher:{VOUCHER}"), available(cap(90).code)) == (yuan(10), 0)
        assert ledger.confirm(first.id, claim_no="C-1", on=ON, id=new()).code == "pending_resolved"

    def test_when_the_new_one_is_refused_the_old_one_stands(self):
        voucher_of(100)
        first = reserve(80)
        assert reserve("100.01", replacing=first.id).code == "insufficient_funds"
        assert ledger.confirm(first.id, claim_no="C-1", on=ON, id=new()).accepted

    def test_on_an_expired_voucher_nothing_new_is_reserved(self):
        voucher_of(100)
        first = reserve(80)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        assert reserve(70, replacing=first.id).code == "account_closed"


class TestExpiry:
    """A reservation outlives its voucher."""

    def test_expiry_takes_what_is_available_and_leaves_what_is_reserved(self):
        voucher_of(100, budget=1000)
        reserve(60)
        taken = ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        assert [(t.code, t.debit, t.credit, t.amount) for t in taken.transfers] == [
            ("close", f"voucher:{VOUCHER}", BUDGET.code, yuan(40))
        ]
        assert (available(BUDGET.code), account(f"voucher:{VOUCHER}").balance) == (yuan(940), yuan(60))

    def test_a_reservation_is_still_confirmed_after_expiry(self):
        voucher_of(100)
        held = reserve(60)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        assert ledger.confirm(held.id, claim_no="C-1", on=LATER, id=new()).accepted
        assert available(BUDGET.payable(PAYEE)) == yuan(60)

    def test_what_is_released_after_expiry_goes_back_to_the_budget_in_the_same_chain(self):
        voucher_of(100, budget=1000)
        held = reserve(60)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        released = ledger.release(held.id, claim_no="C-1", on=LATER, id=new()).demand()
        assert [(t.kind, t.code, t.credit) for t in released.transfers] == [
            ("void", "release", BUDGET.payable(PAYEE)),
            ("single", "lapse", BUDGET.code),
        ]
        assert (available(f"voucher:{VOUCHER}"), available(BUDGET.code)) == (0, yuan(1000))

    def test_the_rest_of_a_confirmation_after_expiry_goes_back_to_the_budget(self):
        voucher_of(100, budget=1000)
        held = reserve(60)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        ledger.confirm(held.id, claim_no="C-1", on=LATER, id=new(), amount=yuan(25)).demand()
        assert (available(BUDGET.payable(PAYEE)), available(BUDGET.code)) == (yuan(25), yuan(975))

    def test_an_expired_voucher_takes_no_new_reservation_and_does_not_expire_twice(self):
        voucher_of(100)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        assert reserve(1).code == "account_closed"
        assert ledger.expire_voucher(VOUCHER, on=LATER, id=new()).code == "account_closed"

    def test_a_voucher_that_is_used_up_closes_without_moving_anything(self):
        voucher_of(100)
        reserve(100)
        closed = ledger.expire_voucher(VOUCHER, on=LATER, id=new())
        assert (closed.accepted, closed.transfers) == (True, ())
        assert account(f"voucher:{VOUCHER}").closed_on == LATER

    def test_once_the_year_is_closed_too_it_goes_back_as_its_surplus(self):
        voucher_of(100, budget=1000)
        held = reserve(60)
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        ledger.close_budget(BUDGET, on=LATER, id=new()).demand()
        assert available(BUDGET.code) == 0
        ledger.release(held.id, claim_no="C-1", on=LATER, id=new()).demand()
        assert available(BUDGET.surplus) == 1000


class TestPaymentsAndCorrections:
    def payable(self, amount: int = 60) -> ledger.LedgerResult:
        voucher_of(100, budget=1000)
        return ledger.confirm(reserve(amount).id, claim_no="C-1", on=ON, id=new()).demand()

    @pytest.mark.parametrize("after_paid", [False, True])
    def test_a_returned_payment_is_owed_again(self, after_paid):
        self.payable()
        ledger.instruct(BUDGET, "P-1", yuan(60), payee_uscc=PAYEE, on=ON, id=new()).demand()
        if after_paid:
            ledger.mark_paid(BUDGET, "P-1", yuan(60), on=ON, id=new()).demand()
        back = ledger.returned(
            BUDGET, "P-1", yuan(60), payee_uscc=PAYEE, on=ON, id=new(), after_paid=after_paid
        )
        assert back.accepted
        assert available(BUDGET.payable(PAYEE)) == yuan(60)
        assert ledger.instruct(BUDGET, "P-2", yuan(60), payee_uscc=PAYEE, on=ON, id=new()).accepted

    def test_a_reversal_is_linked_and_opposite_and_happens_once(self):
        confirmed = self.payable()
        undone = ledger.reverse(
            confirmed.id, subject_kind="claim", subject_no="C-1", on=ON, id=new()
        ).demand()
        row = LedgerTransfer.objects.get(chain_id=undone.id)
        assert (row.code, row.reverses_id, row.amount) == ("reverse", confirmed.transfers[0].id, yuan(60))
        assert available(f"voucher:{VOUCHER}") == yuan(100)
        again = ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-1", on=ON, id=new())
        assert again.code == "not_reversible"

    def test_what_is_paid_already_cannot_be_reversed_away(self):
        confirmed = self.payable()
        ledger.instruct(BUDGET, "P-1", yuan(60), payee_uscc=PAYEE, on=ON, id=new()).demand()
        refused = ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-1", on=ON, id=new())
        assert refused.code == "insufficient_funds"

    def test_a_reversal_to_an_expired_voucher_goes_on_to_the_budget(self):
        confirmed = self.payable()
        ledger.expire_voucher(VOUCHER, on=LATER, id=new()).demand()
        ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-1", on=LATER, id=new()).demand()
        assert (available(f"voucher:{VOUCHER}"), available(BUDGET.code)) == (0, yuan(1000))


class TestBatches:
    def test_each_chain_of_a_batch_stands_by_itself_in_order(self):
        fund(100)
        chains = [ledger.issue_chain(BUDGET, f"V-{n}", yuan(40), on=ON, id=new()) for n in range(4)]
        results = ledger.post_all(chains)
        assert [result.id for result in results] == [chain.id for chain in chains]
        assert [result.code for result in results] == ["accepted"] * 2 + ["insufficient_funds"] * 2
        assert ledger.post_all(chains) == results
        assert available(BUDGET.code) == yuan(20)

    def test_an_empty_batch_asks_nothing(self):
        assert ledger.post_all([]) == []


class TestWhatIsBookedStays:
    @pytest.mark.parametrize(
        "table", ["vouchers_ledgertransfer", "vouchers_ledgerattempt", "vouchers_ledgeraccount"]
    )
    @pytest.mark.parametrize(
        "deed", ["DELETE FROM {}", "UPDATE {} SET recorded_at = now()", "TRUNCATE {} CASCADE"]
    )
    def test_the_application_may_not_write_the_ledger_by_hand(self, table, deed):
        voucher_of(100)
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(deed.format(table))

    def test_the_application_may_not_book_by_hand(self):
        voucher_of(100)
        row = LedgerTransfer.objects.first()
        row.pk = new()
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            row.save(force_insert=True)

    @pytest.mark.parametrize(
        "function", ["ledger_book('{}')", "ledger_queue('{}')", "ledger_open('[]', now()::date)"]
    )
    def test_the_application_may_not_call_the_inner_functions(self, function):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT {function}")

    def test_the_account_map_in_code_and_in_the_database_are_one(self):
        """Every code that the database routes is a choice of the model, and no choice is without a route."""
        from vouchers.models.ledger import AccountKind, TransferCode

        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_routes(), array(SELECT kind FROM ledger_account_kinds())")
            routes, kinds = cursor.fetchone()
        assert {route.split()[0] for route in routes} == set(TransferCode) - {TransferCode.REVERSE}
        assert {kind for route in routes for kind in route.split()[2:]} == set(kinds) == set(AccountKind)

    def test_positions_of_a_chain_have_no_gaps(self):
        voucher_of(100)
        held = reserve(60, caps=[cap(500)])
        assert [t.position for t in held.transfers] == [1, 2, 3]
        counted = (
            LedgerTransfer.objects.values("chain_id", "position").annotate(n=Count("id")).filter(n__gt=1)
        )
        assert not counted.exists()
