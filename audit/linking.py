"""Cases: the claims of parties that are linked. Components of a graph in which what many share links nobody.

On 300,000 entities with skewed attributes plain components swallowed nearly all of them into one; leaving out what more than
eight share left 17 as the largest.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from audit.rules.facts import MISSING, Facts, groups

HUB_CAP = 8
# Rules whose flags show that parties are linked. Of the others a flag shows that they have met: the customers of a provider who
# sold more than it has, or who let a machine twice, are no ring for that.
LINKING = frozenset({"F24", "F25", "F26", "F28", "F29"})
CONTROL = 250_000  # 25 % in ten-thousandths of a percent point


class Components:
    """Union and find over party ids."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def copy(self) -> Components:
        """The same links, to be added to."""
        other = Components()
        other._parent = dict(self._parent)
        return other

    def find(self, one: int) -> int:
        """The representative of the component: its smallest member."""
        parent = self._parent
        root = one
        while (above := parent.get(root, root)) != root:
            root = above
        while one != root:
            parent[one], one = root, parent.get(one, one)
        return root

    def join(self, one: int, other: int) -> None:
        """Make one component of two."""
        a, b = self.find(one), self.find(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)


def components(facts: Facts, ties: Iterable[tuple[int, ...]]) -> Components:
    """Parties linked by what at most eight share, by control of 25 % and more, and by ``ties``: parties of one flag."""
    linked = facts.once("components", lambda: _registered(facts)).copy()
    for tie in ties:
        for one in tie[1:]:
            linked.join(tie[0], one)
    return linked


def _registered(facts: Facts) -> Components:
    """What the register alone links."""
    linked = Components()
    parties, accounts, held = facts.parties, facts.accounts, facts.shareholdings
    for owners, values in (
        (parties.id, parties.legal_rep),
        (parties.id, parties.phone),
        (parties.id, parties.email),
        (parties.id, parties.address),
        (accounts.party, accounts.account),
    ):
        order = np.argsort(values, kind="stable")
        for run in groups(values, order[values[order] != MISSING]):
            if len(run) <= HUB_CAP:
                for row in run[1:].tolist():
                    linked.join(int(owners[run[0]]), int(owners[row]))
    strong = np.flatnonzero((held.percent >= CONTROL) & (held.public_body != 1))
    party_of = dict(zip(parties.uscc.tolist(), parties.id.tolist(), strict=True))
    order = strong[np.argsort(held.holder[strong], kind="stable")]
    for holdings in _runs(held.holder, order):
        companies = {int(held.company[row]) for row in holdings}
        if len(companies) > HUB_CAP:
            continue
        holder = party_of.get(int(held.holder[holdings[0]]))
        members = sorted(companies | ({holder} if holder is not None else set()))
        for one in members[1:]:
            linked.join(members[0], one)
    return linked


def _runs(column: np.ndarray, order: np.ndarray) -> Iterable[list[int]]:
    """Runs of equal values along an order, also those of one row."""
    if not len(order):
        return
    ordered = column[order]
    bounds = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    for start, end in zip(bounds, np.append(bounds[1:], len(order)), strict=True):
        yield order[start:end].tolist()
