"""A contract's price held against the fair price of its signing date, without the parties' own groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from vouchers import dates
from vouchers.actions.price_grounds import PriceGrounds
from vouchers.actions.price_issues import keep_snapshot
from vouchers.actions.price_published import issue_known_at
from vouchers.actions.price_reading import start_of
from vouchers.context import announced
from vouchers.models import PriceCheck, PriceIndexRow, PriceMethod
from vouchers.models.price_checks import UNDECIDED, VERDICTS, PriceConsequence, PricePosition
from vouchers.models.prices import Market
from vouchers.numbers import next_no
from vouchers.policy import fair_price as fp
from vouchers.policy.facts import PriceVerdict
from vouchers.policy.prices.eligibility import REASONS
from vouchers.policy.prices.figures import short
from vouchers.policy.prices.normalise import Unreadable, WrittenPrice, months_between, normalise
from vouchers.policy.prices.quantities import Extent, doubt_of
from vouchers.policy.prices.regions import canonical_source

_RESTS_ON_THE_QUANTITY = (PriceConsequence.PASSED, PriceConsequence.CUT)
"""A price that is told to lie above the band is refused at its word; what passes, or is cut to the bound, is paid by the quantity."""


@dataclass(frozen=True)
class PriceParts:
    """A bundled price broken down: what a unit of compute costs by it, its lines in words, whether the office stands behind
    it, and whether it is a single person of the office that said so, of whose own quantity another has to judge."""

    unit_price: Decimal
    words: str
    revision: int
    confirmed: bool
    by_one: bool = False


@dataclass(frozen=True)
class ContractPrice:
    """What is needed of a contract to hold its price against the market.

    ``unit_price`` is in ``currency`` per ``unit`` as the contract states it; leases in this system state it without tax.
    ``tier`` empty: the lessor's own, as registered on the signing date. ``precision`` only for 元/P·天, as declared: without it
    nothing is compared. ``bundled``: storage, network or other services are in the price; ``parts``: what of it is
    compute, where it is broken down. ``extent``: how much is let for how much money (of a bundled price the compute's part), without
    which a told price is only a claim; None where no contract is filed: a bill's line, a price that is asked about.
    """

    subject_kind: str
    subject_no: str
    lessee_uscc: str
    lessor_uscc: str
    accelerator: str
    form_factor: str
    region_code: str
    unit: str
    unit_price: Decimal | None
    signed_on: date
    term_months: int
    program_code: str = ""
    tier: str = ""
    cards: int | None = None
    precision: str = ""
    currency: str = "CNY"
    vat_rate: Decimal | None = None
    tax_included: bool = False
    bundled: bool = False
    parts: PriceParts | None = None
    extent: Extent | None = None


@dataclass(frozen=True)
class PriceFinding:
    """The answer before it is kept: the verdict, the row it rests on, and what to keep with it."""

    contract: ContractPrice
    above_band: str
    as_of: date
    known_at: datetime
    position: str
    consequence: str
    unit_price: Decimal | None
    recognised_price: Decimal | None
    sentence: str
    reason: str
    row: fp.PriceRow | None = None
    market: fp.Market | None = None
    method: PriceMethod | None = None

    def facts(self) -> PriceVerdict:
        """The finding as the assessment takes it."""
        row = self.row
        return PriceVerdict(
            verdict=VERDICTS[PricePosition(self.position)],
            unit_price=short(self.unit_price),
            lower=short(row.lower) if row is not None else None,
            base=short(row.base) if row is not None else None,
            upper=short(row.upper) if row is not None else None,
            grade=row.grade if row is not None else "",
            sentence=self.sentence,
            decisive=self.reason not in UNDECIDED,
        )


def contract_of_lease(lease: Any, *, subject_kind: str = "lease", subject_no: str = "") -> ContractPrice:
    """The facts of a lease row (``applications.models.Lease`` or anything with its fields)."""
    return ContractPrice(
        subject_kind=subject_kind,
        subject_no=subject_no or lease.lease_no,
        lessee_uscc=lease.lessee.uscc,
        lessor_uscc=lease.lessor.uscc,
        accelerator=lease.accelerator,
        form_factor=lease.form_factor,
        region_code=lease.region_code,
        unit=lease.unit,
        unit_price=lease.unit_price,
        signed_on=lease.signed_on,
        term_months=months_between(lease.starts_on, lease.ends_before),
        program_code=lease.program_code,
        vat_rate=lease.vat_rate,
        bundled=lease.bundled,
        extent=Extent(lease.quantity, lease.amount, lease.cards, lease.starts_on, lease.ends_before),
    )


def price_finding(
    contract: ContractPrice,
    *,
    above_band: str,
    known_at: datetime | None = None,
    market: str = Market.CHINA,
    grounds: PriceGrounds | None = None,
) -> PriceFinding:
    """Compute, without keeping anything: as of the signing date, with what was known by its end (or ``known_at``).

    ``grounds``: what it is computed of, of the same market; for many contracts those that remember (``PriceBook``).
    Never raises for a contract that cannot be compared: the answer is then ``unknown`` and goes to review.
    """
    as_of = contract.signed_on
    known_at = known_at or start_of(as_of + timedelta(days=1))
    asked = grounds or PriceGrounds(market)

    def unknown(code: str, why: str) -> PriceFinding:
        text = f"合同单价无法与公允价格比较：{why}，转人工复核。"
        return PriceFinding(
            contract,
            above_band,
            as_of,
            known_at,
            PricePosition.UNKNOWN,
            PriceConsequence.REVIEW,
            None,
            None,
            text,
            code,
        )

    if contract.unit_price is None:
        return unknown("price.missing", "合同未载明单价")
    tier = contract.tier or asked.tier(contract.lessor_uscc, as_of, contract.program_code)
    if not tier:
        return unknown("tier.unknown", "出租方未登记供应方类别")
    kept, method = asked.method(as_of)
    written = WrittenPrice(
        unit_price=contract.parts.unit_price if contract.parts is not None else contract.unit_price,
        unit=contract.unit,
        accelerator=contract.accelerator,
        form_factor=contract.form_factor,
        tier=tier,
        region_code=contract.region_code,
        term_months=contract.term_months,
        observed_on=as_of,
        currency=contract.currency,
        vat_rate=contract.vat_rate,
        tax_included=contract.tax_included,
        cards=contract.cards,
        precision=contract.precision,
        market=market,
    )
    try:
        mine = normalise(
            written,
            chips=asked.chips(method.chip_table),
            rates=asked.rates(),
            region_table=method.region_table,
        )
    except Unreadable as problem:
        return unknown(problem.code, f"{REASONS.get(problem.code, problem.code)}（{problem.message}）")
    own = {
        canonical_source(uscc, method.source_table)
        for uscc in (contract.lessee_uscc, contract.lessor_uscc)
        if uscc
    }
    market_then, row = asked.priced(mine.cell, as_of=as_of, known_at=known_at, method=method, left_out=own)
    answer = fp.verdict(mine.unit_price, row, above_band)
    position, consequence, sentence = answer.position, answer.consequence, answer.sentence
    reason, recognised = answer.reason, answer.recognised_price
    if contract.subject_kind == "invoice":  # held as of the contract's signing date, but what was billed
        sentence = sentence.replace("合同签订价", "发票单价", 1)
    parts = contract.parts
    if parts is not None and parts.confirmed:
        sentence = f"合同价款已由经办核定拆分（{parts.words}），以下为其中算力的单价。{sentence}"
    elif contract.bundled and above_band != "none":
        position, consequence, recognised = PricePosition.UNKNOWN, PriceConsequence.REVIEW, None
        if parts is None:
            reason = "price.bundled"
            sentence = f"合同单价含存储、网络等其他服务，须先拆分再比较，转人工复核。仅供参考：{sentence}"
        else:
            reason = "price.split_unconfirmed"
            told = (
                f"合同价款由一名经办拆分（{parts.words}），待另一名经办核对"
                if parts.by_one
                else f"合同价款按企业填报拆分（{parts.words}），拆分待经办对照合同核定"
            )
            sentence = f"{told}，转人工复核。按此拆分的算力单价：{sentence}"
    if contract.extent is not None and above_band != "none" and consequence in _RESTS_ON_THE_QUANTITY:
        doubt = doubt_of(
            contract.extent,
            unit=contract.unit,
            unit_price=Decimal(written.unit_price),
            cards_per_server=mine.chip.cards_per_server,
            upper=row.upper,
        )
        if doubt is not None:
            position, consequence, recognised = PricePosition.UNKNOWN, PriceConsequence.REVIEW, None
            reason, sentence = doubt.code, f"{doubt.sentence}，转人工复核。仅供参考：{sentence}"
    return PriceFinding(
        contract,
        above_band,
        as_of,
        known_at,
        position,
        consequence,
        mine.unit_price,
        recognised,
        sentence,
        reason,
        row,
        market_then,
        kept,
    )


@announced("price_check.make")
def check_price(
    contract: ContractPrice, *, above_band: str, known_at: datetime | None = None, market: str = Market.CHINA
) -> PriceCheck:
    """Compute and keep. The same answer for the same subject again gives the check that is there already."""
    finding = price_finding(contract, above_band=above_band, known_at=known_at, market=market)
    row = finding.row
    output_hash = row.output_hash if row is not None else ""
    held = (
        PriceCheck.objects.filter(subject_kind=contract.subject_kind, subject_no=contract.subject_no)
        .order_by("-pk")
        .first()
    )
    if held is not None and (held.output_hash, held.unit_price, held.above_band, held.sentence) == (
        output_hash,
        finding.unit_price,
        above_band,
        finding.sentence,
    ):
        return held
    index_row = None
    if row is not None:
        issue = issue_known_at(market, finding.as_of, finding.known_at)
        index_row = PriceIndexRow.objects.filter(issue=issue, cell=row.cell.code).first() if issue else None
    return PriceCheck.objects.create(
        check_no=next_no("PC", dates.today()),
        subject_kind=contract.subject_kind,
        subject_no=contract.subject_no,
        cell=row.cell.code if row is not None else "",
        as_of=finding.as_of,
        known_at=finding.known_at,
        unit_price=finding.unit_price,
        above_band=above_band,
        position=finding.position,
        consequence=finding.consequence,
        recognised_price=finding.recognised_price,
        grade=row.grade if row is not None else "",
        lower=row.lower if row is not None else None,
        upper=row.upper if row is not None else None,
        base=row.base if row is not None else None,
        reason=finding.reason,
        sentence=finding.sentence,
        row=row.record() if row is not None else {},
        left_out=list(row.left_out) if row is not None else [],
        output_hash=output_hash,
        method=finding.method,
        snapshot=keep_snapshot(fp.snapshot_text(finding.market, row.cell))
        if finding.market is not None and row is not None
        else None,
        index_row=index_row,
    )


def verify_check(check: PriceCheck) -> bool:
    """Whether the kept row follows from the kept snapshot, byte for byte."""
    if check.snapshot is None:
        return not check.row
    (row,) = fp.recompute(check.snapshot.content, fp.Cell.parse(check.cell))
    return row.record() == check.row and row.output_hash == check.output_hash
