"""From a row as it was handed in to an observation as it is kept: read, normalised, and its reason if it may not vote.

A row is *refused* when it breaks the format itself (no date, no positive number, an unknown code); it is *quarantined* when a
person could settle it; it is *set aside* when it is sound but may not decide. Everything names its row and its column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal

from vouchers import dates
from vouchers.actions.price_cells import (
    Refused as Refused,
)
from vouchers.actions.price_cells import (
    choice_in,
    day_in,
    price_in,
    rate_in,
    text_in,
    whole_in,
)
from vouchers.models.parties import Tier
from vouchers.models.prices import Evidence, Market, ObservationState, PriceKind, PriceObservation, PriceUnit
from vouchers.models.recorded import Origin
from vouchers.policy.prices.chips import Chip, ChipTable
from vouchers.policy.prices.method import canonical_json, sha256_of
from vouchers.policy.prices.normalise import (
    RateTable,
    Unreadable,
    WrittenPrice,
    cell_of,
    normalise,
)
from vouchers.policy.prices.regions import canonical_source, source_tier

_OF_A_CARD = (PriceUnit.CARD_HOUR, PriceUnit.CARD_MONTH, PriceUnit.SERVER_MONTH)
"""Units in which a server's price may be taken for a card's, or the other way round."""
DATASET_COLUMNS = (
    "observed_on", "source", "kind", "region_code", "tier", "accelerator", "form_factor", "term_months", "unit", "cards",
    "precision", "unit_price", "currency", "vat_rate", "tax_included", "bookable_since", "reference",
)  # fmt: skip
REFERENCE_COLUMNS = (
    "observed_on", "source", "region", "accelerator_name", "accelerator_count", "instance_type",
    "price_usd_per_hour_instance", "price_usd_per_card_hour", "pricing_kind", "form_factor", "zone", "dataset",
)  # fmt: skip


@dataclass(frozen=True)
class RefusedRow:
    """A refused row as it is reported: its number in the file (the header is row 1), column, code, sentence, content."""

    row_no: int
    field: str
    code: str
    message: str
    raw: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Tables:
    """What rows are read with: chips, rates, the region table's version, and the last day that is not in the future."""

    chips: ChipTable
    rates: RateTable
    region_table: int
    source_table: int
    latest: date


@dataclass(slots=True)
class Draft:
    """An observation that is not saved yet: the columns of ``PriceObservation`` (a plain object, for files are long)."""

    observation_no: str
    digest: str
    market: str
    origin: str
    feed: str
    row_no: int | None
    original: dict[str, str]
    revision: int = 1
    observed_on: date | None = None
    known_at: datetime | None = None
    source: str = ""
    source_key: str = ""
    party_id: int | None = None
    kind: str = ""
    region_code: str = ""
    region_id: int | None = None
    tier: str = ""
    accelerator: str = ""
    form_factor: str = ""
    term_months: int | None = None
    unit: str = ""
    cards: int | None = None
    precision: str = ""
    unit_price: Decimal | None = None
    currency: str = ""
    vat_rate: Decimal | None = None
    tax_included: bool = False
    bookable_since: date | None = None
    carried_from: date | None = None
    reference: str = ""
    sku: str = ""
    evidence: str = ""
    region_group: str = ""
    term_bucket: str = ""
    normalised_price: Decimal | None = None
    state: str = ObservationState.QUARANTINED
    reason: str = ""
    set_aside_reason: str = ""
    note: str = ""

    def row(self) -> PriceObservation:
        """The model's row."""
        return PriceObservation(**{item.name: getattr(self, item.name) for item in fields(self)})


@dataclass(slots=True)
class Reading:
    """A draft, with what the suspicion test needs: the cards of an instance."""

    observation: Draft
    instance_cards: int = 1


def _observed(raw: Mapping[str, str | None], tables: Tables) -> date:
    day = day_in(raw, "observed_on", needed=True)
    assert day is not None
    if day > tables.latest:
        raise Refused("date.future", "observed_on", f"采集日 {day} 在未来")
    if day.year < 2000:
        raise Refused("date.invalid", "observed_on", f"采集日 {day} 过早")
    return day


def start_of(day: date) -> datetime:
    """Midnight of the day in Asia/Shanghai: when a record of that day is taken to have been known."""
    return datetime.combine(day, time(), dates.SHANGHAI)


def digest_of(market: str, raw: Mapping[str, str | None], evidence: str = "") -> str:
    """The identity of a row: its content, whatever the file's name, column order or empty columns.

    What the casework verified is another fact than the same words said by somebody: whoever says them first takes no place.
    """
    content = {key: value.strip() for key, value in raw.items() if key and value and value.strip()}
    verified = [evidence] if evidence == Evidence.VERIFIED else []
    return sha256_of(canonical_json([market, content, *verified]))


def _blank(
    raw: Mapping[str, str | None],
    *,
    market: str,
    feed: str,
    row_no: int | None,
    origin: str,
    evidence: str = "",
) -> Draft:
    digest = digest_of(market, raw, evidence)
    return Draft(
        observation_no=f"PO-{digest[:20]}",
        digest=digest,
        market=market,
        origin=origin,
        feed=feed,
        row_no=row_no,
        original={key: value for key, value in raw.items() if key and value},
    )


def _place(observation: Draft, written: WrittenPrice, tables: Tables) -> Chip | None:
    """Fill in cell and price, or the reason why not. The chip when it is known."""
    try:
        cell, chip = cell_of(written, chips=tables.chips, region_table=tables.region_table)
    except Unreadable as problem:
        hold_back(observation, problem.code, problem.message)
        return None
    observation.accelerator, observation.form_factor = cell.accelerator, cell.form_factor
    observation.region_group, observation.term_bucket = cell.region_group, cell.term
    try:
        result = normalise(written, chips=tables.chips, rates=tables.rates, region_table=tables.region_table)
    except Unreadable as problem:
        hold_back(observation, problem.code, problem.message)
        return chip
    observation.normalised_price = result.unit_price
    observation.state = ObservationState.ADMITTED
    if result.reference_only:
        observation.state = ObservationState.SET_ASIDE
        observation.reason = "currency.reference_only"
        observation.note = f"{written.currency} 标价折算，仅供参考"
    return chip


def hold_back(observation: Draft, code: str, note: str) -> None:
    """The price waits for a person."""
    observation.state = ObservationState.QUARANTINED
    observation.reason = code
    observation.note = note[:300]


def read_dataset_row(
    raw: Mapping[str, str | None],
    tables: Tables,
    *,
    row_no: int | None = None,
    feed: str = "",
    origin: str = Origin.IMPORTED,
    evidence: str = Evidence.IMPORTED,
    known_at: datetime | None = None,
) -> Reading:
    """A row of ``price_observations.csv``, or of a form with the same fields. Raises ``Refused``."""
    observed_on = _observed(raw, tables)
    source = text_in(raw, "source")
    if not source or len(source) > 120:
        raise Refused("source.missing", "source", "来源为空或过长")
    kind = choice_in(raw, "kind", list(PriceKind.values), "kind.unknown")
    unit = choice_in(raw, "unit", list(PriceUnit.values), "unit.unknown", needed=False)
    tier = choice_in(raw, "tier", list(Tier.values), "tier.unknown")
    term = whole_in(raw, "term_months", "term.unknown")
    if term is None:
        raise Refused("term.unknown", "term_months", "租期为空（按需请填 0）")
    tax = choice_in(raw, "tax_included", ["true", "false"], "tax.unknown", needed=False)
    price = price_in(raw, "unit_price")
    currency = text_in(raw, "currency").upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise Refused("currency.unknown", "currency", f"“{currency}”不是币种代码（如 CNY）")
    cards = whole_in(raw, "cards", "unit.ambiguous")
    carried_from = day_in(raw, "carried_from")
    if carried_from is not None and carried_from > observed_on:
        raise Refused("date.future", "carried_from", f"价格沿用自 {carried_from}，晚于采集日 {observed_on}")
    bookable_since = day_in(raw, "bookable_since")
    if bookable_since is not None and bookable_since > observed_on:
        told = f"自 {bookable_since} 起可订购，晚于采集日 {observed_on}"
        raise Refused("date.future", "bookable_since", told)
    evidence = evidence if kind == PriceKind.TRANSACTION else ""
    observation = _blank(raw, market=Market.CHINA, feed=feed, row_no=row_no, origin=origin, evidence=evidence)
    observation.observed_on = observed_on
    observation.known_at = known_at or start_of(observed_on)
    # Experts of one employer are one voice, and go with the groups that it belongs to.
    speaks_for = text_in(raw, "employer")[:120] if kind == PriceKind.EXPERT else ""
    if kind == PriceKind.EXPERT and "employer" in raw:
        _require_statement(raw)
    observation.source = source
    observation.source_key = canonical_source(speaks_for or source, tables.source_table)
    observation.kind, observation.unit, observation.tier = kind, unit, tier
    observation.region_code = text_in(raw, "region_code")[:40]
    observation.accelerator = text_in(raw, "accelerator")[:40]
    observation.form_factor = text_in(raw, "form_factor")[:12]
    observation.term_months, observation.cards = term, cards
    observation.precision = text_in(raw, "precision")[:10]
    observation.unit_price, observation.currency = price.quantize(Decimal("0.000001")), currency
    observation.vat_rate, observation.tax_included = rate_in(raw, "vat_rate"), tax == "true"
    observation.bookable_since = bookable_since
    observation.carried_from = carried_from
    observation.reference = text_in(raw, "reference")[:60]
    observation.sku = f"{term}m"
    observation.evidence = evidence
    written = WrittenPrice(
        unit_price=price,
        unit=unit,
        accelerator=observation.accelerator,
        form_factor=observation.form_factor,
        tier=tier,
        region_code=observation.region_code,
        term_months=term,
        observed_on=observed_on,
        currency=currency,
        vat_rate=observation.vat_rate,
        tax_included=observation.tax_included,
        cards=cards,
        precision=observation.precision,
        vcpus_per_card=whole_in(raw, "vcpus_per_card", "bundle.unusual"),
        memory_gb_per_card=whole_in(raw, "memory_gb_per_card", "bundle.unusual"),
    )
    chip = _place(observation, written, tables)
    if observation.state == ObservationState.ADMITTED:
        if kind == PriceKind.COST:
            observation.state, observation.reason = ObservationState.SET_ASIDE, "cost.informative"
        elif observation.carried_from is not None and observation.carried_from < observed_on:
            hold_back(observation, "quote.carried", f"价格沿用 {observation.carried_from} 的旧值，未见新报价")
    if chip is None or unit not in _OF_A_CARD:
        return Reading(observation)
    return Reading(observation, chip.cards_per_server)


def _require_statement(raw: Mapping[str, str | None]) -> None:
    """Where it can be told, an expert's statement tells for whom the expert works and on which signed paper it rests. (A data
    set of the past has no such column.)"""
    if not text_in(raw, "employer"):
        raise Refused(
            "employer.missing", "employer", "专家意见须写明专家任职单位，同一单位及其关联单位合计为一家"
        )
    if not text_in(raw, "reference"):
        raise Refused("paper.missing", "reference", "专家意见须写明专家签名的意见书编号")


def read_reference_row(
    raw: Mapping[str, str | None], tables: Tables, *, row_no: int | None = None, feed: str = ""
) -> Reading:
    """A row of the real price file (USD per card-hour). Raises ``Refused``."""
    observed_on = _observed(raw, tables)
    source = text_in(raw, "source")
    if not source or len(source) > 120:
        raise Refused("source.missing", "source", "来源为空或过长")
    kind = choice_in(raw, "pricing_kind", ["on_demand", "spot"], "kind.unknown")
    count = whole_in(raw, "accelerator_count", "unit.ambiguous") or 1
    card = price_in(raw, "price_usd_per_card_hour")
    total = (
        price_in(raw, "price_usd_per_hour_instance") if text_in(raw, "price_usd_per_hour_instance") else None
    )
    observation = _blank(raw, market=Market.REFERENCE, feed=feed, row_no=row_no, origin=Origin.IMPORTED)
    observation.observed_on, observation.known_at = observed_on, start_of(observed_on)
    observation.source, observation.source_key = source, canonical_source(source, tables.source_table)
    observation.kind, observation.unit = PriceKind.QUOTE, PriceUnit.CARD_HOUR
    observation.tier = source_tier(source, tables.source_table)
    observation.region_code = (text_in(raw, "region") or "unspecified")[:40]
    observation.accelerator = text_in(raw, "accelerator_name")[:40]
    observation.form_factor = text_in(raw, "form_factor")[:12]
    observation.term_months, observation.cards = 0, 1
    observation.unit_price, observation.currency = card.quantize(Decimal("0.000001")), "USD"
    observation.sku = f"{text_in(raw, 'instance_type')}|{text_in(raw, 'zone')}"[:60]
    written = WrittenPrice(
        unit_price=card,
        unit=PriceUnit.CARD_HOUR,
        accelerator=observation.accelerator,
        form_factor=observation.form_factor,
        tier=observation.tier,
        region_code=observation.region_code,
        term_months=0,
        observed_on=observed_on,
        currency="USD",
        cards=1,
        spot=kind == "spot",
        market=Market.REFERENCE,
    )
    _place(observation, written, tables)
    if observation.state == ObservationState.ADMITTED and total is not None and count > 1:
        if abs(total - card) * 100 <= card:
            hold_back(observation, "unit.instance_total", f"{count} 卡整机价 {total} 与单卡价 {card} 相同")
        elif abs(total / count - card) * 100 > card:
            hold_back(observation, "unit.ambiguous", f"整机价 {total} ÷ {count} 卡与单卡价 {card} 不符")
    return Reading(observation, count)
