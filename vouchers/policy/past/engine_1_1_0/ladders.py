"""Which rates hold for which items: flat, by condition, by band, or set by reviewers. Rests on the case's facts alone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.basis import CountedItem
from vouchers.policy.past.engine_1_1_0.classes import membership
from vouchers.policy.past.engine_1_1_0.rate_values import rate_now, rate_words
from vouchers.policy.past.engine_1_1_0.working import ZERO, Working, percent
from vouchers.policy.rules import Rate, Scheme, Track
from vouchers.policy.terms import FindingResult, GateEffect, RateKind, TierMeasure, TierMode


def _fits(scheme: Scheme, rate: Rate, item: CountedItem, facts: Facts) -> bool | None:
    """Whether the rate's conditions hold for the item; None when the facts do not say."""
    known = True
    if rate.chip_origins:
        if item.chip_origin is None:
            known = False
        elif item.chip_origin not in rate.chip_origins:
            return False
    if rate.purposes:
        if item.purpose is None:
            known = False
        elif item.purpose not in rate.purposes:
            return False
    if rate.components:
        if item.component is None:
            known = False
        elif item.component not in rate.components:
            return False
    if rate.completion_from is not None:
        if facts.completion is None:
            known = False
        elif facts.completion < rate.completion_from:
            return False
    if rate.classes:
        member = membership(scheme, rate.classes, facts)
        if member is False:
            return False
        known = known and member is True
    return True if known else None


def _conditions(rate: Rate) -> tuple[object, ...]:
    return (rate.chip_origins, rate.purposes, rate.components, rate.classes, rate.completion_from)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rates that belong together: the bands of one set of conditions, or one rate alone. `place` orders them as the
    ordinance does; `borders` are the bands' from and to; `known` are the rates' values where no reviewer sets one and all are published."""

    rates: tuple[Rate, ...]
    place: tuple[int, ...]
    is_flat: bool
    borders: tuple[tuple[Decimal, Decimal | None], ...]
    known: tuple[Decimal, ...] | None


@dataclass(frozen=True, slots=True)
class TrackRates:
    """A track's rates, ready to be tried: in the ordinance's order, with the ladder that each belongs to."""

    track: Track
    tried: tuple[tuple[Rate, int], ...]
    ladders: tuple[Ladder, ...]
    is_by_year: bool


def bind_rates(scheme: Scheme, track: Track) -> TrackRates:
    """The track's rates, put together once."""
    order = {rate.code: place for place, rate in enumerate(scheme.rates)}
    rates = scheme.rates_of(track.code)
    ladders: list[tuple[Rate, ...]] = []
    tried: list[tuple[Rate, int]] = []
    for rate in rates:
        ladder = (
            (rate,)
            if track.tier_mode is TierMode.NONE
            else tuple(one for one in rates if _conditions(one) == _conditions(rate))
        )
        if ladder not in ladders:
            ladders.append(ladder)
        tried.append((rate, ladders.index(ladder)))
    return TrackRates(
        track=track,
        tried=tuple(tried),
        ladders=tuple(
            Ladder(
                rates=ladder,
                place=tuple(order[rate.code] for rate in ladder),
                is_flat=len(ladder) == 1 and ladder[0].band_from is None and ladder[0].band_to is None,
                borders=tuple((rate.band_from or ZERO, rate.band_to) for rate in ladder),
                known=_known_values(ladder),
            )
            for ladder in ladders
        ),
        is_by_year=track.tier_measure is TierMeasure.YEAR,
    )


def _known_values(ladder: tuple[Rate, ...]) -> tuple[Decimal, ...] | None:
    values = []
    for rate in ladder:
        if rate.value is None or rate.kind is RateKind.REVIEWER_SET:
            return None
        values.append(rate.value)
    return tuple(values)


def _ladders(
    scheme: Scheme, rates: TrackRates, item: CountedItem, facts: Facts, working: Working
) -> tuple[int, ...]:
    """The ladder of an item; none when no rate fits, and where a fact is missing all that could hold."""
    possible: list[tuple[Rate, int]] = []
    sure = False
    asked = -1
    fits: bool | None = False
    for rate, ladder in rates.tried:
        if ladder != asked:  # bands of one ladder stand together as a rule, and have one condition
            fits, asked = _fits(scheme, rate, item, facts), ladder
        if fits is not False:
            possible.append((rate, ladder))
        if fits:
            sure = True
            break
    cite = rates.track.cite
    if not possible:
        working.find(
            "rate",
            FindingResult.NOT_MET,
            cite,
            lambda: (
                "没有适用的补贴比例",
                f"明细 {item.item_no} 不在文件规定补贴比例的范围之内，不计补贴。",
                "请核对芯片来源、用途等填报内容。",
            ),
            subject=item.item_no,
            effect=GateEffect.EXCLUDE,
        )
        return ()
    if len(possible) > 1 or not sure:
        working.find(
            "rate",
            FindingResult.NOT_TESTABLE,
            possible[0][0].cite,
            lambda: (
                "芯片来源、用途或主体类别未取得",
                f"明细 {item.item_no} 适用哪一档比例尚缺信息，暂按可能适用的最低比例计算。",
                "请补充芯片来源、用途或主体类别。",
            ),
            subject=item.item_no,
        )
    return tuple(dict.fromkeys(ladder for _rate, ladder in possible))


def ladder_amount(mode: TierMode, ladder: Ladder, values: tuple[Decimal, ...], base: Decimal) -> Decimal:
    """What a ladder gives for a base, in yuan, unrounded; `values` are its rates in their order."""
    total = ZERO
    whole = mode is TierMode.WHOLE
    for (low, high), value in zip(ladder.borders, values, strict=True):
        if base < low:
            continue
        if whole:
            part = base if high is None or base < high else ZERO
        else:
            part = (base if high is None or base < high else high) - low
        if part:
            total += part * value
    return total


def _lowest(
    rates: TrackRates, placed: list[tuple[CountedItem, tuple[int, ...]]]
) -> dict[tuple[int, ...], int]:
    """Of each set of ladders that could hold for some items, the one under which they would give least: at their base, on
    top of what surely is of that ladder. Where bands count the year, whose earlier base is not known here, rung by rung."""
    sure: dict[int, Decimal] = {}
    open_: dict[tuple[int, ...], Decimal] = {}
    for item, ladders in placed:
        if len(ladders) == 1:
            sure[ladders[0]] = sure.get(ladders[0], ZERO) + item.amount.value
        elif ladders:
            open_[ladders] = open_.get(ladders, ZERO) + item.amount.value

    def gives(place: int, base: Decimal) -> Decimal:
        ladder = rates.ladders[place]
        values = tuple(rate.value if rate.value is not None else ZERO for rate in ladder.rates)
        before = sure.get(place, ZERO)
        mode = rates.track.tier_mode
        return ladder_amount(mode, ladder, values, before + base) - ladder_amount(
            mode, ladder, values, before
        )

    def order(place: int, base: Decimal) -> tuple[Decimal, tuple[Decimal, ...]]:
        return ZERO if rates.is_by_year else gives(place, base), _height(rates.ladders[place].rates)

    return {
        ladders: min(ladders, key=lambda place, base=base: order(place, base))  # type: ignore[misc]
        for ladders, base in open_.items()
    }


def _height(ladder: tuple[Rate, ...]) -> tuple[Decimal, ...]:
    """By which ladders are compared: rung by rung from the lowest band, never one ladder's foot with another's top."""
    rungs = sorted(ladder, key=lambda rate: rate.band_from or ZERO)
    return tuple(rate.value if rate.value is not None else ZERO for rate in rungs)


@dataclass(slots=True)
class Group:
    """The items of one ladder: `values` are its rates as they hold for the case, `weights` the base of each contract.
    `members` and `remark` (how a rate came about) are kept only where sentences are wanted."""

    ladder: int
    values: tuple[Decimal, ...]
    basis: Decimal
    weights: dict[str, Decimal]
    members: list[CountedItem]
    remark: str = ""


def group_items(
    scheme: Scheme, rates: TrackRates, facts: Facts, items: list[CountedItem], working: Working
) -> list[Group]:
    """The items by the ladder that holds for them, in the ordinance's order. Rests on nothing that earlier cases took."""
    groups: dict[int, Group] = {}
    placed = [(item, _ladders(scheme, rates, item, facts, working)) for item in items]
    lowest: dict[tuple[int, ...], int] = {}
    if any(len(ladders) > 1 for _item, ladders in placed):
        lowest = _lowest(rates, placed)
    for item, ladders in placed:
        if not ladders:
            continue
        ladder = ladders[0] if len(ladders) == 1 else lowest[ladders]
        value = item.amount.value
        group = groups.get(ladder)
        if group is None:
            group = groups[ladder] = Group(ladder, (), ZERO, {}, [])
        group.basis += value
        group.weights[item.contract_no] = group.weights.get(item.contract_no, ZERO) + value
        if working.told:
            group.members.append(item)
    found = list(groups.values())
    if len(found) > 1:
        found.sort(key=lambda group: rates.ladders[group.ladder].place)
    for group in found:
        one = rates.ladders[group.ladder]
        if one.known is not None and not working.told:
            group.values = one.known
        else:
            if working.told:
                _tell_completion(scheme, rates.track, one.rates[0], facts, working)
            answers = [rate_now(scheme, rate, facts, working) for rate in one.rates]
            group.values = tuple(value for value, _remark in answers)
            group.remark = answers[0][1]
    return found


def _tell_completion(scheme: Scheme, track: Track, rate: Rate, facts: Facts, working: Working) -> None:
    """The next degree of completion that gives a higher rate, where nothing but the degree stands in its way."""
    done, here = facts.completion, rate.value
    if done is None or here is None or track.tier_mode is not TierMode.NONE:
        return
    ahead = [
        one
        for one in scheme.rates_of(track.code)
        if one.completion_from is not None
        and one.completion_from > done
        and one.kind is not RateKind.REVIEWER_SET
        and rate.kind is not RateKind.REVIEWER_SET
        and (one.value or ZERO) > here
        and _conditions(one)[:-1] in (((), (), (), ()), _conditions(rate)[:-1])
    ]
    if not ahead:
        return
    following = min(ahead, key=lambda one: one.completion_from or ZERO)
    code = f"completion.{following.code}"
    if all(one.code != code for one in working.counterfactuals):
        working.hint(
            code,
            lambda: (
                f"目标完成度达到 {percent(following.completion_from or ZERO)} 的，"
                f"按 {rate_words(following, following.value or ZERO)} 计算。"
            ),
            following.completion_from,
        )
