"""What the rates give: base times rate, flat or by bands, group by group."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.past.engine_1_1_0.bands import banded
from vouchers.policy.past.engine_1_1_0.basis import unit_of
from vouchers.policy.past.engine_1_1_0.ladders import Group, Ladder, TrackRates
from vouchers.policy.past.engine_1_1_0.rate_values import rate_words
from vouchers.policy.past.engine_1_1_0.shares import Share, share_out
from vouchers.policy.past.engine_1_1_0.working import ZERO, Step, Sum, Working, figure, money, round_step
from vouchers.policy.rules import Rate, Rounding, Track
from vouchers.policy.terms import Stage


@dataclass(slots=True)
class TrackAmount:
    """What the tracks give so far. `basis` is yuan, `quantity` units of a scale; a track counts in one of the two.

    `parts` says what of the amount comes from which track and contract: how an amount is shared out where a cap concerns a
    track or a contract. `bound` is the most that rounding may lift the amount to (None: no limit has been met yet).
    """

    track: Track
    basis: Decimal
    quantity: Decimal
    amount: Sum
    parts: dict[Share, Decimal]
    bound: Decimal | None = None


def rate_groups(
    rounding: Rounding,
    rates: TrackRates,
    stage: Stage,
    year_basis: Decimal,
    groups: list[Group],
    working: Working,
) -> TrackAmount:
    """Base times rate, group by group: items of one rate were added up first, so their order cannot matter.

    `year_basis` is the track's base of the year so far, for bands of the year.
    """
    track = rates.track
    parts: dict[Share, Decimal] = {}
    results: list[Sum] = []
    total = ZERO
    for group in groups:
        ladder = rates.ladders[group.ladder]
        basis = _add_up(track, group, working)
        total += basis.value
        if ladder.is_flat:
            result = _flat(track, ladder.rates[0], stage, group, basis, working)
        else:
            before = year_basis if rates.is_by_year else ZERO
            result = banded(track, ladder, group.values, before, basis, working)
        result = round_step(rounding, result, working)
        results.append(result)
        brought = _parts(track, group, ladder, result.value)
        if not parts:
            parts = brought
            continue
        for key, part in brought.items():
            parts[key] = parts.get(key, ZERO) + part
    amount = results[0] if len(results) == 1 else _sum_parts(results, working)
    yuan, units = (total, ZERO) if track.scale_unit is None else (ZERO, total)
    return TrackAmount(track, yuan, units, amount, parts)


def _parts(track: Track, group: Group, ladder: Ladder, result: Decimal) -> dict[Share, Decimal]:
    """What each contract brought of a group's result: its own base at the rate, or where bands hold by its part of the base."""
    if ladder.is_flat:
        rate = group.values[0]
        return {(track.code, contract): base * rate for contract, base in group.weights.items()}
    return share_out({(track.code, contract): base for contract, base in group.weights.items()}, result)


def _add_up(track: Track, group: Group, working: Working) -> Sum:
    total = group.basis
    if not working.lines_on:
        return Sum(total)
    members, unit = group.members, unit_of(track)
    precision = f"（{track.scale_precision.label}）" if track.scale_precision else ""
    head = f"补贴基数（{track.tax_mode.label}）" if track.scale_unit is None else f"核定规模{precision}"
    return working.add(
        "basis",
        "sum",
        total,
        lambda: (
            [item.amount.operand(f"明细 {item.item_no}", unit) for item in members],
            f"{head}："
            + (
                " ＋ ".join(figure(item.amount.value, unit) for item in members)
                if len(members) <= 6
                else f"{len(members)} 项明细合计"
            )
            + (f" ＝ {figure(total, unit)}。" if len(members) > 1 else "。"),
        ),
        track.cite,
    )


def _sum_parts(parts: list[Sum], working: Working) -> Sum:
    total = sum((part.value for part in parts), ZERO)
    return working.add(
        "rate.sum",
        "sum",
        total,
        lambda: (
            [part.operand(f"第 {part.line} 步") for part in parts],
            f"各档补贴合计：{' ＋ '.join(money(part.value) for part in parts) or '0.00 元'} ＝ {money(total)}。",
        ),
    )


def _flat(track: Track, rate: Rate, stage: Stage, group: Group, basis: Sum, working: Working) -> Sum:
    """What the rate gives."""
    value = group.values[0]
    result = basis.value * value

    def tell() -> Step:
        when = "本次预计补贴" if stage is Stage.APPLICATION else "本次补贴"
        unit = unit_of(track)
        noun, each = ("补贴基数", "") if track.scale_unit is None else ("核定规模", f"元/{unit}")
        remark = f"（{group.remark}）" if group.remark else ""
        return (
            [
                basis.operand(noun, unit),
                Operand(name="补贴比例" if not each else "补贴标准", value=value, unit=each),
            ],
            f"{when}：{figure(basis.value, unit)} × {rate_words(rate, value)} ＝ {money(result)}{remark}。",
        )

    return working.add("rate", "product", result, tell, rate.source("rate"))
