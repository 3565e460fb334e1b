"""The records that a flag rests on, by their ids, as far as the reader may see them.

An id is ``kind:number`` or ``kind:number/part/…`` with public numbers only. A record of another region's case shows program,
date and amount and nothing else (design, section 2.10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Sum

from applications.models import BankTransfer, BasisItem, Invoice, Lease, LeaseDevice, MeteringDay
from vouchers.models import DeclaredAffiliation, Listing, Party, PriceCheck, Shareholding
from vouchers.models.parties import Relation


@dataclass(frozen=True)
class InvoiceShown:
    """One invoice row beside another."""

    no: str
    seen: bool
    status: str
    issued_on: date
    seller: str
    buyer: str
    net_amount: Decimal
    tax_amount: Decimal
    lease_no: str
    period: tuple[date | None, date | None]
    file_sha256: str


@dataclass(frozen=True)
class UseShown:
    """One use of an invoice in a claim."""

    claim_no: str  # empty: another region's
    program_code: str
    submitted_on: date | None
    net_amount: Decimal
    invoice_no: str
    state: str


@dataclass(frozen=True)
class Let:
    """A device's time under a lease, both days counted."""

    serial: str
    lease_no: str  # empty: another region's
    lessee: str
    lessor: str
    program_code: str
    from_on: date
    last_on: date
    share: Decimal
    exclusive: bool


@dataclass(frozen=True)
class Step:
    """An edge of the path between two parties, with its document and date."""

    one: str
    relation: str
    other: str
    since: date
    until: date | None = None


@dataclass
class Evidence:
    """All records of one flag, by kind."""

    invoices: list[InvoiceShown] = field(default_factory=list)
    uses: list[UseShown] = field(default_factory=list)
    lets: list[Let] = field(default_factory=list)
    leases: list[Any] = field(default_factory=list)
    parties: list[Party] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    transfers: list[BankTransfer] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    metering: list[dict[str, Any]] = field(default_factory=list)
    prices: list[PriceCheck] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def _parts(ids: Iterable[str], kind: str) -> list[tuple[str, ...]]:
    return [tuple(one.split(":", 1)[1].split("/")) for one in ids if one.startswith(f"{kind}:")]


def resolve(ids: list[str], regions: frozenset[str]) -> Evidence:
    """The records of these ids for a reader of these regions, by one query a kind."""
    shown = Evidence()
    _invoices(shown, _parts(ids, "invoice"), regions)
    _uses(shown, _parts(ids, "basis_item"), regions)
    _lets(shown, _parts(ids, "lease_device"), regions)
    leases = Lease.objects.filter(lease_no__in=[one[0] for one in _parts(ids, "lease")])
    shown.leases = [
        lease
        for lease in leases.select_related("lessee", "lessor").order_by("lease_no")
        if lease.program_region_code in regions
    ]
    shown.parties = list(
        Party.objects.filter(uscc__in=[one[0] for one in _parts(ids, "party")]).order_by("uscc")
    )
    _steps(shown, ids)
    refs = [one[0] for one in _parts(ids, "bank_transfer")]
    transfers = BankTransfer.objects.filter(bank_ref__in=refs).select_related("payer", "payee")
    shown.transfers = list(transfers.order_by("paid_on", "bank_ref"))
    checks = PriceCheck.objects.filter(check_no__in=[one[0] for one in _parts(ids, "price_check")])
    shown.prices = list(checks.order_by("check_no"))
    listed = [one[0] for one in _parts(ids, "listing")]
    shown.listings = list(
        Listing.objects.filter(party__uscc__in=listed).select_related("party").order_by("effective_from")
    )
    metered = MeteringDay.objects.filter(
        lease__lease_no__in=[one[0] for one in _parts(ids, "metering")],
        lease__program_region_code__in=regions,
    )
    shown.metering = [
        dict(row)
        for row in metered.values("lease__lease_no", "source")
        .annotate(days=Count("day"), hours=Sum("card_hours"), first=Min("day"), last=Max("day"))
        .order_by("lease__lease_no", "source")
    ]
    return shown


def _invoices(shown: Evidence, keys: list[tuple[str, ...]], regions: frozenset[str]) -> None:
    rows = Invoice.objects.filter(number_key__in=[key[0] for key in keys], net_amount__gt=0).select_related(
        "lease"
    )
    for row in rows.order_by("number_key", "pk"):
        region = row.lease.program_region_code if row.lease else row.program_region_code
        seen = region in regions
        shown.invoices.append(
            InvoiceShown(
                no=row.invoice_no,
                seen=seen,
                status=row.get_status_display() if seen else "",
                issued_on=row.issued_on,
                seller=row.seller_name or row.seller_uscc if seen else "",
                buyer=row.buyer_name or row.buyer_uscc if seen else "",
                net_amount=row.net_amount,
                tax_amount=row.tax_amount,
                lease_no=row.lease.lease_no if row.lease and seen else "",
                period=(row.period_from, row.period_to) if seen else (None, None),
                file_sha256=row.file_sha256 if seen else "",
            )
        )
    found = {row.number_key for row in rows}
    shown.missing += [f"invoice:{key[0]}" for key in keys if key[0] not in found]


def _uses(shown: Evidence, places: list[tuple[str, ...]], regions: frozenset[str]) -> None:
    wanted = set(places)
    rows = BasisItem.objects.filter(claim__claim_no__in={place[0] for place in places}).select_related(
        "claim", "invoice"
    )
    for row in rows.order_by("claim__submitted_at", "claim__claim_no", "position"):
        if (row.claim.claim_no, str(row.position)) not in wanted:
            continue
        seen = row.claim.program_region_code in regions
        shown.uses.append(
            UseShown(
                claim_no=row.claim.claim_no if seen else "",
                program_code=row.claim.program_code,
                submitted_on=row.claim.submitted_at.date() if row.claim.submitted_at else None,
                net_amount=row.net_amount,
                invoice_no=row.invoice.invoice_no if row.invoice else row.number_key,
                state=row.claim.get_state_display() if seen else "",
            )
        )


def _lets(shown: Evidence, places: list[tuple[str, ...]], regions: frozenset[str]) -> None:
    wanted = set(places)
    rows = LeaseDevice.objects.filter(
        lease__lease_no__in={place[0] for place in places},
        serial__in={place[1] for place in places if len(place) > 1},
    ).select_related("lease__lessee", "lease__lessor")
    for row in rows.order_by("serial", "effective_from", "lease__lease_no"):
        if (row.lease.lease_no, row.serial, row.effective_from.isoformat()) not in wanted:
            continue
        seen = row.lease.program_region_code in regions
        shown.lets.append(
            Let(
                serial=row.serial,
                lease_no=row.lease.lease_no if seen else "",
                lessee=row.lease.lessee.name if seen else "",
                lessor=row.lease.lessor.name if seen else "",
                program_code=row.lease.program_code,
                from_on=row.effective_from,
                last_on=date.fromordinal(row.effective_to.toordinal() - 1),
                share=row.share,
                exclusive=row.lease.exclusive,
            )
        )


def _steps(shown: Evidence, ids: list[str]) -> None:
    for company, holder, since in (part for part in _parts(ids, "shareholding") if len(part) == 3):
        row = (
            Shareholding.objects.filter(company__uscc=company, holder_id=holder, effective_from=since)
            .select_related("company")
            .first()
        )
        if row is None:
            shown.missing.append(f"shareholding:{company}/{holder}/{since}")
            continue
        name = (
            row.holder_name
            or Party.objects.filter(uscc=holder).values_list("name", flat=True).first()
            or holder[:12]
        )
        shown.steps.append(
            Step(
                name,
                f"持股 {row.percent.normalize():f}%",
                row.company.name,
                row.effective_from,
                row.effective_to,
            )
        )
    for part in _parts(ids, "declared_affiliation"):
        if len(part) != 4:
            continue
        declared = (
            DeclaredAffiliation.objects.filter(
                party__uscc=part[0], other__uscc=part[1], relation=part[2], declared_on=part[3]
            )
            .select_related("party", "other")
            .first()
        )
        if declared is not None:
            shown.steps.append(
                Step(
                    declared.party.name,
                    f"申报为{Relation(declared.relation).label}",
                    declared.other.name,
                    declared.declared_on,
                )
            )
