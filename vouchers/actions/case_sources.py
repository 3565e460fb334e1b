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
    """Which cases: those decided from `from_on` to before `to_on`, of programs in `regions` (None: in `region`) and of no
    others; only a synthetic sample is everybody's. `like` names the program of the sample year whose cases
    stand for this program's (empty: the nearest by code, else the first); `folder` another data set than the shipped one."""

    program: str
    region: str
    from_on: date
    to_on: date
    like: str = ""
    folder: Path | None = None
    regions: frozenset[str] | None = None

    @property
    def scope(self) -> frozenset[str]:
        """The regions whose cases may be read."""
        return frozenset({self.region}) if self.regions is None else self.regions


def _no_choice(regions: frozenset[str]) -> Sequence[tuple[str, str]]:
    return ()


@dataclass(frozen=True)
class CaseSource:
    """Real cases come from programs of ``query.scope`` alone, whatever the query names besides; ``regions`` tells which
    regions they are of. `read` gives the cases in order, as ``ReplayCase`` or, where they are many, as ``CaseRow``; `count` how many there are; `note` one sentence on what they rest on."""

    code: str
    label: str
    read: Callable[[CaseQuery], Iterator[Any]]
    count: Callable[[CaseQuery], int]
    note: Callable[[CaseQuery], str] = field(default=lambda query: "")
    opening: Callable[[CaseQuery], Mapping[str, Decimal]] = field(default=lambda query: {})
    """What the program's caps had given before the period, by `CapKey.key`."""
    choices: Callable[[frozenset[str]], Sequence[tuple[str, str]]] = field(default=_no_choice)
    """The programs that `like` may name to a person of these regions, with their words; empty where there is no choice."""
    regions: Callable[[CaseQuery], frozenset[str]] = field(default=lambda query: frozenset())
    """The regions whose cases are read: who holds no role in one of them may not see what comes of it."""
    synthetic: bool = False
    """Whether its companies and amounts are invented: open to everybody, and said wherever they are shown."""


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


def like_choices(sources: Sequence[CaseSource], regions: frozenset[str]) -> list[tuple[str, str]]:
    """The programs that `like` may name, of all these sources, each once."""
    words: dict[str, str] = {}
    for source in sources:
        for code, said in source.choices(regions):
            words.setdefault(code, said)
    return list(words.items())


def check_like(sources: Sequence[CaseSource], query: CaseQuery) -> None:
    """Raises ``Invalid`` (``dry_run.like``) for a program that none of the sources has for a person of the query's regions.
    Another region's is refused in the words of one that does not exist."""
    asked = [source for source in sources if source.choices is not _no_choice]
    codes = [code for code, _words in like_choices(asked, query.scope)]
    if asked and query.like and query.like not in codes:
        raise Invalid(
            "dry_run.like",
            f"所选来源中没有您可以使用的专项 {query.like} 的案件。",
            field="like",
            hint=f"可以选择：{'、'.join(codes)}。" if codes else "请不选，或加选“合成样本年度”。",
        )


def cases_of(sources: Sequence[CaseSource], query: CaseQuery) -> Iterator[CaseRow | ReplayCase]:
    """The cases of all sources, in one order, for ``case_rows.read_case``."""
    return heapq.merge(*(source.read(query) for source in sources), key=lambda case: (case.on, case.case_no))


__all__ = [
    "SOURCES",
    "CaseQuery",
    "CaseSource",
    "cases_of",
    "check_like",
    "chosen_sources",
    "like_choices",
    "register_case_source",
]
