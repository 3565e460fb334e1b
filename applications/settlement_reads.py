"""All that a deduction is decided on, read by one statement: contract, voucher, program, application, who is admitted, connected,
listed or affiliated, and what was claimed before. The ledger's accounts are the second and last one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model

from applications.case_reads import DATABASE, Admission, Alike, CaseReads, Connection, Listed, Screened
from applications.models import Application, BasisItem, Claim, IssueBatch, Lease, Undertaking
from applications.models.claims import ClaimKind
from vouchers.actions.price_tables import chip_table
from vouchers.models import LedgerAccount, Party, PriceCheck, Program, Publication, Region, Voucher
from vouchers.policy.prices.chips import ChipTable
from vouchers.policy.terms import BasisKind
from vouchers.prepared import ask

#: What a deduction looks at; whoever asks for more of a row has it fetched by itself.
_READ: dict[type[Model], str] = {
    Lease: """id origin lease_no kind contract_no lessee lessor program_code program_region_code region_code signed_on starts_on
        ends_before accelerator cards unit quantity unit_price vat_rate amount purpose exclusive bundled state""",
    Party: "id origin uscc name region_code registered_on ownership size industry_code",
    Voucher: """id origin voucher_no is_entitlement program publication application_no enterprise face_value issued_on expires_on
        budget_year bearers state account_id""",
    Program: "id code name region",
    Region: "id code name",
    Publication: "id publication_no program sha256",
    Application: """id origin application_no program publication program_code enterprise state lease project batch undertaking facts
        submitted_at decided_on is_listed consented_at""",
    IssueBatch: "id batch_no",
    Undertaking: "id undertaking_no",
}


@dataclass(frozen=True)
class _Part:
    """A table's row within the row of the statement."""

    model: type[Model]
    names: tuple[str, ...]
    columns: str
    readers: tuple[tuple[int, Callable[..., Any], Any], ...]

    def read(self, values: list[Any]) -> Any:
        """The row as its model; None where the join found none."""
        if values[0] is None:
            return None
        for place, reader, output in self.readers:
            values[place] = reader(values[place], output, connection)
        return self.model.from_db("default", self.names, values)


def part_of(model: type[Model], alias: str) -> _Part:
    """The row of ``alias`` as this model: what ``_READ`` says of it, or all of it."""
    wanted = set(_READ[model].split()) if model in _READ else None
    fields = [field for field in model._meta.concrete_fields if wanted is None or field.name in wanted]
    return _Part(
        model,
        tuple(field.attname for field in fields),
        ", ".join(f'{alias}."{field.column}"' for field in fields),
        tuple(
            (place, field.from_db_value, None)
            for place, field in enumerate(fields)
            if hasattr(field, "from_db_value")
        ),
    )


_PARTS = (
    part_of(Lease, "l"),
    part_of(Party, "e"),
    part_of(Voucher, "v"),
    part_of(Program, "g"),
    part_of(Region, "r"),
    part_of(Publication, "b"),
    part_of(Application, "a"),
    part_of(IssueBatch, "t"),
    part_of(Undertaking, "u"),
)
DEAD = "('withdrawn', 'rejected', 'lapsed', 'draft')"
_ALIKE = f"""
    SELECT jsonb_agg(jsonb_build_array(i.reference, i.evidence_key, c.claim_no, c.kind, c.state, c.program_code,
                                       c.enterprise_id, c.provider_id) ORDER BY i.id)
    FROM (SELECT x.* FROM applications_basisitem x WHERE x.reference_key = %(likeness)s AND %(likeness)s <> ''
          UNION ALL
          SELECT x.* FROM applications_basisitem x WHERE x.reference_key = '' AND x.reference <> '' AND x.reference = %(line)s) AS i
    CROSS JOIN LATERAL (SELECT * FROM applications_claim WHERE id = i.claim_id OFFSET 0) AS c
    WHERE i.kind = %(item_kind)s AND c.state NOT IN {DEAD}
"""  # noqa: S608 (constants of our own)
# By the key first, and apart (OFFSET 0, here and above): where it believes that there are few claims, the planner would as soon
# read all those of the provider, or all of them, and goes on to do so when there are many.
_OF_KEY = """SELECT id, provider_id FROM applications_claim
        WHERE idempotency_key = %(key)s AND idempotency_key <> '' AND state <> 'draft' OFFSET 0"""
_GROUND = f"""
SELECT (SELECT k.id FROM ({_OF_KEY}) AS k WHERE k.provider_id = %(provider)s),
    nextval('settlement_no_seq'),
    CASE WHEN v.id IS NOT NULL THEN jsonb_build_object(
        'chips', (SELECT jsonb_build_array(max(x.table_version), count(*), max(x.id)) FROM vouchers_chipmodel x),
        'admissions', (SELECT jsonb_agg(jsonb_build_array(x.provider_id, x.effective_from, x.effective_to, x.batch, x.service_item) ORDER BY x.id)
            FROM vouchers_provideradmission x WHERE x.provider_id IN (l.lessor_id, l.lessee_id) AND x.program_code = g.code),
        'connections', (SELECT jsonb_agg(jsonb_build_array(x.party_id, x.effective_from, x.effective_to, x.program_code, x.region_code) ORDER BY x.id)
            FROM vouchers_platformconnection x WHERE x.party_id IN (l.lessor_id, l.lessee_id)),
        'listings', (SELECT jsonb_agg(jsonb_build_array(x.effective_from, x.effective_to, x.document_no) ORDER BY x.id)
            FROM vouchers_listing x WHERE x.party_id = l.lessee_id AND x.effective_from <= %(today)s::date),
        'affiliation', (SELECT x.ground FROM vouchers_affiliation x
            WHERE x.one_id = least(l.lessee_id, l.lessor_id) AND x.other_id = greatest(l.lessee_id, l.lessor_id)
                AND x.effective_from <= l.signed_on AND (x.effective_to IS NULL OR x.effective_to > l.signed_on)
            ORDER BY x.id LIMIT 1),
        'screening', (SELECT jsonb_build_array(x.rule_versions, x.not_testable, x.screened_at) FROM vouchers_screening x
            WHERE x.subject_kind = 'lease' AND x.subject_no = l.lease_no ORDER BY x.id DESC LIMIT 1),
        'price_check', (SELECT x.id FROM vouchers_pricecheck x
            WHERE x.subject_kind = 'lease' AND x.subject_no = l.lease_no ORDER BY x.id DESC LIMIT 1),
        'settled', EXISTS (SELECT FROM applications_claim c WHERE c.lease_id = l.id AND c.kind = 'settlement' AND c.state NOT IN {DEAD}),
        'metered', EXISTS (SELECT FROM applications_meteringday m WHERE m.lease_id = l.id AND m.source = 'platform'),
        'alike', ({_ALIKE}),
        'used', EXISTS (SELECT FROM applications_claim c WHERE c.voucher_id = v.id AND c.state NOT IN {DEAD}),
        'claimed', (SELECT x.net_amount::text FROM applications_leaseuse x WHERE x.lease_id = l.id)
    ) END,
    {", ".join(part.columns for part in _PARTS)}
FROM (VALUES (1)) AS once (one)
    LEFT JOIN applications_lease l ON l.lease_no = %(lease_no)s AND l.lessor_id = %(provider)s
    LEFT JOIN vouchers_party e ON e.id = l.lessee_id
    LEFT JOIN vouchers_voucher v ON v.voucher_no = %(voucher_no)s AND v.enterprise_id = l.lessee_id
        AND v.origin = 'live' AND NOT v.is_entitlement
    LEFT JOIN vouchers_program g ON g.id = v.program_id LEFT JOIN vouchers_region r ON r.id = g.region_id
    LEFT JOIN vouchers_publication b ON b.id = v.publication_id
    LEFT JOIN applications_application a ON a.application_no = v.application_no
    LEFT JOIN applications_issuebatch t ON t.id = a.batch_id LEFT JOIN applications_undertaking u ON u.id = a.undertaking_id
"""  # noqa: S608 (names of our own columns)
_ACCOUNTS = """
SELECT jsonb_agg(jsonb_build_array(x.code, x.kind, x.limit_amount::text, (x.debits_pending + coalesce(w.pending, 0))::text,
                                   (x.debits_posted + coalesce(w.posted - w.allotted, 0))::text, x.credits_pending::text, x.credits_posted::text, x.closed_on))
FROM vouchers_ledgeraccount x LEFT JOIN LATERAL (
    SELECT sum(t.allotted) AS allotted, sum(t.posted) AS posted, sum(t.pending) AS pending
    FROM vouchers_ledgertill t WHERE x.hot AND t.account_id = x.id) AS w ON true
WHERE x.code = ANY (%(codes)s)
"""
_chips: dict[tuple[int, ...], ChipTable] = {}
_MOST_CHIP_TABLES = 4


@dataclass(frozen=True)
class Ground:
    """What a deduction rests on. ``known`` is the claim that the key stands for already, never a draft: a draft
    reserved nothing; ``number`` the next free one."""

    known: int | None
    number: int
    lease: Lease | None
    voucher: Voucher | None
    reads: SettlementReads | None


def read_ground(
    *, provider: Party, key: str, lease_no: str, voucher_no: str, line: str, likeness: str, today: date
) -> Ground:
    """The provider's own contract of that number, the voucher of its lessee, and all that goes with both."""
    row = ask(
        _GROUND,
        {
            "provider": provider.pk,
            "key": key,
            "lease_no": lease_no,
            "voucher_no": voucher_no,
            "line": line,
            "likeness": likeness,
            "item_kind": BasisKind.SETTLEMENT_LINE.value,
            "today": today,
        },
    )
    assert row is not None
    known, number, rest, *values = row
    lease, lessee, voucher, program, region, publication, application, batch, undertaking = _rows(values)
    if lease is None or voucher is None:
        return Ground(known, number, lease, None, None)
    lease.lessor, lease.lessee = provider, lessee
    program.region = region
    voucher.enterprise, voucher.program, voucher.publication = lessee, program, publication
    if publication is not None:
        publication.program = program
    if application is not None:
        application.enterprise, application.batch, application.undertaking = lessee, batch, undertaking
    reads = SettlementReads(lease, voucher, application, json.loads(rest))
    return Ground(known, number, lease, voucher, reads)


def _rows(values: list[Any]) -> list[Any]:
    made, start = [], 0
    for part in _PARTS:
        end = start + len(part.names)
        made.append(part.read(values[start:end]))
        start = end
    return made


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


class SettlementReads(CaseReads):
    """The answers as they were read with the ground; what was asked of another contract or party is asked of the database."""

    def __init__(
        self, lease: Lease, voucher: Voucher, application: Application | None, rest: dict[str, Any]
    ) -> None:
        self._lease = lease
        self._voucher = voucher
        self._application = application
        self._rest = rest
        self._parties = {lease.lessee_id, lease.lessor_id}
        screening = rest["screening"]
        self.screened = (
            None
            if screening is None
            else Screened(screening[0], screening[1], datetime.fromisoformat(screening[2]))
        )
        self.item: BasisItem | None = None
        self._check: PriceCheck | None = None

    def _rows(self, name: str) -> list[Any]:
        return self._rest[name] or []

    def application(self, number: str) -> Application | None:
        return self._application if number == self._voucher.application_no else super().application(number)

    def chip_origin(self, accelerator: str) -> str | None:
        version = tuple(self._rest["chips"])
        table = _chips.get(version)
        if table is None:
            table = chip_table(version[0] or 1)
            while len(_chips) >= _MOST_CHIP_TABLES:
                _chips.pop(next(iter(_chips)), None)
            _chips[version] = table
        return table.origin(accelerator)

    def connections(self, party: Party) -> list[Connection]:
        if party.pk not in self._parties:
            return super().connections(party)
        return [
            Connection(date.fromisoformat(begun), _day(ended), program, region)
            for owner, begun, ended, program, region in self._rows("connections")
            if owner == party.pk
        ]

    def admissions(self, provider: Party, program_code: str) -> list[Admission]:
        assert self._voucher.program is not None
        if provider.pk not in self._parties or program_code != self._voucher.program.code:
            return super().admissions(provider, program_code)
        return [
            Admission(date.fromisoformat(begun), _day(ended), batch, item)
            for owner, begun, ended, batch, item in self._rows("admissions")
            if owner == provider.pk
        ]

    def listings(self, party: Party, on: date) -> list[Listed]:
        if party.pk != self._lease.lessee_id:
            return super().listings(party, on)
        rows = [
            Listed(date.fromisoformat(begun), _day(ended), number)
            for begun, ended, number in self._rows("listings")
        ]
        return [row for row in rows if row.effective_from <= on]

    def affiliation(self, lease: Lease) -> str | None:
        ground: str | None = self._rest["affiliation"]
        return ground

    def screening(self, lease: Lease) -> Screened | None:
        return self.screened

    def price_check(self, lease: Lease | None) -> PriceCheck | None:
        if self._check is None and self._rest["price_check"] is not None:
            self._check = super().price_check(lease)
        return self._check

    def anew(self) -> None:
        """The contract was screened, or its price was checked, in the meantime: these two are read again."""
        self.screened = DATABASE.screening(self._lease)
        self._check = DATABASE.price_check(self._lease)

    def settled(self, lease: Lease) -> bool:
        return bool(self._rest["settled"])

    def metered(self, lease: Lease) -> bool:
        return bool(self._rest["metered"])

    def papers(self, kind: str, number: str) -> tuple[str, ...]:
        return ()  # a platform's call brings none

    def items(self, claim: Claim) -> list[BasisItem]:
        assert self.item is not None
        return [self.item]

    def uses(self, claim: Claim) -> int:
        return int(self._rest["used"])

    def accounts(self, codes: Collection[str]) -> dict[str, LedgerAccount]:
        row = ask(_ACCOUNTS, {"codes": list(codes)})
        assert row is not None
        return {account[0]: _account(*account) for account in json.loads(row[0] or "[]")}

    def alike(self, item: BasisItem, likeness: str) -> list[Alike]:
        return [Alike(*row) for row in self._rows("alike")]

    def used_already(self) -> list[Alike]:
        """The provider's own live deductions on a line whose number is alike."""
        return [
            one
            for one in self.alike_lines
            if one.claim_kind == ClaimKind.SETTLEMENT and one.provider_id == self._lease.lessor_id
        ]

    @property
    def alike_lines(self) -> list[Alike]:
        """All live items whose number is like the line's."""
        return [Alike(*row) for row in self._rows("alike")]

    def claimed_under(self, lease: Lease, claim: Claim) -> Decimal:
        assert self.item is not None
        return Decimal(self._rest["claimed"] or 0) + self.item.net_amount


def _account(
    code: str, kind: str, limit: str | None, dp: str, dd: str, cp: str, cc: str, closed: str | None
) -> LedgerAccount:
    return LedgerAccount(
        code=code,
        kind=kind,
        limit_amount=None if limit is None else Decimal(limit),
        debits_pending=Decimal(dp),
        debits_posted=Decimal(dd),
        credits_pending=Decimal(cp),
        credits_posted=Decimal(cc),
        closed_on=_day(closed),
    )
