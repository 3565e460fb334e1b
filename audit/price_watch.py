"""Who redeems after quotes were raised: the claims on the contracts of the sellers whose quotes make the fair price."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from applications.models import Claim
from applications.models.claims import DEAD_STATES
from vouchers.actions.price_tables import chip_table
from vouchers.dates import SHANGHAI
from vouchers.models import ChipModel, Publication
from vouchers.policy.prices.watch import Redemption
from vouchers.policy.rules import Window
from vouchers.policy.terms import Stage
from vouchers.policy.windows import open_at

LONGEST_WINDOW = timedelta(days=366)


def redemptions(sellers: Iterable[str], since: date, until: date) -> list[Redemption]:
    """The live claims on contracts of these sellers whose window opened, or where there is none that were filed, between the two
    days. A contract whose chip the table does not know beyond doubt is told by its own word."""
    rows = (
        Claim.objects.filter(
            lease__lessor__uscc__in=list(sellers),
            submitted_at__gte=_start(since),
            submitted_at__lt=_start(until) + LONGEST_WINDOW,
        )
        .exclude(state__in=DEAD_STATES)
        .order_by("pk")
        .values_list(
            "claim_no", "lease__lessor__uscc", "lease__accelerator", "submitted_at", "publication_id"
        )
    )
    found = list(rows)
    windows = _claim_windows({publication for *_rest, publication in found if publication is not None})
    latest = ChipModel.objects.order_by("-table_version").values_list("table_version", flat=True).first()
    chips = chip_table(latest) if latest is not None else None
    told = []
    for claim_no, seller, written, submitted_at, publication in found:
        window = open_at(windows.get(publication, ()), submitted_at)
        opens_on = (window.opens_at if window else submitted_at).astimezone(SHANGHAI).date()
        if since <= opens_on <= until:
            names = chips.accelerators(written) if chips is not None and written else set()
            told.append(
                Redemption(seller, next(iter(names)) if len(names) == 1 else written, claim_no, opens_on)
            )
    return told


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _claim_windows(publications: Iterable[int]) -> dict[int, tuple[Window, ...]]:
    """By publication, the windows in which its vouchers are redeemed."""
    return {
        one.pk: tuple(window for window in one.scheme.windows if window.stage is Stage.CLAIM)
        for one in Publication.objects.filter(pk__in=list(publications))
    }
