"""Worked examples as the cells of a workbook: what is written reads back the same. Pure, without a file format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vouchers.policy.caps import cap_keys
from vouchers.policy.example_cells import write_cell
from vouchers.policy.example_columns import MAIN, Path, Record, layout_of
from vouchers.policy.example_sheets import UNLINKED, Heading, Scope, branches_of, headings_of
from vouchers.policy.example_words import GROUPS, UsedCap
from vouchers.policy.examples import Example
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import FindingResult

Cells = dict[tuple[Scope, Path], Any]
Further = dict[Scope, list[tuple[str, str, Cells]]]
"""Rows of the further sheets, by list: the example's number, the contract's where a list belongs to one, the cells."""

_ORDER = list(GROUPS.values())


def place_in_sheet(one: Heading) -> tuple[bool, int]:
    """By what a column is about, the working last."""
    return one.column.path == ("note",), _ORDER.index(one.column.group)


@dataclass(frozen=True)
class SheetRows:
    """A sheet to write: its columns (those that the scheme asks for or some example fills) and its rows of cells."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Any, ...], ...]
    nested: bool = False


def write_sheets(scheme: Scheme, examples: Sequence[Example]) -> list[SheetRows]:
    """The examples as sheets, the first of them `算例`; reading them back gives the same examples."""
    layout = layout_of(scheme)
    main: list[Cells] = []
    further: Further = defaultdict(list)
    for example in examples:
        cells: Cells = {}
        _fill(layout, (), example, cells, further, example.code, "")
        _fill_caps(scheme, layout, example, cells, further)
        main.append(cells)
    sheets = [_sheet(MAIN, headings_of(layout), [("", "", row) for row in main], nested=False)]
    for scope, branch in branches_of(layout):
        inner = (*scope, branch.path)
        rows = further[inner]
        sheets.append(_sheet(branch.title, headings_of(branch.record, inner), rows, nested=bool(scope)))
    return sheets


def _sheet(
    title: str,
    known: list[Heading],
    rows: list[tuple[str, str, Cells]],
    *,
    nested: bool,
) -> SheetRows:
    used = {key for _, _, cells in rows for key, value in cells.items() if value is not None}
    kept = [
        one
        for one in known
        if one.column.shown
        or (one.scope, one.column.path) in used
        or (title != MAIN and not rows and _must(one))
    ]
    if title == MAIN:
        kept.sort(key=place_in_sheet)
    head = [] if title == MAIN else [[code, parent] if nested else [code] for code, parent, _ in rows]
    body = [[cells.get((one.scope, one.column.path)) for one in kept] for _, _, cells in rows]
    joined = [tuple((head[place] if head else []) + line) for place, line in enumerate(body)]
    return SheetRows(title, tuple(kept), tuple(joined), nested)


def _must(one: Heading) -> bool:
    return one.column.required


def _fill(
    record: Record,
    scope: Scope,
    value: Any,
    cells: Cells,
    further: Further,
    code: str,
    parent: str,
) -> None:
    for column in record.columns:
        found = _get(value, column.path)
        if column.kind == "last_day" and found is not None:
            found -= timedelta(days=1)
        if column.at_default is not None and found == column.at_default:
            found = None
        cells[scope, column.path] = write_cell(column, found)
    for branch in record.branches:
        if branch.path == ("used_caps",):
            continue
        inner = (*scope, branch.path)
        rows = _get(value, branch.path)
        if branch.presence is not None:
            said = None if rows is None else bool(rows)
            cells[scope, branch.presence.path] = write_cell(branch.presence, said)
        for place, one in enumerate(rows or ()):
            number = getattr(one, "contract_no", "") if branch.path[-1] == "contracts" else parent
            target = cells
            if place:
                target = {}
                further[inner].append((code, parent, target))
            _fill(branch.record, inner, one, target, further, code, number)
            if branch.path[-1] == "items" and not one.contract_no and value.facts.contracts:
                target[inner, ("contract_no",)] = UNLINKED


def _fill_caps(
    scheme: Scheme,
    layout: Record,
    example: Example,
    cells: Cells,
    further: Further,
) -> None:
    keys: dict[str, list[str]] = defaultdict(list)
    for key in cap_keys(scheme, example.facts):
        keys[key.code].append(key.key)
    columns = {column.path[-1] for column in layout.columns if column.path[:-1] == ("facts", "used", "caps")}
    natural = {found[0]: code for code, found in keys.items() if len(found) == 1 and code in columns}
    branch = next(one for one in layout.branches if one.path == ("used_caps",))
    inner: Scope = (branch.path,)
    for name, amount in sorted(example.facts.used.caps.items()):
        if name in natural:
            cells[(), ("facts", "used", "caps", natural[name])] = amount
            continue
        parts = name.split(":")
        if len(parts) < 5 or parts[0] != scheme.program:
            continue  # another program's account: it cannot concern this scheme
        row = UsedCap(
            cap=parts[1], event=parts[2], subject=":".join(parts[3:-1]), period=parts[-1], amount=amount
        )
        target: Cells = {}
        for column in branch.record.columns:
            target[inner, column.path] = write_cell(column, _get(row, column.path))
        further[inner].append((example.code, "", target))


def _get(value: Any, path: Path) -> Any:
    for place, name in enumerate(path):
        if value is None:
            return None
        if isinstance(value, Mapping):
            return _in_mapping(value, path[place:])
        value = getattr(value, name)
    return value


def _in_mapping(value: Mapping[str, Any], rest: Path) -> Any:
    if rest and rest[0] in {one.value for one in FindingResult} and _holds_results(value):
        return tuple(code for code, result in value.items() if result == rest[0]) or None
    return value.get(rest[0]) if rest else None


def _holds_results(value: Mapping[str, Any]) -> bool:
    return all(isinstance(one, FindingResult) for one in value.values())
