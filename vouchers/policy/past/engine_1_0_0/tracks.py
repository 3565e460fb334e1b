"""Which tracks of a scheme a case goes by."""

from __future__ import annotations

from vouchers.policy.facts import Facts
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
