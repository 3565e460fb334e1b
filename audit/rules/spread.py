"""From a fact about a lease or a party to the claims that rest on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from audit.rules.facts import MISSING, Facts


def claims_on(facts: Facts, leases: Iterable[int]) -> dict[int, list[int | None]]:
    """Lease → its live claims; a lease that nobody claims on is told by itself (None)."""
    wanted = {int(one) for one in leases}
    claims = facts.claims
    found: dict[int, list[int | None]] = defaultdict(list)
    mine = (claims.live == 1) & (claims.lease != MISSING)
    if wanted:
        mine &= np.isin(claims.lease, sorted(wanted))
        for row in np.flatnonzero(mine).tolist():
            found[int(claims.lease[row])].append(int(claims.id[row]))
    return {lease: found.get(lease) or [None] for lease in sorted(wanted)}


def untested_claims(facts: Facts, leases: Iterable[int]) -> set[int]:
    """Claims without a lease of computing power, and those on leases that cannot be tested."""
    claims = facts.claims
    rows = claims.lease == MISSING
    untested = sorted({int(one) for one in leases})
    if untested:
        rows = rows | np.isin(claims.lease, untested)
    return {int(one) for one in claims.id[rows]}


def live_leases(facts: Facts) -> np.ndarray:
    """The rows of the leases that count."""
    return np.flatnonzero(facts.leases.live == 1)
