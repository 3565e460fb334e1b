"""Which tracks of a scheme a case goes by."""

from __future__ import annotations

from collections.abc import Iterable

from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.gates import Held
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import TrackChoice


def chosen_tracks(scheme: Scheme, facts: Facts) -> tuple[Track, ...]:
    """All tracks where the scheme adds or compares them; else the one that the case names, or the one whose kinds of
    basis fit its items, or the first. Raises KeyError for a track that the scheme does not have."""
    if facts.track:
        return (scheme.track(facts.track),)
    if scheme.track_choice is not TrackChoice.CHOICE:
        return scheme.tracks
    kinds = {item.kind for item in facts.items}
    for track in scheme.tracks:
        if kinds and kinds <= set(track.basis_kinds):
            return (track,)
    return scheme.tracks[:1]


def standing_tracks(tracks: tuple[Track, ...], held: Iterable[Held]) -> tuple[Track, ...]:
    """The tracks that their own conditions do not refuse.

    Where several tracks are compared or added, a condition that names some of them bears on those alone: not met, it takes
    them out and leaves the others; the case is refused only when none is left.
    """
    barred: set[str] = set()
    for one in held:
        if one.gate.tracks and one.refuses:
            barred.update(one.gate.tracks)
    return tuple(track for track in tracks if track.code not in barred) or tracks
