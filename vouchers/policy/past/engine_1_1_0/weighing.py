"""The first half of an assessment: all that rests on the case's facts alone.

Conditions, what counts as base, and which rates hold. Nothing here asks what earlier cases took, so a million cases can be
weighed in any order and by any number of processes; `settling` then takes them one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.basis import Item, count_items, items_of
from vouchers.policy.past.engine_1_1_0.caps import BoundCap
from vouchers.policy.past.engine_1_1_0.compiled import Compiled, Plan
from vouchers.policy.past.engine_1_1_0.conditions import (
    check_in_force,
    check_papers,
    check_prices,
    check_windows,
    day_of_use,
)
from vouchers.policy.past.engine_1_1_0.gates import Held, excluded_contracts, find_gates, hold_gates
from vouchers.policy.past.engine_1_1_0.ladders import Group, group_items
from vouchers.policy.past.engine_1_1_0.other_money import check_other_money, other_money_of
from vouchers.policy.past.engine_1_1_0.tracks import standing_tracks
from vouchers.policy.past.engine_1_1_0.working import ZERO, Working


@dataclass(slots=True)
class Weighed:
    """A case, weighed: what settling it needs. `caps` are those that bind it, by their place in `Compiled.caps`; `groups`
    its items by rate, for each track of the plan; `other` is other public money that lessens the amount, in yuan."""

    plan: Plan
    on: date
    used_on: date
    """The day on which a claim uses its voucher."""
    requested: Decimal | None
    other: Decimal
    caps: dict[int, BoundCap]
    groups: list[list[Group]]


def weigh_case(compiled: Compiled, facts: Facts, working: Working) -> tuple[Weighed, list[Held]]:
    """The conditions of the case as a whole, and the caps that bind it; its tracks are weighed one by one after it."""
    plan = compiled.plan_for(facts)
    held = hold_gates(plan.gates, facts, told=working.told)
    spared = False
    if len(plan.tracks) > 1:
        standing = standing_tracks(plan.tracks, held)
        spared = len(standing) < len(plan.tracks)
        plan = compiled.plan(facts.stage, standing)
    scheme = plan.scheme
    check_in_force(scheme, facts, working)
    check_windows(plan.windows, facts, working)
    if held:
        find_gates(held, working, spared=spared)
    check_prices(scheme, facts, working)
    other = ZERO
    if plan.other_money:
        check_other_money(scheme, facts, working)
        other = other_money_of(scheme.other_money, facts)
    check_papers(plan.papers, facts, working)
    caps = {}
    for place, binder in plan.caps:
        bound = binder.bind(facts)
        if bound is not None:
            caps[place] = bound
    used_on = facts.on if facts.filed_at is None else day_of_use(facts)
    return Weighed(plan, facts.on, used_on, facts.requested_amount, other, caps, []), held


def weigh_track(
    weighed: Weighed, place: int, facts: Facts, held: list[Held], items: list[Item], working: Working
) -> None:
    """What counts under one track of the plan, by the rates that hold for it."""
    plan = weighed.plan
    track, rates = plan.tracks[place], plan.rates[place]
    excluded = excluded_contracts(held, track.code) if held else ()
    counted = count_items(plan.scheme, track, facts, items, excluded, plan.kinds, working)
    weighed.groups.append(group_items(plan.scheme, rates, facts, counted, working))


def weigh(compiled: Compiled, facts: Facts, working: Working) -> Weighed:
    """The whole first half."""
    weighed, held = weigh_case(compiled, facts, working)
    items = items_of(facts)
    for place in range(len(weighed.plan.tracks)):
        weigh_track(weighed, place, facts, held, items, working)
    return weighed
