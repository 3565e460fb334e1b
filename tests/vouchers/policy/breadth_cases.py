"""Tiny schemes of the structures that no shipped scheme has, with a case each: the corpus keeps what they gave."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from tests.vouchers.policy.tiny import (
    CITE,
    cap,
    claim,
    contract,
    floor,
    gate,
    item,
    party,
    rate,
    scheme,
    track,
)
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.plain import BEIJING_TIME

D = Decimal
DOMESTIC = rate("0.4", "domestic", chip_origins=(t.ChipOrigin.DOMESTIC,))


def _shares(*rows: tuple[str, str, bool]) -> tuple[r.TreasuryShare, ...]:
    return tuple(
        r.TreasuryShare(cite=CITE, code=code, treasury=code, share=D(share), takes_rest=rest)
        for code, share, rest in rows
    )


def _laddered(base: t.TierBase, mode: t.TierMode, **changes: t.Border) -> r.Scheme:
    """Bands of the year that differ by chip."""
    foreign = (t.ChipOrigin.FOREIGN,)
    domestic = (t.ChipOrigin.DOMESTIC,)
    return scheme(
        tracks=(track(tier_mode=mode, tier_measure=t.TierMeasure.YEAR, tier_base=base, **changes),),
        rates=(
            rate("0.2", "domestic_low", chip_origins=domestic, band_to=D(1000)),
            rate("0.4", "domestic_high", chip_origins=domestic, band_from=D(1000)),
            rate("0.1", "foreign_low", chip_origins=foreign, band_to=D(1000)),
            rate("0.333", "foreign_high", chip_origins=foreign, band_from=D(1000)),
        ),
    )


SCHEMES: dict[str, r.Scheme] = {
    "scale": scheme(
        tracks=(
            track(
                basis_kinds=(t.BasisKind.DEPLOYED_CAPACITY,),
                scale_unit=t.ScaleUnit.PFLOPS,
                scale_precision=t.Precision.FP16,
                tier_mode=t.TierMode.MARGINAL,
                counted_from=date(2025, 1, 1),
            ),
        ),
        rates=(
            rate(None, "low", unit_amount=D(5000), band_to=D(100)),
            rate(None, "high", unit_amount=D("8000.5"), band_from=D(100)),
        ),
        floors=(floor("10", t.FloorMeasure.SCALE),),
    ),
    "treasuries": scheme(
        treasury_shares=_shares(
            ("nation", "0.333", False), ("city", "0.4", True), ("province", "0.267", False)
        )
    ),
    "tracks_added": scheme(
        track_choice=t.TrackChoice.SUM,
        tracks=(track(), track("b")),
        rates=(rate("0.3"), rate("0.5", "of_b", track="b")),
        caps=(cap("400", tracks=("b",), period=t.CapPeriod.CALENDAR_YEAR),),
        gates=(gate(t.GateKind.SIZE, values=("small",), tracks=("b",)),),
    ),
    "contracts_capped": scheme(
        rates=(DOMESTIC, rate("0.3")),
        caps=(
            cap("350", t.CapSubject.CONTRACT, period=t.CapPeriod.TOTAL),
            cap("640.55", code="year", period=t.CapPeriod.ROLLING_YEAR),
        ),
    ),
    "rounded_up": scheme(
        rates=(DOMESTIC, rate("0.3")),
        caps=(cap("299.60"),),
        rounding=r.Rounding(
            cite=CITE, mode=t.RoundMode.HALF_UP, unit=t.RoundUnit.YUAN, when=t.RoundWhen.EACH
        ),
    ),
    "public_share": scheme(
        rates=(rate("1"),),
        other_money=r.OtherPublicMoney(cite=CITE, mode=t.OtherMoneyMode.SHARE_LIMIT, share=D("0.5")),
    ),
    "combined": scheme(
        other_money=r.OtherPublicMoney(
            cite=CITE, mode=t.OtherMoneyMode.COMBINED_RATE, share=D("0.45"), level="national"
        )
    ),
    "bands_of_the_year": scheme(
        tracks=(
            track(
                tier_mode=t.TierMode.WHOLE,
                tier_measure=t.TierMeasure.YEAR,
                counted_to=date(2025, 3, 20),
                day_count=t.DayCount.END_MINUS_START,
            ),
        ),
        rates=(rate("0.1", "low", band_to=D(1000)), rate("0.2", "high", band_from=D(1000))),
        rounding=r.Rounding(cite=CITE, mode=t.RoundMode.HALF_EVEN),
    ),
    "reaching_back": scheme(effective_from=date(2025, 6, 1), retroactive_from=date(2025, 1, 1)),
    "ladders_by_chip": _laddered(t.TierBase.LADDER, t.TierMode.MARGINAL),
    "ladders_joined": _laddered(t.TierBase.TRACK, t.TierMode.MARGINAL),
    "ladders_joined_whole": _laddered(t.TierBase.TRACK, t.TierMode.WHOLE, band_border=t.Border.EXCLUDED),
    "tracks_by_chip": scheme(
        track_choice=t.TrackChoice.SUM,
        tracks=(track(), track("b")),
        rates=(DOMESTIC, rate("0.3", "of_b", track="b", chip_origins=(t.ChipOrigin.FOREIGN,))),
    ),
    "borders": scheme(
        classes=(
            r.ApplicantClass(cite=CITE, code="young", name="初创", registered_within_months=36),
            r.ApplicantClass(
                cite=CITE,
                code="younger",
                name="更新",
                registered_within_months=12,
                border=t.Border.EXCLUDED,
            ),
        ),
        rates=(
            rate("0.6", "younger", classes=("younger",)),
            rate("0.5", "young", classes=("young",)),
            rate("0.3"),
        ),
        floors=(floor("1000", border=t.Border.EXCLUDED),),
    ),
    "scoped": scheme(
        gates=(gate(t.GateKind.REGISTERED_IN, regions=("11",), not_for_kinds=(t.PartyKind.UNIVERSITY,)),)
    ),
    "every_quarter": scheme(
        windows=(
            r.Window(
                cite=CITE,
                code="quarter",
                name="每季首旬",
                opens_at=datetime(2024, 1, 1, tzinfo=BEIJING_TIME),
                closes_at=datetime(2024, 1, 11, tzinfo=BEIJING_TIME),
                stage=t.Stage.CLAIM,
                repeats=t.Repeats.QUARTERLY,
            ),
        )
    ),
}

_TWO = (
    item("1000", "1", contract_no="L1", chip_origin=t.ChipOrigin.DOMESTIC),
    item("1000.33", "2", contract_no="L2", chip_origin=t.ChipOrigin.FOREIGN),
)
_CONTRACTS = (contract("L1"), contract("L2"))
_MONEY = (
    f.OtherMoneyFacts(source="国家券", amount=D(2000), level="national"),
    f.OtherMoneyFacts(source="市级资金", amount=D(500), level="municipal"),
)
_FUNDED = claim(
    item("8000", contract_no="L"),
    contracts=(contract(net_amount=D(10000), other_money=_MONEY),),
    used=f.UsedAmounts(caps={"T:other_money:claim:L:total": D("1234.56")}),
)


def _capacity(quantity: str) -> f.BasisItemFacts:
    return item(
        "0",
        kind=t.BasisKind.DEPLOYED_CAPACITY,
        quantity=D(quantity),
        unit=t.ScaleUnit.PFLOPS,
        precision=t.Precision.FP16,
        period_from=date(2024, 12, 15),
        period_to=date(2025, 2, 1),
    )


LADDERED = ("ladders_by_chip", "ladders_joined", "ladders_joined_whole")


def _of_the_year(domestic: str, foreign: str) -> f.Facts:
    """A claim of both chips after so much of each in the year."""
    year = {
        "a": D(domestic) + D(foreign),
        "a/chip=domestic": D(domestic),
        "a/chip=foreign": D(foreign),
    }
    return claim(*_TWO, contracts=_CONTRACTS, used=f.UsedAmounts(year_basis=year))


_BEFORE_IT_WAS_PARTED = f.UsedAmounts(year_basis={"a": D("1300.55"), "a/chip=domestic": D("400")})
"""900.55 of an earlier version, which did not ask for the chip."""


CASES: list[tuple[str, f.Facts]] = [
    ("scale", claim(_capacity("200"))),
    ("scale", claim(_capacity("5"))),
    ("treasuries", claim("333.37")),
    ("tracks_added", claim("1000", applicant=party(size="small"))),
    ("tracks_added", claim("1000", applicant=party(size="large"))),
    ("contracts_capped", claim(*_TWO, contracts=_CONTRACTS)),
    ("rounded_up", claim(*_TWO, contracts=_CONTRACTS)),
    ("public_share", _FUNDED),
    ("combined", _FUNDED),
    (
        "bands_of_the_year",
        claim(
            item("700.55", period_from=date(2025, 3, 1), period_to=date(2025, 4, 1)),
            used=f.UsedAmounts(year_basis={"a": D("654.32")}),
        ),
    ),
    ("reaching_back", claim("1000")),
    *((name, _of_the_year("900", "400.55")) for name in LADDERED),
    *((name, _of_the_year("0", "0")) for name in LADDERED),
    *((name, claim(*_TWO, contracts=_CONTRACTS, used=_BEFORE_IT_WAS_PARTED)) for name in LADDERED),
    ("tracks_by_chip", claim(*_TWO, contracts=_CONTRACTS)),
    ("tracks_by_chip", claim(_TWO[0])),
    ("tracks_by_chip", claim("1000")),
    ("borders", claim("1000.01", applicant=party(registered_on=date(2022, 3, 3)))),
    ("borders", claim("1000.01", applicant=party(registered_on=date(2024, 3, 3)))),
    ("borders", claim("1000.01", applicant=party(registered_on=date(2024, 3, 4)))),
    ("borders", claim("1000", applicant=party(registered_on=date(2024, 3, 4)))),
    ("scoped", claim("1000", applicant=party(region_code="310101", kind=t.PartyKind.UNIVERSITY))),
    ("scoped", claim("1000", applicant=party(region_code="310101", kind=t.PartyKind.ENTERPRISE))),
    ("scoped", claim("1000", applicant=party(region_code="310101"))),
    ("every_quarter", claim("1000", filed_at=datetime(2025, 7, 10, 23, 59, tzinfo=BEIJING_TIME))),
    ("every_quarter", claim("1000", filed_at=datetime(2025, 7, 11, tzinfo=BEIJING_TIME))),
]
