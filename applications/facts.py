"""From rows to the facts that an assessment rests on. Everything that the engine knows of a case passes through here.

None means "not known", never "no". Amounts are yuan without tax; periods half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from applications.case_reads import DATABASE, CaseReads
from applications.grounds import BASIS_OF_PROJECT, CONTRACT_OF_PROJECT
from applications.lease_prices import priced_contract, split_items
from applications.models import Application, BasisItem, Claim, Lease, Project
from applications.models.leases import LeaseState
from applications.models.projects import ProjectKind
from applications.standing import attested, attested_gate, gate_codes, party_facts, provider_facts
from applications.undertakings import undertaking_of
from applications.year_basis import year_basis
from vouchers import dates
from vouchers.actions.caps import account_codes, used_amounts
from vouchers.actions.price_checks import price_finding
from vouchers.actions.vouchers import accounts_of, available_on
from vouchers.models import PriceCheck
from vouchers.money import ZERO, round_fen
from vouchers.policy.facts import (
    BasisItemFacts,
    ContractFacts,
    Facts,
    OtherMoneyFacts,
    PriceVerdict,
    ReviewFacts,
    VoucherFacts,
)
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    ChipOrigin,
    Component,
    ContractKind,
    GateKind,
    Precision,
    Purpose,
    ScaleUnit,
    Stage,
)


def price_verdict(
    lease: Lease, scheme: Scheme, check: PriceCheck | None = None, reads: CaseReads = DATABASE
) -> PriceVerdict | None:
    """The price check of a filed lease as a fact, or before filing what it would say; None where the scheme asks for none."""
    if scheme.price.above_band is AboveBand.NONE or lease.kind != ContractKind.LEASE.value:
        return None
    check = check or reads.price_check(lease)
    if check is not None and lease.state not in (LeaseState.DRAFT, LeaseState.RETURNED):
        return check.facts()
    return price_finding(priced_contract(lease), above_band=scheme.price.above_band.value).facts()


def chip_origin(accelerator: str, reads: CaseReads = DATABASE) -> ChipOrigin | None:
    """Domestic or not, by the chip table; None for a chip that it does not know."""
    origin = reads.chip_origin(accelerator)
    if origin is None:
        return None
    return ChipOrigin(origin)


def platform_traded(
    lease: Lease, scheme: Scheme, stated: Mapping[str, Any], reads: CaseReads = DATABASE
) -> bool | None:
    """Whether the contract was traded on the platform: by the platform's own settlements under it, or as staff attested from the
    platform's record. What the enterprise says counts only against itself."""
    if stated.get("is_platform_traded") is False:
        return False
    if not gate_codes(scheme, GateKind.PLATFORM_TRADED):
        return None
    if reads.settled(lease):
        return True
    return attested_gate(scheme, GateKind.PLATFORM_TRADED, stated, lease.lease_no)


def platform_metered(
    lease: Lease, scheme: Scheme, stated: Mapping[str, Any], reads: CaseReads = DATABASE
) -> bool | None:
    """Whether the use under the contract is metered by the platform: by its own meter readings, or as staff attested."""
    if not gate_codes(scheme, GateKind.PLATFORM_METERED):
        return None
    if reads.metered(lease):
        return True
    return attested_gate(scheme, GateKind.PLATFORM_METERED, stated, lease.lease_no)


def own_built(scheme: Scheme, stated: Mapping[str, Any], subject: str) -> bool | None:
    """Whether the compute is the applicant's own: as it says when it says so, else as staff attested."""
    if stated.get("is_own_built"):
        return True
    found = attested_gate(scheme, GateKind.NOT_OWN_BUILT, stated, subject)
    return None if found is None else not found


def model_filed(scheme: Scheme, stated: Mapping[str, Any], subject: str) -> bool | None:
    """Whether the model is filed: as the applicant says when it says no, else as staff attested."""
    if stated.get("is_model_filed") is False:
        return False
    return attested_gate(scheme, GateKind.MODEL_FILED, stated, subject)


def deployed_on(
    scheme: Scheme, stated: Mapping[str, Any], subject: str, project: Project | None = None
) -> date | None:
    """The day of deployment: one that fails the condition as stated, any other once staff attested it."""
    day = project.completed_on if project is not None else None
    if day is None and stated.get("deployed_on"):
        day = date.fromisoformat(stated["deployed_on"])
    gates = [gate for gate in scheme.gates if gate.kind is GateKind.DEPLOYED_BY and gate.switched_on]
    if day is None or not gates:
        return day
    late = any(gate.to_on is not None and day >= gate.to_on for gate in gates)
    early = any(gate.from_on is not None and day < gate.from_on for gate in gates)
    known = late or early or attested_gate(scheme, GateKind.DEPLOYED_BY, stated, subject) is True
    return day if known else None


def service_item(lease: Lease, scheme: Scheme, stated: Mapping[str, Any], reads: CaseReads = DATABASE) -> str:
    """The service item that the contract buys: one that the provider is not listed with as stated, any other once staff held
    it against the contract. Empty: not known."""
    said = str(stated.get("service_item", ""))
    if not said or all(row.service_item != said for row in reads.admissions(lease.lessor, scheme.program)):
        return said
    asked = [
        gate.code
        for gate in scheme.gates
        if gate.kind is GateKind.PROVIDER_ADMITTED and gate.switched_on and "service_item" in gate.values
    ]
    if all(attested(stated, code, lease.lease_no) for code in asked):
        return said
    return ""


def _other_money(stated: Mapping[str, Any]) -> tuple[OtherMoneyFacts, ...] | None:
    other = stated.get("other_money")
    if other is None:
        return None
    return tuple(
        OtherMoneyFacts(source=row["source"], amount=Decimal(row["amount"]), level=row.get("level", ""))
        for row in other
    )


def contract_facts(
    lease: Lease,
    scheme: Scheme,
    *,
    stated: Mapping[str, Any],
    check: PriceCheck | None = None,
    reads: CaseReads = DATABASE,
) -> ContractFacts:
    """A contract as filed; the subsidy's other public money as the enterprise stated it."""
    number = lease.lease_no
    return ContractFacts(
        contract_no=number,
        kind=ContractKind(lease.kind),
        net_amount=lease.amount,
        tax_amount=round_fen(lease.amount * lease.vat_rate),
        signed_on=lease.signed_on,
        period_from=lease.starts_on,
        period_to=lease.ends_before,
        purpose=Purpose(lease.purpose) if lease.purpose else None,
        chip_origin=chip_origin(lease.accelerator, reads) if lease.accelerator else None,
        component=Component.DATA if lease.kind == ContractKind.DATA_PRODUCT.value else Component.COMPUTE,
        service_item=service_item(lease, scheme, stated, reads),
        provider=provider_facts(lease, scheme, stated=stated, reads=reads),
        price=price_verdict(lease, scheme, check, reads),
        is_platform_traded=platform_traded(lease, scheme, stated, reads),
        is_platform_metered=platform_metered(lease, scheme, stated, reads),
        is_own_built=own_built(scheme, stated, number),
        is_model_filed=model_filed(scheme, stated, number),
        deployed_on=deployed_on(scheme, stated, number),
        other_money=_other_money(stated),
    )


def project_facts(project: Project, scheme: Scheme, *, stated: Mapping[str, Any]) -> ContractFacts:
    """A project of the applicant's own, in the place of a contract: it has no other side and no price."""
    number = project.project_no
    kind = ProjectKind(project.kind)
    return ContractFacts(
        contract_no=number,
        kind=CONTRACT_OF_PROJECT[kind],
        net_amount=project.amount,
        period_from=project.period_from,
        period_to=project.period_to,
        chip_origin=chip_origin(project.accelerator) if project.accelerator else None,
        component=Component.COMPUTE if kind is ProjectKind.SETTLEMENT else Component.EQUIPMENT,
        quantity=project.scale,
        unit=ScaleUnit(project.scale_unit) if project.scale_unit else None,
        precision=Precision(project.precision) if project.precision else None,
        is_platform_traded=attested_gate(scheme, GateKind.PLATFORM_TRADED, stated, number),
        is_own_built=own_built(scheme, stated, number),
        is_model_filed=model_filed(scheme, stated, number),
        deployed_on=deployed_on(scheme, stated, number, project),
        other_money=_other_money(stated),
    )


def project_item(project: Project) -> BasisItemFacts:
    """What the project comes to as a whole: the estimate at application."""
    return BasisItemFacts(
        item_no="0001",
        kind=BASIS_OF_PROJECT[ProjectKind(project.kind)],
        net_amount=project.amount,
        contract_no=project.project_no,
        period_from=project.period_from,
        period_to=project.period_to,
        quantity=project.scale,
        unit=ScaleUnit(project.scale_unit) if project.scale_unit else None,
        precision=Precision(project.precision) if project.precision else None,
        evidence_no=project.document_no,
    )


def item_facts(item: BasisItem, contract_no: str, reads: CaseReads = DATABASE) -> BasisItemFacts:
    """One basis item of the contract or project of that number."""
    return BasisItemFacts(
        item_no=f"{item.position:04d}",
        kind=BasisKind(item.kind),
        net_amount=item.net_amount,
        tax_amount=item.tax_amount,
        contract_no=contract_no,
        period_from=item.period_from,
        period_to=item.period_to,
        component=Component(item.component) if item.component else None,
        chip_origin=chip_origin(item.accelerator, reads) if item.accelerator else None,
        quantity=item.quantity if item.scale_unit else None,
        unit=ScaleUnit(item.scale_unit) if item.scale_unit else None,
        precision=Precision(item.precision) if item.precision else None,
        evidence_no=item.number_key or item.reference,
    )


def _review(stated: dict[str, Any]) -> ReviewFacts:
    review = stated.get("review", {})
    return ReviewFacts(
        rates={track: Decimal(rate) for track, rate in review.get("rates", {}).items()},
        score=Decimal(review["score"]) if review.get("score") else None,
        passed=review.get("passed"),
        opinion_no=review.get("opinion_no", ""),
    )


def _contracts(
    lease: Lease | None,
    project: Project | None,
    scheme: Scheme,
    stated: Mapping[str, Any],
    check: PriceCheck | None = None,
    reads: CaseReads = DATABASE,
) -> tuple[ContractFacts, ...]:
    """What the case rests on: its contract, or else its project."""
    if lease is not None:
        return (contract_facts(lease, scheme, stated=stated, check=check, reads=reads),)
    if project is not None:
        return (project_facts(project, scheme, stated=stated),)
    return ()


def _project_no(application: Application | None, contracts: tuple[ContractFacts, ...]) -> str:
    """The project that the case belongs to; one that names none is a project of its own, by its contract's number."""
    found = undertaking_of(application) if application is not None else None
    if found is not None:
        return found.undertaking_no
    return contracts[0].contract_no if contracts else ""


def latest_price_check(lease: Lease | None) -> PriceCheck | None:
    """The lease's last price check."""
    return DATABASE.price_check(lease)


def batch_no(application: Application | None) -> str:
    """The batch that the application is shared out with; empty while it has none."""
    return application.batch.batch_no if application is not None and application.batch is not None else ""


def _estimates(application: Application) -> tuple[BasisItemFacts, ...]:
    """What the base is estimated on, where it is not the contract as a whole: its project, or its price by component."""
    if application.project is not None:
        return (project_item(application.project),)
    lease = application.lease
    return split_items(lease) if lease is not None and lease.bundled else ()


def application_facts(application: Application, scheme: Scheme, *, on: date) -> Facts:
    """What an application is assessed on: the contract's amount as the estimate of the base."""
    stated = application.facts
    contracts = _contracts(application.lease, application.project, scheme, stated)
    deciding = application.state == "recommended"
    facts = Facts(
        stage=Stage.APPLICATION,
        on=on,
        applicant=party_facts(
            application.enterprise,
            scheme,
            on=on,
            stated=stated,
            application_no=application.application_no,
        ),
        contracts=contracts,
        items=_estimates(application),
        applied_on=application.submitted_at.astimezone(dates.SHANGHAI).date()
        if application.submitted_at
        else on,
        recognised_on=application.decided_on or (on if deciding else None),
        filed_at=application.submitted_at or dates.now(),
        track=stated.get("track", ""),
        requested_amount=application.requested_amount,
        review=_review(stated),
        attestations=stated.get("attestations", {}),
        completion=Decimal(stated["completion"]) if stated.get("completion") else None,
        project_no=_project_no(application, contracts),
        batch_no=batch_no(application),
        papers=DATABASE.papers("application", application.application_no),
    )
    used = replace(used_amounts(scheme, facts), year_basis=year_basis(scheme, application, on=facts.on))
    return replace(facts, used=used)


def claim_facts(claim: Claim, scheme: Scheme, *, on: date, reads: CaseReads = DATABASE) -> Facts:
    """What a claim is assessed on: its basis items alone, and what is left on the voucher and under the caps.

    What the claim itself has reserved is given back first, so that assessing it again does not count it twice.
    """
    voucher = claim.voucher
    application = reads.application(voucher.application_no)
    stated = {**(application.facts if application else {}), **claim.facts.get("stated", {})}
    # What persons attested at the application, and over it what they found at the claim.
    stated["attestations"] = {**stated.get("attestations", {}), **claim.facts.get("attestations", {})}
    project = application.project if application and claim.lease is None else None
    contracts = _contracts(claim.lease, project, scheme, stated, claim.price_check, reads)
    number = contracts[0].contract_no if contracts else ""
    reserved = claim.claimed_amount or ZERO if claim.state in ("submitted", "returned", "verified") else ZERO
    # A reservation outlives the voucher's expiry and the year's turn: once filed, the day of filing counts for both.
    filed_at = claim.submitted_at or dates.now()
    filed_on = filed_at.astimezone(dates.SHANGHAI).date() if claim.submitted_at else on
    drawn_on = VoucherFacts(
        voucher_no=voucher.voucher_no,
        face_value=voucher.face_value,
        balance=ZERO,
        expires_on=voucher.expires_on,
        uses=reads.uses(claim),
    )
    facts = Facts(
        stage=Stage.SETTLEMENT if claim.kind == "settlement" else Stage.CLAIM,
        on=filed_on,
        filed_at=filed_at,
        applicant=party_facts(
            claim.enterprise,
            scheme,
            on=on,
            stated=stated,
            application_no=voucher.application_no,
            reads=reads,
        ),
        contracts=contracts,
        items=tuple(item_facts(item, number, reads) for item in reads.items(claim)),
        applied_on=application.submitted_at.astimezone(dates.SHANGHAI).date()
        if application and application.submitted_at
        else None,
        recognised_on=application.decided_on if application else None,
        track=stated.get("track", ""),
        voucher=drawn_on,
        review=_review(stated),
        attestations=stated.get("attestations", {}),
        completion=Decimal(stated["completion"]) if stated.get("completion") else None,
        project_no=_project_no(application, contracts),
        batch_no=batch_no(application),
        papers=reads.papers("claim", claim.claim_no),
    )
    # What is left of the voucher and of the caps, in one look at the ledger.
    accounts = reads.accounts([*accounts_of(voucher), *account_codes(scheme, facts)])
    used = replace(used_amounts(scheme, facts, accounts), year_basis=year_basis(scheme, claim, on=facts.on))
    if reserved:
        used = replace(used, caps={key: max(ZERO, amount - reserved) for key, amount in used.caps.items()})
    balance = available_on(voucher, accounts) + reserved
    return replace(facts, voucher=replace(drawn_on, balance=balance), used=used)
