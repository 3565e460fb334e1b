"""Bands: rates that hold from one border of the base to the next, for the whole base or for the part inside the band."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.past.engine_1_1_0.basis import unit_of
from vouchers.policy.past.engine_1_1_0.ladders import Ladder, ladder_amount
from vouchers.policy.past.engine_1_1_0.rate_values import rate_words
from vouchers.policy.past.engine_1_1_0.working import ZERO, Step, Sum, Working, figure, money
from vouchers.policy.rules import Track
from vouchers.policy.terms import TierMode

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
    upto = max(before + basis.value, ZERO)
    gross = ladder_amount(track.tier_mode, ladder, values, upto)
    taken = ladder_amount(track.tier_mode, ladder, values, before) if before else ZERO
    result = max(gross - taken, ZERO)
    if not working.told:
        return Sum(result)
    unit = unit_of(track)
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
    ahead = [rate for rate in ladder.rates if rate.band_from is not None and rate.band_from > upto]
    if not ahead:
        return
    following = min(ahead, key=lambda rate: rate.band_from or ZERO)
    here = [
        rate
        for rate in ladder.rates
        if (rate.band_from or ZERO) <= upto and (rate.band_to is None or upto < rate.band_to)
    ]
    value, unit = rates[following.code], unit_of(track)
    if value <= (rates[here[0].code] if here else ZERO):
        return
    missing = (following.band_from or ZERO) - upto
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
            yield base if base >= low and (high is None or base < high) else ZERO
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
