"""退票之后: a returned payment is payable again as soon as its payee has a verified account that is newer than the failed one."""

from __future__ import annotations

from vouchers.models import BankAccount, Payment, User
from vouchers.models.payment_lines import PaymentLineState
from vouchers.models.payments import PaymentState
from vouchers.states import advance


def newer_account(payment: Payment) -> BankAccount | None:
    """The payee's account in use, where it is newer than the one that the bank returned the payment from; else None."""
    account = payment.payee.current_account
    failed = payment.lines.filter(state=PaymentLineState.RETURNED).order_by("-pk").first()
    if account is None or failed is None or failed.account_id is None:
        return account
    return account if account.pk > failed.account_id else None


def correct_if_possible(payment: Payment, *, by: User) -> bool:
    """账户更正: whether the payment is payable again. The caller may do what brought it here (take the return in, confirm the account,
    list the payment), and holds its row, and before it the payee's."""
    if payment.state != PaymentState.RETURNED:
        return False
    account = newer_account(payment)
    if account is None:
        return False
    advance(payment, "correct", by=by, update={"account": account, "batch": None})
    return True
