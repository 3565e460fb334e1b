"""How a party stands on a day: what the register, the office's own lists and its own history say of it.

None means that nothing is known; what a party says of itself is no more than that until staff attested it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from applications.case_reads import DATABASE, CaseReads
from applications.models import Application, Capacity, Lease
from vouchers import dates
from vouchers.actions.groups import top_of
from vouchers.models import Party
from vouchers.policy.facts import AdmissionFacts, Facts, ListingFacts, PartyFacts, ProviderFacts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject, GateKind, PartyKind, ScaleUnit
from vouchers.policy.words import day_words


def attested(stated: Mapping[str, Any], code: str, subject: str = "") -> bool | None:
    """What staff answered to a named check of the case; None while nobody has. Codes are those of ``cases.write_checks``."""
    name = f"{code}:{subject}"[:40] if subject else code[:40]
    answer = stated.get("attestations", {}).get(name)
    return None if answer is None else bool(answer)


def gate_codes(scheme: Scheme, kind: GateKind) -> list[str]:
    """The codes of the scheme's conditions of a kind that are switched on."""
    return [gate.code for gate in scheme.gates if gate.kind is kind and gate.switched_on]


def attested_gate(
    scheme: Scheme, kind: GateKind, stated: Mapping[str, Any], subject: str = ""
) -> bool | None:
    """What staff found of the conditions of a kind: None while one is open, False when one was found not to hold."""
    answers = [attested(stated, code, subject) for code in gate_codes(scheme, kind)]
    if False in answers:
        return False
    return None if not answers or None in answers else True


def _in_force(rows: QuerySet[Any], on: date) -> QuerySet[Any]:
    return rows.filter(effective_from__lte=on).filter(Q(effective_to=None) | Q(effective_to__gt=on))


def connected(party: Party, scheme: Scheme, on: date, reads: CaseReads = DATABASE) -> bool | None:
    """Whether the office's record has the party connected to the scheme's platform on a day; None where it has no row of it."""
    rows = [
        row
        for row in reads.connections(party)
        if row.program_code == scheme.program or (not row.program_code and row.region_code == scheme.region)
    ]
    if any(row.on(on) for row in rows):
        return True
    return False if rows else None


def group_of(party: Party, on: date) -> str:
    """The code of the company at the top of the party's group on a day (``vouchers.actions.groups``)."""
    return top_of(party.uscc, on)


def years_supported(party: Party, program_code: str, on: date, *, besides: str = "") -> int:
    """How many years in a row, up to the year before, the program granted the party support; by its own applications,
    those of past years that were brought along included."""
    rows = Application.objects.filter(enterprise=party, program_code=program_code, state="issued")
    granted = {
        (decided_on or submitted_at.astimezone(dates.SHANGHAI).date()).year
        for decided_on, submitted_at in rows.exclude(application_no=besides).values_list(
            "decided_on", "submitted_at"
        )
        if decided_on or submitted_at
    }
    years = 0
    while on.year - 1 - years in granted:
        years += 1
    return years


def registered_kind(party: Party) -> PartyKind:
    """What the register has the party as."""
    return PartyKind.INSTITUTE if party.ownership == "public_institution" else PartyKind.ENTERPRISE


def as_attested(facts: Facts, party: Party) -> Facts:
    """The facts without what the applicant only says of itself: its classes, its kind, its degree of completion count as far as
    a person attested them."""
    stated = {"attestations": facts.attestations}
    applicant = facts.applicant
    known = attested(stated, "stated.party_kind") is True
    return replace(
        facts,
        applicant=replace(
            applicant,
            classes=tuple(one for one in applicant.classes if attested(stated, f"class.{one}") is True),
            kind=applicant.kind if known else registered_kind(party),
        ),
        completion=facts.completion if attested(stated, "stated.completion") is True else None,
    )


def party_facts(
    party: Party,
    scheme: Scheme,
    *,
    on: date,
    stated: Mapping[str, Any],
    application_no: str = "",
    reads: CaseReads = DATABASE,
) -> PartyFacts:
    """The applicant as the register has it on that day, with the classes that it states and staff attest."""
    listings = reads.listings(party, on)
    admitted = any(row.on(on) for row in reads.admissions(party, scheme.program))
    kind = stated.get("party_kind") or registered_kind(party)
    recorded = connected(party, scheme, on, reads)
    kinds = {gate.kind for gate in scheme.gates if gate.switched_on}
    grouped = any(cap.subject is CapSubject.GROUP and cap.switched_on for cap in scheme.caps)
    return PartyFacts(
        uscc=party.uscc,
        name=party.name,
        kind=PartyKind(kind),
        region_code=party.region_code,
        registered_on=party.registered_on,
        ownership=party.ownership,
        size=party.size,
        industry_code=party.industry_code,
        group_no=group_of(party, on) if grouped else "",
        classes=tuple(
            one for one in stated.get("classes", ()) if attested(stated, f"class.{one}") is not False
        ),
        is_registered_provider=admitted,
        is_platform_connected=attested_gate(scheme, GateKind.APPLICANT_CONNECTED, stated)
        if recorded is None
        else recorded,
        listings=tuple(
            ListingFacts(from_on=row.effective_from, to_on=row.effective_to, document_no=row.document_no)
            for row in listings
        ),
        years_supported=years_supported(party, scheme.program, on, besides=application_no)
        if GateKind.CONSECUTIVE_YEARS in kinds
        else None,
    )


def provider_facts(
    lease: Lease, scheme: Scheme, *, stated: Mapping[str, Any], reads: CaseReads = DATABASE
) -> ProviderFacts:
    """The other side of a contract: its admissions, whether it is affiliated with the lessee as of the signing date, and
    whether it was connected to the platform when its compute began to be used."""
    affiliated, sentence = affiliation(lease, reads)
    recorded = connected(lease.lessor, scheme, max(lease.signed_on, lease.starts_on), reads)
    return ProviderFacts(
        uscc=lease.lessor.uscc,
        name=lease.lessor.name,
        region_code=lease.lessor.region_code,
        admissions=tuple(
            AdmissionFacts(
                batch=row.batch,
                service_item=row.service_item,
                from_on=row.effective_from,
                to_on=row.effective_to,
            )
            for row in reads.admissions(lease.lessor, scheme.program)
        ),
        affiliated=affiliated,
        affiliation_sentence=sentence,
        is_platform_connected=attested_gate(scheme, GateKind.PROVIDER_CONNECTED, stated, lease.lease_no)
        if recorded is None
        else recorded,
        **_registered_cards(lease, scheme),
    )


def _registered_cards(lease: Lease, scheme: Scheme) -> dict[str, Any]:
    """The provider's registered capacity on the signing date, where the scheme asks for a scale in cards. In PFLOPS nothing is
    registered: that stays unknown."""
    asked = [gate for gate in scheme.gates if gate.kind is GateKind.PROVIDER_SCALE and gate.switched_on]
    if not asked or any(gate.scale_unit is not ScaleUnit.CARD for gate in asked):
        return {}
    rows = _in_force(Capacity.objects.filter(provider=lease.lessor), lease.signed_on)
    cards = rows.aggregate(total=Sum("cards"))["total"]
    return {} if cards is None else {"scale": Decimal(cards), "scale_unit": ScaleUnit.CARD}


def affiliation(lease: Lease, reads: CaseReads = DATABASE) -> tuple[bool | None, str]:
    """Whether lessee and lessor are affiliated on the signing date: True by record, False after a test, None untested."""
    ground = reads.affiliation(lease)
    if ground is not None:
        return True, f"截至签订日，双方存在关联关系：{ground}。"
    tested = reads.screening(lease)
    if tested is not None and "F24" not in tested.not_testable and "F24" in tested.rule_versions:
        return (
            False,
            f"{day_words(tested.screened_at.astimezone(dates.SHANGHAI))}核查股权、法定代表人及申报关系，未见关联。",
        )
    return None, ""
