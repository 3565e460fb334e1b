"""A price with its whole working: what every candidate became, who voted how, and what would change if a group were left out.

Nothing is computed a second way: the steps are those that ``Market.price`` took, and what a group weighs is the price of the
same market without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vouchers.policy.prices.cells import Cell, Observation
from vouchers.policy.prices.eligibility import REASONS
from vouchers.policy.prices.figures import CONTEXT, divide, ln, multiply, six, text_of
from vouchers.policy.prices.market import Market
from vouchers.policy.prices.rows import LEVELS, PriceRow
from vouchers.policy.prices.tally import Tally
from vouchers.policy.prices.votes import MAD_TO_SIGMA, Vote, log_mad

VOTES = "votes"
FATES: dict[str, str] = {
    **REASONS,
    VOTES: "采用",
    "outlier": "离群，所在组不计",
    "basis.transactions": "成交已足，报价不计",
    "kind.passed_over": "该组以成交价投票",
}
"""What an observation can become, in words."""


@dataclass(frozen=True)
class Fate:
    """A candidate and what it became: ``votes``, or the code of a reason. ``price`` is in the units of the cell asked for."""

    observation: Observation
    group: str
    factor: Decimal
    price: Decimal | None
    outcome: str

    @property
    def word(self) -> str:
        """The outcome in words."""
        return FATES.get(self.outcome, self.outcome)

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        item = self.observation
        return {
            "observation_no": item.observation_no,
            "revision": item.revision,
            "source": item.source,
            "group": self.group,
            "kind": item.kind,
            "cell": item.cell.code,
            "region": item.region,
            "sku": item.sku,
            "observed_on": item.observed_on.isoformat(),
            "unit_price": text_of(item.unit_price),
            "factor": text_of(self.factor),
            "price_here": text_of(self.price),
            "outcome": self.outcome,
            "outcome_word": self.word,
        }


@dataclass(frozen=True)
class GroupWorking:
    """A group with a vote: its members that were seen, the vote, whether the outlier pass dropped it, and the row without it."""

    group: str
    members: tuple[str, ...]
    vote: Vote
    dropped: bool
    deviation: Decimal | None
    fates: tuple[Fate, ...]
    without: PriceRow | None
    change: Decimal | None

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "group": self.group,
            "members": list(self.members),
            "price": text_of(self.vote.price),
            "kind": self.vote.kind,
            "prices": self.vote.count,
            "dropped": self.dropped,
            "log_deviation": text_of(self.deviation),
            "without_it": {
                "level": self.without.level,
                "grade": self.without.grade,
                "base": text_of(self.without.base),
                "lower": text_of(self.without.lower),
                "upper": text_of(self.without.upper),
                "change": text_of(self.change),
            }
            if self.without is not None
            else None,
        }


@dataclass(frozen=True)
class StepWorking:
    """A step of the ladder: how many groups it found, and which cells it pooled by which factor (none but the own at L0)."""

    level: str
    groups: int
    pool: tuple[tuple[Cell, Decimal], ...]

    @property
    def word(self) -> str:
        """The step in words."""
        return LEVELS.get(self.level, self.level)


@dataclass(frozen=True)
class Working:
    """The row and all that led to it. ``limit`` is the outlier pass's, in logarithms, where enough groups voted."""

    row: PriceRow
    steps: tuple[StepWorking, ...]
    groups: tuple[GroupWorking, ...]
    excluded: tuple[tuple[str, tuple[Fate, ...]], ...]
    limit: Decimal | None
    spread_factor: Decimal

    @property
    def merged(self) -> list[GroupWorking]:
        """Groups that several affiliated sources were merged into."""
        return [group for group in self.groups if len(group.members) > 1]

    @property
    def fates(self) -> list[Fate]:
        """All candidates of the deciding step, those that vote first."""
        voting = [fate for group in self.groups for fate in group.fates]
        return voting + [fate for _reason, found in self.excluded for fate in found]

    def plain(self) -> dict[str, Any]:
        """As plain values: for the file that an auditor takes home."""
        return {
            "row": self.row.record(),
            "steps": [
                {
                    "level": step.level,
                    "groups": step.groups,
                    "pool": {cell.code: text_of(factor) for cell, factor in step.pool},
                }
                for step in self.steps
            ],
            "outlier_limit": text_of(self.limit),
            "spread_factor": text_of(self.spread_factor),
            "groups": [group.plain() for group in self.groups],
            "observations": [fate.plain() for fate in self.fates],
        }


def working_of(market: Market, cell: Cell, *, leave_out: bool = True) -> Working:
    """The working of the cell's price. ``leave_out`` False spares the rows without each group."""
    row, tallies = market.told(cell)
    last = tallies[-1]
    experts = row.level == "L7"
    votes = market.expert_votes(cell) if experts else ([] if row.level == "L5" else last.votes)
    fates = _fates(last, {vote.group: vote for vote in votes}, experts)
    limit, deviations = _outlier_limit(market, votes) if not experts else (None, {})
    gone = {vote.group for vote in last.dropped}
    groups = []
    for vote in votes:
        without = market.without([vote.group]).price(cell) if leave_out and row.has_price else None
        mine = tuple(
            fate for fate in fates if fate.group == vote.group and fate.outcome in (VOTES, "outlier")
        )
        groups.append(
            GroupWorking(
                vote.group,
                tuple(sorted({fate.observation.source for fate in mine})),
                vote,
                vote.group in gone,
                deviations.get(vote.group),
                mine,
                without,
                relative_change(row.base, without.base) if without is not None else None,
            )
        )
    held = {id(fate) for group in groups for fate in group.fates}
    return Working(
        row,
        tuple(StepWorking(level, count, _pool_of(tallies, level)) for level, count in row.steps),
        tuple(groups),
        _by_reason(fate for fate in fates if id(fate) not in held),
        limit,
        {"A": market.method.spread_a, "B": market.method.spread_b}.get(row.grade, market.method.spread_c),
    )


def relative_change(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    """(after − before) / before; None where there is not both."""
    if before is None or after is None or not before:
        return None
    return six(divide(CONTEXT.subtract(after, before), before))


def _pool_of(tallies: Iterable[Tally], level: str) -> tuple[tuple[Cell, Decimal], ...]:
    found = next((tally.pool for tally in tallies if tally.level == level), {})
    return tuple(sorted(found.items())) if len(found) > 1 or level == "L6" else ()


def _fates(last: Tally, votes: Mapping[str, Vote], experts: bool) -> list[Fate]:
    """What each candidate of the step became."""
    ballots = {id(ballot.observation): ballot for ballot in last.ballots}
    gone = {vote.group for vote in last.dropped}
    fates = []
    for item in last.judged:
        one = item.observation
        factor = last.pool.get(one.cell, Decimal(1))
        price = one.unit_price
        if price is not None and factor != 1:
            price = six(multiply(price, factor))
        vote = votes.get(item.group)
        if item.reason:
            outcome = item.reason
        elif one.kind == "expert":
            outcome = VOTES if experts and vote is not None else "expert"
        elif experts or vote is None:
            outcome = (
                "basis.transactions" if last.basis == "transactions" and one.kind == "quote" else "superseded"
            )
            if id(one) in ballots and outcome == "superseded":
                outcome = VOTES
        elif id(one) not in ballots:
            outcome = "superseded"
        elif one.kind != vote.kind:
            outcome = "kind.passed_over"
        else:
            outcome = "outlier" if item.group in gone else VOTES
        fates.append(Fate(one, item.group, factor, price, outcome))
    return sorted(
        fates, key=lambda fate: (fate.price is None, fate.price or 0, fate.observation.observation_no)
    )


def _outlier_limit(market: Market, votes: list[Vote]) -> tuple[Decimal | None, dict[str, Decimal]]:
    """The limit of the one outlier pass, and how far each group's logarithm is from the centre."""
    if not votes:
        return None, {}
    logs = [ln(vote.price) for vote in votes]
    centre, mad = log_mad(logs)
    far = {vote.group: six(abs(CONTEXT.subtract(log, centre))) for vote, log in zip(votes, logs, strict=True)}
    method = market.method
    if len(votes) < method.outlier_min_groups:
        return None, far
    return six(max(multiply(multiply(method.outlier_mads, MAD_TO_SIGMA), mad), ln(method.outlier_ratio))), far


def _by_reason(fates: Iterable[Fate]) -> tuple[tuple[str, tuple[Fate, ...]], ...]:
    found: dict[str, list[Fate]] = {}
    for fate in fates:
        found.setdefault(fate.outcome, []).append(fate)
    return tuple(
        (reason, tuple(held))
        for reason, held in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    )
