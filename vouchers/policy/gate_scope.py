"""Whom a condition concerns: which tracks, and which applicants."""

from __future__ import annotations

from vouchers.policy.classes import membership
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import GateKind

SCOPE = ("sides", "for_kinds", "not_for_kinds", "classes", "waived_for")
"""The fields that limit a condition, beside the tracks that it names."""


def tracks_of(scheme: Scheme, gate: Gate) -> frozenset[str] | None:
    """The tracks that the gate concerns: those that it names, of those that support one of its sides. None: all."""
    if not gate.tracks and not gate.sides:
        return None
    return frozenset(
        track.code
        for track in scheme.tracks
        if (not gate.tracks or track.code in gate.tracks) and (not gate.sides or track.side in gate.sides)
    )


def is_limited(gate: Gate) -> bool:
    """Whether the gate concerns some applicants only."""
    return bool(gate.for_kinds or gate.not_for_kinds or gate.classes or gate.waived_for)


def asks_for_party_kind(scheme: Scheme) -> bool:
    """Whether any condition has to know what kind of party applies."""
    return any(
        gate.switched_on and (gate.kind is GateKind.PARTY_KIND or gate.for_kinds or gate.not_for_kinds)
        for gate in scheme.gates
    )


def concerns(scheme: Scheme, gate: Gate, facts: Facts) -> bool | None:
    """Whether the gate concerns this applicant; None when the facts do not say."""
    kind = facts.applicant.kind
    answers: list[bool | None] = []
    if gate.for_kinds:
        answers.append(None if kind is None else kind in gate.for_kinds)
    if gate.not_for_kinds:
        answers.append(None if kind is None else kind not in gate.not_for_kinds)
    if gate.classes:
        answers.append(membership(scheme, gate.classes, facts))
    if gate.waived_for:
        member = membership(scheme, gate.waived_for, facts)
        answers.append(None if member is None else not member)
    if False in answers:
        return False
    return None if None in answers else True
