"""Past years that an office brought along (``origin = imported``) as cases of a dry run.

The rows go back into the columns of the bulk format and are read as a folder's are (``sample_cases``), so that both say the
same of the same year. Only the program's own past is taken: the code that its cases were filed under.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from applications.actions.imports.programs import history_programs
from applications.models import Application, BasisItem, Claim, Invoice, Lease
from applications.sample_cases import PRICED, Builder
from applications.sample_links import Holding, Links
from applications.sample_prices import SamplePrices
from applications.sample_year import SHIPPED, Row, SampleYear, grouped
from vouchers.actions.case_sources import CaseQuery, CaseSource
from vouchers.models import DeclaredAffiliation, Listing, Party, ProviderAdmission, Shareholding, Voucher
from vouchers.models.parties import Relation
from vouchers.policy.replay import ReplayCase

DAY = timedelta(days=1)
_STATES = {"verified": "submitted", "returned": "submitted"}


def _codes_in(regions: frozenset[str]) -> dict[str, set[str]]:
    """The codes under which past cases of these regions' programs were filed, each with its regions."""
    found: dict[str, set[str]] = {}
    rows = Claim.objects.filter(origin="imported", program_region_code__in=regions)
    for code, region in rows.order_by().values_list("program_code", "program_region_code").distinct():
        found.setdefault(code, set()).add(region)
    return found


def code_of(query: CaseQuery) -> str:
    """The code under which the program's past cases were filed; empty where none were brought along that the person may see.

    The program's own past is taken, of its own region; another's of the person's regions only where ``like`` names it."""
    if query.like and query.like in _codes_in(query.scope):
        return query.like
    codes = _codes_in(query.scope & {query.region})
    if query.program in codes:
        return query.program
    return min((code for code in codes if query.program.startswith(f"{code}-")), default="")


def regions_of(query: CaseQuery) -> frozenset[str]:
    """The regions whose past cases are read."""
    return frozenset(_codes_in(query.scope).get(code_of(query), ()))


def past_programs(regions: frozenset[str]) -> list[tuple[str, str]]:
    """The programs of these regions that have past cases: (code, words)."""
    known = history_programs()
    return [
        (code, f"{known[code].name}（{code}）" if code in known else code)
        for code in sorted(_codes_in(regions))
    ]


def read_past(query: CaseQuery) -> Iterator[ReplayCase]:
    """The program's imported cases of the period, in the order (day, number)."""
    code = code_of(query)
    if not code:
        return iter(())
    year = _year(code, query.scope)
    builder = Builder(year, query, code, source="history", prices=SamplePrices(year))
    return heapq.merge(builder.applications(), builder.claims(), key=lambda case: (case.on, case.case_no))


def count_past(query: CaseQuery) -> int:
    """How many they are."""
    code = code_of(query)
    if not code:
        return 0
    builder = Builder(_year(code, query.scope), query, code, source="history")
    return len(builder.applications()) + len(builder.claims())


def past_note(query: CaseQuery) -> str:
    """What they rest on."""
    code = code_of(query)
    if not code:
        return "没有导入本专项的历史案件。"
    return (
        f"导入的历史案件（{code}），按导入的合同、发票和登记信息重新核算；{PRICED}历史数据中没有的事实按“无法核验”计，"
        "不当作符合或不符合。"
    )


def _year(code: str, regions: frozenset[str]) -> SampleYear:
    """The imported rows of one program as a year of the bulk format, as far as they are of these regions."""
    claims = Claim.objects.filter(origin="imported", program_code=code, program_region_code__in=regions)
    vouchers = Voucher.objects.filter(origin="imported", claims__in=claims)
    applications = Application.objects.filter(
        origin="imported", program_code=code, program__region__code__in=regions
    )
    leases = Lease.objects.filter(claims__in=claims)
    items = BasisItem.objects.filter(claim__in=claims)
    parties = Party.objects.filter(
        Q(vouchers__in=vouchers) | Q(leases_taken__in=leases) | Q(leases_given__in=leases)
    )
    year = SampleYear(SHIPPED)
    year.parties = {row["uscc"]: row for row in _rows(_party_rows(parties))}
    year.leases = {row["lease_no"]: row for row in _rows(_lease_rows(leases), inclusive=("ends_on",))}
    year.applications = list(
        _rows(
            applications.values(
                "application_no", "program_code", "submitted_at", enterprise_uscc=F("enterprise__uscc")
            )
        )
    )
    year.vouchers = {
        row["voucher_no"]: row | {"program_code": code}
        for row in _rows(
            vouchers.distinct().values(
                "voucher_no",
                "application_no",
                "face_value",
                "issued_on",
                "expires_on",
                enterprise_uscc=F("enterprise__uscc"),
            )
        )
    }
    year.claims = [
        row | {"status": _STATES.get(row["status"], row["status"])}
        for row in _rows(
            claims.values(
                "claim_no",
                "submitted_at",
                "claimed_amount",
                "decided_at",
                voucher_no=F("voucher__voucher_no"),
                lease_no=F("lease__lease_no"),
                status=F("state"),
            )
        )
    ]
    invoices = Invoice.objects.filter(basis_items__in=items).distinct()
    year.invoices = {
        row["invoice_no"]: row
        for row in _rows(
            invoices.values(
                "net_amount",
                "tax_amount",
                "period_from",
                "period_to",
                invoice_number=F("number_key"),
            ),
            inclusive=("period_to",),
            renamed={"invoice_number": "invoice_no"},
        )
    }
    year.claim_invoices = grouped(
        _rows(
            items.values("claim__claim_no", invoice_number=F("number_key"), claimed_net=F("net_amount")),
            renamed={"invoice_number": "invoice_no", "claim__claim_no": "claim_no"},
        ),
        "claim_no",
    )
    if Listing.objects.exists():
        year.listings = grouped(_rows(_listing_rows(), inclusive=("to_on",)), "uscc")
    if ProviderAdmission.objects.filter(program_code=code).exists():
        year.admissions = grouped(_rows(_admission_rows(code), inclusive=("ended_on",)), "provider_uscc")
    year.links = _links(year)
    return year


def _party_rows(parties: QuerySet[Party]) -> QuerySet[Any, Any]:
    return parties.distinct().values(
        "uscc", "name", "region_code", "registered_on", "ownership", "size", "industry_code", "legal_rep_id"
    )


def _lease_rows(leases: QuerySet[Lease]) -> QuerySet[Any, Any]:
    return leases.distinct().values(
        "lease_no",
        "signed_on",
        "starts_on",
        "accelerator",
        "vat_rate",
        "amount",
        "purpose",
        "program_code",
        "region_code",
        "form_factor",
        "unit",
        "unit_price",
        "quantity",
        "cards",
        lessee_uscc=F("lessee__uscc"),
        lessor_uscc=F("lessor__uscc"),
        ends_on=F("ends_before"),
    )


def _listing_rows() -> QuerySet[Any, Any]:
    return Listing.objects.values(
        "document_no", uscc=F("party__uscc"), from_on=F("effective_from"), to_on=F("effective_to")
    )


def _admission_rows(code: str) -> QuerySet[Any, Any]:
    return ProviderAdmission.objects.filter(program_code=code).values(
        "program_code",
        "batch",
        "service_item",
        provider_uscc=F("provider__uscc"),
        admitted_on=F("effective_from"),
        ended_on=F("effective_to"),
    )


def _links(year: SampleYear) -> Links | None:
    shares = Shareholding.objects.filter(company__uscc__in=list(year.parties))
    declared = DeclaredAffiliation.objects.filter(
        Q(party__uscc__in=list(year.parties)) | Q(other__uscc__in=list(year.parties))
    )
    if not shares.exists() and not declared.exists():
        return None
    links = Links(year.parties)
    for row in shares.values_list(
        "company__uscc",
        "holder_id",
        "holder_name",
        "percent",
        "effective_from",
        "effective_to",
        "holder_kind",
    ).iterator():
        company, holder, name, percent, from_on, to_on, kind = row
        last = to_on - DAY if to_on else None
        links.holdings[company].append(Holding(holder, name, percent, from_on, last, kind == "company"))
    told = declared.order_by("-declared_on", "pk")
    for one, other, since, relation in told.values_list(
        "party__uscc", "other__uscc", "declared_on", "relation"
    ):
        links.declared[frozenset((one, other))] = since
        if relation == Relation.PARENT:
            links.parents[one].append((since, other))
    return links


def _rows(rows: Any, inclusive: tuple[str, ...] = (), renamed: dict[str, str] | None = None) -> Iterator[Row]:
    """Rows of the database as a file would write them: text, empty for none, the last day itself in ``inclusive`` columns."""
    names = renamed or {}
    for row in rows.iterator(chunk_size=2000):
        for name in inclusive:
            if row[name] is not None:
                row[name] -= DAY
        yield {names.get(name, name): _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


PAST_CASES = CaseSource(
    "history",
    "导入的历史案件",
    read_past,
    count_past,
    note=past_note,
    choices=past_programs,
    regions=regions_of,
)
