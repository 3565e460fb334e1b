"""From eligible observations to one vote a group, through one bounded outlier pass, to the base price and its spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.prices.cells import Cell, Observation
from vouchers.policy.prices.eligibility import seen_on
from vouchers.policy.prices.figures import (
    ONE,
    add,
    distance,
    divide,
    ln,
    lower_median,
    multiply,
    quantile,
    six,
    subtract,
)
from vouchers.policy.prices.method import Method

MAD_TO_SIGMA = Decimal("1.4826")
QUARTER, THREE_QUARTERS = Decimal("0.25"), Decimal("0.75")


@dataclass(frozen=True, slots=True)
class Ballot:
    """An eligible observation as it votes: its group and its price in the units of the cell asked for."""

    group: str
    price: Decimal
    observation: Observation


@dataclass(frozen=True, slots=True)
class Vote:
    """One group's one vote: the lower median of its prices; ``kind`` tells what it rests on."""

    group: str
    price: Decimal
    kind: str
    count: int


def latest_per_sku(ballots: Iterable[Ballot]) -> tuple[list[Ballot], int]:
    """The latest price of each source, product, region and kind, and how many older ones it replaced.

    Of two on one day the lower stands: the choice must not hang on the order of the input.
    """
    latest: dict[tuple[str, Cell, str, str, str], Ballot] = {}
    replaced = 0
    for ballot in ballots:
        item = ballot.observation
        key = (item.source, item.cell, item.sku, item.region, item.kind)
        held = latest.get(key)
        if held is None:
            latest[key] = ballot
            continue
        replaced += 1
        if _later(ballot, held):
            latest[key] = ballot
    return list(latest.values()), replaced


def _later(one: Ballot, other: Ballot) -> bool:
    left, right = seen_on(one.observation), seen_on(other.observation)
    if left != right:
        return left > right
    if one.observation.known_at != other.observation.known_at:
        return one.observation.known_at > other.observation.known_at
    return one.price < other.price


def group_votes(ballots: Iterable[Ballot], method: Method) -> tuple[list[Vote], str]:
    """One vote a group, and the basis: transactions alone when enough groups have one; else each group's best evidence."""
    prices: dict[str, dict[str, list[Decimal]]] = {}
    for ballot in ballots:
        prices.setdefault(ballot.group, {}).setdefault(ballot.observation.kind, []).append(ballot.price)
    with_transaction = [group for group, kinds in prices.items() if "transaction" in kinds]
    if len(with_transaction) >= method.n_min:
        chosen: Mapping[str, str] = dict.fromkeys(with_transaction, "transaction")
        basis = "transactions"
    else:
        chosen = {
            group: "transaction" if "transaction" in kinds else "quote" for group, kinds in prices.items()
        }
        basis = "mixed" if with_transaction else "quotes"
    votes = [
        Vote(group, lower_median(sorted(prices[group][kind])), kind, len(prices[group][kind]))
        for group, kind in chosen.items()
    ]
    votes.sort(key=lambda vote: (vote.price, vote.group))
    return votes, basis


def log_mad(logs: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Median of the sorted logarithms, and the median absolute deviation from it."""
    centre = lower_median(logs)
    return centre, lower_median(sorted(distance(value, centre) for value in logs))


def drop_outliers(votes: list[Vote], method: Method) -> tuple[list[Vote], list[Vote], bool]:
    """The votes kept, those dropped, and whether the cell is under confirmation. One pass, bounded, never repeated."""
    if len(votes) < method.outlier_min_groups:
        return votes, [], False
    logs = [ln(vote.price) for vote in votes]
    centre, mad = log_mad(logs)
    limit = max(
        multiply(multiply(method.outlier_mads, MAD_TO_SIGMA), mad),
        ln(method.outlier_ratio),
    )
    far = [vote for vote, log in zip(votes, logs, strict=True) if distance(log, centre) > limit]
    if not far:
        return votes, [], False
    if len(far) > multiply(method.outlier_max_share, Decimal(len(votes))):
        return votes, [], True
    gone = {vote.group for vote in far}
    return [vote for vote in votes if vote.group not in gone], far, False


def leave_out_change(ordered: Sequence[Decimal], base: Decimal, out: int) -> Decimal | None:
    """The largest relative change of the lower median when any ``out`` votes are left out; None when none would remain.

    Leaving votes out moves the median only among its next neighbours, so these are all the cases there are.
    """
    left = len(ordered) - out
    if left < 1:
        return None
    rank = (left + 1) // 2 - 1
    reachable = ordered[rank : rank + out + 1]
    worst = max(distance(price, base) for price in reachable)
    return six(divide(worst, base))


@dataclass(frozen=True, slots=True)
class Spread:
    """Base price and dispersion of the votes."""

    base: Decimal
    q25: Decimal
    q75: Decimal
    dispersion: Decimal
    mad: Decimal
    delta1: Decimal | None
    delta2: Decimal | None


def spread_of(votes: Sequence[Vote]) -> Spread:
    """The figures of at least one vote; votes come sorted by price."""
    prices = [vote.price for vote in votes]
    base = lower_median(prices)
    q25, q75 = quantile(prices, QUARTER), quantile(prices, THREE_QUARTERS)
    return Spread(
        base=base,
        q25=q25,
        q75=q75,
        dispersion=six(divide(subtract(q75, q25), multiply(base, Decimal(2)))),
        mad=six(log_mad([ln(price) for price in prices])[1]),
        delta1=leave_out_change(prices, base, 1),
        delta2=leave_out_change(prices, base, 2),
    )


def counts_of(votes: Sequence[Vote]) -> dict[str, int]:
    """How many groups and prices stand behind a price, and how many groups would have to collude to move it at will."""
    return {
        "n_groups": len(votes),
        "n_q": sum(vote.kind == "quote" for vote in votes),
        "n_observations": sum(vote.count for vote in votes),
        "breakdown": (len(votes) + 1) // 2,
    }


_ORDER = "ABCD"


def grade_of(n_groups: int, n_t: int, delta2: Decimal | None, level: str, method: Method) -> str:
    """A to D by groups and transactions, one lower when leaving two groups out moves the price too far; E is experts."""
    if level == "L7":
        return "E"
    if level != "L0":
        return "D"
    if n_groups >= method.groups_for_a and n_t >= method.transactions_for_a:
        grade = "A"
    elif n_groups >= method.groups_for_b:
        grade = "B"
    elif n_groups >= method.n_min:
        grade = "C"
    else:
        return "D"
    if delta2 is None or delta2 > method.sensitivity_limit:
        grade = _ORDER[min(_ORDER.index(grade) + 1, 3)]
    return grade


def band_of(
    base: Decimal, dispersion: Decimal, grade: str, method: Method
) -> tuple[Decimal, Decimal, Decimal]:
    """φ, lower and upper bound: φ = clamp(k·D, floor, ceiling), bounds at B(1 ∓ φ), six places half up."""
    spread = {"A": method.spread_a, "B": method.spread_b}.get(grade, method.spread_c)
    phi = six(min(max(multiply(spread, dispersion), method.band_floor), method.band_ceiling))
    return phi, six(multiply(base, subtract(ONE, phi))), six(multiply(base, add(ONE, phi)))
