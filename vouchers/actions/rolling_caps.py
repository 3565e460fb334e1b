"""Caps of a rolling year in the ledger: what has left the twelve months that end with a case's day.

A cap's account counts all that was ever taken under it. A case of a rolling year is held to what was taken lately, so the
limit that its chain states is the cap's, raised by what has left (``gone_by``).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from django.db.models import Case, F, OuterRef, Subquery, Sum, When
from django.db.models.functions import Coalesce

from vouchers.models import LedgerTransfer
from vouchers.models.ledger import AccountKind, TransferCode, TransferKind
from vouchers.money import ZERO
from vouchers.policy.caps import rolling_from

_TAKEN_ON = Case(
    When(subject_kind="payment", then=F("booked_on")), default=Coalesce("pending__booked_on", "booked_on")
)


def gone_by(codes: Collection[str], on: date) -> dict[str, Decimal]:
    """Yuan by account: what was taken before the twelve months that end with ``on``, and so counts no longer.

    Only what is final leaves: a reservation counts however old it is, and once confirmed by the day on which it was made;
    what was released or reversed was not taken. So nothing comes back from what has left but by a reversal (冲正), and
    chains that take, confirm or release between this question and the ledger's answer can only make the limit that rests
    on it too low, never too high. What was taken after ``on`` (a claim keeps the day of its first filing) counts as well:
    nobody gets room that another has taken since. A payment counts by the day on which it was sent; one that came back from the
    bank leaves with the day on which it had been.
    """
    if not codes:
        return {}
    since = rolling_from(on)
    final = LedgerTransfer.objects.filter(kind__in=(TransferKind.SINGLE, TransferKind.POST))
    taken = (
        final.filter(debit__code__in=codes, credit__kind=AccountKind.CAP_USED)
        .annotate(taken_on=_TAKEN_ON)
        .filter(taken_on__lt=since)
        .order_by()
        .values_list("debit__code")
        .annotate(Sum("amount"))
    )
    taken_back = (
        final.filter(credit__code__in=codes, debit__kind=AccountKind.CAP_USED, reverses__isnull=False)
        .annotate(taken_on=Coalesce("reverses__pending__booked_on", "reverses__booked_on"))
        .filter(taken_on__lt=since)
        .order_by()
        .values_list("credit__code")
        .annotate(Sum("amount"))
    )
    sent = final.filter(
        debit=OuterRef("credit"),
        credit__kind=AccountKind.CAP_USED,
        subject_kind="payment",
        subject_no=OuterRef("subject_no"),
        booked_on__lte=OuterRef("booked_on"),
    )
    came_back = (
        final.filter(
            credit__code__in=codes,
            debit__kind=AccountKind.CAP_USED,
            code=TransferCode.RETURN,
            reverses__isnull=True,
        )
        .annotate(taken_on=Subquery(sent.order_by("-booked_on").values("booked_on")[:1]))
        .filter(taken_on__lt=since)
        .order_by()
        .values_list("credit__code")
        .annotate(Sum("amount"))
    )
    gone: dict[str, Decimal] = dict(taken)
    for code, amount in (*taken_back, *came_back):
        gone[code] = gone.get(code, ZERO) - amount
    return gone
