"""A row of a workbook of worked examples while it is read, and what its values become."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vouchers.policy.example_choices import fold
from vouchers.policy.example_columns import Path
from vouchers.policy.example_sheets import CODE, UNLINKED, Grid, Scope

HEAD_ROWS = 10
"""Among how many rows from the top the headings may stand."""

UNREADABLE = object()
"""In place of a value that was refused: the row is looked through to its end all the same."""


@dataclass
class Row:
    """A row that was read: values by scope and path, and where each stood."""

    sheet: str
    number: int
    values: dict[Scope, dict[Path, Any]] = field(default_factory=lambda: defaultdict(dict))
    cells: dict[tuple[Scope, Path], str] = field(default_factory=dict)
    code: str = ""
    parent: str = ""
    taken: bool = False

    def filled(self, scope: Scope) -> bool:
        """Whether anything stands in the scope or beneath it."""
        return any(found for known, found in self.values.items() if known[: len(scope)] == scope)


def has_unreadable(value: Any) -> bool:
    """Whether a refused value stands anywhere in it."""
    if isinstance(value, dict):
        return any(has_unreadable(one) for one in value.values())
    if isinstance(value, list):
        return any(has_unreadable(one) for one in value)
    return value is UNREADABLE


def findings_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Codes listed under each result, as results by code."""
    out: dict[str, str] = {}
    for result, codes in given.items():
        if codes is not UNREADABLE:
            out |= dict.fromkeys(codes, result)
    return out


def link_items(items: list[dict[str, Any]], plain: dict[str, Any]) -> None:
    """An item that names no contract belongs to the only one there is; “无” says that it belongs to none."""
    contracts = plain.get("facts", {}).get("contracts", [])
    for item in items:
        if item.get("contract_no") == UNLINKED:
            del item["contract_no"]
        elif "contract_no" not in item and len(contracts) == 1:
            item["contract_no"] = contracts[0]["contract_no"]


def put(plain: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value inside nested records, which are made on the way."""
    for name in path[:-1]:
        plain = plain.setdefault(name, {})
    if value == {} and path[-1] in plain:
        return
    plain[path[-1]] = value


def head_of(grid: Grid) -> int | None:
    """In which row the headings stand, from 0; None where there are none."""
    for place, row in enumerate(grid[:HEAD_ROWS]):
        if any(isinstance(raw, str) and fold(raw).rstrip("*") == fold(CODE) for raw in row):
            return place
    return None
