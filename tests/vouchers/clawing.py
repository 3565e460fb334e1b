"""Clawbacks for tests, each through the actions themselves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from applications.tasks import payment_confirmed
from tests import banking
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers import dates
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import (
    approve_clawback,
    draft_clawback,
    notice_clawback,
    propose_clawback,
)
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.set_offs import confirm_set_off, propose_set_off
from vouchers.context import acting
from vouchers.models import Clawback, LedgerAccount, OutboxMessage, Payment

HUNDRED = Decimal("100000.00")


def arrived(payment: Payment) -> None:
    """What the outbox tells the casework."""
    payment_confirmed(
        claim_no=payment.claim_no, payment_no=payment.payment_no, paid_on=dates.today().isoformat()
    )


@pytest.fixture
def first(cast, claims) -> Payment:  # noqa: F811
    """The first payment, of 600,000 yuan, has arrived; the second still waits."""
    payment = Payment.objects.order_by("pk").first()
    assert payment is not None
    banking.paid(cast, payment)
    arrived(payment)
    payment.refresh_from_db()
    return payment


@pytest.fixture
def second(first) -> Payment:
    return Payment.objects.order_by("pk").last()


def drafted(cast, payment: Payment, amount: Decimal = HUNDRED, **more) -> Clawback:
    with acting(cast.handler, "test"):
        return draft_clawback(
            payment,
            Reassessed(payment.amount - amount),
            ground=more.pop("ground", "finding"),
            ground_no=more.pop("ground_no", "K-2025-1"),
            reason="合同提前终止，后期租金未发生。",
            by=cast.handler,
        )


def approved(cast, payment: Payment, amount: Decimal = HUNDRED, **more) -> Clawback:
    clawback = drafted(cast, payment, amount, **more)
    with acting(cast.handler, "test"):
        propose_clawback(clawback, by=cast.handler)
    with acting(cast.second_approver, "test"):
        return approve_clawback(clawback, by=cast.second_approver)


def noticed(cast, payment: Payment, amount: Decimal = HUNDRED, **more) -> Clawback:
    clawback = approved(cast, payment, amount, **more)
    with acting(cast.finance, "test"):
        return notice_clawback(clawback, by=cast.finance)


def received(cast, clawback: Clawback, amount: str, reference: str = "IN-1"):
    with acting(cast.finance, "test"):
        return record_receipt(
            clawback,
            amount=Decimal(amount),
            received_on=dates.today(),
            bank_reference=reference,
            by=cast.finance,
        )


def set_off(cast, clawback: Clawback, payment: Payment, amount: str | None = None):
    """Proposed by one finance officer, confirmed by another."""
    with acting(cast.finance, "test"):
        proposed = propose_set_off(
            clawback, payment, by=cast.finance, amount=None if amount is None else Decimal(amount)
        )
    with acting(cast.second_finance, "test"):
        receipt = confirm_set_off(proposed, by=cast.second_finance)
    clawback.refresh_from_db()
    payment.refresh_from_db()
    return receipt


def balance(code: str) -> Decimal:
    return LedgerAccount.objects.get(code=code).balance


def told(message: str) -> bool:
    return OutboxMessage.objects.filter(task="applications.clawback_told", payload__message=message).exists()
