"""The facts of one case from the database, in a bounded number of statements however many parties and contracts it has.

Of a contract of another region its program, dates and amount are read and nothing else (design, section 2.10).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncMonth

from applications.invoice_prices import unit_of
from applications.models import BankTransfer, Claim, Device, Invoice, Lease, LeaseDevice, MeteringDay
from applications.models.invoices import InvoiceLine, InvoiceStatus
from applications.models.leases import LeaseState, PriceUnit
from audit.case_facts import (
    AccountKnown,
    BilledKnown,
    CaseFacts,
    DeclaredKnown,
    FilingKnown,
    HoldingKnown,
    LeaseKnown,
    LetKnown,
    MeteredKnown,
    PartyKnown,
    PriceKnown,
    SalesKnown,
    TransferKnown,
    attributes,
)
from vouchers.models import BankAccount, DeclaredAffiliation, Party, PriceCheck, Shareholding
from vouchers.models.parties import HolderKind, Relation

MOST_TRANSFERS = 2_000
_DEAD = (LeaseState.DRAFT, LeaseState.VOIDED)


def read_case(usccs: Iterable[str], lease_nos: Iterable[str], *, regions: Collection[str]) -> CaseFacts:
    """The facts of these parties and contracts for a reader of these regions. Contracts of other regions are left out,
    except as the times of devices that the case's contracts have too."""
    own = list(
        Lease.objects.filter(lease_no__in=sorted(set(lease_nos)), program_region_code__in=regions)
        .select_related("lessee", "lessor")
        .order_by("lease_no")
    )
    leases = {row.lease_no: _lease(row) for row in own}
    lets, others = _lets(leases, regions)
    names = {*usccs, *(uscc for one in leases.values() for uscc in (one.lessee, one.lessor))}
    names |= {uscc for one in others.values() for uscc in (one.lessee, one.lessor)}
    rows = list(Party.objects.filter(uscc__in=sorted(names)).order_by("uscc"))
    ids = {row.pk: row.uscc for row in rows}
    parties = {row.uscc: _party(row) for row in rows}
    accounts = tuple(
        AccountKnown(no, ids[party], account, at.date())
        for no, party, account, at in BankAccount.objects.filter(party__in=list(ids))
        .order_by("party__uscc", "entry_no")
        .values_list("entry_no", "party_id", "account_no", "recorded_at")
    )
    lease_ids = {row.pk: row.lease_no for row in own}
    filings = _filings(ids, regions)
    return CaseFacts(
        parties=parties,
        leases={**others, **leases},
        accounts=accounts,
        holdings=_holdings(ids),
        declared=_declared(ids),
        transfers=_transfers(ids),
        sales=_sales(parties),
        filings=filings,
        lets=lets,
        prices=_prices(leases),
        metered=_metered(lease_ids),
        billed=_billed(lease_ids),
        spread=_spread(parties.values(), accounts, filings),
    )


def _lease(row: Lease, *, within: bool = True) -> LeaseKnown:
    return LeaseKnown(
        row.lease_no, row.lessee.uscc, row.lessor.uscc, row.signed_on, row.starts_on, row.ends_before, row.amount,
        row.program_code, row.unit, row.unit_price, row.cards, row.accelerator, row.exclusive, row.document_sha256, within,
    )  # fmt: skip


def _party(row: Party) -> PartyKnown:
    return PartyKnown(
        row.uscc, row.name, row.legal_rep_name, row.legal_rep_id, row.phone, row.email, row.address,
        row.recorded_at.date() if row.recorded_at else None,
    )  # fmt: skip


def _lets(
    leases: dict[str, LeaseKnown], regions: Collection[str]
) -> tuple[tuple[LetKnown, ...], dict[str, LeaseKnown]]:
    """The devices of these contracts in whichever contract they are, and those other contracts as far as they may be seen."""
    serials = (
        LeaseDevice.objects.filter(lease__lease_no__in=list(leases))
        .values_list("serial", flat=True)
        .distinct()
    )
    known = list(serials)
    rows = list(
        LeaseDevice.objects.filter(serial__in=known)
        .filter(Q(lease__lease_no__in=list(leases)) | ~Q(lease__state__in=_DEAD))
        .select_related("lease__lessee", "lease__lessor")
        .order_by("serial", "effective_from", "lease__lease_no")
    )
    ends = _ends(rows, known)
    lets, others = [], {}
    for row in rows:
        lease = row.lease
        seen = lease.lease_no in leases or lease.program_region_code in regions
        if seen and lease.lease_no not in leases:
            others[lease.lease_no] = _lease(lease, within=False)
        lets.append(
            LetKnown(
                serial=row.serial,
                place=lease.pk,
                who=lease.lessee_id,
                lease_no=lease.lease_no if seen else "",
                lessee_name=lease.lessee.name if seen else "",
                since=row.effective_from,
                until=ends[row.pk],
                share=row.share,
                exclusive=lease.exclusive,
                program_code=lease.program_code,
                within=lease.lease_no in leases,
            )
        )
    return tuple(lets), others


def _ends(rows: list[LeaseDevice], serials: list[str]) -> dict[int, date]:
    """The end of each time, that of a replaced device where the replacing one took over in the same contract (as F17 has it)."""
    successors: dict[str, set[str]] = defaultdict(set)
    for serial, replaced in Device.objects.filter(replaces_serial__in=serials).values_list(
        "serial", "replaces_serial"
    ):
        successors[replaced].add(serial)
    begun: dict[tuple[int, str], date] = {}
    for row in rows:
        place = (row.lease_id, row.serial)
        begun[place] = min(row.effective_from, begun.get(place, row.effective_from))
    ends = {}
    for row in rows:
        taken = [
            begun[row.lease_id, one] for one in successors.get(row.serial, ()) if (row.lease_id, one) in begun
        ]
        after = [day for day in taken if day >= row.effective_from]
        over = date.fromordinal(min(after).toordinal() + 1) if after else row.effective_to
        ends[row.pk] = min(row.effective_to, over)
    return ends


def _holdings(ids: dict[int, str]) -> tuple[HoldingKnown, ...]:
    rows = Shareholding.objects.filter(company__in=list(ids)).order_by(
        "company__uscc", "-percent", "entry_no"
    )
    return tuple(
        HoldingKnown(
            row.entry_no, ids[row.company_id], row.holder_id, row.holder_name,
            row.holder_kind == HolderKind.COMPANY, row.percent, row.effective_from, row.effective_to,
        )
        for row in rows
    )  # fmt: skip


def _declared(ids: dict[int, str]) -> tuple[DeclaredKnown, ...]:
    rows = DeclaredAffiliation.objects.filter(party__in=list(ids), other__in=list(ids)).order_by("entry_no")
    return tuple(
        DeclaredKnown(
            row.entry_no,
            ids[row.party_id],
            ids[row.other_id],
            str(Relation(row.relation).label),
            row.declared_on,
        )
        for row in rows
    )


def _transfers(ids: dict[int, str]) -> tuple[TransferKnown, ...]:
    rows = BankTransfer.objects.filter(payer__in=list(ids), payee__in=list(ids)).order_by(
        "paid_on", "bank_ref"
    )
    return tuple(
        TransferKnown(ref, ids[payer], ids[payee], on, amount)
        for ref, payer, payee, on, amount in rows.values_list(
            "bank_ref", "payer_id", "payee_id", "paid_on", "amount"
        )[:MOST_TRANSFERS]
        if payer != payee
    )


def _sales(parties: dict[str, PartyKnown]) -> tuple[SalesKnown, ...]:
    between = Invoice.objects.filter(
        seller_uscc__in=list(parties),
        buyer_uscc__in=list(parties),
        status=InvoiceStatus.NORMAL,
        net_amount__gt=0,
    )
    rows = (
        between.values("seller_uscc", "buyer_uscc")
        .annotate(
            count=Count("number_key", distinct=True),
            net=Sum("net_amount"),
            first_no=Min("invoice_no"),
            first=Min("issued_on"),
            last=Max("issued_on"),
        )
        .order_by("seller_uscc", "buyer_uscc")
    )
    return tuple(
        SalesKnown(
            row["seller_uscc"], row["buyer_uscc"], row["count"], row["net"], row["first_no"], row["first"], row["last"]
        )
        for row in rows
        if row["seller_uscc"] != row["buyer_uscc"]
    )  # fmt: skip


def _filings(ids: dict[int, str], regions: Collection[str]) -> tuple[FilingKnown, ...]:
    """The first claim of each party from each device."""
    rows = (
        Claim.objects.filter(
            enterprise__in=list(ids), program_region_code__in=regions, submitted_at__isnull=False
        )
        .exclude(filer_device="")
        .order_by("enterprise_id", "filer_device", "submitted_at")
        .distinct("enterprise_id", "filer_device")
    )
    return tuple(
        FilingKnown(ids[party], device, no, at.date())
        for party, device, no, at in rows.values_list(
            "enterprise_id", "filer_device", "claim_no", "submitted_at"
        )
    )


def _prices(leases: dict[str, LeaseKnown]) -> dict[str, PriceKnown]:
    rows = (
        PriceCheck.objects.filter(subject_kind="lease", subject_no__in=list(leases))
        .order_by("subject_no", "-pk")
        .distinct("subject_no")
    )
    return {row.subject_no: known_price(row, row.subject_no) for row in rows}


def known_price(row: PriceCheck, lease_no: str) -> PriceKnown:
    """A check as the drawings and the workbooks take it."""
    groups = row.row.get("n_groups") if isinstance(row.row, dict) else None
    return PriceKnown(
        row.check_no, lease_no, row.as_of, row.unit_price, row.lower, row.base, row.upper, row.recognised_price,
        row.grade, int(groups) if groups is not None else None, row.cell, row.position, row.get_position_display(),
        row.consequence, row.get_consequence_display(), row.sentence,
    )  # fmt: skip


def _metered(leases: dict[int, str]) -> tuple[MeteredKnown, ...]:
    rows = (
        MeteringDay.objects.filter(lease__in=list(leases))
        .annotate(month=TruncMonth("day"))
        .values("lease_id", "month", "source")
        .annotate(hours=Sum("card_hours"), days=Count("day"))
        .order_by("lease_id", "month", "source")
    )
    return tuple(
        MeteredKnown(leases[row["lease_id"]], row["month"], row["source"], row["hours"], row["days"])
        for row in rows
    )


def _billed(leases: dict[int, str]) -> tuple[BilledKnown, ...]:
    invoices = list(
        Invoice.objects.filter(lease__in=list(leases), status=InvoiceStatus.NORMAL, net_amount__gt=0)
        .order_by("lease_id", "number_key", "pk")
        .values_list(
            "pk",
            "lease_id",
            "number_key",
            "invoice_no",
            "issued_on",
            "period_from",
            "period_to",
            "net_amount",
        )
    )
    hours: dict[int, Decimal] = defaultdict(Decimal)
    stated = InvoiceLine.objects.filter(invoice__in=[row[0] for row in invoices], quantity__isnull=False)
    for invoice, unit, quantity in stated.values_list("invoice_id", "unit", "quantity"):
        if unit_of(unit) == PriceUnit.CARD_HOUR:
            assert quantity is not None
            hours[invoice] += quantity
    found, met = [], set()
    for pk, lease, key, no, issued, since, until, net in invoices:
        if (lease, key) in met:  # the same paper, handed in twice
            continue
        met.add((lease, key))
        found.append(BilledKnown(leases[lease], no, issued, since, until, net, hours.get(pk)))
    return tuple(found)


_COUNTS = {
    "legal_rep": "SELECT 'legal_rep', legal_rep_id, count(*) FROM vouchers_party WHERE legal_rep_id = ANY(%s) GROUP BY 2",
    "phone": "SELECT 'phone', phone, count(*) FROM vouchers_party WHERE phone = ANY(%s) GROUP BY 2",
    "email": "SELECT 'email', lower(email), count(*) FROM vouchers_party WHERE lower(email) = ANY(%s) GROUP BY 2",
    "address": "SELECT 'address', regexp_replace(address, '[[:space:]]', '', 'g'), count(*) FROM vouchers_party "
    "WHERE regexp_replace(address, '[[:space:]]', '', 'g') = ANY(%s) GROUP BY 2",
    "filer": "SELECT 'filer', filer_device, count(DISTINCT enterprise_id) FROM applications_claim "
    "WHERE filer_device = ANY(%s) GROUP BY 2",
    "account": "SELECT 'account', account_no, count(DISTINCT party_id) FROM vouchers_bankaccount WHERE account_no = ANY(%s) GROUP BY 2",
}


def _spread(
    parties: Iterable[PartyKnown], accounts: Iterable[AccountKnown], filings: Iterable[FilingKnown]
) -> dict[tuple[str, str], int]:
    """Of what two parties of the case share, how many of the whole register have it: what very many share links nobody."""
    met: Counter[tuple[str, str]] = Counter()
    for party in parties:
        met.update(attributes(party).items())
    met.update(("account", no) for no, _uscc in {(one.account_no, one.uscc) for one in accounts})
    met.update(("filer", device) for device, _uscc in {(one.device, one.uscc) for one in filings})
    shared: dict[str, list[str]] = defaultdict(list)
    for (kind, value), count in met.items():
        if count > 1:
            shared[kind].append(value)
    if not shared:
        return {}
    parts: list[str] = []
    values: list[Any] = []
    for kind in sorted(shared):
        parts.append(_COUNTS[kind])
        values.append(sorted(shared[kind]))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return {(kind, value): int(count) for kind, value, count in cursor.fetchall()}
