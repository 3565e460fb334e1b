"""The rule model: a published scheme as data.

`Scheme` and its parts are frozen and closed: no expression, no code per city. Every part carries `cite`, the source of
its values; a value whose source differs from its part's is named in `cites`. Amounts are yuan, rates fractions 0 to 1,
periods half-open. A rate of None is one that no text publishes: the scheme then stands closed (`opening.closed_reasons`).

Defaults are part of the law: plain documents leave out what equals its default. Never change one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from vouchers.policy.citations import Citation, Document, Part
from vouchers.policy.plain import from_plain, to_plain
from vouchers.policy.rules_of_process import (
    Paper,
    ReviewStep,
    Rounding,
    TreasuryShare,
    VoucherKind,
    WayOfIssue,
    Window,
)
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    Border,
    CapPeriod,
    CapSubject,
    ChipOrigin,
    Component,
    CountsAt,
    DayCount,
    FloorMeasure,
    GateEffect,
    GateKind,
    InForceBy,
    OtherMoneyMode,
    PartyKind,
    PayTo,
    Precision,
    Purpose,
    RateKind,
    ScaleUnit,
    Side,
    Stage,
    TaxMode,
    TierBase,
    TierMeasure,
    TierMode,
    TrackChoice,
    Untestable,
    YearBy,
)

__all__ = [
    "FORMAT",
    "ApplicantClass",
    "Cap",
    "Citation",
    "Document",
    "Floor",
    "Gate",
    "OtherPublicMoney",
    "Paper",
    "Part",
    "PriceRule",
    "Rate",
    "ReviewStep",
    "Rounding",
    "Scheme",
    "ScoreRate",
    "Track",
    "TreasuryShare",
    "VoucherKind",
    "WayOfIssue",
    "Window",
    "parse",
    "render",
]

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ApplicantClass(Part):
    """A class that rates, caps, conditions or waivers name. Tested by age, size or ownership; with none of them a person
    attests it. `border` says whether an age of exactly so many months still belongs (不超过) or not (不满)."""

    code: str
    name: str
    registered_within_months: int | None = None
    sizes: tuple[str, ...] = ()
    ownerships: tuple[str, ...] = ()
    border: Border = Border.INCLUDED


@dataclass(frozen=True, kw_only=True)
class Track(Part):
    """One way of support inside a scheme: who is paid, and on what base.

    Only what falls into `counted_from`..`counted_to` (half-open) counts, pro rata by days as `day_count` says. With a
    `scale_unit` the base is a verified scale (算力规模, of `scale_precision` where the text states one) instead of an amount:
    the track's rates are then `unit_amount`s, its bands and SCALE floors are in that unit.

    `tier_base`: where the rates differ by chip, use or class too, the base of which the bands are: that of the items of one
    condition, or of all of the track. `band_border`: whether a base of exactly a band's `band_from` lies in that band (以上)
    or still in the one below (超过…的).
    """

    code: str
    name: str
    side: Side
    pay_to: PayTo
    basis_kinds: tuple[BasisKind, ...]
    tax_mode: TaxMode = TaxMode.NET
    excluded_components: tuple[Component, ...] = ()
    counted_from: date | None = None
    counted_to: date | None = None
    day_count: DayCount = DayCount.INCLUSIVE
    tier_mode: TierMode = TierMode.NONE
    tier_measure: TierMeasure = TierMeasure.CASE
    scale_unit: ScaleUnit | None = None
    scale_precision: Precision | None = None
    tier_base: TierBase = TierBase.LADDER
    band_border: Border = Border.INCLUDED


@dataclass(frozen=True, kw_only=True)
class Rate(Part):
    """A rate and when it holds. Rates of a track are tried in order: the first that fits an item is its rate.

    An empty condition holds for all. A band holds from `band_from` to `band_to` of the base that the track's `tier_base`
    names; which of two bands their common border belongs to is the track's `band_border`.
    `completion_from` is the least degree of target completion, as a fraction. `unit_amount` (yuan for each unit of the
    track's scale) takes the place of `rate` on a track with a `scale_unit`; neither of them: not published.
    """

    code: str
    track: str
    rate: Decimal | None = None
    kind: RateKind = RateKind.FIXED
    chip_origins: tuple[ChipOrigin, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    components: tuple[Component, ...] = ()
    classes: tuple[str, ...] = ()
    band_from: Decimal | None = None
    band_to: Decimal | None = None
    completion_from: Decimal | None = None
    unit_amount: Decimal | None = None

    def source(self, name: str = "") -> Citation:
        """The source of one value; the rate's is that of the yuan a unit where they take its place."""
        return super().source("unit_amount" if name == "rate" and self.unit_amount is not None else name)

    @property
    def value(self) -> Decimal | None:
        """The rate, or the yuan a unit; None where no text publishes it."""
        return self.rate if self.unit_amount is None else self.unit_amount


@dataclass(frozen=True, kw_only=True)
class ScoreRate(Part):
    """A row of the reviewers' table: from this score on, this rate (still under the ceiling)."""

    code: str
    track: str
    score_from: Decimal
    rate: Decimal


@dataclass(frozen=True, kw_only=True)
class Floor(Part):
    """A minimum (起补线): below it nothing is granted. One that names tracks is held by each of them on its own base; where
    several tracks are compared or added, a track below it takes no part and the others stand. With `border` EXCLUDED the
    amount itself does not suffice (超过…的)."""

    code: str
    name: str
    measure: FloorMeasure
    amount: Decimal
    tracks: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = (Stage.APPLICATION,)
    switched_on: bool = True
    border: Border = Border.INCLUDED


@dataclass(frozen=True, kw_only=True)
class Cap(Part):
    """A maximum: an `amount` in yuan, or a `share` of the contracts' amount; of a subject, over a period.

    `counts_at` says on which event it is used up; each event has an account of its own in the ledger. `classes` narrows
    it to classes of applicants, `waived_for` lifts it for some. `year_starts` (MM-DD) begins the programme's year.
    `year_by` is the date that decides the year: of the application, claim or payment order, as `counts_at` says, or, of a cap
    that counts at payment, the day on which the claim was filed. A cap that counts at payment bears on no assessment: it says
    how much of what is owed may be paid in a period (`payment_caps`).
    """

    code: str
    name: str
    subject: CapSubject
    amount: Decimal | None = None
    share: Decimal | None = None
    period: CapPeriod = CapPeriod.NONE
    counts_at: CountsAt = CountsAt.BOTH
    tracks: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    waived_for: tuple[str, ...] = ()
    year_starts: str = "01-01"
    switched_on: bool = True
    year_by: YearBy = YearBy.EVENT


@dataclass(frozen=True, kw_only=True)
class Gate(Part):
    """A condition (条件). `text` is the condition in the office's words, `cure` what would mend it.

    Which of the named values are used depends on the kind: `regions` and `industries` are code prefixes; `values` are
    words (kinds of party, ownerships, sizes, purposes, service items); `months` and `years` are lengths; `from_on` and
    `to_on` bound a date (half-open); `question` is what a person answers for ATTESTED. `batches` narrows PROVIDER_ADMITTED to
    batches of admission. `scale_from`, with its unit and precision, is the least scale for PROVIDER_SCALE.
    `review_reference` keeps the fair-competition review of a restriction. `border` says whether an age of exactly so many
    months meets the condition (满、不超过) or not (超过、不满).

    A condition may be limited: to tracks, or to tracks that support one of `sides`; to applicants of `for_kinds`, or of all
    kinds but `not_for_kinds`; to `classes`, or to all but those `waived_for` it. To others it does not apply. One that is
    not met by somebody of whom that is not known is not testable.
    """

    code: str
    kind: GateKind
    text: str
    cure: str = ""
    effect: GateEffect = GateEffect.REFUSE
    if_untestable: Untestable = Untestable.REVIEW
    stages: tuple[Stage, ...] = (Stage.APPLICATION, Stage.CLAIM, Stage.SETTLEMENT)
    tracks: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    months: int | None = None
    years: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    question: str = ""
    review_reference: str = ""
    switched_on: bool = True
    batches: tuple[str, ...] = ()
    scale_from: Decimal | None = None
    scale_unit: ScaleUnit | None = None
    scale_precision: Precision | None = None
    border: Border = Border.INCLUDED
    sides: tuple[Side, ...] = ()
    for_kinds: tuple[PartyKind, ...] = ()
    not_for_kinds: tuple[PartyKind, ...] = ()
    classes: tuple[str, ...] = ()
    waived_for: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PriceRule(Part):
    """How the fair price bears on support."""

    above_band: AboveBand = AboveBand.NONE
    if_untestable: Untestable = Untestable.REVIEW


@dataclass(frozen=True, kw_only=True)
class OtherPublicMoney(Part):
    """Other public money on the same matter. `level` narrows it to money of that level of treasury (NONE_SAME_LEVEL needs one;
    COMBINED_RATE with a national voucher names `national`); money of an unstated level counts. `share` is a fraction."""

    mode: OtherMoneyMode = OtherMoneyMode.NOT_STATED
    level: str = ""
    share: Decimal | None = None
    switched_on: bool = True


@dataclass(frozen=True, kw_only=True)
class Scheme(Part):
    """One version of one program's rules, whole.

    `retroactive_from` is the first day to which the text itself reaches back (文件规定溯及适用的起始日); None: it does not.
    """

    program: str
    label: str
    title: str
    region: str
    side: Side
    tracks: tuple[Track, ...]
    rates: tuple[Rate, ...]
    price: PriceRule
    other_money: OtherPublicMoney
    voucher: VoucherKind
    issue: WayOfIssue
    rounding: Rounding
    office: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    retroactive_from: date | None = None
    in_force_by: InForceBy = InForceBy.APPLICATION
    track_choice: TrackChoice = TrackChoice.CHOICE
    demonstration: bool = False
    documents: tuple[Document, ...] = ()
    classes: tuple[ApplicantClass, ...] = ()
    score_rates: tuple[ScoreRate, ...] = ()
    floors: tuple[Floor, ...] = ()
    caps: tuple[Cap, ...] = ()
    gates: tuple[Gate, ...] = ()
    windows: tuple[Window, ...] = ()
    papers: tuple[Paper, ...] = ()
    review_steps: tuple[ReviewStep, ...] = ()
    treasury_shares: tuple[TreasuryShare, ...] = ()
    note: str = ""
    format: int = FORMAT

    def track(self, code: str) -> Track:
        """The track of that code. Raises KeyError."""
        for track in self.tracks:
            if track.code == code:
                return track
        raise KeyError(code)

    def rates_of(self, track: str) -> tuple[Rate, ...]:
        """The track's rates, in the order in which they are tried."""
        return tuple(rate for rate in self.rates if rate.track == track)


def parse(document: Mapping[str, Any]) -> Scheme:
    """A plain document as a Scheme. Raises SchemeError with the path of every wrong place; contradictions are `checks.check`'s."""
    return from_plain(Scheme, dict(document))


def render(scheme: Scheme) -> dict[str, Any]:
    """The scheme as a plain document: `parse(render(s)) == s`."""
    document = to_plain(scheme)
    assert isinstance(document, dict)
    document["format"] = scheme.format
    return document
