"""What the facts and the checks of a case are read from: the database, a question each.

Whoever has read all of it at once (``applications.settlement_reads``) answers the same questions from what was read; how a case
is computed from the answers is one and the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q

from applications.models import Application, BasisItem, Claim, Lease, MeteringDay, Paper
from applications.models.claims import DEAD_STATES, ClaimKind
from applications.models.metering import MeteringSource
from vouchers.actions.price_tables import chip_origin
from vouchers.models import (
    Affiliation,
    LedgerAccount,
    Listing,
    Party,
    PlatformConnection,
    PriceCheck,
    ProviderAdmission,
    Screening,
)
from vouchers.money import ZERO


@dataclass(frozen=True, slots=True)
class Dated:
    """A row that holds from a day, to another one or for good (half-open)."""

    effective_from: date
    effective_to: date | None

    def on(self, day: date) -> bool:
        """Whether it holds on that day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True, slots=True)
class Connection(Dated):
    """A party's connection to a platform: of one program, or of a whole region."""

    program_code: str
    region_code: str


@dataclass(frozen=True, slots=True)
class Admission(Dated):
    """A provider's admission to a program."""

    batch: str
    service_item: str


@dataclass(frozen=True, slots=True)
class Listed(Dated):
    """A party's entry on a list of the dishonest."""

    document_no: str


@dataclass(frozen=True, slots=True)
class Screened:
    """What a screening was made with, and when."""

    rule_versions: dict[str, int]
    not_testable: list[str]
    screened_at: datetime


@dataclass(frozen=True, slots=True)
class Alike:
    """An item of a claim whose document number is the same or similar."""

    reference: str
    evidence_key: str
    claim_no: str
    claim_kind: str
    claim_state: str
    program_code: str
    enterprise_id: int
    provider_id: int | None


class CaseReads:
    """Each question is one statement."""

    def application(self, number: str) -> Application | None:
        """The application of that number, with the batch and the project that it belongs to."""
        rows = Application.objects.select_related("batch", "undertaking")
        return rows.filter(application_no=number).first()

    def chip_origin(self, accelerator: str) -> str | None:
        """``domestic`` or ``foreign`` by the latest chip table; None where it does not know the accelerator."""
        return chip_origin(accelerator)

    def connections(self, party: Party) -> list[Connection]:
        """All of the party's connections to platforms."""
        rows = PlatformConnection.objects.filter(party=party)
        names = ("effective_from", "effective_to", "program_code", "region_code")
        return [Connection(*row) for row in rows.values_list(*names)]

    def admissions(self, provider: Party, program_code: str) -> list[Admission]:
        """All of the party's admissions to the program as a provider."""
        rows = ProviderAdmission.objects.filter(provider=provider, program_code=program_code)
        names = ("effective_from", "effective_to", "batch", "service_item")
        return [Admission(*row) for row in rows.values_list(*names)]

    def listings(self, party: Party, on: date) -> list[Listed]:
        """The party's entries on lists that had begun by that day."""
        rows = Listing.objects.filter(party=party, effective_from__lte=on)
        return [
            Listed(*row)
            for row in rows.values_list("effective_from", "effective_to", "document_no").order_by("pk")
        ]

    def affiliation(self, lease: Lease) -> str | None:
        """On what ground its two parties are affiliated on the signing date; None where no record says so."""
        one, other = sorted((lease.lessee_id, lease.lessor_id))
        rows = Affiliation.objects.filter(one_id=one, other_id=other, effective_from__lte=lease.signed_on)
        return (
            rows.filter(Q(effective_to=None) | Q(effective_to__gt=lease.signed_on))
            .order_by("pk")
            .values_list("ground", flat=True)
            .first()
        )

    def screening(self, lease: Lease) -> Screened | None:
        """The contract's last screening."""
        rows = Screening.objects.filter(subject_kind="lease", subject_no=lease.lease_no).order_by("-pk")
        row = rows.values_list("rule_versions", "not_testable", "screened_at").first()
        return None if row is None else Screened(*row)

    def price_check(self, lease: Lease | None) -> PriceCheck | None:
        """The contract's last price check."""
        if lease is None:
            return None
        rows = PriceCheck.objects.filter(subject_kind="lease", subject_no=lease.lease_no)
        return rows.order_by("-pk").first()

    def settled(self, lease: Lease) -> bool:
        """Whether a platform has settled under the contract."""
        rows = Claim.objects.filter(lease=lease, kind=ClaimKind.SETTLEMENT)
        return rows.exclude(state__in=DEAD_STATES).exists()

    def metered(self, lease: Lease) -> bool:
        """Whether a platform meters the use under the contract."""
        return MeteringDay.objects.filter(lease=lease, source=MeteringSource.PLATFORM).exists()

    def papers(self, kind: str, number: str) -> tuple[str, ...]:
        """The kinds of papers that are handed in for the case."""
        rows = Paper.objects.filter(subject_kind=kind, subject_no=number, removed_at=None)
        return tuple(sorted(set(rows.values_list("kind", flat=True))))

    def items(self, claim: Claim) -> list[BasisItem]:
        """What the claim rests on, in its order."""
        return list(claim.items.all())

    def uses(self, claim: Claim) -> int:
        """1 where another claim draws on the same voucher, else 0: whether it was used, which is all that the rules ask."""
        rows = claim.voucher.claims.exclude(pk=claim.pk)
        return int(rows.exclude(state__in=DEAD_STATES).exists())

    def accounts(self, codes: Collection[str]) -> dict[str, LedgerAccount]:
        """The accounts of these codes that there are."""
        return {account.code: account for account in LedgerAccount.objects.filter(code__in=list(codes))}

    def alike(self, item: BasisItem, likeness: str) -> list[Alike]:
        """The other live items of the same kind, and those of the same claim, with a number that is alike, the oldest first."""
        rows = (
            BasisItem.objects.filter(kind=item.kind)
            .filter(Q(reference_key=likeness) | Q(reference_key="", reference=item.reference))
            .filter(Q(claim=item.claim_id) | ~Q(claim__state__in=DEAD_STATES))
            .exclude(pk=item.pk)
            .order_by("pk")
        )
        names = ("claim_no", "kind", "state", "program_code", "enterprise_id", "provider_id")
        return [
            Alike(*row)
            for row in rows.values_list("reference", "evidence_key", *(f"claim__{name}" for name in names))
        ]

    def claimed_under(self, lease: Lease, claim: Claim) -> Decimal:
        """What this claim and all live ones count of the contract together, in yuan."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT net_amount FROM applications_leaseuse WHERE lease_id = %s", [lease.pk])
            row = cursor.fetchone()
        counted: Decimal = row[0] if row else ZERO
        if claim.live:
            return counted
        return counted + sum((item.net_amount for item in self.items(claim)), ZERO)


DATABASE = CaseReads()

__all__ = ["DATABASE", "Admission", "Alike", "CaseReads", "Connection", "Dated", "Listed", "Screened"]
