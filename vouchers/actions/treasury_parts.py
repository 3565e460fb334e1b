"""财政分担: which treasuries share a scheme's cost, and what each bears of an amount and has borne of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db.models import Sum

from vouchers.models import LedgerTransfer, Payment, Program
from vouchers.models.ledger import AccountKind, TransferKind
from vouchers.money import ZERO
from vouchers.policy.rules import Scheme
from vouchers.policy.shares import split_over_treasuries
from vouchers.policy.working import Sum as Step
from vouchers.policy.working import Working


def bearers_of(scheme: Scheme) -> tuple[str, ...]:
    """The treasuries' codes in the order in which they bear; who takes the rest is last. Empty where one bears all."""
    rows = scheme.treasury_shares
    if not rows:
        return ()
    rest = next((row for row in rows if row.takes_rest), rows[-1])
    return (*(row.code for row in rows if row is not rest), rest.code)


def borne_by(scheme: Scheme, amount: Decimal) -> dict[str, Decimal]:
    """What each treasury bears of an amount, in yuan by its code, by the version's own rule; the parts add up to the fen."""
    parts, _line = split_over_treasuries(scheme, Step(amount), Working(told=False))
    return {part.code: part.amount for part in parts}


def borne_by_claims(claim_nos: Iterable[str]) -> dict[str, dict[str, Decimal]]:
    """What each treasury has borne of each claim that the ledger has confirmed, in yuan by its code; of a claim that one
    treasury bears alone, all of it under the empty code."""
    posted = (
        LedgerTransfer.objects.filter(
            subject_kind="claim",
            subject_no__in=list(claim_nos),
            kind=TransferKind.POST,
            debit__kind=AccountKind.VOUCHER,
            reversals__isnull=True,
        )
        .order_by()
        .values_list("subject_no", "debit__code")
        .annotate(Sum("amount"))
    )
    borne: dict[str, dict[str, Decimal]] = {}
    for claim_no, code, amount in posted:
        bearer = bearer_in(code, 2)
        of_claim = borne.setdefault(claim_no, {})
        of_claim[bearer] = of_claim.get(bearer, ZERO) + amount
    return borne


def owed_by_treasury(payments: Iterable[Payment]) -> dict[str, dict[str, Decimal]]:
    """What each treasury still owes of each payment, in yuan by its code, by payment number: what it bore of the claim less what
    of it was set off. The parts add up to what the bank is to move; of a claim that one treasury bears alone, all is under the
    empty code. What the bank has moved already counts: it is the same debt, paid."""
    rows = list(payments)
    borne = borne_by_claims(row.claim_no for row in rows)
    set_off = (
        LedgerTransfer.objects.filter(
            subject_kind="payment",
            subject_no__in=[row.payment_no for row in rows],
            code="offset",
            debit__kind=AccountKind.PAYABLE,
        )
        .order_by()
        .values_list("subject_no", "debit__code")
        .annotate(Sum("amount"))
    )
    owed = {row.payment_no: dict(borne.get(row.claim_no, {})) for row in rows}
    for payment_no, code, amount in set_off:
        of_payment, bearer = owed[payment_no], bearer_in(code, 4)
        of_payment[bearer] = of_payment.get(bearer, ZERO) - amount
    return owed


def paid_by_treasury(payment_no: str) -> dict[str, Decimal]:
    """What each treasury paid under a payment's number, less what came back, in yuan by its code."""
    moved = LedgerTransfer.objects.filter(subject_kind="payment", subject_no=payment_no).order_by()
    paid = moved.filter(code="pay").values_list("debit__code").annotate(Sum("amount"))
    back = moved.filter(code="return", debit__kind=AccountKind.PAID)
    out = {bearer_in(code, 2): amount for code, amount in paid}
    for code, amount in back.values_list("debit__code").annotate(Sum("amount")):
        out[bearer_in(code, 3)] = out.get(bearer_in(code, 3), ZERO) - amount
    return out


def bearer_in(account_code: str, names: int) -> str:
    """The treasury's code at the end of an account's, behind as many names as its kind has; empty where one bears all."""
    return ":".join(account_code.split(":")[names:])


def treasuries_of(program: Program) -> dict[str, str]:
    """Name by code of every treasury that any published version of the program lets share its cost, in the order of the latest;
    the empty code for those versions whose cost one treasury bears, and while nothing is published."""
    names: dict[str, str] = {}
    publications = list(program.publications.order_by("-pk"))
    for publication in publications:
        rows: Mapping[str, str] = {row.code: row.treasury for row in publication.scheme.treasury_shares} or {
            "": ""
        }
        for code, name in rows.items():
            names.setdefault(code, name)
    return names or {"": ""}
