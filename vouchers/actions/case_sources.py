"""Where the cases of a dry run come from: a port that the casework fills when it starts.

A source gives cases as the engine takes them, in the order (day, number), without loading them all. This floor knows
neither applications nor claims; it asks by program, region and period.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from vouchers.errors import Invalid
from vouchers.policy.case_rows import CaseRow
from vouchers.policy.replay import ReplayCase


@dataclass(frozen=True, kw_only=True)
class CaseQuery:
    """Which cases: those decided from `from_on` to before `to_on`. `like` names the program of the sample year whose cases
    stand for this program's (empty: the nearest by code, else the first); `folder` another data set than the shipped one."""

    program: str
    region: str
    from_on: date
    to_on: date
    like: str = ""
    folder: Path | None = None


@dataclass(frozen=True)
class CaseSource:
    """`read` gives the cases in order, as ``ReplayCase`` or, where they are many, as ``CaseRow``; `count` how many there are; `note` one sentence on what they rest on."""

    code: str
    label: str
    read: Callable[[CaseQuery], Iterator[Any]]
    count: Callable[[CaseQuery], int]
    note: Callable[[CaseQuery], str] = field(default=lambda query: "")
    opening: Callable[[CaseQuery], Mapping[str, Decimal]] = field(default=lambda query: {})
    """What the program's caps had given before the period, by `CapKey.key`."""
    choices: Callable[[], Sequence[tuple[str, str]]] = field(default=tuple)
    """The programs that `like` may name, with their words; empty where there is nothing to choose."""


SOURCES: dict[str, CaseSource] = {}


def register_case_source(source: CaseSource) -> None:
    """Called in ``AppConfig.ready``."""
    SOURCES[source.code] = source


def chosen_sources(codes: Sequence[str]) -> list[CaseSource]:
    """The sources of these codes. Raises ``Invalid`` (``dry_run.no_source``, ``dry_run.unknown_source``)."""
    if not codes:
        raise Invalid("dry_run.no_source", "请至少选择一种测算所用的案件。", field="sources")
    for code in codes:
        if code not in SOURCES:
            raise Invalid(
                "dry_run.unknown_source",
                f"没有名为“{code}”的案件来源。",
                field="sources",
                hint=f"可以选择：{'、'.join(sorted(SOURCES))}。",
            )
    return [SOURCES[code] for code in dict.fromkeys(codes)]


def cases_of(sources: Sequence[CaseSource], query: CaseQuery) -> Iterator[CaseRow | ReplayCase]:
    """The cases of all sources, in one order, for ``case_rows.read_case``."""
    return heapq.merge(*(source.read(query) for source in sources), key=lambda case: (case.on, case.case_no))


__all__ = ["SOURCES", "CaseQuery", "CaseSource", "cases_of", "chosen_sources", "register_case_source"]
