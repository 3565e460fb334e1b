"""Which treasury bears what of each payment, where a scheme's cost is shared between two: by the version that the case stands on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from vouchers.models import Payment, Voucher
from vouchers.money import ZERO
from vouchers.policy.assessment import TreasuryPart
from vouchers.policy.shares import split_over_treasuries
from vouchers.policy.working import Sum, Working


def parts_of(payments: Sequence[Payment]) -> dict[str, tuple[TreasuryPart, ...]]:
    """The parts of each payment by its number, exact to the fen; empty for one whose scheme shares its cost with nobody."""
    rows = Voucher.objects.filter(voucher_no__in={payment.voucher_no for payment in payments})
    schemes = {row.voucher_no: row.publication for row in rows.select_related("publication")}
    parts: dict[str, tuple[TreasuryPart, ...]] = {}
    for payment in payments:
        publication = schemes.get(payment.voucher_no)
        if publication is None:
            parts[payment.payment_no] = ()
            continue
        split, _line = split_over_treasuries(publication.scheme, Sum(payment.amount), Working(told=False))
        parts[payment.payment_no] = split
    return parts


def totals_of(parts: dict[str, tuple[TreasuryPart, ...]]) -> dict[str, Decimal]:
    """What each treasury bears of all of them, in yuan, by its name; empty when no cost is shared."""
    totals: dict[str, Decimal] = {}
    for split in parts.values():
        for part in split:
            totals[part.treasury] = totals.get(part.treasury, ZERO) + part.amount
    return totals
