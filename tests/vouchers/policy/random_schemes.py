"""Random schemes and facts for property tests (hypothesis).

`cases()` draws a scheme that `checks.check` finds sound, and facts for it at any stage. The keywords of `schemes` take
structures away where a law does not hold with them (`schemes(floors=False, roundings=(DOWN,))`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.vouchers.policy.random_facts import END, KINDS, START, facts_for, fen, scales
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.plain import BEIJING_TIME

__all__ = ["cases", "facts_for", "fen", "scales", "schemes", "treasuries"]

D = Decimal
CITE = r.Citation("随机文件", "第一条")

CLASSES = (
    r.ApplicantClass(cite=CITE, code="startup", name="初创企业", registered_within_months=24),
    r.ApplicantClass(
        cite=CITE, code="newborn", name="新设企业", registered_within_months=19, border=t.Border.EXCLUDED
    ),
    r.ApplicantClass(cite=CITE, code="sme", name="中小企业", sizes=("micro", "small", "medium")),
    r.ApplicantClass(cite=CITE, code="champion", name="链主企业"),
)

rates_of_a_text = st.sampled_from([D(one).scaleb(-3) for one in (50, 100, 125, 200, 300, 333, 400, 500)])
thresholds = st.integers(1, 400).map(lambda number: D(number) * 10000)
limits = st.sampled_from([D(one) for one in (1, 777, 10000, 50000, 300000, 2000000, 10000000)])


def _subset(values: Sequence[Any], *, min_size: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), min_size=min_size, max_size=2, unique=True).map(tuple)


@st.composite
def _track(draw: st.DrawFn, code: str, *, bands: Sequence[t.TierMode], windows: bool, scale: bool) -> r.Track:
    by_scale = scale and draw(st.integers(0, 3)) == 0
    has_window = windows and draw(st.booleans())
    counted_from = draw(st.none() | st.dates(START, date(2025, 6, 1))) if has_window else None
    return r.Track(
        cite=CITE,
        code=code,
        name=f"方向{code}",
        side=draw(st.sampled_from(list(t.Side))),
        pay_to=t.PayTo.REIMBURSE_APPLICANT,
        basis_kinds=KINDS,
        tax_mode=draw(st.sampled_from(list(t.TaxMode))),
        excluded_components=draw(_subset([t.Component.STORAGE, t.Component.NETWORK])),
        counted_from=counted_from,
        counted_to=draw(st.none() | st.dates(date(2025, 6, 2), END)) if has_window else None,
        day_count=draw(st.sampled_from(list(t.DayCount))),
        tier_mode=draw(st.sampled_from(list(bands))),
        tier_measure=t.TierMeasure.CASE if by_scale else draw(st.sampled_from(list(t.TierMeasure))),
        scale_unit=t.ScaleUnit.PFLOPS if by_scale else None,
        scale_precision=draw(st.none() | st.just(t.Precision.FP16)) if by_scale else None,
        band_border=draw(st.sampled_from(list(t.Border))),
    )


@st.composite
def _rates(
    draw: st.DrawFn, track: r.Track, *, reviewers: bool, rising: bool, ladders: bool
) -> tuple[r.Rate, ...]:
    """A ladder for all or one for each chip, or a rate by chip, use, component, class or completion with one for the rest
    behind it."""
    if track.tier_mode is not t.TierMode.NONE and ladders and draw(st.booleans()):
        return (
            *draw(_ladder(track, "domestic", rising=rising, chip_origins=(t.ChipOrigin.DOMESTIC,))),
            *draw(_ladder(track, "rest", rising=rising)),
        )
    if track.tier_mode is not t.TierMode.NONE:
        return draw(_ladder(track, "band", rising=rising))
    return draw(_by_condition(track, reviewers=reviewers))


@st.composite
def _ladder(
    draw: st.DrawFn, track: r.Track, code: str, *, rising: bool, **condition: Any
) -> tuple[r.Rate, ...]:
    by_scale = track.scale_unit is not None
    name = "unit_amount" if by_scale else "rate"
    values_of_a_text = st.sampled_from([D("0.5"), D(800), D(1000), D(10000)]) if by_scale else rates_of_a_text
    levels = st.integers(1, 900).map(D) if by_scale else thresholds
    borders = sorted(draw(st.lists(levels, min_size=1, max_size=3, unique=True)))
    values = [draw(values_of_a_text) for _ in range(len(borders) + 1)]
    values = sorted(values) if rising else values
    starts: list[Decimal | None] = [None, *borders]
    ends: list[Decimal | None] = [*borders, None]
    return tuple(
        r.Rate(
            cite=CITE,
            code=f"{track.code}_{code}_{place}",
            track=track.code,
            band_from=low,
            band_to=high,
            **{name: rate},
            **condition,
        )
        for place, (low, high, rate) in enumerate(zip(starts, ends, values, strict=True))
    )


@st.composite
def _by_condition(draw: st.DrawFn, track: r.Track, *, reviewers: bool) -> tuple[r.Rate, ...]:
    by_scale = track.scale_unit is not None
    name = "unit_amount" if by_scale else "rate"
    values_of_a_text = st.sampled_from([D("0.5"), D(800), D(1000), D(10000)]) if by_scale else rates_of_a_text
    condition: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {"chip_origins": (t.ChipOrigin.DOMESTIC,)},
                {"purposes": (t.Purpose.TRAINING, t.Purpose.FINETUNING)},
                {"components": (t.Component.COMPUTE,)},
                {"classes": ("startup",)},
                {"classes": ("newborn",)},
                {"classes": ("sme", "champion")},
                {"completion_from": D("0.8")},
            ]
        )
    )
    kinds = list(t.RateKind) if reviewers else [t.RateKind.FIXED, t.RateKind.CEILING]
    rest = r.Rate(
        cite=CITE,
        code=f"{track.code}_rest",
        track=track.code,
        kind=draw(st.sampled_from(kinds)),
        **{name: draw(values_of_a_text)},
    )
    if not condition:
        return (rest,)
    own = r.Rate(
        cite=CITE,
        code=f"{track.code}_own",
        track=track.code,
        **{name: draw(values_of_a_text)},
        **condition,
    )
    return (own, rest)


AT_CASES = [one for one in t.CountsAt if one is not t.CountsAt.PAYMENT]
PAID = (t.CapSubject.ENTERPRISE, t.CapSubject.GROUP, t.CapSubject.PROJECT, t.CapSubject.POOL)


@st.composite
def _cap(draw: st.DrawFn, number: int, tracks: tuple[str, ...], subjects: Sequence[t.CapSubject]) -> r.Cap:
    subject = draw(st.sampled_from(list(subjects)))
    by_share = subject is t.CapSubject.CONTRACT and draw(st.booleans())
    paid = subject in PAID and draw(st.booleans())  # such as may count at payment
    return r.Cap(
        cite=CITE,
        code=f"cap{number}",
        name=f"限额{number}",
        subject=subject,
        amount=None if by_share else draw(limits),
        share=draw(st.sampled_from([D("0.2"), D("0.333"), D("0.5")])) if by_share else None,
        period=t.CapPeriod.NONE if subject is t.CapSubject.USE else draw(st.sampled_from(list(t.CapPeriod))),
        counts_at=draw(st.sampled_from(list(t.CountsAt) if paid else AT_CASES)),
        tracks=() if paid else draw(st.sampled_from([(), tracks[:1], tracks])),
        classes=draw(st.sampled_from([(), (), ("sme",)])),
        waived_for=draw(st.sampled_from([(), (), ("champion",)])),
        year_starts=draw(st.sampled_from(["01-01", "04-01", "09-15"])),
    )


@st.composite
def _gate(draw: st.DrawFn, number: int, tracks: tuple[r.Track, ...]) -> r.Gate:
    values: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"kind": t.GateKind.REGISTERED_IN, "regions": ("11",)},
                {"kind": t.GateKind.SECTOR, "industries": ("65",)},
                {"kind": t.GateKind.PARTY_KIND, "values": ("enterprise", "university")},
                {"kind": t.GateKind.AGE_AT_LEAST, "months": 12},
                {"kind": t.GateKind.AGE_AT_LEAST, "months": 19, "border": t.Border.EXCLUDED},
                {"kind": t.GateKind.NO_DISHONESTY, "years": 3},
                {"kind": t.GateKind.NON_AFFILIATED},
                {"kind": t.GateKind.PROVIDER_ADMITTED},
                {"kind": t.GateKind.PURPOSE, "values": ("training",)},
                {"kind": t.GateKind.SIGNED_BETWEEN, "from_on": date(2024, 9, 1)},
                {"kind": t.GateKind.CONSECUTIVE_YEARS, "years": 3},
                {"kind": t.GateKind.ATTESTED, "question": "是否属实？"},
            ]
        )
    )
    limits: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {},
                {"sides": (tracks[0].side,)},
                {"for_kinds": (t.PartyKind.ENTERPRISE, t.PartyKind.INSTITUTE)},
                {"not_for_kinds": (t.PartyKind.UNIVERSITY,)},
                {"classes": ("sme",)},
                {"waived_for": ("champion", "newborn")},
            ]
        )
    )
    return r.Gate(
        cite=CITE,
        **limits,
        code=f"gate{number}",
        text=f"条件{number}",
        cure="请补正。",
        effect=draw(st.sampled_from(list(t.GateEffect))),
        if_untestable=draw(st.sampled_from(list(t.Untestable))),
        **values,
    )


@st.composite
def _floor(draw: st.DrawFn, number: int, tracks: tuple[r.Track, ...]) -> r.Floor:
    measure = draw(st.sampled_from(list(t.FloorMeasure)))
    of_scale = measure is t.FloorMeasure.SCALE
    fitting = tuple(one.code for one in tracks if (one.scale_unit is not None) == of_scale)
    if not fitting:
        measure = t.FloorMeasure.AMOUNT
    whole = len(fitting) == len(tracks) and draw(st.booleans())
    return r.Floor(
        cite=CITE,
        code=f"floor{number}",
        name=f"起补线{number}",
        measure=measure,
        # Below every cap: a cap below a floor is a contradiction.
        tracks=() if whole or measure is t.FloorMeasure.AMOUNT else fitting,
        amount=draw(st.sampled_from([D("0.5"), D(1)]))
        if measure is t.FloorMeasure.AMOUNT
        else draw(st.integers(1, 100).map(lambda number: D(number) * 100)),
        stages=tuple(t.Stage),
        border=draw(st.sampled_from(list(t.Border))),
    )


@st.composite
def _window(draw: st.DrawFn) -> r.Window:
    opens_at = datetime(2024, draw(st.integers(1, 12)), draw(st.integers(1, 31 - 3)), 9, tzinfo=BEIJING_TIME)
    repeats = draw(st.sampled_from(list(t.Repeats)))
    return r.Window(
        cite=CITE,
        code="window",
        name="申报期",
        opens_at=opens_at,
        closes_at=opens_at + timedelta(days=draw(st.integers(1, 27)), hours=draw(st.integers(0, 23))),
        stage=draw(st.sampled_from(list(t.Stage))),
        repeats=repeats,
        repeats_until=None
        if repeats is t.Repeats.NONE
        else draw(st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1))),
    )


def treasuries(*shares: str, takes_rest: int | None = None) -> tuple[r.TreasuryShare, ...]:
    """Treasuries with such shares; the one in that place takes the rest."""
    return tuple(
        r.TreasuryShare(
            cite=CITE,
            code=f"t{place}",
            treasury=f"第{place + 1}级财政",
            share=D(share),
            takes_rest=place == takes_rest,
        )
        for place, share in enumerate(shares)
    )


@st.composite
def schemes(
    draw: st.DrawFn,
    *,
    bands: Sequence[t.TierMode] = tuple(t.TierMode),
    rising_bands: bool = False,
    windows: bool = True,
    scale: bool = True,
    reviewers: bool = True,
    ladders: bool = True,
    joint: bool = True,
    filing: bool = True,
    cap_subjects: Sequence[t.CapSubject] = tuple(t.CapSubject),
    floors: bool = True,
    gates: bool = True,
    track_choices: Sequence[t.TrackChoice] = tuple(t.TrackChoice),
    other_money: Sequence[t.OtherMoneyMode] = tuple(t.OtherMoneyMode),
    price_rules: Sequence[t.AboveBand] = tuple(t.AboveBand),
    modes: Sequence[t.RoundMode] = tuple(t.RoundMode),
    units: Sequence[t.RoundUnit] = tuple(t.RoundUnit),
    whens: Sequence[t.RoundWhen] = tuple(t.RoundWhen),
) -> r.Scheme:
    """A sound scheme of one or two tracks, with what the keywords allow."""
    codes = ("a", "b") if draw(st.booleans()) else ("a",)
    tracks = tuple(draw(_track(code, bands=bands, windows=windows, scale=scale)) for code in codes)
    rates = tuple(
        rate
        for track in tracks
        for rate in draw(_rates(track, reviewers=reviewers, rising=rising_bands, ladders=ladders))
    )
    tracks = tuple(
        replace(track, tier_base=draw(st.sampled_from(list(t.TierBase))))
        if joint and any(rate.code == f"{track.code}_domestic_0" for rate in rates)
        else track
        for track in tracks
    )
    modes_of_money = [
        one
        for one in other_money
        if one is not t.OtherMoneyMode.COMBINED_RATE or not any(track.scale_unit for track in tracks)
    ]
    mode = draw(st.sampled_from(modes_of_money))
    shared = mode in (t.OtherMoneyMode.SHARE_LIMIT, t.OtherMoneyMode.COMBINED_RATE)
    many = st.integers(0, 3)
    return r.Scheme(
        cite=CITE,
        program="RND",
        label="随机",
        title="随机政策",
        region="110000",
        side=t.Side.DEMAND,
        effective_from=date(2024, 1, 1),
        tracks=tracks,
        classes=CLASSES,
        rates=rates,
        caps=tuple(draw(_cap(number, codes, cap_subjects)) for number in range(draw(many)))
        if cap_subjects
        else (),
        gates=tuple(draw(_gate(number, tracks)) for number in range(draw(many))) if gates else (),
        windows=(draw(_window()),) if filing and draw(st.integers(0, 3)) == 0 else (),
        floors=tuple(draw(_floor(number, tracks)) for number in range(draw(st.integers(0, 1))))
        if floors
        else (),
        track_choice=draw(st.sampled_from(list(track_choices))),
        price=r.PriceRule(cite=CITE, above_band=draw(st.sampled_from(list(price_rules)))),
        other_money=r.OtherPublicMoney(
            cite=CITE,
            mode=mode,
            level="municipal" if mode is t.OtherMoneyMode.NONE_SAME_LEVEL else "",
            share=draw(st.sampled_from([D("0.3"), D("0.5"), D(1)])) if shared else None,
        ),
        review_steps=(r.ReviewStep(cite=CITE, code="review", name="评审", role="handler", sets_rate=True),),
        treasury_shares=draw(
            st.sampled_from([(), treasuries("0.6", "0.4"), treasuries("0.333", "0.333", "0.334")])
        ),
        voucher=r.VoucherKind(cite=CITE),
        issue=r.WayOfIssue(cite=CITE),
        rounding=r.Rounding(
            cite=CITE,
            mode=draw(st.sampled_from(list(modes))),
            unit=draw(st.sampled_from(list(units))),
            when=draw(st.sampled_from(list(whens))),
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[r.Scheme, f.Facts]:
    """Any scheme and any facts for it."""
    scheme = draw(schemes())
    return scheme, draw(facts_for(scheme))
