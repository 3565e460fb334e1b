"""The year's base before a case, as bands of the year go on from it where a track has several ladders.

A version of mid-year may part a track by chip, use or class that was one before, or part it otherwise. What the track counted
under the earlier version is then of no ladder of this one, and of which it would have been nobody knows any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from vouchers.policy.bands import Joint
from vouchers.policy.ladders import TrackRates, key_as_written, sorted_key
from vouchers.policy.terms import TierMode
from vouchers.policy.tiers import Ladder, ladder_rise, value_at
from vouchers.policy.working import ZERO


class YearKeys(Enum):
    """How the year's base of a ladder is found among what was kept. Engines up to 1.1.0, which held the track's whole base
    against each ladder, are kept as they were (`past`)."""

    AS_WRITTEN = "as_written"
    """Engine 1.2.0: by ladder alone, under a key with its values in the order of the text."""
    SORTED = "sorted"
    """From 1.3.0: keys whose values stand in another order are one ladder's, and what is of no ladder counts as well."""


@dataclass(slots=True)
class YearSoFar:
    """Yuan, or units of a scale, before the case: of the track, of each ladder by its key, and what is of none of them."""

    of_track: Decimal
    by_ladder: Mapping[str, Decimal]
    of_none: Decimal = ZERO

    def before(self, mode: TierMode, ladder: Ladder, values: tuple[Decimal, ...], basis: Decimal) -> Decimal:
        """The base that a ladder goes on from: its own; with what is of none where the case gets less by it, never more."""
        own = self.by_ladder.get(ladder.key, ZERO)
        if not self.of_none:
            return own
        upto, every = max(own + basis, ZERO), own + self.of_none
        alone = ladder_rise(mode, ladder, values, own, upto)
        return own if alone < ladder_rise(mode, ladder, values, every, max(every + basis, ZERO)) else every

    def before_jointly(self, ladder: Ladder, values: tuple[Decimal, ...], joint: Joint) -> Decimal:
        """As `before`, where the track's whole base decides the band: what is of none counts where that band gives less now."""
        own = self.by_ladder.get(ladder.key, ZERO)
        if not self.of_none:
            return own
        falls = value_at(ladder, values, joint.upto) < value_at(ladder, values, joint.before)
        return own + self.of_none if falls else own


NOTHING_YET = YearSoFar(ZERO, {})
"""Before the year's first case, and where bands are of the case alone."""


def year_so_far(
    rates: TrackRates, year_basis: Mapping[str, Decimal], keys: YearKeys = YearKeys.SORTED
) -> YearSoFar:
    """What of the year's base (`facts.UsedAmounts.year_basis`) the track's bands go on from."""
    if not rates.is_by_year or not year_basis:
        return NOTHING_YET
    of_track = year_basis.get(rates.track.code, ZERO)
    if not rates.keeps_ladders:
        return YearSoFar(of_track, {ladder.key: year_basis.get(ladder.key, ZERO) for ladder in rates.ladders})
    if keys is YearKeys.AS_WRITTEN:
        written = written_keys(rates)
        return YearSoFar(of_track, {key: year_basis.get(written[key], ZERO) for key in written})
    if rates.has_joined_keys:
        by_ladder = dict.fromkeys(rates.keys, ZERO)
        for key, value in year_basis.items():
            named = sorted_key(key)
            if named in by_ladder:
                by_ladder[named] += value
    else:
        by_ladder = {key: ZERO + year_basis.get(key, ZERO) for key in rates.keys}
    return YearSoFar(of_track, by_ladder, max(of_track - sum(by_ladder.values(), ZERO), ZERO))


def written_keys(rates: TrackRates) -> dict[str, str]:
    """Of each ladder's key, what engine 1.2.0 kept the ladder's base under."""
    return {
        ladder.key: key_as_written(rates.track, ladder.rates[0]) if rates.keeps_ladders else ladder.key
        for ladder in rates.ladders
    }
