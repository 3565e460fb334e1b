"""From rows to the facts that an assessment rests on. Everything that the engine knows of a case passes through here.

None means "not known", never "no". Amounts are yuan without tax; periods half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q

from applications.models import Application, BasisItem, Claim, Lease, Paper
from applications.models.leases import LeaseState
from vouchers import dates
from vouchers.actions import price_tables
from vouchers.actions.caps import used_amounts
from vouchers.actions.price_checks import contract_of_lease, price_finding
from vouchers.actions.vouchers import balance_of
from vouchers.models import Affiliation, Listing, Party, PriceCheck, ProviderAdmission, Screening
from vouchers.money import ZERO, round_fen
from vouchers.policy.facts import (
    AdmissionFacts,
    BasisItemFacts,
    ContractFacts,
    Facts,
    ListingFacts,
    OtherMoneyFacts,
    PartyFacts,
    PriceVerdict,
    ProviderFacts,
    ReviewFacts,
    VoucherFacts,
)
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    ChipOrigin,
    ContractKind,
    PartyKind,
    Purpose,
    Stage,
)


def party_facts(party: Party, *, on: date, program_code: str, stated: dict[str, Any]) -> PartyFacts:
    """The applicant as the register has it on that day, with the classes that it states and staff attest."""
    listings = Listing.objects.filter(party=party, effective_from__lte=on)
    admitted = (
        ProviderAdmission.objects.filter(provider=party, program_code=program_code, effective_from__lte=on)
        .filter(Q(effective_to=None) | Q(effective_to__gt=on))
        .exists()
    )
    kind = stated.get("party_kind") or (
        PartyKind.INSTITUTE if party.ownership == "public_institution" else PartyKind.ENTERPRISE
    )
    return PartyFacts(
        uscc=party.uscc,
        name=party.name,
        kind=PartyKind(kind),
        region_code=party.region_code,
        registered_on=party.registered_on,
        ownership=party.ownership,
        size=party.size,
        industry_code=party.industry_code,
        classes=tuple(
            one
            for one in stated.get("classes", ())
            if stated.get("attestations", {}).get(f"class.{one}") is not False
        ),
        is_registered_provider=admitted,
        listings=tuple(
            ListingFacts(from_on=row.effective_from, to_on=row.effective_to, document_no=row.document_no)
            for row in listings
        ),
    )


def provider_facts(lease: Lease, *, program_code: str) -> ProviderFacts:
    """The lessor: its admissions, and whether it is affiliated with the lessee as of the signing date."""
    affiliated, sentence = affiliation(lease)
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
            for row in ProviderAdmission.objects.filter(provider=lease.lessor, program_code=program_code)
        ),
        affiliated=affiliated,
        affiliation_sentence=sentence,
    )


def affiliation(lease: Lease) -> tuple[bool | None, str]:
    """Whether lessee and lessor are affiliated on the signing date: True by record, False after a test, None untested."""
    one, other = sorted((lease.lessee_id, lease.lessor_id))
    record = (
        Affiliation.objects.filter(one_id=one, other_id=other, effective_from__lte=lease.signed_on)
        .filter(Q(effective_to=None) | Q(effective_to__gt=lease.signed_on))
        .first()
    )
    if record is not None:
        return True, f"截至签订日，双方存在关联关系：{record.ground}。"
    tested = Screening.objects.filter(subject_kind="lease", subject_no=lease.lease_no).order_by("-pk").first()
    if tested is not None and "F24" not in tested.not_testable and "F24" in tested.rule_versions:
        return (
            False,
            f"{tested.screened_at.astimezone(dates.SHANGHAI):%Y年%m月%d日}核查股权、法定代表人及申报关系，未见关联。",
        )
    return None, ""


def price_verdict(lease: Lease, scheme: Scheme, check: PriceCheck | None = None) -> PriceVerdict | None:
    """The price check of a filed lease as a fact, or before filing what it would say; None where the scheme asks for none."""
    if scheme.price.above_band is AboveBand.NONE or lease.kind != ContractKind.LEASE.value:
        return None
    check = check or latest_price_check(lease)
    if check is not None and lease.state not in (LeaseState.DRAFT, LeaseState.RETURNED):
        return check.facts()
    return price_finding(contract_of_lease(lease), above_band=scheme.price.above_band.value).facts()


def chip_origin(accelerator: str) -> ChipOrigin | None:
    """Domestic or not, by the chip table; None for a chip that it does not know."""
    origin = price_tables.chip_origin(accelerator)
    if origin is None:
        return None
    return ChipOrigin(origin)


def contract_facts(
    lease: Lease, scheme: Scheme, *, stated: dict[str, Any], check: PriceCheck | None = None
) -> ContractFacts:
    """A contract as filed; the subsidy's other public money as the enterprise stated it."""
    other = stated.get("other_money")
    return ContractFacts(
        contract_no=lease.lease_no,
        kind=ContractKind(lease.kind),
        net_amount=lease.amount,
        tax_amount=round_fen(lease.amount * lease.vat_rate),
        signed_on=lease.signed_on,
        period_from=lease.starts_on,
        period_to=lease.ends_before,
        purpose=Purpose(lease.purpose) if lease.purpose else None,
        chip_origin=chip_origin(lease.accelerator) if lease.accelerator else None,
        service_item=stated.get("service_item", ""),
        provider=provider_facts(lease, program_code=scheme.program),
        price=price_verdict(lease, scheme, check),
        is_platform_traded=stated.get("is_platform_traded"),
        is_own_built=stated.get("is_own_built"),
        is_model_filed=stated.get("is_model_filed"),
        deployed_on=date.fromisoformat(stated["deployed_on"]) if stated.get("deployed_on") else None,
        other_money=None
        if other is None
        else tuple(
            OtherMoneyFacts(source=row["source"], amount=Decimal(row["amount"]), level=row.get("level", ""))
            for row in other
        ),
    )


def item_facts(item: BasisItem, lease: Lease | None) -> BasisItemFacts:
    """One basis item."""
    return BasisItemFacts(
        item_no=f"{item.position:04d}",
        kind=BasisKind(item.kind),
        net_amount=item.net_amount,
        tax_amount=item.tax_amount,
        contract_no=lease.lease_no if lease else "",
        period_from=item.period_from,
        period_to=item.period_to,
        chip_origin=chip_origin(item.accelerator) if item.accelerator else None,
        evidence_no=item.number_key or item.reference,
    )


def _papers(kind: str, number: str) -> tuple[str, ...]:
    rows = Paper.objects.filter(subject_kind=kind, subject_no=number, removed_at=None)
    return tuple(sorted(set(rows.values_list("kind", flat=True))))


def _review(stated: dict[str, Any]) -> ReviewFacts:
    review = stated.get("review", {})
    return ReviewFacts(
        rates={track: Decimal(rate) for track, rate in review.get("rates", {}).items()},
        score=Decimal(review["score"]) if review.get("score") else None,
        passed=review.get("passed"),
        opinion_no=review.get("opinion_no", ""),
    )


def latest_price_check(lease: Lease | None) -> PriceCheck | None:
    """The lease's last price check."""
    if lease is None:
        return None
    return PriceCheck.objects.filter(subject_kind="lease", subject_no=lease.lease_no).order_by("-pk").first()


def application_facts(application: Application, scheme: Scheme, *, on: date) -> Facts:
    """What an application is assessed on: the contract's amount as the estimate of the base."""
    stated = application.facts
    lease = application.lease
    contracts: Iterable[ContractFacts] = ()
    if lease is not None:
        contracts = (contract_facts(lease, scheme, stated=stated),)
    facts = Facts(
        stage=Stage.APPLICATION,
        on=on,
        applicant=party_facts(application.enterprise, on=on, program_code=scheme.program, stated=stated),
        contracts=tuple(contracts),
        applied_on=application.submitted_at.astimezone(dates.SHANGHAI).date()
        if application.submitted_at
        else on,
        filed_at=application.submitted_at or dates.now(),
        track=stated.get("track", ""),
        requested_amount=application.requested_amount,
        review=_review(stated),
        attestations=stated.get("attestations", {}),
        completion=Decimal(stated["completion"]) if stated.get("completion") else None,
        papers=_papers("application", application.application_no),
    )
    return replace(facts, used=used_amounts(scheme, facts))


def claim_facts(claim: Claim, scheme: Scheme, *, on: date) -> Facts:
    """What a claim is assessed on: its basis items alone, and what is left on the voucher and under the caps.

    What the claim itself has reserved is given back first, so that assessing it again does not count it twice.
    """
    application = Application.objects.filter(application_no=claim.voucher.application_no).first()
    stated = {**(application.facts if application else {}), **claim.facts.get("stated", {})}
    # What persons attested at the application, and over it what they found at the claim.
    stated["attestations"] = {**stated.get("attestations", {}), **claim.facts.get("attestations", {})}
    lease = claim.lease
    contracts: tuple[ContractFacts, ...] = ()
    if lease is not None:
        contracts = (contract_facts(lease, scheme, stated=stated, check=claim.price_check),)
    reserved = claim.claimed_amount or ZERO if claim.state in ("submitted", "returned", "verified") else ZERO
    balance = balance_of(claim.voucher)
    # A reservation outlives the voucher's expiry and the year's turn: once filed, the day of filing counts for both.
    filed_at = claim.submitted_at or dates.now()
    filed_on = filed_at.astimezone(dates.SHANGHAI).date() if claim.submitted_at else on
    facts = Facts(
        stage=Stage.SETTLEMENT if claim.kind == "settlement" else Stage.CLAIM,
        on=filed_on,
        filed_at=filed_at,
        applicant=party_facts(claim.enterprise, on=on, program_code=scheme.program, stated=stated),
        contracts=contracts,
        items=tuple(item_facts(item, lease) for item in claim.items.all()),
        applied_on=application.submitted_at.astimezone(dates.SHANGHAI).date()
        if application and application.submitted_at
        else None,
        track=stated.get("track", ""),
        voucher=VoucherFacts(
            voucher_no=claim.voucher.voucher_no,
            face_value=claim.voucher.face_value,
            balance=balance.available + reserved,
            expires_on=claim.voucher.expires_on,
            uses=claim.voucher.claims.exclude(pk=claim.pk)
            .exclude(state__in=("draft", "withdrawn", "rejected", "lapsed"))
            .count(),
        ),
        review=_review(stated),
        attestations=stated.get("attestations", {}),
        completion=Decimal(stated["completion"]) if stated.get("completion") else None,
        papers=_papers("claim", claim.claim_no),
    )
    used = used_amounts(scheme, facts)
    if reserved:
        used = replace(used, caps={key: max(ZERO, amount - reserved) for key, amount in used.caps.items()})
    return replace(facts, used=used)
