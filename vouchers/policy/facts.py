"""What is known of a case: everything that an assessment may rest on, and nothing else.

None means "not known", never "no": a condition that needs it is then not testable. Amounts are yuan, periods half-open
(`period_to` is the day after the last). Facts have a plain form (`plain.to_plain`), which is kept with the case, and a hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal

from vouchers.policy.records import record
from vouchers.policy.terms import (
    BasisKind,
    ChipOrigin,
    Component,
    ContractKind,
    PartyKind,
    Precision,
    Purpose,
    ScaleUnit,
    Stage,
    Verdict,
)


@record
class ListingFacts:
    """An entry on a list of dishonest parties (失信记录)."""

    from_on: date
    to_on: date | None = None
    document_no: str = ""


@record
class PartyFacts:
    """The applicant. `classes` are applicant classes that a person attested."""

    uscc: str
    name: str
    kind: PartyKind | None = None
    region_code: str = ""
    registered_on: date | None = None
    ownership: str = ""
    size: str = ""
    industry_code: str = ""
    group_no: str = ""
    classes: tuple[str, ...] = ()
    is_registered_provider: bool | None = None
    is_platform_connected: bool | None = None
    listings: tuple[ListingFacts, ...] | None = None
    years_supported: int | None = None


@record
class AdmissionFacts:
    """A provider's admission (入库) to the program: batch, listed service item, period."""

    batch: str = ""
    service_item: str = ""
    from_on: date
    to_on: date | None = None


@record
class ProviderFacts:
    """The other side of a contract. `affiliated` is the finding of the affiliation test (CAS 36); None: not tested.
    `scale` is its verified compute, in `scale_unit` at `scale_precision`."""

    uscc: str
    name: str
    region_code: str = ""
    admissions: tuple[AdmissionFacts, ...] | None = None
    affiliated: bool | None = None
    affiliation_sentence: str = ""
    is_platform_connected: bool | None = None
    scale: Decimal | None = None
    scale_unit: ScaleUnit | None = None
    scale_precision: Precision | None = None


@record
class PriceVerdict:
    """What the fair-price method says of a contract's unit price, with its band. `index_no` names the price row used.
    `decisive` is False where the row may neither refuse nor cut (grades D and E, a cell under confirmation)."""

    verdict: Verdict
    unit_price: Decimal | None = None
    lower: Decimal | None = None
    base: Decimal | None = None
    upper: Decimal | None = None
    unit: str = "元/卡时"
    grade: str = ""
    index_no: str = ""
    sentence: str = ""
    decisive: bool = True


@record
class OtherMoneyFacts:
    """Other public money on a contract. `level`: national, provincial, municipal, district."""

    source: str
    amount: Decimal
    level: str = ""


@record
class ContractFacts:
    """A contract that the case rests on; a lease is one kind. `net_amount` is without tax, `quantity` its scale in `unit`."""

    contract_no: str
    kind: ContractKind = ContractKind.LEASE
    net_amount: Decimal = Decimal(0)
    tax_amount: Decimal = Decimal(0)
    signed_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    purpose: Purpose | None = None
    chip_origin: ChipOrigin | None = None
    component: Component = Component.COMPUTE
    service_item: str = ""
    provider: ProviderFacts | None = None
    price: PriceVerdict | None = None
    is_platform_traded: bool | None = None
    is_own_built: bool | None = None
    is_model_filed: bool | None = None
    deployed_on: date | None = None
    other_money: tuple[OtherMoneyFacts, ...] | None = None
    is_platform_metered: bool | None = None
    quantity: Decimal | None = None
    unit: ScaleUnit | None = None
    precision: Precision | None = None


@record
class BasisItemFacts:
    """One thing that a claim rests on. What is empty here is taken from its contract. `quantity` is a verified scale (or use)
    in `unit`, at `precision`; only a track with a `scale_unit` counts it."""

    item_no: str
    kind: BasisKind
    net_amount: Decimal
    tax_amount: Decimal = Decimal(0)
    contract_no: str = ""
    period_from: date | None = None
    period_to: date | None = None
    component: Component | None = None
    chip_origin: ChipOrigin | None = None
    purpose: Purpose | None = None
    evidence_no: str = ""
    quantity: Decimal | None = None
    unit: ScaleUnit | None = None
    precision: Precision | None = None


@record
class UsedAmounts:
    """What was already taken, before this case. `year_basis` is the base so far of the calendar year of `Facts.on`: by track,
    and by ladder (`ladders.ladder_key`) where the bands of the year differ by chip, use or class within one track; what of the
    track's base no ladder of the version names is of an earlier version (`year_so_far`).

    `caps` is by `CapKey.key`. The key names the period for calendar and programme years and totals, so its amount is all
    that was ever taken under it; the key of a rolling year (`…:rolling`) names none, and its amount is what was taken from
    `caps.rolling_from(facts.on)` on, up to and with that day.
    """

    caps: Mapping[str, Decimal] = field(default_factory=dict)
    year_basis: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, key: str) -> Decimal:
        """Yuan used under the key; nothing known is nothing used, as the ledger enforces the cap once more."""
        return self.caps.get(key, Decimal(0))


@record
class VoucherFacts:
    """The voucher that a claim draws on. `expires_on` is the first day on which it can no longer be used (half-open)."""

    voucher_no: str
    face_value: Decimal
    balance: Decimal
    expires_on: date | None = None
    uses: int = 0


@record
class ReviewFacts:
    """What reviewers decided: the rate they set, or the score; whether the expert review passed."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    score: Decimal | None = None
    passed: bool | None = None
    opinion_no: str = ""


@record
class Facts:
    """A whole case at one moment.

    `on` is the business date of the assessment: it dates the caps' year. At the application stage the base is the contracts'
    amounts unless `items` are given; at a claim or settlement it is `items` alone. `attestations` answer ATTESTED gates by
    the gate's code. `papers` are codes of papers filed; None means that nobody looked.
    """

    stage: Stage
    on: date
    applicant: PartyFacts
    contracts: tuple[ContractFacts, ...] = ()
    items: tuple[BasisItemFacts, ...] = ()
    applied_on: date | None = None
    recognised_on: date | None = None
    filed_at: datetime | None = None
    track: str = ""
    requested_amount: Decimal | None = None
    voucher: VoucherFacts | None = None
    used: UsedAmounts = UsedAmounts()
    review: ReviewFacts = ReviewFacts()
    attestations: Mapping[str, bool] = field(default_factory=dict)
    completion: Decimal | None = None
    project_no: str = ""
    batch_no: str = ""
    papers: tuple[str, ...] | None = None

    def contract(self, contract_no: str) -> ContractFacts | None:
        """The contract of that number, if the case has it."""
        return next((contract for contract in self.contracts if contract.contract_no == contract_no), None)
