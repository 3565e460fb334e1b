"""A scheme got ready: what of it concerns which cases, put together once for all that are assessed under it.

The same data in another order, and no second engine: `assess` and the replay both go by these plans.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from vouchers.policy.canonical import digest
from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.caps import CapBinder, caps_in, in_turn, may_concern, shared_limit
from vouchers.policy.past.engine_1_1_0.gates import BoundGate, bind_gates
from vouchers.policy.past.engine_1_1_0.ladders import TrackRates, bind_rates
from vouchers.policy.past.engine_1_1_0.tracks import chosen_tracks
from vouchers.policy.rules import Cap, Floor, Paper, Scheme, Track, Window, render
from vouchers.policy.terms import BasisKind, OtherMoneyMode, Stage, TrackChoice


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a scheme concerns a case at one stage that goes by certain tracks. Caps are named by their place in `Compiled.caps`."""

    scheme: Scheme
    stage: Stage
    tracks: tuple[Track, ...]
    codes: tuple[str, ...]
    kinds: frozenset[BasisKind]
    """Every kind of basis that any of the tracks admits."""
    gates: tuple[BoundGate, ...]
    windows: tuple[Window, ...]
    papers: tuple[Paper, ...]
    rates: tuple[TrackRates, ...]
    caps: tuple[tuple[int, CapBinder], ...]
    """All that may bind the case, in the scheme's order: its accounts."""
    track_caps: tuple[tuple[int, ...], ...]
    """For each track, the caps that name it, in the order in which they are applied."""
    case_caps: tuple[int, ...]
    """Those that name no track."""
    other_money: bool
    """Whether other public money is asked about, or lessens the amount."""
    shared_limit: int | None
    """The cap on all public money, where the scheme has one."""
    track_floors: tuple[tuple[Floor, ...], ...]
    """Where the case goes by several tracks, the floors that name each of them."""
    floors: tuple[Floor, ...]
    """The floors of the case as a whole."""


class Compiled:
    """One scheme's plans, and its hash."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.caps: tuple[Cap, ...] = caps_in(scheme)
        self._plans: dict[tuple[Stage, tuple[str, ...]], Plan] = {}
        self._sha256 = ""

    @property
    def sha256(self) -> str:
        """The hash of the scheme's canonical document, computed when first asked for."""
        if not self._sha256:
            self._sha256 = digest(render(self.scheme))
        return self._sha256

    def plan_for(self, facts: Facts) -> Plan:
        """The plan of a case by the tracks that it names or fits. Raises KeyError for a track that the scheme does not have."""
        tracks = self.scheme.tracks
        if facts.track or len(tracks) > 1:
            tracks = chosen_tracks(self.scheme, facts)
        return self.plan(facts.stage, tracks)

    def plan(self, stage: Stage, tracks: tuple[Track, ...]) -> Plan:
        """The plan of a stage and some of the scheme's tracks."""
        codes = tuple([track.code for track in tracks])
        plan = self._plans.get((stage, codes))
        if plan is None:
            plan = self._plans[stage, codes] = _plan(self.scheme, self.caps, stage, tracks, codes)
        return plan

    def plan_of(self, stage: Stage, codes: tuple[str, ...]) -> Plan:
        """The plan of a stage and the tracks of these codes."""
        return self._plans.get((stage, codes)) or self.plan(
            stage, tuple(self.scheme.track(code) for code in codes)
        )


def _plan(
    scheme: Scheme, caps: tuple[Cap, ...], stage: Stage, tracks: tuple[Track, ...], codes: tuple[str, ...]
) -> Plan:
    concerned = [(place, cap) for place, cap in enumerate(caps) if may_concern(cap, stage, codes)]
    place_of = {cap.code: place for place, cap in concerned}
    limit = shared_limit(scheme)
    of_text = [cap for _place, cap in concerned if limit is None or cap.code != limit.code]
    floors = [floor for floor in scheme.floors if floor.switched_on and stage in floor.stages]
    several = len(tracks) > 1
    added = several and scheme.track_choice is TrackChoice.SUM
    # Of tracks that are added up, a cap that names them all holds for their sum.
    joint = {cap.code for cap in of_text if added and cap.tracks and set(codes) <= set(cap.tracks)}
    return Plan(
        scheme=scheme,
        stage=stage,
        tracks=tracks,
        codes=codes,
        kinds=frozenset(kind for track in tracks for kind in track.basis_kinds),
        gates=bind_gates(scheme, stage, codes),
        windows=tuple(window for window in scheme.windows if window.stage is stage),
        papers=tuple(paper for paper in scheme.papers if paper.stage is stage and paper.required),
        rates=tuple(bind_rates(scheme, track) for track in tracks),
        caps=tuple((place, CapBinder(scheme, cap, stage)) for place, cap in concerned),
        track_caps=tuple(
            tuple(
                place_of[cap.code]
                for cap in in_turn(scheme, of_text)
                if code in cap.tracks and cap.code not in joint
            )
            for code in codes
        ),
        case_caps=tuple(
            place_of[cap.code] for cap in in_turn(scheme, of_text) if not cap.tracks or cap.code in joint
        ),
        other_money=scheme.other_money.switched_on
        and scheme.other_money.mode is not OtherMoneyMode.NOT_STATED,
        shared_limit=place_of.get(limit.code) if limit is not None else None,
        track_floors=tuple(
            tuple(floor for floor in floors if several and code in floor.tracks) for code in codes
        ),
        floors=tuple(
            floor
            for floor in floors
            if not floor.tracks or (not several and not set(codes).isdisjoint(floor.tracks))
        ),
    )


KEPT = 64
"""So many schemes stay ready: more than are assessed under at the same time."""

_kept: dict[int, Compiled] = {}
_lock = threading.Lock()


def compiled(scheme: Scheme) -> Compiled:
    """The scheme got ready: the same each time for the same object."""
    known = _kept.get(id(scheme))
    if known is not None and known.scheme is scheme:
        return known
    made = Compiled(scheme)
    with _lock:
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[id(scheme)] = made  # held with its scheme, so that no other object can have that id
    return made
