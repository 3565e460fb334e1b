"""Bands: rates that hold from one border of the base to the next, for the whole base or for the part inside the band."""

from __future__ import annotations

from decimal import Decimal

from vouchers.policy.assessment import Counterfactual, Finding, Operand
from vouchers.policy.basis import unit_of
from vouchers.policy.facts import Facts
from vouchers.policy.rate_values import rate_now, rate_words
from vouchers.policy.rules import Rate, Scheme, Track
from vouchers.policy.terms import TierMeasure, TierMode
from vouchers.policy.working import ZERO, Sum, Working, figure, money


def banded(
    scheme: Scheme,
    track: Track,
    ladder: tuple[Rate, ...],
    facts: Facts,
    basis: Sum,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> Sum:
    """Bands over the case's base, or over the year's: then what the year's earlier base gave is taken off again."""
    before = facts.used.year_basis.get(track.code, ZERO) if track.tier_measure is TierMeasure.YEAR else ZERO
    rates = {rate.code: rate_now(scheme, rate, facts, findings)[0] for rate in ladder}
    upto = max(before + basis.value, ZERO)
    unit = unit_of(track)
    gross, words, operands = _ladder_amount(track, ladder, rates, upto)
    taken, taken_words, _ = _ladder_amount(track, ladder, rates, before)
    result = max(gross - taken, ZERO)
    if before:
        operands.append(Operand(name="此前基数已计补贴", value=-min(taken, gross)))
    _tell_next_band(track, ladder, rates, upto, counterfactuals)

    def sentence() -> str:
        head = (
            f"累计基数 {figure(upto, unit)}（此前 {figure(before, unit)}）"
            if before
            else f"基数 {figure(upto, unit)}"
        )
        less = f"，减去此前已计 {money(taken)}（{taken_words}）" if before else ""
        return f"{head}，{track.tier_mode.label}：{words or '未达到任何档次'}{less} ＝ {money(result)}。"

    return working.add(
        "rate.tier",
        "tier",
        [*operands, basis.operand("补贴基数", unit)],
        result,
        sentence,
        ladder[0].source("rate"),
    )


def _tell_next_band(
    track: Track,
    ladder: tuple[Rate, ...],
    rates: dict[str, Decimal],
    upto: Decimal,
    counterfactuals: list[Counterfactual],
) -> None:
    """How much more base reaches the next band, where that band gives more."""
    ahead = [rate for rate in ladder if rate.band_from is not None and rate.band_from > upto]
    if not ahead:
        return
    following = min(ahead, key=lambda rate: rate.band_from or ZERO)
    here = [
        rate
        for rate in ladder
        if (rate.band_from or ZERO) <= upto and (rate.band_to is None or upto < rate.band_to)
    ]
    value, unit = rates[following.code], unit_of(track)
    if value <= (rates[here[0].code] if here else ZERO):
        return
    missing = (following.band_from or ZERO) - upto
    what = "符合条件的费用" if track.scale_unit is None else "核定规模"
    scope = "全部" if track.tier_mode is TierMode.WHOLE else "其后的部分"
    words = rate_words(following, value) + ("" if track.scale_unit is None else f"/{unit}")
    counterfactuals.append(
        Counterfactual(
            code=f"band.{following.code}",
            sentence=f"再增加{what} {figure(missing, unit)}即达到下一档，{scope}按 {words} 计算。",
            amount=missing,
        )
    )


def _ladder_amount(
    track: Track, ladder: tuple[Rate, ...], rates: dict[str, Decimal], base: Decimal
) -> tuple[Decimal, str, list[Operand]]:
    total, words, operands = ZERO, [], []
    unit = unit_of(track)
    for rate in ladder:
        low, high = rate.band_from or ZERO, rate.band_to
        if track.tier_mode is TierMode.WHOLE:
            part = base if base >= low and (high is None or base < high) else ZERO
        else:
            part = max((base if high is None else min(base, high)) - low, ZERO)
        if part:
            total += part * rates[rate.code]
            words.append(f"{figure(part, unit)} × {rate_words(rate, rates[rate.code])}")
            operands.append(Operand(name=words[-1], value=part * rates[rate.code]))
    return total, " ＋ ".join(words), operands
