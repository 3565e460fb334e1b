"""Verified contract prices, pushed down from the casework: a lease whose invoice, payment and metering hold becomes a transaction.

What holds: a quantity that comes to the contract's amount and that its cards can run; a normal invoice of lessor to lessee under the
lease, and another in the place of each that fell; the lessee's own transfers to the lessor that paid such invoices in full, each yuan
once; and metered use by the platform of at least half of what they bill. When one of these falls, or the lease, a claim or an invoice on
it is stopped, the price is taken out from then on; should it hold again, a new observation takes the old one's place. None is ever edited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from applications.models import BasisItem, Claim, Invoice, Lease, MeteringDay
from applications.models.claims import DEAD_STATES
from applications.models.invoices import InvoiceStatus
from applications.models.leases import LeaseState
from vouchers import dates
from vouchers.actions.price_checks import contract_of_lease
from vouchers.actions.price_entries import record_observation
from vouchers.actions.price_grounds import registered_tier
from vouchers.actions.price_removals import set_aside_observations
from vouchers.actions.price_tables import chip_table
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import Hold, PriceObservation
from vouchers.models.prices import Evidence, ObservationState, PriceKind
from vouchers.money import ZERO
from vouchers.policy.prices.normalise import Unreadable, find_chip, months_between
from vouchers.policy.prices.quantities import doubt_of
from vouchers.policy.terms import ContractKind

LEAST_USE = Decimal("0.5")
"""Of the billed card-hours, so many must have been metered by the platform (fair-price.md, METHOD v1, 2)."""
STANDING = (LeaseState.FILED, LeaseState.VERIFIED, LeaseState.ENDED)
REACH = timedelta(days=400)
"""Older leases are not looked at again by the clock: what they were is long past voting."""
_HOURS = {"card_hour": Decimal(1), "card_month": Decimal(730), "server_month": Decimal(730)}


@dataclass(frozen=True)
class Standing:
    """Whether the lease's price holds; else the reason code and the sentence."""

    holds: bool
    reason: str = ""
    sentence: str = ""


def standing_of(lease: Lease) -> Standing:
    """What is known of the lease today."""
    if lease.state not in STANDING:
        return Standing(False, "contract.unproven", f"合同状态为“{lease.get_state_display()}”")
    if lease.bundled or not lease.unit_price or not lease.unit or not lease.accelerator:
        return Standing(False, "contract.unproven", "合同单价含其他服务，或未载明单价、单位、型号")
    if doubted := _doubted(lease):
        return Standing(False, "contract.unproven", doubted)
    if stopped := _stopped(lease):
        return Standing(False, "case.opened", stopped)
    invoices = list(
        lease.invoices.filter(
            origin="live", seller_uscc=lease.lessor.uscc, buyer_uscc=lease.lessee.uscc, red_of=""
        ).order_by("pk")
    )
    paid = _paid(lease, invoices)
    fallen = _unreplaced([one for one in invoices if one.status != InvoiceStatus.NORMAL], paid)
    if fallen is not None:
        return Standing(
            False,
            "invoice.red",
            f"发票 {fallen.invoice_no} {fallen.get_status_display()}，未见按原金额重开并付清的发票",
        )
    if not paid:
        return Standing(False, "contract.unproven", "没有已由承租方对公付清的发票")
    billed = sum((one.net_amount for one in paid), ZERO)
    hours = _billed_hours(lease, billed)
    if hours is None:
        return Standing(False, "contract.unproven", "计价单位不能折算为卡时，无法与用量核对")
    used = _metered(lease, paid)
    if used < hours * LEAST_USE:
        return Standing(
            False,
            "contract.unproven",
            f"平台计量 {used.normalize():f} 卡时，不足已开票 {hours.quantize(Decimal('0.01')):f} 卡时的一半",
        )
    return Standing(True, "", "")


def _unreplaced(fallen: list[Invoice], paid: Iterable[Invoice]) -> Invoice | None:
    """The first invoice that fell without another in its place; None where each has one.

    In its place: issued on the day it fell or later, of the same amount without tax, for the same period where both tell one, and
    paid, or fallen itself and with another in its own; each takes one place. One of another amount bills another price, which
    nobody has proven.
    """
    left = [*fallen, *paid]  # a paid one is kept for the last of a row of them
    for one in fallen:
        since = one.status_changed_on or one.issued_on
        place = next(
            (
                other
                for other in left
                if (other.status == InvoiceStatus.NORMAL or other.pk > one.pk)
                and other.issued_on >= since
                and other.net_amount == one.net_amount
                and (None in (one.period_from, other.period_from) or _period(one) == _period(other))
            ),
            None,
        )
        if place is None:
            return one
        left.remove(place)
    return None


def _period(invoice: Invoice) -> tuple[date | None, date | None]:
    return invoice.period_from, invoice.period_to


def _doubted(lease: Lease) -> str:
    """Why the contract's own figures do not bear its unit price out; empty where they do."""
    assert lease.unit_price is not None
    extent = contract_of_lease(lease).extent
    assert extent is not None
    doubt = doubt_of(
        extent,
        unit=lease.unit,
        unit_price=lease.unit_price,
        cards_per_server=_cards_of_server(lease) or 1,
        upper=None,
    )
    return doubt.sentence if doubt is not None else ""


def _cards_of_server(lease: Lease) -> int | None:
    """By the chip table; None for a chip that it does not know."""
    try:
        chip, _form = find_chip(lease.accelerator, lease.form_factor, market="china", chips=chip_table(1))
    except Unreadable:
        return None
    return chip.cards_per_server


def _stopped(lease: Lease) -> str:
    """A hold on the lease, on its claims, on its invoices, on its parties; the first one's sentence."""
    claims = list(
        Claim.objects.filter(lease=lease).exclude(state__in=DEAD_STATES).values_list("claim_no", flat=True)
    )
    invoices = {
        number for pair in lease.invoices.values_list("invoice_no", "number_key") for number in pair if number
    }
    hold = (
        Hold.objects.open()
        .filter(
            Q(subject_kind="lease", subject_no=lease.lease_no)
            | Q(subject_kind="claim", subject_no__in=claims)
            | Q(subject_kind="invoice", subject_no__in=invoices)
            | Q(subject_kind="party", subject_no__in=(lease.lessee.uscc, lease.lessor.uscc))
        )
        .order_by("pk")
        .first()
    )
    return f"{hold.hold_no} {hold.get_state_display()}" if hold is not None else ""


def _paid(lease: Lease, invoices: Iterable[Invoice]) -> list[Invoice]:
    """The invoices that the lessee's own transfers, named beside them, cover in full.

    A yuan that was transferred pays one invoice: what a transfer still has is given to the invoices that name it, of whatever
    lease, the earlier handed in first.
    """
    named = BasisItem.objects.filter(
        invoice__status=InvoiceStatus.NORMAL,
        bank_transfer__payer_id=lease.lessee_id,
        bank_transfer__payee_id=lease.lessor_id,
    ).exclude(claim__state__in=DEAD_STATES)
    wanted = {one.pk: one for one in invoices}
    transfers = named.filter(invoice__in=wanted).values("bank_transfer_id")
    left: dict[int, Decimal] = {}
    named_by: dict[int, tuple[Decimal, set[int]]] = {}
    for invoice, gross, transfer, amount in named.filter(bank_transfer_id__in=transfers).values_list(
        "invoice_id", "invoice__gross_amount", "bank_transfer_id", "bank_transfer__amount"
    ):
        left[transfer] = amount
        named_by.setdefault(invoice, (gross, set()))[1].add(transfer)
    paid = []
    for invoice, (due, its) in sorted(named_by.items()):
        for transfer in sorted(its):
            taken = min(due, left[transfer])
            left[transfer] -= taken
            due -= taken
        if invoice in wanted and due <= ZERO:
            paid.append(wanted[invoice])
    return paid


def _billed_hours(lease: Lease, billed: Decimal) -> Decimal | None:
    """The card-hours that so much money buys at the lease's price; None for a price per PFLOPS."""
    assert lease.unit_price
    hours = _HOURS.get(lease.unit)
    if hours is None:
        return None
    cards = Decimal(1)
    if lease.unit == "server_month":
        held = _cards_of_server(lease)
        if held is None:
            return None
        cards = Decimal(held)
    return billed / lease.unit_price * hours * cards


def _metered(lease: Lease, invoices: Iterable[Invoice]) -> Decimal:
    """Card-hours by the platform in the invoices' periods; an invoice without a period bills from the lease's first day to its own."""
    days: set[date] = set()
    for one in invoices:
        first = one.period_from or lease.starts_on
        before = one.period_to or one.issued_on + timedelta(days=1)
        days |= {first + timedelta(days=n) for n in range(max((before - first).days, 0))}
    if not days:
        return ZERO
    rows = MeteringDay.objects.filter(
        lease=lease, source="platform", day__gte=min(days), day__lte=max(days), day__in=days
    )
    return rows.aggregate(sum=Sum("card_hours"))["sum"] or ZERO


# -- pushed down ------------------------------------------------------------------------------------------------------


def follow_contract(lease_no: str) -> str:
    """Bring the lease's observation to what the casework knows now. Answers ``recorded``, ``withdrawn`` or nothing. Told twice it
    changes nothing."""
    lease = (
        Lease.objects.select_for_update(of=("self",))
        .select_related("lessee", "lessor")
        .filter(lease_no=lease_no, origin="live", kind=ContractKind.LEASE)
        .first()
    )
    if lease is None:
        return ""
    held = _held(lease)
    standing = standing_of(lease)
    if held is not None and held.set_aside_at is None and held.state == ObservationState.ADMITTED:
        if standing.holds:
            return ""
        if set_aside_observations(
            reason=standing.reason, by=None, observation_no=held.observation_no, note=standing.sentence
        ):
            return "withdrawn"
        return ""
    if not standing.holds or (held is not None and held.set_aside_reason not in _OURS):
        # What a person judged, or waits for one, stays so.
        return ""
    return _record(lease, held)


_OURS = frozenset({"invoice.red", "case.opened", "contract.unproven"})
"""The reasons for which the casework itself took a price out: only these it may take back."""


def _held(lease: Lease) -> PriceObservation | None:
    """The latest observation that rests on the lease."""
    rows: QuerySet[PriceObservation] = PriceObservation.objects.filter(
        reference=lease.lease_no, kind=PriceKind.TRANSACTION, evidence=Evidence.VERIFIED, origin="live"
    )
    return rows.order_by("-pk").first()


def _record(lease: Lease, replaced: PriceObservation | None) -> str:
    assert lease.unit_price is not None
    announce("price.record", lease.lease_no)
    tier = registered_tier(lease.lessor.uscc, lease.signed_on, lease.program_code)
    fields: dict[str, str | None] = {
        "observed_on": lease.signed_on.isoformat(),
        "source": lease.lessor.uscc,
        "kind": PriceKind.TRANSACTION.value,
        "region_code": lease.region_code,
        "tier": tier,
        "accelerator": lease.accelerator,
        "form_factor": lease.form_factor,
        "term_months": str(months_between(lease.starts_on, lease.ends_before)),
        "unit": lease.unit,
        "unit_price": f"{lease.unit_price:f}",
        "currency": "CNY",
        "tax_included": "false",
        "reference": lease.lease_no,
    }
    if replaced is not None:
        fields["replaces"] = replaced.observation_no
    try:
        row = record_observation(fields, by=None, evidence=Evidence.VERIFIED, feed="casework")
    except Invalid:  # no tier, or a chip that no table knows: nothing to compare
        return ""
    if replaced is not None and row.replaces_id is None and row.pk != replaced.pk:
        row.replaces = replaced
        row.save(update_fields=["replaces"])
    return "recorded" if row.evidence == Evidence.VERIFIED else ""


def contracts_to_follow(on: date) -> list[str]:
    """Leases that may have come to hold, or not to hold any more: with an invoice, or with a price on record."""
    recorded = PriceObservation.objects.filter(
        kind=PriceKind.TRANSACTION, evidence=Evidence.VERIFIED, origin="live", set_aside_at=None
    ).values("reference")
    rows = Lease.objects.filter(origin="live", kind=ContractKind.LEASE).filter(
        Q(invoices__isnull=False, signed_on__gte=on - REACH) | Q(lease_no__in=recorded)
    )
    return list(rows.order_by("lease_no").values_list("lease_no", flat=True).distinct())


def leases_on_invoice(number_key: str) -> list[str]:
    """The leases under which the invoice was handed in."""
    return list(
        Invoice.objects.filter(number_key=number_key, origin="live", lease__isnull=False)
        .values_list("lease__lease_no", flat=True)
        .distinct()
    )


def leases_of_hold(subject_kind: str, subject_no: str) -> list[str]:
    """The leases that a hold on the subject touches."""
    today = dates.today()
    rows = Lease.objects.filter(origin="live", signed_on__gte=today - REACH)
    if subject_kind == "lease":
        rows = rows.filter(lease_no=subject_no)
    elif subject_kind == "claim":
        rows = rows.filter(claims__claim_no=subject_no)
    elif subject_kind == "party":
        rows = rows.filter(Q(lessee__uscc=subject_no) | Q(lessor__uscc=subject_no))
    elif subject_kind == "invoice":
        rows = rows.filter(Q(invoices__invoice_no=subject_no) | Q(invoices__number_key=subject_no))
    else:
        return []
    return list(rows.order_by("lease_no").values_list("lease_no", flat=True).distinct())
