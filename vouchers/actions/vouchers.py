"""Issuing vouchers, and what happens to them afterwards. An application reaches this floor as a business number."""

from __future__ import annotations

import calendar
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from vouchers import dates
from vouchers.access import require_other_person
from vouchers.actions import ledger
from vouchers.actions.ledger_chains import Budget, Cap, Chain, LedgerResult, event_id, post_all
from vouchers.actions.treasury_parts import bearers_of, borne_by
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import (
    LedgerAccount,
    LedgerTransfer,
    Party,
    Payment,
    Publication,
    User,
    Voucher,
    VoucherStep,
)
from vouchers.models.ledger import TransferKind
from vouchers.models.vouchers import VoucherState
from vouchers.money import ZERO
from vouchers.numbers import next_no
from vouchers.policy.rules import Scheme
from vouchers.policy.words import day_words
from vouchers.states import advance

# No 0/O, 1/I/L: people read it from paper.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Balance:
    """What a voucher's account says, in yuan."""

    face_value: Decimal
    available: Decimal
    reserved: Decimal
    used: Decimal


def budget_of(voucher: Voucher) -> Budget:
    """The budget that the voucher was issued from, with the treasuries that share its cost."""
    assert voucher.program is not None and voucher.budget_year is not None
    return Budget(
        voucher.program.code, voucher.budget_year, voucher.program.region.code, tuple(voucher.bearers)
    )


def budgets_of(payments: Iterable[Payment]) -> dict[str, Budget]:
    """The budget of each payment, by its voucher."""
    numbers = {payment.voucher_no for payment in payments}
    vouchers = Voucher.objects.filter(voucher_no__in=numbers).select_related("program__region")
    return {voucher.voucher_no: budget_of(voucher) for voucher in vouchers}


def accounts_of(voucher: Voucher) -> list[str]:
    """The codes of its accounts: one, or one for each treasury that bears a part of it."""
    return [ledger.voucher_account(voucher.voucher_no, bearer) for bearer in voucher.bearers or [""]]


def balances(vouchers: Iterable[Voucher]) -> dict[str, Balance]:
    """The balance of each voucher by number, in two queries; imported history has no account and counts as spent."""
    wanted = list(vouchers)
    codes = [code for voucher in wanted for code in accounts_of(voucher)]
    accounts = {account.code: account for account in LedgerAccount.objects.filter(code__in=codes)}
    confirmed = _confirmed([account.pk for account in accounts.values()])
    out = {}
    for voucher in wanted:
        parts = [accounts[code] for code in accounts_of(voucher) if code in accounts]
        out[voucher.voucher_no] = Balance(
            face_value=voucher.face_value,
            available=available_on(voucher, accounts),
            reserved=sum((account.debits_pending for account in parts), ZERO),
            used=sum((confirmed.get(account.pk, ZERO) for account in parts), ZERO),
        )
    return out


def _confirmed(accounts: Sequence[uuid.UUID]) -> dict[uuid.UUID, Decimal]:
    """What claims have posted, by account; closing also debits them, but goes back to the budget."""
    posted = LedgerTransfer.objects.filter(debit_id__in=accounts, kind=TransferKind.POST).order_by()
    return dict(posted.values_list("debit_id").annotate(Sum("amount")))


def available_on(voucher: Voucher, accounts: Mapping[str, LedgerAccount]) -> Decimal:
    """What may still be taken from the voucher, by its accounts as they were read (``accounts_of``)."""
    parts = [accounts[code] for code in accounts_of(voucher) if code in accounts]
    return sum((account.available for account in parts if not account.closed), ZERO)


def balance_of(voucher: Voucher) -> Balance:
    """The balance of one voucher."""
    return balances([voucher])[voucher.voucher_no]


def expiry_of(scheme: Scheme, issued_on: date) -> date:
    """The first day on which a voucher issued then can no longer be used.

    The version's own date or months; where the text states neither, the end of the year of issue, as budgets lapse then.
    """
    if scheme.voucher.valid_to is not None:
        return scheme.voucher.valid_to
    months = scheme.voucher.validity_months
    if months is None:
        return date(issued_on.year + 1, 1, 1)
    index = issued_on.year * 12 + issued_on.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(issued_on.day, calendar.monthrange(year, month + 1)[1]))


def make_voucher(
    *,
    publication: Publication,
    enterprise: Party,
    application_no: str,
    amount: Decimal,
    on: date,
    is_entitlement: bool = False,
) -> Voucher:
    """The voucher's row; it is worth nothing until ``commit_voucher`` has taken its face value from the budget.

    An entitlement (核定额度) is the same to the ledger: the amount set apart for a subsidy that is paid without a voucher. It has
    a number of its own kind and no code to verify it by, since nobody is shown it as a voucher.

    Raises ``NotNow`` (``voucher.past_validity``) when the version's last day of use is over.
    """
    expires_on = expiry_of(publication.scheme, on)
    if expires_on <= on:
        raise NotNow(
            "voucher.past_validity",
            f"本版政策的{'额度' if is_entitlement else '算力券'}有效期已于 {day_words(expires_on)} 届满，"
            f"不能再{'核定' if is_entitlement else '发券'}。",
        )
    return Voucher.objects.create(
        voucher_no=next_no("E" if is_entitlement else "V", on),
        is_entitlement=is_entitlement,
        program=publication.program,
        publication=publication,
        application_no=application_no,
        enterprise=enterprise,
        face_value=amount,
        issued_on=on,
        expires_on=expires_on,
        budget_year=on.year,
        bearers=list(bearers_of(publication.scheme)),
        verification_code="" if is_entitlement else "".join(secrets.choice(_ALPHABET) for _ in range(10)),
    )


def commit_voucher(voucher: Voucher, *, issue_id: uuid.UUID, caps: Sequence[Cap] = ()) -> LedgerResult:
    """Commit the face value from the year's budget and the caps: the last statement of the caller's deed. Where treasuries
    share the cost, each gives its part of it, as the version splits it.

    The result may be a refusal (budget or cap exhausted): the caller then undoes the voucher and keeps the attempt.
    """
    return voucher_chain(voucher, issue_id=issue_id, caps=caps).post()


def voucher_chain(voucher: Voucher, *, issue_id: uuid.UUID, caps: Sequence[Cap] = ()) -> Chain:
    """The chain of ``commit_voucher``: what one voucher moves, for those that are issued together."""
    return ledger.issue_chain(
        budget_of(voucher),
        voucher.voucher_no,
        voucher.face_value,
        on=voucher.issued_on,
        id=issue_id,
        account_id=voucher.account_id,
        caps=caps,
        borne=_borne(voucher),
    )


def _borne(voucher: Voucher) -> dict[str, Decimal] | None:
    if not voucher.bearers:
        return None
    assert voucher.publication is not None
    return borne_by(voucher.publication.scheme, voucher.face_value)


def freeze_voucher(voucher: Voucher, *, by: User, reason: str) -> VoucherStep:
    """No new claim may draw on it until it is unfrozen; what is reserved goes on. Raises ``Invalid`` (``voucher.reason``)."""
    announce("voucher.freeze", reason)
    _decide(voucher, "freeze", by=by, reason=reason)
    return _kept(voucher, "freeze", by=by, reason=reason)


def unfreeze_voucher(voucher: Voucher, *, by: User, reason: str) -> VoucherStep:
    """By another person than the one who froze it. Raises ``Forbidden`` (``access.same_person``)."""
    announce("voucher.unfreeze", reason)
    _decide(voucher, "unfreeze", by=by, reason=reason)
    return _kept(voucher, "unfreeze", by=by, reason=reason)


def void_voucher(voucher: Voucher, *, by: User, reason: str) -> VoucherStep:
    """Takes a frozen one back, by another person than who froze it; what is not used or reserved returns to the budget."""
    announce("voucher.void", reason)
    _decide(voucher, "void", by=by, reason=reason)
    step = _kept(voucher, "void", by=by, reason=reason)
    ledger.void_voucher(
        voucher.voucher_no,
        on=dates.today(),
        id=event_id("void", voucher.voucher_no),
        bearers=voucher.bearers,
    ).demand()
    return step


def freed_by_voiding(voucher: Voucher) -> Decimal | None:
    """What went back to the budget when the voucher was voided, as the ledger booked it: until then claims and releases changed
    it. None for one that was not voided."""
    if voucher.state != VoucherState.VOIDED:
        return None
    closed = LedgerTransfer.objects.filter(chain_id=event_id("void", voucher.voucher_no), code="close")
    return closed.aggregate(total=Sum("amount"))["total"] or ZERO


def _decide(voucher: Voucher, verb: str, *, by: User, reason: str) -> None:
    assert voucher.program is not None
    if not reason.strip():
        raise Invalid("voucher.reason", "请写明理由，企业将看到这段话。", field="reason")
    voucher.refresh_from_db(from_queryset=Voucher.objects.select_for_update(of=("self",), no_key=True))
    if verb != "freeze":
        frozen = voucher.steps.filter(verb="freeze").order_by("pk").last()
        word = "解冻" if verb == "unfreeze" else "作废"
        if frozen is not None:
            require_other_person(by, {frozen.decided_by_id}, f"{word}算力券")
        elif voucher.state == VoucherState.FROZEN:  # only a change around the actions leaves one like this
            raise NotNow(
                "voucher.freezer_unknown",
                f"这张券没有冻结记录，不知由谁冻结，不能{word}。",
                hint="请由稽核人员在审计台查明该券是如何被冻结的。",
            )
    advance(voucher, verb, by=by, region=voucher.program.region)


def _kept(voucher: Voucher, verb: str, *, by: User, reason: str) -> VoucherStep:
    return VoucherStep.objects.create(
        voucher=voucher,
        verb=verb,
        reason=reason.strip()[:500],
        decided_by=by,
        decided_at=dates.now(),
    )


def expire_due_vouchers(on: date | None = None, *, limit: int = 500) -> int:
    """Close the vouchers whose day has come; the amount that no claim has reserved returns to the budget. For the clock."""
    announce("voucher.expire")
    on = on or dates.today()
    due = (
        Voucher.objects.select_for_update(
            skip_locked=True, no_key=True
        )  # what another deed holds comes up again
        .filter(origin="live", state__in=(VoucherState.ACTIVE, VoucherState.FROZEN), expires_on__lte=on)
        .order_by("pk")[:limit]
    )
    chains = []
    for voucher in due:
        advance(voucher, "expire", by=None)
        chains.append(
            ledger.expire_chain(
                voucher.voucher_no,
                on=on,
                id=event_id("expire", voucher.voucher_no),
                bearers=voucher.bearers,
            )
        )
    for result in post_all(chains):
        result.demand()
    return len(chains)


def mark_if_exhausted(voucher: Voucher) -> None:
    """The state follows the ledger: nothing available and nothing reserved means used up; what a reversal brought back is there to
    be used again, until the voucher's last day."""
    balance = balance_of(voucher)
    if voucher.state == VoucherState.ACTIVE and not balance.available and not balance.reserved:
        advance(voucher, "exhaust", by=None)
    elif voucher.state == VoucherState.EXHAUSTED and balance.available and voucher.expires_on > dates.today():
        advance(voucher, "restore", by=None)


__all__ = [
    "Balance",
    "accounts_of",
    "available_on",
    "balance_of",
    "balances",
    "budget_of",
    "commit_voucher",
    "expire_due_vouchers",
    "expiry_of",
    "freed_by_voiding",
    "freeze_voucher",
    "make_voucher",
    "mark_if_exhausted",
    "unfreeze_voucher",
    "void_voucher",
    "voucher_chain",
]
