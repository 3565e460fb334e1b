"""The same invoice in other claims, in all programs and regions, told to each as far as they may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from applications.models import BasisItem
from applications.models.claims import DEAD_STATES
from applications.reads import note_read
from vouchers import dates
from vouchers.access import DESK_ROLES, Role, has_role, scope_of
from vouchers.limits import require_calm
from vouchers.models import User
from vouchers.money import ZERO, thousands

# Asking whether a number was claimed tells of other people's cases; nobody needs it more often than this in ten minutes.
MOST_LOOKUPS, LOOKUP_SECONDS = 30, 600


@dataclass(frozen=True)
class InvoiceUse:
    """A live claim that rests on the invoice: what a region's staff see of another region's case, and no more."""

    claim_no: str
    program_code: str
    used_on: date | None
    net_amount: Decimal
    own: bool


@dataclass(frozen=True)
class AlreadyClaimed:
    """That an invoice has been used. ``uses`` is empty for whoever may not know where."""

    sentence: str
    used_net: Decimal | None
    uses: tuple[InvoiceUse, ...] = ()


def live_uses(number_key: str, *, except_claim_no: str = "") -> QuerySet[BasisItem]:
    """The items of live claims (live and imported, every program and region) that rest on the invoice."""
    return (
        BasisItem.objects.filter(Q(number_key=number_key) | Q(invoice__number_key=number_key))
        .exclude(claim__state__in=DEAD_STATES)
        .exclude(claim__claim_no=except_claim_no)
        .select_related("claim")
        .order_by("claim__submitted_at", "pk")
    )


def used_net(number_key: str, *, except_claim_no: str = "") -> Decimal:
    """How much of the invoice, without tax, live claims rest on already."""
    return sum((item.net_amount for item in live_uses(number_key, except_claim_no=except_claim_no)), ZERO)


def already_claimed(number_key: str, *, viewer: User, except_claim_no: str = "") -> AlreadyClaimed | None:
    """Whether other claims rest on the invoice, told as far as the viewer may know. None when none does.

    A region's staff learn program, date and amount; an enterprise learns of its own claims, and of others only that there are
    some. Every question is told to the read listeners; too many raise ``TooMany`` (``invoice.too_many_lookups``).
    """
    staff = has_role(viewer, *DESK_ROLES, Role.AUDITOR)
    if not staff:
        _count_lookup(viewer)
    scope = scope_of(viewer)
    note_read("invoice", number_key, by=viewer, facts={"question": "already_claimed"})
    items = list(live_uses(number_key, except_claim_no=except_claim_no))
    if not items:
        return None
    uses = tuple(
        InvoiceUse(
            claim_no=item.claim.claim_no if _mine(item, scope.parties, scope.regions) else "",
            program_code=item.claim.program_code,
            used_on=item.claim.submitted_at.astimezone(dates.SHANGHAI).date()
            if item.claim.submitted_at
            else None,
            net_amount=item.net_amount,
            own=_mine(item, scope.parties, scope.regions),
        )
        for item in items
    )
    if staff:
        total = sum((use.net_amount for use in uses), ZERO)
        parts = "；".join(
            f"{use.program_code} {use.used_on or '日期不详'} {thousands(use.net_amount)} 元" for use in uses
        )
        return AlreadyClaimed(f"该发票已在 {len(uses)} 笔兑付中使用：{parts}。", total, uses)
    own = tuple(use for use in uses if use.own)
    if len(own) == len(uses):
        total = sum((use.net_amount for use in own), ZERO)
        numbers = "、".join(dict.fromkeys(use.claim_no for use in own))
        return AlreadyClaimed(
            f"该发票已在贵单位的兑付 {numbers} 中使用，已计入 {thousands(total)} 元。", total, own
        )
    return AlreadyClaimed("该发票已在其他兑付中使用。", None, ())


def _mine(item: BasisItem, parties: frozenset[int], regions: frozenset[str]) -> bool:
    return item.claim.enterprise_id in parties or item.claim.program_region_code in regions


def _count_lookup(viewer: User) -> None:
    require_calm(
        f"invoice-lookups:{viewer.pk}",
        most=MOST_LOOKUPS,
        seconds=LOOKUP_SECONDS,
        code="invoice.too_many_lookups",
        message="查询过于频繁，请稍后再试。",
        hint="每 10 分钟最多查询 30 次发票。",
    )
