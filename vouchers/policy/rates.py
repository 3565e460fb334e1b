"""What the rates give: base times rate, flat or by bands, group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.bands import Joint, banded, joint_banded
from vouchers.policy.basis import unit_of
from vouchers.policy.ladders import Group, TrackRates
from vouchers.policy.rate_values import rate_words
from vouchers.policy.rules import Rate, Rounding, Track
from vouchers.policy.shares import Share, share_out
from vouchers.policy.terms import RoundWhen, Stage
from vouchers.policy.tiers import Ladder
from vouchers.policy.working import ZERO, Step, Sum, Working, figure, money, round_step
from vouchers.policy.year_so_far import YearSoFar

_EACH = RoundWhen.EACH


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
    by_ladder: Sequence[tuple[str, Decimal]] = ()
    """Where the bands are of the year and the track has several ladders, the base of each, by the ladder's key."""


def rate_groups(
    rounding: Rounding,
    rates: TrackRates,
    stage: Stage,
    year: YearSoFar,
    groups: list[Group],
    working: Working,
) -> TrackAmount:
    """Base times rate, group by group: items of one rate were added up first, so their order cannot matter.

    `year` is the base of the year so far, for bands of the year.
    """
    track = rates.track
    if rates.is_joint and groups:
        return _joint_groups(rounding, rates, stage, year, groups, working)
    parts: dict[Share, Decimal] = {}
    results: list[Sum] = []
    total, lines_on, each = ZERO, working.lines_on, rounding.when is _EACH
    for group in groups:
        ladder = rates.ladders[group.ladder]
        basis = _add_up(track, group, working) if lines_on else Sum(group.basis)
        total += basis.value
        if ladder.is_flat:
            result = _flat(track, ladder.rates[0], stage, group, basis, working)
        else:
            before = year.before(track.tier_mode, ladder, group.values, basis.value)
            result = banded(track, ladder, group.values, before, basis, working)
        if each:
            result = round_step(rounding, result, working)
        results.append(result)
        brought = _parts(track, group, ladder, result.value)
        if not parts:
            parts = brought
            continue
        for key, part in brought.items():
            parts[key] = parts.get(key, ZERO) + part
    amount = results[0] if len(results) == 1 else _sum_parts(track, results, working)
    yuan, units = (total, ZERO) if track.scale_unit is None else (ZERO, total)
    return TrackAmount(track, yuan, units, amount, parts, None, _by_ladder(rates, groups))


def _by_ladder(rates: TrackRates, groups: list[Group]) -> Sequence[tuple[str, Decimal]]:
    if not rates.keeps_ladders:
        return ()
    return [(rates.ladders[group.ladder].key, group.basis) for group in groups]


def _joint_groups(
    rounding: Rounding,
    rates: TrackRates,
    stage: Stage,
    year: YearSoFar,
    groups: list[Group],
    working: Working,
) -> TrackAmount:
    """As `rate_groups`, where the bands of all the ladders are bands of the track's base: it is added up first."""
    track = rates.track
    bases = [_add_up(track, group, working) if working.lines_on else Sum(group.basis) for group in groups]
    total = sum((basis.value for basis in bases), ZERO)
    joint = Joint(
        year.of_track,
        bases[0] if len(bases) == 1 else _add_up_groups(track, bases, total, working),
        sum((basis.value for basis in bases if basis.value > 0), ZERO),
    )
    parts: dict[Share, Decimal] = {}
    results = []
    for group, basis in zip(groups, bases, strict=True):
        ladder = rates.ladders[group.ladder]
        if ladder.is_flat:
            result = _flat(track, ladder.rates[0], stage, group, basis, working)
        else:
            before = year.before_jointly(ladder, group.values, joint)
            result = joint_banded(rounding, track, ladder, group.values, joint, before, basis, working)
        result = round_step(rounding, result, working)
        results.append(result)
        for key, part in _parts(track, group, ladder, result.value).items():
            parts[key] = parts.get(key, ZERO) + part
    amount = results[0] if len(results) == 1 else _sum_parts(track, results, working)
    yuan, units = (total, ZERO) if track.scale_unit is None else (ZERO, total)
    return TrackAmount(track, yuan, units, amount, parts, None, _by_ladder(rates, groups))


def _add_up_groups(track: Track, bases: list[Sum], total: Decimal, working: Working) -> Sum:
    unit = unit_of(track)
    return working.add(
        "basis.joint",
        "sum",
        total,
        lambda: (
            [basis.operand(f"第 {basis.line} 步", unit) for basis in bases],
            f"“{track.name}”各组基数合并：{' ＋ '.join(figure(basis.value, unit) for basis in bases)}"
            f" ＝ {figure(total, unit)}。",
        ),
        track.source("tier_base"),
    )


def _parts(track: Track, group: Group, ladder: Ladder, result: Decimal) -> dict[Share, Decimal]:
    """What each contract brought of a group's result: its own base at the rate, or where bands hold by its part of the base."""
    weights = group.weights
    if ladder.is_flat:
        rate = group.values[0]
        return {(track.code, contract): base * rate for contract, base in weights.items()}
    if len(weights) == 1:
        [(contract, base)] = weights.items()
        return {(track.code, contract): result} if base > ZERO else {}
    return share_out({(track.code, contract): base for contract, base in weights.items()}, result)


def _add_up(track: Track, group: Group, working: Working) -> Sum:
    total = group.basis
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


def _sum_parts(track: Track, parts: list[Sum], working: Working) -> Sum:
    total = sum((part.value for part in parts), ZERO)

    def words() -> str:
        if not parts:
            return f"“{track.name}”没有可计的明细，计 0.00 元。"
        return f"各档补贴合计：{' ＋ '.join(money(part.value) for part in parts)} ＝ {money(total)}。"

    return working.add(
        "rate.sum",
        "sum",
        total,
        lambda: ([part.operand(f"第 {part.line} 步") for part in parts], words()),
    )


def _flat(track: Track, rate: Rate, stage: Stage, group: Group, basis: Sum, working: Working) -> Sum:
    """What the rate gives."""
    result = basis.value * group.values[0]
    if not working.lines_on:
        return Sum(result)
    return _tell_flat(track, rate, stage, group, basis, result, working)


def _tell_flat(
    track: Track, rate: Rate, stage: Stage, group: Group, basis: Sum, result: Decimal, working: Working
) -> Sum:
    value = group.values[0]

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
