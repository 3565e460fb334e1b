"""Which rates hold for which items: flat, by condition, by band, or set by reviewers. Rests on the case's facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from vouchers.policy.basis import CountedItem, Item
from vouchers.policy.classes import membership
from vouchers.policy.facts import Facts
from vouchers.policy.plain import decimal_text
from vouchers.policy.rate_values import rate_now, rate_words
from vouchers.policy.rules import Rate, Scheme, Track
from vouchers.policy.terms import Border, FindingResult, GateEffect, RateKind, TierBase, TierMeasure, TierMode
from vouchers.policy.tiers import Ladder, ladder_amount
from vouchers.policy.working import ZERO, Working, percent


def fits(scheme: Scheme, rate: Rate, item: CountedItem | Item, facts: Facts) -> bool | None:
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
class TrackRates:
    """A track's rates, ready to be tried: in the ordinance's order, with the ladder that each belongs to. `is_joint`: the
    bands of all its ladders are bands of one base, that of the track."""

    track: Track
    tried: tuple[tuple[Rate, int], ...]
    ladders: tuple[Ladder, ...]
    is_by_year: bool
    is_joint: bool = False
    keeps_ladders: bool = False
    """Whether the year's base is kept by ladder as well: its bands are of the year, and it has several."""
    keys: tuple[str, ...] = ()
    """The ladders' keys, each once."""
    has_joined_keys: bool = False
    """Whether a key names several values: an earlier engine may have kept it with them in another order."""


_NAMES = ("chip", "use", "component", "class", "completion")


def ladder_key(track: Track, rate: Rate) -> str:
    """What the year's base of items under a rate's conditions is kept under: `a/chip=domestic`; `a/*` where it has none. The
    order in which the conditions' values were written down makes no other ladder."""
    return _key(track, rate, sorted)


def key_as_written(track: Track, rate: Rate) -> str:
    """The key as engine 1.2.0 wrote it: with the conditions' values in the order of the text."""
    return _key(track, rate, list)


def _key(track: Track, rate: Rate, ordered: Callable[[Iterable[str]], list[str]]) -> str:
    said = []
    for name, value in zip(_NAMES, _conditions(rate), strict=True):
        if isinstance(value, tuple) and value:
            said.append(f"{name}={'+'.join(ordered(str(one) for one in value))}")
        elif isinstance(value, Decimal):
            said.append(
                f"{name}={decimal_text(value).replace('.', '_')}"
            )  # a point parts the names of fields
    return f"{track.code}/{';'.join(said) or '*'}"


def sorted_key(key: str) -> str:
    """A key as `ladder_key` writes it, of one that an earlier engine kept with its values in the order of the text."""
    if "+" not in key:
        return key
    track, _, said = key.partition("/")
    parts = (part.partition("=") for part in said.split(";"))
    return f"{track}/{';'.join(f'{name}={_sorted(values)}' for name, _, values in parts)}"


def _sorted(values: str) -> str:
    return "+".join(sorted(values.split("+")))


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
    is_by_year = track.tier_measure is TierMeasure.YEAR
    made = tuple(
        Ladder(
            rates=ladder,
            place=tuple(order[rate.code] for rate in ladder),
            is_flat=len(ladder) == 1 and ladder[0].band_from is None and ladder[0].band_to is None,
            borders=tuple((rate.band_from or ZERO, rate.band_to) for rate in ladder),
            known=_known_values(ladder),
            starts_inside=track.band_border is Border.INCLUDED,
            key=track.code if len(ladders) == 1 else ladder_key(track, ladder[0]),
        )
        for ladder in ladders
    )
    return TrackRates(
        track=track,
        tried=tuple(tried),
        ladders=made,
        is_by_year=is_by_year,
        is_joint=track.tier_base is TierBase.TRACK and len(ladders) > 1,
        keeps_ladders=is_by_year and len(made) > 1 and not all(ladder.is_flat for ladder in made),
        keys=tuple(dict.fromkeys(ladder.key for ladder in made)),
        has_joined_keys=any("+" in ladder.key for ladder in made),
    )


def year_ladders(scheme: Scheme, track: Track) -> dict[str, Rate]:
    """The keys under which the year's base of the track's ladders is kept, each with a rate of the ladder; none where it is
    kept by the track alone."""
    rates = bind_rates(scheme, track)
    if not rates.keeps_ladders:
        return {}
    return {ladder.key: ladder.rates[0] for ladder in rates.ladders}


def _known_values(ladder: tuple[Rate, ...]) -> tuple[Decimal, ...] | None:
    values = []
    for rate in ladder:
        if rate.value is None or rate.kind is RateKind.REVIEWER_SET:
            return None
        values.append(rate.value)
    return tuple(values)


class Taken(Protocol):
    """Of a case that goes by several tracks, what the others make of an item: `takers.Takers`."""

    @property
    def told_by(self) -> str: ...
    @property
    def counts_in(self) -> str: ...
    def is_elsewhere(self, track: str, /) -> bool: ...


def _ladders(
    scheme: Scheme,
    rates: TrackRates,
    item: CountedItem,
    facts: Facts,
    working: Working,
    taken: Taken | None,
) -> tuple[int, ...]:
    """The ladder of an item; none when no rate fits, and where a fact is missing all that could hold."""
    possible: list[tuple[Rate, int]] = []
    sure = False
    asked = -1
    holds: bool | None = False
    for rate, ladder in rates.tried:
        if ladder != asked:  # bands of one ladder stand together as a rule, and have one condition
            holds, asked = fits(scheme, rate, item, facts), ladder
        if holds and not possible:
            return (ladder,)
        if holds is not False:
            possible.append((rate, ladder))
        if holds:
            sure = True
            break
    track = rates.track
    is_told_here = taken is None or taken.told_by == track.code
    if not possible:
        if taken is not None and (not is_told_here or taken.is_elsewhere(track.code)):
            return ()
        working.find(
            "rate",
            FindingResult.NOT_MET,
            track.cite,
            lambda: (
                "没有适用的补贴比例",
                f"明细 {item.item_no} 不在文件规定补贴比例的范围之内，不计补贴。",
                "请核对芯片来源、用途等填报内容。",
            ),
            subject=item.item_no,
            effect=GateEffect.EXCLUDE,
        )
        return ()
    if is_told_here and (len(possible) > 1 or not sure):
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
    if taken is not None and not sure and taken.counts_in != track.code:
        return ()
    return tuple(dict.fromkeys(ladder for _rate, ladder in possible))


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


def least_amount(rates: TrackRates, ladders: Iterable[int], base: Decimal) -> Decimal:
    """The least that any of these ladders would give for a base of its own, in yuan."""
    found = []
    for place in ladders:
        ladder = rates.ladders[place]
        values = tuple(rate.value if rate.value is not None else ZERO for rate in ladder.rates)
        flat = base * values[0] if ladder.is_flat else None
        found.append(ladder_amount(rates.track.tier_mode, ladder, values, base) if flat is None else flat)
    return min(found)


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
    scheme: Scheme,
    rates: TrackRates,
    facts: Facts,
    items: list[CountedItem],
    working: Working,
    takers: Sequence[Taken] = (),
) -> list[Group]:
    """The items by the ladder that holds for them, in the ordinance's order. Rests on nothing that earlier cases took.
    Of a case that goes by several tracks, `takers` says of each of its items what the other tracks make of it."""
    groups: dict[int, Group] = {}
    placed: list[tuple[CountedItem, tuple[int, ...]]] = []
    is_open, told = False, working.told
    for item in items:
        ladders = _ladders(scheme, rates, item, facts, working, takers[item.place] if takers else None)
        if ladders:
            placed.append((item, ladders))
            is_open = is_open or len(ladders) > 1
    lowest = _lowest(rates, placed) if is_open else {}
    for item, ladders in placed:
        ladder = ladders[0] if len(ladders) == 1 else lowest[ladders]
        value, contract_no = item.amount.value, item.contract_no
        group = groups.get(ladder)
        if group is None:
            value = ZERO + value
            groups[ladder] = Group(ladder, (), value, {contract_no: value}, [item] if told else [])
            continue
        group.basis += value
        group.weights[contract_no] = group.weights.get(contract_no, ZERO) + value
        if told:
            group.members.append(item)
    found = list(groups.values())
    if len(found) > 1:
        found.sort(key=lambda group: rates.ladders[group.ladder].place)
    for group in found:
        one = rates.ladders[group.ladder]
        if one.known is not None and not told:
            group.values = one.known
        else:
            if told:
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
