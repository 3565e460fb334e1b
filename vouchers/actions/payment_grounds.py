"""Before each step to the bank: the account, the lists, the invoices, the screening and the holds are looked at again."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q

from vouchers import dates
from vouchers.actions.holds import place_hold, require_clear, screen
from vouchers.errors import NotNow, TryLater
from vouchers.models import Listing, Party, Payment, PaymentLine
from vouchers.models.holds import ScreeningMoment

#: the ground of the hold on a payment whose payee changed its account after the approval
ACCOUNT_CHANGED = "account_changed"

#: Looks again at what a claim rests on, and raises ``NotNow`` when it may not be paid now: filled by the casework.
PaymentCheck = Callable[[str], None]
_check: PaymentCheck | None = None


def register_payment_check(check: PaymentCheck) -> None:
    """Fill the port; called once by the casework's ``AppConfig.ready``. Nothing is paid while it is empty."""
    global _check
    _check = check


def require_payable(line: PaymentLine, *, approved: bool = False) -> None:
    """Look again at this moment: the account is still the payee's own, nobody is listed, the invoices stand, the screening is of
    the same facts, and nothing is held: payment, payee, claim and all that lies beneath it.

    Once the batch is ``approved``, a changed account puts the payment on hold. Raises ``NotNow`` (``payment.account_changed``,
    ``payment.listed``, what the casework's check says, ``hold.open``) and ``TryLater`` (``payment.unchecked``)."""
    payment = line.payment
    account = payment.payee.current_account
    if account is None or account.pk != line.account_id or account.account_no != line.account_no:
        if approved:
            hold_for_changed_account(line)
        raise NotNow(
            "payment.account_changed",
            f"{payment.payee.name} 的收款账户在编制之后已变更，{payment.payment_no} 不能按原账户拨付"
            + ("，该笔已暂缓。" if approved else "。"),
            hint="请将批次退回编制并重新报批，系统将改用最新确认的账户。",
            keep=approved,
        )
    require_grounds(payment)


def require_grounds(payment: Payment) -> None:
    """What must hold whichever way the payee gets its money, by the bank or by a set-off: nobody is listed, the claim and its
    invoices stand, the screening is of the same facts, nothing is held.

    Raises ``NotNow`` (``payment.listed``, what the casework's check says, ``hold.open``) and ``TryLater`` (``payment.unchecked``)."""
    require_unlisted(payment.payee, payment.payment_no)
    if _check is None:
        raise TryLater("payment.unchecked", "兑付依据暂时无法复核，为稳妥起见不能拨付。请稍后再试。")
    _check(payment.claim_no)
    screen("claim", payment.claim_no, ScreeningMoment.PAYMENT)
    require_clear(
        "claim",
        payment.claim_no,
        also=(("payment", payment.payment_no), ("party", payment.payee.uscc)),
    )


def require_unlisted(party: Party, payment_no: str) -> None:
    """Raise ``NotNow`` (``payment.listed``) while the party is on a list of dishonesty or debarment."""
    entry = listed_today(party)
    if entry is not None:
        raise NotNow(
            "payment.listed",
            f"{party.name} 目前列入{entry.get_kind_display()}（{entry.document_no or '无文号'}），{payment_no} 暂不能拨付。",
            hint="请将该笔移出批次；移出名单或完成信用修复后可再次列入。",
        )


def listed_today(party: Party) -> Listing | None:
    """The party's entry on a list of dishonesty or debarment that stands today, if there is one."""
    today = dates.today()
    rows = Listing.objects.filter(party=party, effective_from__lte=today)
    return rows.filter(Q(effective_to=None) | Q(effective_to__gt=today)).first()


def hold_for_changed_account(line: PaymentLine) -> None:
    """变更账户即暂缓: the payment waits until two investigators have lifted it."""
    payment = line.payment
    place_hold(
        "payment",
        payment.payment_no,
        ground=ACCOUNT_CHANGED,
        sentence=f"拨付 {payment.payment_no} 批准之后，收款账户发生变更（原账户尾号 {line.account_no[-4:]}），须核实后再拨付。",
        evidence=[f"payment:{payment.payment_no}", f"payment_batch:{line.batch.batch_no}"],
        region_code=payment.program.region.code,
        party=payment.payee,
        by=None,
    )
