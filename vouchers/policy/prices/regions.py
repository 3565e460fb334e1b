"""Region groups and renamed sources: versioned tables beside the code, read once."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "data" / "prices"


def table(name: str) -> list[dict[str, str]]:
    """The rows of a shipped table."""
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=8)
def _prefixes(version: int) -> dict[tuple[str, str], str]:
    return {
        (row["market"], row["prefix"]): row["region_group"]
        for row in table("regions.csv")
        if int(row["table_version"]) == version
    }


@lru_cache(maxsize=8)
def _labels(version: int) -> dict[tuple[str, str], str]:
    return {
        (row["market"], row["region_group"]): row["label"]
        for row in table("regions.csv")
        if int(row["table_version"]) == version
    }


@lru_cache(maxsize=8)
def region_members(market: str, version: int = 1) -> dict[str, str]:
    """What each named group of a market takes in, where the table says so."""
    return {
        row["label"]: row["members"]
        for row in table("regions.csv")
        if int(row["table_version"]) == version and row["market"] == market and row["members"]
    }


@lru_cache(maxsize=4096)
def region_group(market: str, region_code: str, version: int = 1) -> str:
    """The group of a region by the longest prefix in the table; empty when the table knows none."""
    prefixes = _prefixes(version)
    for length in range(len(region_code), -1, -1):
        found = prefixes.get((market, region_code[:length]))
        if found is not None and (length or not region_code):
            return found
    return ""


def region_label(market: str, group: str, version: int = 1) -> str:
    """The group's name; its code when the table knows none."""
    return _labels(version).get((market, group), group)


def region_groups(market: str, version: int = 1) -> dict[str, str]:
    """All groups of a market with their names."""
    return {group: label for (kind, group), label in _labels(version).items() if kind == market}


@lru_cache(maxsize=8)
def _sources(version: int) -> dict[str, tuple[str, str]]:
    return {
        row["source"]: (row["canonical"], row["tier"])
        for row in table("sources.csv")
        if int(row["table_version"]) == version
    }


def canonical_source(name: str, version: int = 1) -> str:
    """The present name of a source that was renamed; a USCC stays as it is, in capitals."""
    known = _sources(version).get(name.strip().lower())
    if known is not None:
        return known[0]
    text = name.strip()
    return text.upper() if len(text) == 18 and text.isascii() and text.isalnum() else text


def source_tier(name: str, version: int = 1) -> str:
    """The tier of a source in the table of foreign sources; empty when it is not in it."""
    known = _sources(version).get(name.strip().lower())
    return known[1] if known else ""
