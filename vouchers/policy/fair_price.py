"""The fair market price (公允价格): 一组一票中位数 + 逐级回退, as a pure function of what was known at an instant.

``fair_price(cell, observations, as_of=…, known_at=…, method=…)`` computes one cell; ``Market`` computes many over the same
observations in one pass and is what the former uses, so a published row and a case's row can never differ by their code.
``verdict`` holds a contract's price against a row. No clock, no database, no float: the same input gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from vouchers.policy.prices.cells import Cell, Observation, instant_text, term_bucket
from vouchers.policy.prices.eligibility import REASONS, known_sources
from vouchers.policy.prices.ladder import (
    Generations,
    Reach,
    generations_from_plain,
    generations_of,
    plain_generations,
    reach_of,
    shipped_generations,
)
from vouchers.policy.prices.market import Market
from vouchers.policy.prices.method import (
    METHOD_V1,
    METHOD_V2,
    METHODS,
    REFERENCE_V1,
    REFERENCE_V2,
    Carry,
    Factors,
    Method,
    Sources,
    affiliated_groups,
    canonical_json,
)
from vouchers.policy.prices.rows import PriceRow
from vouchers.policy.prices.verdicts import PriceVerdict, auditor_sentence, sentences_told, verdict

__all__ = [
    "METHODS",
    "METHOD_V1",
    "METHOD_V2",
    "REASONS",
    "REFERENCE_V1",
    "REFERENCE_V2",
    "Carry",
    "Cell",
    "Factors",
    "Generations",
    "Market",
    "Method",
    "Observation",
    "PriceRow",
    "PriceVerdict",
    "Reach",
    "Sources",
    "affiliated_groups",
    "auditor_sentence",
    "fair_price",
    "generations_of",
    "known_sources",
    "market_of",
    "reach_of",
    "recompute",
    "sentences_told",
    "snapshot_text",
    "term_bucket",
    "verdict",
]


def fair_price(
    cell: Cell,
    observations: Iterable[Observation],
    *,
    as_of: date,
    known_at: datetime,
    method: Method = METHOD_V1,
    sources: Sources | None = None,
    factors: Factors | None = None,
    left_out: Collection[str] = (),
    carry: Carry | None = None,
    chips: Generations | None = None,
) -> PriceRow:
    """The fair price of the cell as of a date with what was known at an instant.

    Pure: order and repetition of the observations change nothing but the counts of what was replaced. ``left_out`` are the
    sources of the lease under review; their whole groups do not vote.
    """
    chips = chips if chips is not None else shipped_generations(method)
    reach = reach_of(method, cell, chips)
    market = Market(
        [item for item in observations if item.cell.family in reach],
        as_of=as_of,
        known_at=known_at,
        method=method,
        sources=sources,
        factors=factors,
        left_out=left_out,
        carries={cell.code: carry} if carry else None,
        chips=chips,
    )
    return market.price(cell)


def snapshot_text(market: Market, cell: Cell | None = None) -> str:
    """The market's input as canonical JSON: all of it, or what a single cell's price can rest on.

    ``dry_cells`` are those that are priced though nothing of them may vote. They are told where there are any, so that a
    snapshot from before they were priced gives the rows that it gave then.
    """
    observations = market.observations()
    if cell is not None:
        reach = reach_of(market.method, cell, market.chips)
        observations = [item for item in observations if item.cell.family in reach]
    names = {item.source for item in observations}
    carries = {
        code: carry.plain()
        for code, carry in sorted(market.carries.items())
        if cell is None or code == cell.code
    }
    more: dict[str, Any] = {}
    if "L6" in market.method.ladder:
        more["chips"] = plain_generations(market.chips)
    if cell is None and (dry := market.dry_cells()):
        more["dry_cells"] = [each.code for each in dry]
    return canonical_json(
        {
            **more,
            "as_of": market.as_of.isoformat(),
            "known_at": instant_text(market.known_at),
            "method": market.method.params(),
            "factors": market.factors.plain(),
            "sources": market.sources.only(names).plain(),
            "left_out": sorted(market.left_out),
            "carries": carries,
            "observations": [item.record() for item in observations],
        }
    )


def recompute(snapshot: str, cell: Cell | None = None) -> list[PriceRow]:
    """The rows of a stored snapshot: one cell, or every cell in order. Byte for byte what was stored, or it was changed."""
    content = json.loads(snapshot)
    market = _market_of(content)
    if cell is not None:
        return [market.price(cell)]
    dry = [Cell.parse(code) for code in content.get("dry_cells", ())]
    return [market.price(each) for each in sorted([*market.cells(), *dry])]


def market_of(snapshot: str) -> Market:
    """The market of a stored snapshot."""
    return _market_of(json.loads(snapshot))


def _market_of(content: Mapping[str, Any]) -> Market:
    return Market(
        [Observation.from_record(record) for record in content["observations"]],
        as_of=date.fromisoformat(content["as_of"]),
        known_at=datetime.fromisoformat(content["known_at"]),
        method=Method.from_params(content["method"]),
        sources=Sources.from_plain(content["sources"]),
        factors=Factors.from_plain(content["factors"]),
        left_out=content["left_out"],
        carries={
            code: found for code, item in content["carries"].items() if (found := Carry.from_plain(item))
        },
        chips=generations_from_plain(content.get("chips", {})),
    )
