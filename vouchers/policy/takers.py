"""Of a case that goes by several tracks: which track an item is for.

Tracks that are added up or compared often share the items out among themselves (one for domestic chips, one for the
others). An item that one of them takes is no fault of the others; one of which a fact is missing counts once, where it
would give least, and is asked about once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.basis import Item, left_out
from vouchers.policy.facts import Facts
from vouchers.policy.gates import Held, excluded_contracts
from vouchers.policy.ladders import TrackRates, fits, least_amount
from vouchers.policy.rules import Scheme
from vouchers.policy.working import ZERO


@dataclass(frozen=True, slots=True)
class Takers:
    """One item's tracks, by their codes. `told_by` says for whom the track speaks that names what is wrong or missing."""

    sure: frozenset[str]
    """A rate of the track surely holds."""
    possible: tuple[str, ...]
    """A rate of the track may hold, and a fact is missing."""
    told_by: str
    counts_in: str
    """The track of `possible` in which the item counts for the time being; empty where another one is sure."""

    def is_elsewhere(self, track: str) -> bool:
        """Whether another track takes the item, or may: then it is no fault that this one does not."""
        return bool(self.sure - {track}) or any(code != track for code in self.possible)


def takers_of(
    scheme: Scheme, tracks: Sequence[TrackRates], facts: Facts, items: Sequence[Item], held: list[Held]
) -> list[Takers]:
    """For each item, in their order, the tracks that take it."""
    excluded = {rates.track.code: excluded_contracts(held, rates.track.code) for rates in tracks}
    found = []
    for item in items:
        admitting = [
            rates for rates in tracks if not left_out(rates.track, facts, item, excluded[rates.track.code])
        ]
        sure: set[str] = set()
        possible: dict[str, Decimal] = {}
        asking: list[str] = []
        for rates in admitting:
            code = rates.track.code
            answers = []
            for rate, ladder in rates.tried:
                answer = fits(scheme, rate, item, facts)
                if answer is not False:
                    answers.append((answer, ladder))
                if answer:
                    sure.add(code)
                    break
            if any(answer is None for answer, _ladder in answers):
                asking.append(code)
            if answers and code not in sure:
                base = item.net_amount if rates.track.scale_unit is None else item.quantity or ZERO
                possible[code] = least_amount(rates, [ladder for _answer, ladder in answers], base)
        told_by = [*asking, *(rates.track.code for rates in admitting)]
        found.append(
            Takers(
                sure=frozenset(sure),
                possible=tuple(possible),
                told_by=told_by[0] if told_by else "",
                counts_in=min(possible, key=lambda one: possible[one]) if possible and not sure else "",
            )
        )
    return found
