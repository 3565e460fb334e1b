"""拨付: what is held is not paid, whatever it lies beneath and whenever it was held; a batch can be mended."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from tests import banking, casework
from tests.cast import bank_account
from vouchers import dates
from vouchers.actions.holds import place_hold
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.payments import (
    approve_batch,
    cancel_batch,
    create_batch,
    propose_batch,
    reopen_batch,
    take_out,
)
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import BankAccount, Payment, PaymentBatch
from vouchers.models.payment_lines import FileForm


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast):
    yield
    assert check_ledger() == []


@pytest.fixture
def claims(cast):
    """Two approved claims of 甲公司 on two vouchers."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    made = []
    for number in (1, 2):
        fields = casework.lease_fields(cast.provider, "3000000.00", contract_no=f"HT-{number}")
        application = casework.submitted(cast, publication, fields)
        voucher = casework.issued(cast, application)
        with dates.fixed(date(2025, 8, 1)):
            invoice = casework.invoice(application.lease, "3000000.00", number=f"2511200000000000000{number}")
            item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=invoice)
            claim = casework.claimed(cast, voucher, application.lease, [item])
            with acting(cast.handler, "test"):
                casework.answer_all(cast, claim)
                verify_claim(claim, by=cast.handler)
            with acting(cast.approver, "test"):
                approve_claim(claim, by=cast.approver)
        made.append(claim)
    with dates.fixed(date(2025, 8, 4)):
        yield made


@pytest.fixture
def batch(cast, claims):
    """Both in one proposed batch."""
    with acting(cast.finance, "test"):
        made = create_batch(claims[0].voucher.program, list(Payment.objects.all()), by=cast.finance)
        return propose_batch(made, by=cast.finance)


def hold(cast, kind: str, number: str) -> None:
    with acting(cast.investigator, "test"):
        place_hold(
            kind,
            number,
            ground="manual",
            sentence="合同真实性核查中。",
            evidence=[],
            region_code="110000",
            party=None,
            by=cast.investigator,
        )


def beneath(claim) -> dict[str, str]:
    return {
        "claim": claim.claim_no,
        "lease": claim.lease.lease_no,
        "voucher": claim.voucher.voucher_no,
        "application": claim.voucher.application_no,
        "party": claim.lease.lessor.uscc,
    }


@pytest.mark.parametrize("kind", ["claim", "lease", "voucher", "application", "party"])
def test_a_hold_on_anything_beneath_a_claim_stops_its_batch(cast, claims, batch, kind):
    hold(cast, kind, beneath(claims[1])[kind])
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        approve_batch(batch, by=cast.second_finance)
    assert refused.value.code == "hold.open"


def test_a_hold_placed_after_the_approval_stops_the_export(cast, claims, batch):
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)
    hold(cast, "lease", claims[1].lease.lease_no)
    with acting(cast.finance, "test"), pytest.raises(NotNow) as refused:
        banking.export(batch, cast.finance)
    assert refused.value.code == "hold.open"
    assert set(Payment.objects.values_list("state", flat=True)) == {"batched"}


def test_the_held_line_is_taken_out_and_the_others_are_paid(cast, claims, batch):
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)
    hold(cast, "claim", claims[1].claim_no)
    held = Payment.objects.get(claim_no=claims[1].claim_no)
    with acting(cast.finance, "test"):
        with pytest.raises(NotNow) as refused:
            take_out(batch, held.payment_no, by=cast.finance)
        assert refused.value.code == "payment_batch.not_draft"
        reopen_batch(batch, by=cast.finance, reason="一笔暂缓")
        take_out(batch, held.payment_no, by=cast.finance)
        with pytest.raises(Invalid):
            take_out(batch, held.payment_no, by=cast.finance)
    # Whoever approved the first time may propose now; then another approves.
    with acting(cast.second_finance, "test"):
        propose_batch(batch, by=cast.second_finance)
        with pytest.raises(Forbidden):
            approve_batch(batch, by=cast.second_finance)
    held.refresh_from_db()
    assert (held.state, held.batch) == ("payable", None)
    batch.refresh_from_db()
    assert (batch.control_count, batch.approved_by) == (1, None)


def test_a_cancelled_batch_gives_its_payments_back(cast, claims, batch):
    with acting(cast.finance, "test"):
        with pytest.raises(Invalid):
            cancel_batch(batch, by=cast.finance, reason=" ")
        cancel_batch(batch, by=cast.finance, reason="重复编制")
    assert set(Payment.objects.values_list("state", "batch")) == {("payable", None)}
    with acting(cast.finance, "test"):
        create_batch(claims[0].voucher.program, list(Payment.objects.all()), by=cast.finance)


def test_finance_of_another_region_neither_takes_out_nor_cancels(cast, claims, batch):
    payment = Payment.objects.first()
    with acting(cast.other_finance, "test"):
        with pytest.raises(Forbidden):
            take_out(batch, payment.payment_no, by=cast.other_finance)
        with pytest.raises(Forbidden):
            cancel_batch(batch, by=cast.other_finance, reason="试一试")


def replace_account(cast) -> BankAccount:
    """The company has moved its account."""
    cast.alpha.accounts.update(superseded_at=dates.now())
    return bank_account(
        cast.alpha,
        "6222999900001111",
        entered_by=cast.filer,
        confirmed_by=cast.enterprise_approver,
        bank_name="新开户行",
    )


def test_money_goes_to_the_account_that_is_confirmed_when_the_batch_is_proposed(cast, claims):
    with acting(cast.finance, "test"):
        made = create_batch(claims[0].voucher.program, list(Payment.objects.all()), by=cast.finance)
        account = replace_account(cast)
        propose_batch(made, by=cast.finance)
    assert {payment.account for payment in Payment.objects.all()} == {account}


def test_no_money_goes_to_an_account_that_was_replaced_after_the_proposal(cast, claims, batch):
    replace_account(cast)
    with acting(cast.second_finance, "test"):
        with pytest.raises(NotNow) as refused:
            approve_batch(batch, by=cast.second_finance)
        assert refused.value.code == "payment.account_changed"
        reopen_batch(batch, by=cast.second_finance, reason="账户变更")
    with acting(cast.finance, "test"):
        propose_batch(batch, by=cast.finance)
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)


def test_who_looked_at_another_list_does_not_approve_this_one(cast, claims, batch):
    seen = batch.control_hash
    with acting(cast.finance, "test"):
        reopen_batch(batch, by=cast.finance, reason="账户变更")
        replace_account(cast)
        propose_batch(batch, by=cast.finance)
    with acting(cast.second_finance, "test"):
        with pytest.raises(NotNow) as refused:
            approve_batch(batch, by=cast.second_finance, seen=seen)
        assert refused.value.code == "payment_batch.changed" and not batch.approvals.exists()
        batch.refresh_from_db()
        assert approve_batch(batch, by=cast.second_finance, seen=batch.control_hash).state == "approved"


def test_the_bank_gets_the_list_that_was_approved_though_another_stood_there_when_the_page_was_asked(
    cast, claims, batch
):
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)
    earlier = PaymentBatch.objects.get(pk=batch.pk)
    former = batch.lines.first().account_no
    with acting(cast.finance, "test"):
        reopen_batch(batch, by=cast.finance, reason="账户变更")
        account = replace_account(cast)
        propose_batch(batch, by=cast.finance)
    with acting(cast.second_finance, "test"):
        approve_batch(batch, by=cast.second_finance)
    with acting(cast.finance, "test"):
        banking.export(earlier, cast.finance)
    sent = bytes(batch.files.get(form=FileForm.INSTRUCTIONS).content).decode("utf-8-sig")
    assert account.account_no in sent and former not in sent
