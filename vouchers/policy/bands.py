"""Bands: rates that hold from one border of the base to the next, for the whole base or for the part inside the band."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.basis import least_more, unit_of
from vouchers.policy.rate_values import rate_words
from vouchers.policy.rules import Rounding, Track
from vouchers.policy.terms import TierMode
from vouchers.policy.tiers import Ladder, is_in_band, ladder_amount, ladder_rise, value_at
from vouchers.policy.working import ZERO, Step, Sum, Working, figure, money, pro_rata, rounded

_WHOLE = TierMode.WHOLE


def banded(
    track: Track,
    ladder: Ladder,
    values: tuple[Decimal, ...],
    before: Decimal,
    basis: Sum,
    working: Working,
) -> Sum:
    """Bands over the case's base, or over the year's: then what the year's earlier base gave is taken off again."""
    upto = before + basis.value
    if upto < 0:
        upto = ZERO
    result = ladder_rise(track.tier_mode, ladder, values, before, upto)
    if not working.told:
        return Sum(result)
    return _tell_banded(track, ladder, values, before, upto, basis, result, working)


def _tell_banded(
    track: Track,
    ladder: Ladder,
    values: tuple[Decimal, ...],
    before: Decimal,
    upto: Decimal,
    basis: Sum,
    result: Decimal,
    working: Working,
) -> Sum:
    """The line of a banded base."""
    unit = unit_of(track)
    gross = ladder_amount(track.tier_mode, ladder, values, upto)
    taken = ladder_amount(track.tier_mode, ladder, values, before) if before else ZERO
    _tell_next_band(track, ladder, values, upto, working)

    def tell() -> Step:
        steps = _ladder_steps(track, ladder, values, upto)
        operands = [Operand(name=words, value=value) for words, value in steps]
        if before:
            operands.append(Operand(name="此前基数已计补贴", value=-min(taken, gross)))
        operands.append(basis.operand("补贴基数", unit))
        head = (
            f"累计基数 {figure(upto, unit)}（此前 {figure(before, unit)}）"
            if before
            else f"基数 {figure(upto, unit)}"
        )
        taken_words = _joined(_ladder_steps(track, ladder, values, before))
        less = f"，减去此前已计 {money(taken)}（{taken_words}）" if before else ""
        return (
            operands,
            f"{head}，{track.tier_mode.label}：{_joined(steps) or '未达到任何档次'}{less} ＝ {money(result)}。",
        )

    return working.add("rate.tier", "tier", result, tell, ladder.rates[0].source("rate"))


def _joined(steps: list[tuple[str, Decimal]]) -> str:
    return " ＋ ".join(words for words, _value in steps)


def _tell_next_band(
    track: Track, ladder: Ladder, values: tuple[Decimal, ...], upto: Decimal, working: Working
) -> None:
    """How much more base reaches the next band, where that band gives more."""
    rates = {rate.code: value for rate, value in zip(ladder.rates, values, strict=True)}
    ahead = [
        rate
        for rate in ladder.rates
        if rate.band_from is not None
        and rate.band_from >= upto
        and not is_in_band(ladder, rate.band_from, rate.band_to, upto)
    ]
    if not ahead:
        return
    following = min(ahead, key=lambda rate: rate.band_from or ZERO)
    here = [rate for rate in ladder.rates if is_in_band(ladder, rate.band_from or ZERO, rate.band_to, upto)]
    value, unit = rates[following.code], unit_of(track)
    if value <= (rates[here[0].code] if here else ZERO):
        return
    missing = (following.band_from or ZERO) - upto
    if not ladder.starts_inside:
        missing += least_more(track.scale_unit is not None)
    what = "符合条件的费用" if track.scale_unit is None else "核定规模"
    scope = "全部" if track.tier_mode is _WHOLE else "其后的部分"
    words = rate_words(following, value) + ("" if track.scale_unit is None else f"/{unit}")
    working.hint(
        f"band.{following.code}",
        lambda: f"再增加{what} {figure(missing, unit)}即达到下一档，{scope}按 {words} 计算。",
        missing,
    )


def _in_bands(track: Track, ladder: Ladder, base: Decimal) -> Iterator[Decimal]:
    """What of the base falls to each band."""
    whole = track.tier_mode is _WHOLE
    for low, high in ladder.borders:
        if whole:
            yield base if is_in_band(ladder, low, high, base) else ZERO
        else:
            top = base if high is None or base < high else high
            yield top - low if top > low else ZERO


def _ladder_steps(
    track: Track, ladder: Ladder, values: tuple[Decimal, ...], base: Decimal
) -> list[tuple[str, Decimal]]:
    """Each band that takes part, in words and yuan."""
    unit = unit_of(track)
    return [
        (f"{figure(part, unit)} × {rate_words(rate, value)}", part * value)
        for rate, value, part in zip(ladder.rates, values, _in_bands(track, ladder, base), strict=True)
        if part
    ]


@dataclass(frozen=True, slots=True)
class Joint:
    """The base of a track whose ladders' bands are bands of all its items: what it was before the case, what the case adds
    (`basis`), and the sum of the groups that add anything (`positive`), by which a band is shared among them."""

    before: Decimal
    basis: Sum
    positive: Decimal

    @property
    def upto(self) -> Decimal:
        """The base with that of the case."""
        return max(self.before + self.basis.value, ZERO)


def joint_banded(
    rounding: Rounding,
    track: Track,
    ladder: Ladder,
    values: tuple[Decimal, ...],
    joint: Joint,
    before: Decimal,
    basis: Sum,
    working: Working,
) -> Sum:
    """What one ladder gives where the track's whole base decides the band; `before` is the year's earlier base of its own.

    MARGINAL: what the ladder would give for all that the case adds to the track's base, in the proportion of its own base.
    WHOLE: the rate of the band that the track's base has reached, on all of its own base, less what was given before."""
    if track.tier_mode is _WHOLE:
        return _joint_whole(track, ladder, values, joint, before, basis, working)
    whole = banded(track, ladder, values, joint.before, joint.basis, working)
    weight = max(basis.value, ZERO)
    if weight == joint.positive:
        return whole
    share = whole.value * weight / joint.positive if joint.positive else ZERO
    result = rounded(share, rounding.mode)
    unit = unit_of(track)
    return working.add(
        "rate.joint",
        pro_rata(rounding.mode),
        result,
        lambda: (
            [
                whole.operand("合并累计的补贴"),
                Operand(name="本组基数", value=weight, unit=unit),
                Operand(name="本次各组基数合计", value=joint.positive, unit=unit),
            ],
            f"按基数比重分摊：{money(whole.value)} × {figure(weight, unit)} ÷ {figure(joint.positive, unit)}"
            f" ＝ {money(result)}。",
        ),
        track.source("tier_base"),
    )


def _joint_whole(
    track: Track,
    ladder: Ladder,
    values: tuple[Decimal, ...],
    joint: Joint,
    before: Decimal,
    basis: Sum,
    working: Working,
) -> Sum:
    own, upto = max(before + basis.value, ZERO), joint.upto
    now, then = value_at(ladder, values, upto), value_at(ladder, values, joint.before) if before else ZERO
    result = max(own * now - before * then, ZERO)
    unit = unit_of(track)
    _tell_next_band(track, ladder, values, upto, working)

    def tell() -> Step:
        operands = [
            Operand(name=f"{figure(own, unit)} × {rate_words(ladder.rates[0], now)}", value=own * now)
        ]
        less = ""
        if before:
            operands.append(Operand(name="此前基数已计补贴", value=-min(before * then, own * now)))
            less = f"，减去此前已计 {money(before * then)}"
        operands.append(basis.operand("补贴基数", unit))
        return (
            operands,
            f"本方向合并基数 {figure(upto, unit)}，{track.tier_mode.label}：{operands[0].name}{less} ＝ {money(result)}。",
        )

    return working.add("rate.tier", "tier", result, tell, ladder.rates[0].source("rate"))
