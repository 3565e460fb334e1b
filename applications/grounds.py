"""What an application rests on: which kinds of contract or project each way of support asks for.

A **ground** is either a contract with another party (``Lease`` in one of its kinds) or a project of the applicant's own
(``Project``). The kinds follow from the chosen track: its bases, its side, and a condition on the kind of contract.
"""

from __future__ import annotations

from typing import Any

from applications.models.projects import ProjectKind
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import BasisKind, ContractKind, GateKind, Side, TrackChoice

#: What a project's kind is called among the kinds of contract, for conditions that name them.
CONTRACT_OF_PROJECT = {
    ProjectKind.INVESTMENT: ContractKind.INVESTMENT,
    ProjectKind.DEPLOYMENT: ContractKind.INVESTMENT,
    ProjectKind.SETTLEMENT: ContractKind.PLATFORM_SERVICE,
}
BASIS_OF_PROJECT = {
    ProjectKind.INVESTMENT: BasisKind.INVESTMENT_DOCUMENT,
    ProjectKind.DEPLOYMENT: BasisKind.DEPLOYED_CAPACITY,
    ProjectKind.SETTLEMENT: BasisKind.SETTLEMENT_LINE,
}
_OWN_SETTLEMENT = frozenset({Side.SUPPLY, Side.BUILDER, Side.PLATFORM})


def must_choose(scheme: Scheme) -> bool:
    """Whether the applicant names one of several tracks, before anything else."""
    return scheme.track_choice is TrackChoice.CHOICE and len(scheme.tracks) > 1


def tracks_of(scheme: Scheme, facts: dict[str, Any]) -> tuple[Track, ...]:
    """The tracks that the case is for: the one that was chosen, or all of them."""
    if not must_choose(scheme):
        return scheme.tracks
    chosen = facts.get("track", "")
    return tuple(track for track in scheme.tracks if track.code == chosen)


def first_track(scheme: Scheme, facts: dict[str, Any]) -> Track:
    """The chosen track, else the scheme's first."""
    found = tracks_of(scheme, facts)
    return found[0] if found else scheme.tracks[0]


def project_kinds(track: Track) -> list[ProjectKind]:
    """The kinds of project that the track asks for; empty where it rests on a contract with another party."""
    bases, kinds = set(track.basis_kinds), []
    if BasisKind.INVESTMENT_DOCUMENT in bases:
        kinds.append(ProjectKind.INVESTMENT)
    if BasisKind.DEPLOYED_CAPACITY in bases:
        kinds.append(ProjectKind.DEPLOYMENT)
    if BasisKind.SETTLEMENT_LINE in bases and track.side in _OWN_SETTLEMENT:
        kinds.append(ProjectKind.SETTLEMENT)
    return kinds


def contract_kinds(scheme: Scheme, track: Track) -> list[ContractKind]:
    """The kinds of contract with another party that the track can be applied for with."""
    named = [
        ContractKind(value)
        for gate in scheme.gates
        if gate.kind is GateKind.CONTRACT_KIND
        and gate.switched_on
        and (not gate.tracks or track.code in gate.tracks)
        for value in gate.values
    ]
    projects = set(project_kinds(track))
    if named and not projects:
        return list(dict.fromkeys(named))
    bases = set(track.basis_kinds)
    kinds: list[ContractKind] = []
    if BasisKind.DATA_PRODUCT_LINE in bases:
        kinds.append(ContractKind.DATA_PRODUCT)
    rest = bases - {BasisKind.DATA_PRODUCT_LINE, *(BASIS_OF_PROJECT[kind] for kind in projects)}
    if rest and not projects:
        kinds.insert(0, ContractKind.PURCHASE if track.side is Side.SUPPLY else ContractKind.LEASE)
    return kinds


def ground_kinds(scheme: Scheme, facts: dict[str, Any]) -> list[str]:
    """The kinds of ground to choose from, by their stored words; one that needs no choice for most schemes."""
    kinds: list[str] = []
    for track in tracks_of(scheme, facts) or scheme.tracks:
        kinds += [str(kind.value) for kind in project_kinds(track)]
        kinds += [str(kind.value) for kind in contract_kinds(scheme, track)]
    return list(dict.fromkeys(kinds)) or [ContractKind.LEASE.value]


def is_project(kind: str) -> bool:
    """Whether a kind of ground is a project of the applicant's own."""
    return kind in {"deployment", "settlement"} or kind == ProjectKind.INVESTMENT.value


def counted_kinds(scheme: Scheme, facts: dict[str, Any]) -> list[BasisKind]:
    """The kinds of basis that claims under the case's tracks may list."""
    tracks = tracks_of(scheme, facts) or scheme.tracks
    return list(dict.fromkeys(kind for track in tracks for kind in track.basis_kinds))
