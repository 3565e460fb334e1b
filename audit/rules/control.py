"""Who controls whom by the register, on a given day: holdings of 25 % and more, legal representatives, declarations.

Indirect holding follows 国家税务总局公告 2016 年第 42 号 第二条: a holding through an intermediate counts as the
intermediate's own, once its holder has 25 % of the intermediate. Enterprises are not affiliated only because the state
controls both (《公司法》第二百六十五条第四项): a public body is no common holder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import rustworkx
from numpy.typing import NDArray

from audit.rules.facts import MISSING, RELATIONS, Facts

CONTROL_RELATIONS = ("parent", "subsidiary", "sister", "branch", "spouse")


@dataclass(frozen=True)
class Link:
    """How two parties are linked: the ground, and the rows of shareholdings or declarations along the path."""

    ground: str  # holding | common_holder | legal_rep | declared
    shareholdings: tuple[int, ...] = ()  # rows, from the one party up and down to the other
    declared: int | None = None
    common: int | None = None  # the common holder's digest


class Register:
    """The register as a graph that can be asked for any day."""

    def __init__(self, facts: Facts, *, share: int, length: int, hub_cap: int, rep_cap: int) -> None:
        """``share`` in ten-thousandths of a percent point (25 % = 250,000)."""
        self.facts = facts
        self.share, self.length, self.hub_cap, self.rep_cap = share, length, hub_cap, rep_cap
        held = facts.shareholdings
        strong = np.flatnonzero(held.percent >= share)
        self._ever: dict[int, frozenset[int]] = {}
        self._holders: dict[int, list[int]] = defaultdict(list)
        for row in strong.tolist():
            self._holders[int(held.company[row])].append(row)
        self._registered = set(held.company.tolist())
        self._public = {int(one) for one in held.holder[held.public_body == 1]}
        companies: dict[int, set[int]] = defaultdict(set)
        for row in strong.tolist():
            companies[int(held.holder[row])].add(int(held.company[row]))
        persons = set(held.holder[held.holder_is_company == 0].tolist())
        # A person with many companies controls them all; a company with many is a fund or a platform, not a group.
        self._hubs = {one for one, owned in companies.items() if len(owned) > hub_cap and one not in persons}
        parties = facts.parties
        self._party_of = dict(zip(parties.uscc.tolist(), parties.id.tolist(), strict=True))
        self._code_of = dict(zip(parties.id.tolist(), parties.uscc.tolist(), strict=True))
        self._rep_of = {
            int(one): int(rep)
            for one, rep in zip(parties.id, parties.legal_rep, strict=True)
            if rep != MISSING
        }
        reps, counts = np.unique(parties.legal_rep[parties.legal_rep != MISSING], return_counts=True)
        self._common_reps = {int(rep) for rep, count in zip(reps, counts, strict=True) if count > rep_cap}
        self._declared: dict[tuple[int, int], list[int]] = defaultdict(list)
        declared = facts.declared
        kinds = [RELATIONS[name] for name in CONTROL_RELATIONS]
        for row in np.flatnonzero(np.isin(declared.relation, kinds)).tolist():
            one, other = sorted((int(declared.party[row]), int(declared.other[row])))
            self._declared[one, other].append(row)

    def known(self, party: int) -> bool:
        """Whether both are on file: who represents the party, and who holds it. Half of it is no ground for a no."""
        return party in self._rep_of and party in self._registered

    def party(self, code: int) -> int | None:
        """The party with this code, or None."""
        return self._party_of.get(code)

    def representative(self, code: int) -> int:
        """The legal representative of the party with this code; MISSING for who is no party on file."""
        party = self._party_of.get(code)
        return MISSING if party is None else self._rep_of.get(party, MISSING)

    def representative_of(self, party: int) -> int:
        """The legal representative of this party; MISSING where none is on file."""
        return self._rep_of.get(party, MISSING)

    def ever_above(self, party: int) -> frozenset[int]:
        """Everyone who was ever above the party by 25 % and more, on whatever day: cheap, and remembered."""
        known = self._ever.get(party)
        if known is None:
            held = self.facts.shareholdings
            start = self._code_of.get(party, MISSING)
            reached, layer = {start}, [start]
            for _step in range(self.length):
                layer = [
                    int(held.holder[row])
                    for code in layer
                    for row in self._holders.get(self._party_of.get(code, MISSING), ())
                    if int(held.holder[row]) not in reached
                ]
                reached.update(layer)
            known = self._ever[party] = frozenset(reached)
        return known

    def above(self, party: int, on: int) -> dict[int, tuple[int, ...]]:
        """Everyone who holds 25 % or more of the party, directly or indirectly: digest → rows of the path, shortest first."""
        held = self.facts.shareholdings
        start = self._code_of.get(party, MISSING)
        reached: dict[int, tuple[int, ...]] = {start: ()}
        layer = [start]
        for _step in range(self.length):
            beyond: list[int] = []
            for code in layer:
                if code in self._public and code != start:
                    continue
                for row in self._holders.get(self._party_of.get(code, MISSING), ()):
                    holder = int(held.holder[row])
                    if held.starts[row] <= on < held.ends[row] and holder not in reached:
                        reached[holder] = (*reached[code], row)
                        beyond.append(holder)
            layer = beyond
        return reached

    def link(self, one: int, other: int, on: int) -> Link | None:
        """The registered link between two parties on that day, the plainest first; None when there is none."""
        if one == other:
            return Link("same_party")
        rep, other_rep = self._rep_of.get(one), self._rep_of.get(other)
        if rep is not None and rep == other_rep and rep not in self._common_reps:
            return Link("legal_rep")
        for row in self._declared.get((min(one, other), max(one, other)), ()):
            if int(self.facts.declared.declared_on[row]) <= on:
                return Link("declared", declared=row)
        if self.ever_above(one).isdisjoint(self.ever_above(other)):
            return None
        mine, theirs = self.above(one, on), self.above(other, on)
        best: Link | None = None
        ends = {self._code_of.get(one), self._code_of.get(other)}
        for code in sorted(mine.keys() & theirs.keys(), key=lambda c: (len(mine[c]) + len(theirs[c]), c)):
            path = (*mine[code], *reversed(theirs[code]))
            if len(path) > self.length:
                break
            if code in ends:
                return Link("holding", shareholdings=path)
            if code in self._public or code in self._hubs:
                continue
            best = best or Link("common_holder", shareholdings=path, common=code)
        return best

    def pairs(self, on: int) -> Iterable[tuple[int, int, Link]]:
        """Every registered pair on that day, each once: what the price method leaves out as one group."""
        members: dict[int, set[int]] = defaultdict(set)
        for party, code in self._code_of.items():
            for holder in self.above(party, on):
                if holder == code or (holder not in self._public and holder not in self._hubs):
                    members[holder].add(party)
            rep = self._rep_of.get(party)
            if rep is not None and rep not in self._common_reps:
                members[rep].add(party)
        seen: set[tuple[int, int]] = set(self._declared)
        for group in members.values():
            ordered = sorted(group)
            seen |= {(a, b) for place, a in enumerate(ordered) for b in ordered[place + 1 :]}
        for a, b in sorted(seen):
            link = self.link(a, b, on)
            if link is not None:
                yield a, b, link


def ever_joined(facts: Facts, rows: NDArray[np.intp], hub_cap: int) -> NDArray[np.bool_]:
    """Whether anything at all that was ever on record joins the two parties of each lease, over any number of steps: without it
    there is neither a link nor a ground, and nearly all leases are so."""
    leases, parties, accounts = facts.leases, facts.parties, facts.accounts
    held, declared = facts.shareholdings, facts.declared
    edges = [
        (parties.uscc, parties.legal_rep),
        (parties.look_up("uscc", held.company), held.holder),
        (parties.look_up("uscc", declared.party), parties.look_up("uscc", declared.other)),
    ]
    for owners, values in (
        (parties.uscc, parties.phone),
        (parties.uscc, parties.email),
        (parties.uscc, parties.address),
        (parties.look_up("uscc", accounts.party), accounts.account),
    ):
        known = values != MISSING
        several, counts = np.unique(values[known], return_counts=True)
        shared = known & np.isin(values, several[(counts > 1) & (counts <= hub_cap)])
        edges.append((owners[shared], values[shared]))
    represented = parties.legal_rep != MISSING
    edges[0] = (parties.uscc[represented], parties.legal_rep[represented])
    lessee, lessor = (parties.look_up("uscc", side[rows]) for side in (leases.lessee, leases.lessor))
    codes = np.concatenate([*(side for edge in edges for side in edge), lessee, lessor])
    nodes, places = np.unique(codes, return_inverse=True)
    graph: rustworkx.PyGraph = rustworkx.PyGraph()
    graph.add_nodes_from([None] * len(nodes))
    start = 0
    for one, _other in edges:
        count = len(one)
        pairs = places[start : start + 2 * count].reshape(2, count)
        graph.extend_from_edge_list(list(zip(*pairs.tolist(), strict=True)))
        start += 2 * count
    part = np.empty(len(nodes), dtype=np.int64)
    for number, members in enumerate(rustworkx.connected_components(graph)):
        part[list(members)] = number
    ends = places[start:].reshape(2, len(rows))
    same: NDArray[np.bool_] = (part[ends[0]] == part[ends[1]]) | (leases.lessee[rows] == leases.lessor[rows])
    return same
