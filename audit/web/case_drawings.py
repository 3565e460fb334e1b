"""All drawings of one case: read in a bounded number of statements, then drawn by pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from audit.case_facts import CaseFacts
from audit.case_reading import read_case
from audit.scan import in_force
from audit.web.case_figures import OverlapFigure, PriceFigure, overlap_times, price_bands
from audit.web.case_graph import CaseGraph, case_graph
from audit.web.case_use import UseFigure, metered_use


@dataclass(frozen=True)
class CaseDrawings:
    """What ``audit/includes/case_drawings.html`` draws."""

    graph: CaseGraph
    overlaps: OverlapFigure
    prices: PriceFigure
    use: UseFigure


def case_drawings(
    usccs: Iterable[str],
    lease_nos: Iterable[str],
    *,
    regions: Collection[str],
    rules: Mapping[str, Collection[str]] | None = None,
) -> CaseDrawings:
    """The drawings of these parties and contracts for a reader of these regions. ``rules``: contract → the rules raised on it.
    The terms are those of F17 and F19 in force."""
    return drawings_of(read_case(usccs, lease_nos, regions=regions), rules)


def drawings_of(facts: CaseFacts, rules: Mapping[str, Collection[str]] | None = None) -> CaseDrawings:
    """The drawings of facts that were read already."""
    versions = in_force()
    return CaseDrawings(
        graph=case_graph(facts, flagged=[no for no, raised in (rules or {}).items() if raised]),
        overlaps=overlap_times(facts, int(versions["F17"].parameters["hours"])),
        prices=price_bands(facts, rules),
        use=metered_use(facts, int(versions["F19"].parameters["coverage_percent"])),
    )
