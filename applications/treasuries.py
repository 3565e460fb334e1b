"""Which treasury bears what of each payment, where a scheme's cost is shared: as the ledger has it since the claim was confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from vouchers.actions.treasury_parts import owed_by_treasury
from vouchers.models import Payment, Voucher
from vouchers.money import ZERO
from vouchers.policy.assessment import TreasuryPart
from vouchers.policy.shares import split_over_treasuries
from vouchers.policy.working import Sum, Working


def parts_of(payments: Sequence[Payment]) -> dict[str, tuple[TreasuryPart, ...]]:
    """The parts of each payment by its number, exact to the fen; empty for one whose scheme shares its cost with nobody.

    A voucher that was issued before each treasury had its own part of the budget is split by the version that it stands on.
    """
    rows = Voucher.objects.filter(voucher_no__in={payment.voucher_no for payment in payments})
    vouchers = {row.voucher_no: row for row in rows.select_related("publication")}
    owed = owed_by_treasury(payments)
    parts: dict[str, tuple[TreasuryPart, ...]] = {}
    for payment in payments:
        voucher = vouchers.get(payment.voucher_no)
        if voucher is None or voucher.publication is None:
            parts[payment.payment_no] = ()
            continue
        scheme = voucher.publication.scheme
        split, _line = split_over_treasuries(scheme, Sum(payment.bank_amount), Working(told=False))
        of_payment = owed[payment.payment_no]
        if voucher.bearers and sum(of_payment.values(), ZERO) == payment.bank_amount:
            split = tuple(replace(part, amount=of_payment.get(part.code, ZERO)) for part in split)
        parts[payment.payment_no] = split
    return parts


def totals_of(parts: dict[str, tuple[TreasuryPart, ...]]) -> dict[str, Decimal]:
    """What each treasury bears of all of them, in yuan, by its name; empty when no cost is shared."""
    totals: dict[str, Decimal] = {}
    for split in parts.values():
        for part in split:
            totals[part.treasury] = totals.get(part.treasury, ZERO) + part.amount
    return totals
