"""Which tracks of a scheme a case goes by."""

from __future__ import annotations

from dataclasses import replace

from vouchers.policy.assessment import Finding
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import GateEffect, TrackChoice, Untestable


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


def standing_tracks(
    scheme: Scheme, tracks: tuple[Track, ...], findings: list[Finding]
) -> tuple[tuple[Track, ...], list[Finding]]:
    """The tracks that their own conditions do not refuse, and the findings.

    Where several tracks are compared or added, a condition that names some of them bears on those alone: not met, it takes
    them out and leaves the others; the case is refused only when none is left.
    """
    names = {gate.code: set(gate.tracks) for gate in scheme.gates if gate.tracks}
    barred: set[str] = set()
    for finding in findings:
        if finding.refuses:
            barred |= names.get(finding.code, set())
    standing = tuple(track for track in tracks if track.code not in barred)
    if not standing or len(standing) == len(tracks):
        return tracks, findings
    spared = [
        replace(finding, effect=GateEffect.EXCLUDE, if_untestable=Untestable.REVIEW)
        if finding.refuses and finding.code in names
        else finding
        for finding in findings
    ]
    return standing, spared
