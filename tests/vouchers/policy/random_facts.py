"""Random facts for a scheme (hypothesis): half of them of a case that meets every condition, half of any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from vouchers.policy import cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.ladders import year_ladders

D = Decimal
BEIJING = timezone(timedelta(hours=8))
START, END = date(2025, 1, 1), date(2026, 1, 1)
KINDS = (t.BasisKind.INVOICE_LINE, t.BasisKind.PAYMENT, t.BasisKind.DEPLOYED_CAPACITY)
fen = (st.integers(0, 10**9) | st.integers(10**6, 10**8)).map(lambda number: D(number).scaleb(-2))
"""Amounts from 0 to ten million yuan, to the fen."""
percents = st.integers(0, 100).map(lambda number: D(number).scaleb(-2))
scales = st.integers(0, 10**6).map(lambda number: D(number).scaleb(-3))
"""Verified scales, from 0 to a thousand units."""
dates = st.dates(date(2024, 7, 1), date(2026, 3, 1))
taxes = st.integers(0, 10**6).map(lambda number: D(number).scaleb(-2))
PROVIDER = f.ProviderFacts(
    uscc="91110000PROVIDER01",
    name="某服务商",
    affiliated=False,
    admissions=(f.AdmissionFacts(from_on=date(2024, 1, 1)),),
)


def _among(friendly: bool, good: Any, *others: Any) -> st.SearchStrategy[Any]:
    """What meets the conditions; of an unfriendly case also what does not, or is not known."""
    return st.just(good) if friendly else st.sampled_from([good, *others])


@st.composite
def _contract(draw: st.DrawFn, number: int, friendly: bool) -> f.ContractFacts:
    verdict = draw(st.none() | st.sampled_from(list(t.Verdict)))
    if friendly and verdict is not t.Verdict.ABOVE:  # a price above the band may be cut
        verdict = t.Verdict.WITHIN
    rows = st.lists(
        st.builds(
            lambda amount, level: f.OtherMoneyFacts(source="某资金", amount=amount, level=level),
            fen,
            st.sampled_from(["", "municipal", "national"]),
        ),
        max_size=2,
    ).map(tuple)
    return f.ContractFacts(
        contract_no=f"L-{number}",
        quantity=draw(scales if friendly else st.none() | scales),
        unit=t.ScaleUnit.PFLOPS,
        precision=t.Precision.FP16,
        net_amount=draw(fen),
        tax_amount=draw(taxes),
        signed_on=draw(_among(friendly, date(2025, 1, 1), None, date(2024, 7, 1))),
        period_from=START,
        period_to=END,
        purpose=draw(_among(friendly, t.Purpose.TRAINING, None, *t.Purpose)),
        chip_origin=draw(
            st.sampled_from(list(t.ChipOrigin))
            if friendly
            else st.none() | st.sampled_from(list(t.ChipOrigin))
        ),
        provider=draw(
            _among(
                friendly,
                PROVIDER,
                None,
                replace(PROVIDER, affiliated=True),
                replace(PROVIDER, affiliated=None, admissions=()),
            )
        ),
        price=None
        if verdict is None
        else f.PriceVerdict(
            verdict=verdict,
            unit_price=D(12),
            lower=D(8),
            base=D(9),
            upper=D(10),
            decisive=draw(st.booleans()),
        ),
        other_money=draw(st.just(()) | rows if friendly else st.none() | rows),
    )


@st.composite
def _item(
    draw: st.DrawFn, number: int, contracts: tuple[f.ContractFacts, ...], *, red: bool, friendly: bool
) -> f.BasisItemFacts:
    begins = draw(dates)
    sign = D(-1) if red and draw(st.integers(0, 5)) == 0 else D(1)
    return f.BasisItemFacts(
        item_no=f"{number:04}",
        kind=draw(st.sampled_from(KINDS)),
        net_amount=sign * draw(fen),
        tax_amount=sign * draw(taxes),
        contract_no=draw(st.sampled_from([one.contract_no for one in contracts])) if contracts else "",
        period_from=begins,
        period_to=begins + timedelta(days=draw(st.integers(1, 120))),
        component=draw(_among(friendly, t.Component.COMPUTE, None, t.Component.STORAGE)),
        chip_origin=draw(st.none() | st.sampled_from(list(t.ChipOrigin))),
        purpose=draw(st.none() | st.sampled_from(list(t.Purpose))),
        quantity=draw(scales.map(lambda one: sign * one) if friendly else st.none() | scales),
        unit=t.ScaleUnit.PFLOPS,
        precision=draw(_among(friendly, t.Precision.FP16, t.Precision.FP32)),
    )


@st.composite
def _party(draw: st.DrawFn, friendly: bool) -> f.PartyFacts:
    return f.PartyFacts(
        uscc="91110108MA01A2B3C4",
        name="某企业",
        kind=draw(_among(friendly, t.PartyKind.ENTERPRISE, None, *t.PartyKind)),
        region_code=draw(_among(friendly, "110108", "", "310101")),
        registered_on=draw(
            st.sampled_from([date(2015, 1, 1), date(2023, 8, 1), *([] if friendly else [None, START])])
        ),
        size=draw(st.sampled_from(["micro", "large", *([] if friendly else [""])])),
        industry_code=draw(_among(friendly, "I6513", "", "A0111")),
        group_no=draw(st.sampled_from(["", "G-1"])),
        classes=draw(st.sampled_from([(), ("champion",)])),
        listings=draw(_among(friendly, (), None)),
        years_supported=draw(_among(friendly, 1, None, 0, 4)),
    )


@st.composite
def facts_for(
    draw: st.DrawFn,
    scheme: r.Scheme,
    *,
    stages: Sequence[t.Stage] = tuple(t.Stage),
    red: bool = True,
    unspent: bool = False,
) -> f.Facts:
    """Facts of a case at a stage: contracts, items, what is used of each cap (`unspent`: nothing), what is known or not."""
    friendly = draw(st.booleans())
    stage = draw(st.sampled_from(list(stages)))
    least = 1 if friendly else 0
    contracts = tuple(
        draw(_contract(number, friendly)) for number in range(1, draw(st.integers(least, 3)) + 1)
    )
    count = 0 if stage is t.Stage.APPLICATION else draw(st.integers(least, 4))
    items = tuple(
        draw(_item(number, contracts, red=red, friendly=friendly)) for number in range(1, count + 1)
    )
    on = draw(st.dates(START, date(2025, 12, 31)))
    facts = f.Facts(
        stage=stage,
        on=on,
        applicant=draw(_party(friendly)),
        contracts=contracts,
        items=items,
        filed_at=datetime.combine(on, datetime.min.time(), BEIJING),
        track=draw(st.sampled_from(["", *[track.code for track in scheme.tracks]])),
        requested_amount=draw(st.none() | fen),
        voucher=None
        if stage is t.Stage.APPLICATION
        else f.VoucherFacts(
            voucher_no="V-1",
            face_value=D(10) ** 7,
            balance=draw(st.just(D(10) ** 7) | fen if friendly else fen),
        ),
        review=f.ReviewFacts(
            rates=draw(_among(friendly, {track.code: D("0.05") for track in scheme.tracks}, {})),
            passed=draw(st.none() | st.booleans()),
        ),
        attestations=draw(_among(friendly, {gate.code: True for gate in scheme.gates}, {})),
        completion=draw(percents if friendly else st.none() | percents),
        project_no=draw(st.sampled_from(["", "P-1"])),
        batch_no=draw(st.sampled_from(["", "2025-1"])),
    )
    if unspent:
        return facts
    caps = {key.key: draw(st.just(D(0)) | fen) for key in cap_keys(scheme, facts)}
    year = {track.code: draw(fen) for track in scheme.tracks}
    for track in scheme.tracks:  # a track's base is that of its ladders together
        parts = {key: draw(st.just(D(0)) | fen) for key in year_ladders(scheme, track)}
        if parts:
            year |= parts | {track.code: sum(parts.values(), D(0))}
    return replace(facts, used=f.UsedAmounts(caps=caps, year_basis=year))
