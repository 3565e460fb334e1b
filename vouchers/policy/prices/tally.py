"""What a step of the ladder counted: every candidate as it was judged, and the votes that came of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from vouchers.policy.prices.cells import Cell, Observation
from vouchers.policy.prices.votes import Ballot, Vote


class Judged:
    """A candidate with its group and the reason for which it may not vote (empty: it may)."""

    __slots__ = ("_line", "group", "observation", "reason")

    def __init__(self, observation: Observation, group: str, reason: str) -> None:
        self.observation = observation
        self.group = group
        self.reason = reason
        self._line = ""

    @property
    def line(self) -> str:
        if not self._line:
            self._line = self.observation.line()
        return self._line


class Tally(NamedTuple):
    """A step of the ladder as it was counted: who was pooled with which factor, every candidate of theirs, and the votes."""

    level: str
    pool: Mapping[Cell, Decimal]
    judged: list[Judged]
    ballots: list[Ballot]
    votes: list[Vote]
    basis: str
    kept: list[Vote]
    dropped: list[Vote]
    under_confirmation: bool
