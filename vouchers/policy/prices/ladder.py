"""The fallback's steps: which other cells' prices may be brought to a cell that has too few of its own, and by which factors.

L1 pools regions, L2 terms as well, L3 form factors, L4 the adjacent tiers: each step takes in what the one before it did.
L6 looks at chips of the same generation, by the price of their dense computing power. L5 and L7 need no other cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from vouchers.policy.prices.cells import TIERS, Cell
from vouchers.policy.prices.chips import ChipTable, shipped_chips
from vouchers.policy.prices.figures import divide, multiply, text_of
from vouchers.policy.prices.method import Factors, Method

POOLED = ("L1", "L2", "L3", "L4")
"""The steps that pool cells of one accelerator, from the narrowest."""
PRECISION = "fp16"
"""The precision in which chips of a generation are compared: the one that every chip of the table that has any figure has."""

Family = tuple[str, str, str, str]
"""Market, accelerator, form factor, tier: what the first two steps keep."""


class Generation(NamedTuple):
    """What step L6 knows of a chip: its architecture, and its dense PFLOPS at FP16."""

    architecture: str
    pflops: Decimal


Generations = Mapping[tuple[str, str], Generation]
"""By accelerator and form factor; a chip whose architecture or computing power nobody published is not in it."""


def generations_in(table: ChipTable) -> dict[tuple[str, str], Generation]:
    """The chips of the table that can be compared within their generation."""
    return {
        (chip.accelerator, chip.form_factor): Generation(chip.architecture, power)
        for chip in table.chips
        if chip.architecture and (power := chip.pflops(PRECISION))
    }


def generations_of(method: Method, table: ChipTable) -> Generations:
    """Those of the table; none where the version does not take step L6."""
    return generations_in(table) if "L6" in method.ladder else {}


@lru_cache(maxsize=8)
def shipped_generations(method: Method) -> Generations:
    """Those of the chip table that comes with the program."""
    return generations_of(method, shipped_chips(method.chip_table))


def plain_generations(chips: Generations) -> dict[str, list[str | None]]:
    """As plain values."""
    return {
        f"{accelerator}/{form}": [one.architecture, text_of(one.pflops)]
        for (accelerator, form), one in sorted(chips.items())
    }


def generations_from_plain(value: Mapping[str, list[str]]) -> dict[tuple[str, str], Generation]:
    """Of plain values."""
    return {
        (code.partition("/")[0], code.partition("/")[2]): Generation(architecture, Decimal(pflops))
        for code, (architecture, pflops) in value.items()
    }


def adjacent_tiers(tier: str) -> tuple[str, ...]:
    """The tiers next to it, in the order from cloud to marketplace."""
    order = tuple(TIERS)
    if tier not in order:
        return ()
    place = order.index(tier)
    return tuple(order[near] for near in (place - 1, place + 1) if 0 <= near < len(order))


class Reach:
    """The families that a cell's price can rest on by some steps of the ladder: `family in reach`. ``accelerators`` and
    ``tiers`` bound them, for a question to the database."""

    def __init__(self, levels: Iterable[str], cell: Cell, chips: Generations) -> None:
        levels = frozenset(levels)
        own = chips.get((cell.accelerator, cell.form_factor)) if "L6" in levels else None
        self._cell = cell
        self._any_form = not levels.isdisjoint(("L3", "L4"))
        self._adjacent = adjacent_tiers(cell.tier) if "L4" in levels else ()
        self._of_generation = {
            chip for chip, one in chips.items() if own is not None and one.architecture == own.architecture
        }
        self.accelerators = frozenset(
            {cell.accelerator, *(accelerator for accelerator, _form in self._of_generation)}
        )
        self.tiers = frozenset({cell.tier, *self._adjacent})

    def __contains__(self, family: Family) -> bool:
        cell = self._cell
        market, accelerator, form, tier = family
        if market != cell.market:
            return False
        if tier == cell.tier and (accelerator, form) in self._of_generation:
            return True
        if accelerator != cell.accelerator or (form != cell.form_factor and not self._any_form):
            return False
        return tier == cell.tier or tier in self._adjacent


def reach_of(method: Method, cell: Cell, chips: Generations) -> Reach:
    """What the cell's price can rest on by the version's ladder."""
    return Reach(method.ladder, cell, chips)


def pool_of(level: str, cell: Cell, others: Iterable[Cell], factors: Factors) -> dict[Cell, Decimal]:
    """The cells that may be pooled at a step, each with the factor that brings its prices to ``cell``: what may differ at
    the step must have factors on both sides, and nothing else may differ."""
    reached = POOLED[: POOLED.index(level) + 1]
    pool = {cell: Decimal(1)}
    for other in others:
        if other == cell or other.term == "spot":
            continue
        factor = _factor(cell, other, reached, factors)
        if factor is not None:
            pool[other] = factor
    return pool


def generation_of(
    cell: Cell, others: Iterable[Cell], factors: Factors, chips: Generations
) -> dict[Cell, Decimal]:
    """The cells of chips of the same generation and tier, each with the factor that brings its prices to ``cell``: by region
    and term as the first two steps do, and by what one card computes."""
    own = chips.get((cell.accelerator, cell.form_factor))
    pool: dict[Cell, Decimal] = {}
    for other in others:
        chip = chips.get((other.accelerator, other.form_factor))
        if own is None or chip is None or other.term == "spot":
            continue
        like = other._replace(accelerator=cell.accelerator, form_factor=cell.form_factor)
        factor = _factor(cell, like, ("L1", "L2"), factors)
        if factor is not None:
            pool[other] = multiply(factor, divide(own.pflops, chip.pflops))
    return pool


def _factor(cell: Cell, other: Cell, reached: Iterable[str], factors: Factors) -> Decimal | None:
    """What brings the other's prices to the cell; None where something differs for which there is no factor, or which the
    steps so far do not pool."""
    factor = Decimal(1)
    for level, mine, its, side in (
        ("L1", cell.region_group, other.region_group, factors.region),
        ("L2", cell.term, other.term, factors.term),
        ("L3", cell.form_factor, other.form_factor, factors.form),
        ("L4", cell.tier, other.tier, factors.tier),
    ):
        if mine == its:
            continue
        if level not in reached or mine not in side or its not in side:
            return None
        if level == "L4" and its not in adjacent_tiers(mine):
            return None
        between = divide(side[mine], side[its])
        factor = between if factor == 1 else multiply(factor, between)
    return factor
