"""A version as if it had been in force over another period: what a dry run replays past cases under.

A draft for next year says next year's dates, and every case of last year would lie outside of them; so its dates move by
whole years to where the cases are. Its validity is left open, and filing windows are taken as kept: both say when a case
belongs to the version, not what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from vouchers.policy.rules import Scheme


@dataclass(frozen=True, kw_only=True)
class Transposed:
    """The version to compute with, and by how many years its dates were moved (negative: back)."""

    scheme: Scheme
    years: int


def transpose(scheme: Scheme, from_on: date, to_on: date) -> Transposed:
    """The version as if it were in force for the cases from `from_on` to before `to_on`, whenever they were filed. Its dates
    move only where its own validity does not touch the period at all."""
    begin, end = scheme.effective_from, scheme.effective_to
    apart = begin is not None and (begin >= to_on or (end is not None and end <= from_on))
    years = from_on.year - begin.year if begin is not None and apart else 0
    kind = scheme.voucher
    valid_to = _moved(kind.valid_to, years)
    moved = replace(
        scheme,
        effective_from=None,
        effective_to=None,
        retroactive_from=None,
        windows=(),
        tracks=tuple(
            replace(
                track,
                counted_from=_moved(track.counted_from, years),
                counted_to=_moved(track.counted_to, years),
            )
            for track in scheme.tracks
        ),
        gates=tuple(
            replace(gate, from_on=_moved(gate.from_on, years), to_on=_moved(gate.to_on, years))
            for gate in scheme.gates
        ),
        # A last day that lies within the period would leave the later vouchers without any: then the year's end counts.
        voucher=replace(kind, valid_to=valid_to if valid_to is None or valid_to >= to_on else None),
    )
    return Transposed(scheme=moved, years=years)


def _moved(day: date | None, years: int) -> date | None:
    if day is None or not years:
        return day
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)
