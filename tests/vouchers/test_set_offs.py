"""抵扣: looked at like a payment, by two persons without a hand in the claim; split so that the bank's lines are what is left."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import banking
from tests.vouchers.clawing import HUNDRED, first, noticed, second, set_off  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims, hold, the_ledger_holds_afterwards  # noqa: F401 - fixtures
from vouchers import dates
from vouchers.actions.ledger_accounts import Budget
from vouchers.actions.ledger_recoveries import outstanding, set_off_of
from vouchers.actions.payments import create_batch
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.set_offs import confirm_set_off, propose_set_off, refuse_set_off, withdraw_set_off
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Listing, Payment, SetOff


def proposed(cast, clawback, payment) -> SetOff:
    with acting(cast.finance, "test"):
        return propose_set_off(clawback, payment, by=cast.finance)


def test_one_person_alone_sets_nothing_off(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    assert outstanding(clawback) == HUNDRED
    with acting(cast.finance, "test"), pytest.raises(Forbidden) as refused:
        confirm_set_off(waiting, by=cast.finance)
    assert refused.value.code == "access.same_person"
    with acting(cast.second_finance, "test"):
        confirm_set_off(waiting, by=cast.second_finance)
        with pytest.raises(NotNow):
            confirm_set_off(waiting, by=cast.second_finance)
    assert outstanding(clawback) == 0


def test_who_had_a_hand_in_the_claim_confirms_no_set_off_of_it(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    Payment.objects.filter(pk=second.pk).update(participants=[*second.participants, cast.second_finance.pk])
    with acting(cast.second_finance, "test"), pytest.raises(Forbidden):
        confirm_set_off(waiting, by=cast.second_finance)


def test_a_held_claim_is_set_off_neither_by_one_nor_by_the_other(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    hold(cast, "claim", second.claim_no)
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        confirm_set_off(waiting, by=cast.second_finance)
    assert refused.value.code == "hold.open"
    with acting(cast.finance, "test"):
        withdraw_set_off(waiting, by=cast.finance)
    with pytest.raises(NotNow) as refused:
        proposed(cast, clawback, second)
    assert refused.value.code == "hold.open"
    assert outstanding(clawback) == HUNDRED


def test_what_a_party_on_the_list_is_owed_is_not_set_off(cast, first, second):
    clawback = noticed(cast, first)
    Listing.objects.create(party=cast.alpha, kind="serious_dishonesty", effective_from=dates.today())
    with pytest.raises(NotNow) as refused:
        proposed(cast, clawback, second)
    assert refused.value.code == "payment.listed"


def test_a_fallen_invoice_stops_the_set_off(cast, first, second):
    from applications.models import Claim

    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    item = Claim.objects.get(claim_no=second.claim_no).items.select_related("invoice").get()
    item.invoice.status = "red"
    item.invoice.save(update_fields=["status"])
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        confirm_set_off(waiting, by=cast.second_finance)
    assert refused.value.code == "payment.invoice_status"


def test_while_it_waits_the_payment_is_put_in_no_batch_and_proposed_once(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    with pytest.raises(NotNow) as refused, acting(cast.second_finance, "test"):
        create_batch(second.program, [second], by=cast.second_finance)
    assert refused.value.code == "payment.set_off_waits"
    with pytest.raises(NotNow) as refused:
        proposed(cast, clawback, second)
    assert refused.value.code == "offset.waits"
    with acting(cast.second_finance, "test"):
        with pytest.raises(Invalid):
            refuse_set_off(waiting, by=cast.second_finance, answer=" ")
        with pytest.raises(Forbidden):
            withdraw_set_off(waiting, by=cast.second_finance)
        refuse_set_off(waiting, by=cast.second_finance, answer="该笔先行拨付。")
    second.refresh_from_db()
    banking.paid(cast, second)


def test_what_was_paid_back_in_the_meantime_is_not_set_off_again(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    with acting(cast.finance, "test"):
        record_receipt(
            clawback,
            amount=Decimal("0.01"),
            received_on=dates.today(),
            bank_reference="IN-9",
            by=cast.finance,
        )
    with acting(cast.second_finance, "test"), pytest.raises(Invalid) as refused:
        confirm_set_off(waiting, by=cast.second_finance)
    assert refused.value.code == "receipt.more_than_due"


def test_finance_of_another_region_has_no_say(cast, first, second):
    clawback = noticed(cast, first)
    waiting = proposed(cast, clawback, second)
    with acting(cast.other_finance, "test"):
        with pytest.raises(Forbidden):
            propose_set_off(clawback, second, by=cast.other_finance)
        with pytest.raises(Forbidden):
            confirm_set_off(waiting, by=cast.other_finance)
        with pytest.raises(Forbidden):
            refuse_set_off(waiting, by=cast.other_finance, answer="x")


# -- the split -------------------------------------------------------------------------------------------------------

NAMES = ("province", "city", "district")
FEN = st.integers(0, 10**15)


@given(
    claims=st.lists(st.lists(FEN, min_size=3, max_size=3), min_size=1, max_size=4),
    taken=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**6)), max_size=12),
)
def test_after_any_set_offs_the_lines_to_the_bank_are_what_each_treasury_still_owes(claims, taken):
    """Claims of one payee, each with what each treasury bore of it; set-offs of any share (in millionths of what is left) of any of
    them; then each claim's rest goes to the bank. Nothing is left on an account, nothing is below zero, all adds up to the fen."""
    budget = Budget("P", 2025, "110000", NAMES)
    left = [{name: Decimal(fen) / 100 for name, fen in zip(NAMES, claim, strict=True)} for claim in claims]
    account = {name: sum(one[name] for one in left) for name in NAMES}
    for which, millionths in taken:
        parts = left[which % len(left)]
        whole = sum(parts.values())
        amount = Decimal(int(whole * 100) * millionths // 10**6) / 100
        given_up = set_off_of(amount, budget, parts)
        assert sum(given_up.values()) == amount
        for name in NAMES:
            assert 0 <= given_up[name] <= parts[name]
            parts[name] -= given_up[name]
            account[name] -= given_up[name]
        assert sum(parts.values()) == whole - amount
    for parts in left:  # a line to the bank is all that is left of its claim, by treasury
        for name in NAMES:
            account[name] -= parts[name]
    assert account == dict.fromkeys(NAMES, Decimal(0))
