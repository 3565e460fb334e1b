"""Factors between region groups, terms, form factors and tiers, from matched pairs: the same product priced on both sides.

Fitted once for an issue, kept with it, and never on the case. A side with too few pairs gets no factor and is not pooled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from vouchers.policy.prices.cells import Cell
from vouchers.policy.prices.figures import CONTEXT, divide, ln, six
from vouchers.policy.prices.market import Market
from vouchers.policy.prices.method import Factors

LEAST_GROUPS = 2  # a side of a pair rests on at least two groups


def fit_factors(market: Market, source: str = "") -> Factors:
    """The factors that the market's eligible prices support, each relative to the commonest side (1)."""
    medians = {
        cell: _middle([ln(vote.price) for vote in votes])
        for cell in market.cells()
        if len(votes := market.votes(cell)) >= LEAST_GROUPS
    }
    least, ladder = market.method.factor_pairs_min, market.method.ladder
    formed = [
        cell for cell in medians if cell.form_factor
    ]  # a form that nobody stated is none to compare with
    return Factors(
        region=_fit(
            {cell: (cell._replace(region_group=""), cell.region_group) for cell in medians}, medians, least
        ),
        term=_fit({cell: (cell._replace(term=""), cell.term) for cell in medians}, medians, least),
        source=source,
        form=_fit(
            {cell: (cell._replace(form_factor=""), cell.form_factor) for cell in formed}, medians, least
        )
        if "L3" in ladder
        else {},
        tier=_fit({cell: (cell._replace(tier=""), cell.tier) for cell in medians}, medians, least)
        if "L4" in ladder
        else {},
    )


def _fit(
    sides: Mapping[Cell, tuple[Cell, str]], medians: Mapping[Cell, Decimal], least: int
) -> dict[str, Decimal]:
    products: dict[Cell, dict[str, Decimal]] = {}
    counts: Counter[str] = Counter()
    for cell, (product, side) in sides.items():
        products.setdefault(product, {})[side] = medians[cell]
        counts[side] += 1
    if not counts:
        return {}
    reference = min(counts, key=lambda side: (-counts[side], side))
    out = {reference: Decimal(1)}
    for side in sorted(counts):
        logs = sorted(
            CONTEXT.subtract(prices[side], prices[reference])
            for prices in products.values()
            if side in prices and reference in prices
        )
        if side != reference and len(logs) >= least:
            out[side] = six(CONTEXT.exp(_middle(logs)))
    return out if len(out) > 1 else {}


def _middle(ordered: Sequence[Decimal]) -> Decimal:
    """The median of sorted logarithms, between the two middle ones when their number is even: a factor is no price, and the
    lower median of few votes would lean down on the thinner side."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return divide(CONTEXT.add(ordered[half - 1], ordered[half]), Decimal(2))
