"""What the sheets of a workbook of worked examples share: their headings, and how a wrong place is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vouchers.policy.example_columns import Branch, Column, Path, Record

CODE = "算例编号"
PARENT = "合同编号"
SAMPLE = "（示例行，上传时略去）"
UNLINKED = "无"

Grid = Sequence[Sequence[Any]]
Scope = tuple[Path, ...]
"""Which record of a row a column belongs to: the lists that lead to it."""


@dataclass(frozen=True)
class Fault:
    """One wrong place: `cell` is its coordinate (`C5`), empty where the sheet as a whole is wrong."""

    code: str
    sheet: str
    cell: str
    heading: str
    read: str
    why: str
    allowed: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`算例!C5`."""
        return f"{self.sheet}!{self.cell}" if self.cell else self.sheet

    @property
    def sentence(self) -> str:
        """The whole of it."""
        column = f"“{self.heading}”" if self.heading else ""
        read = f"读到“{self.read}”，" if self.read else ""
        tail = f"。可填：{'、'.join(self.allowed)}" if self.allowed else ""
        return f"{self.place}{column}：{read}{self.why}{tail}。"


class SheetError(ValueError):
    """The workbook is refused whole."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(fault.sentence for fault in faults))


@dataclass(frozen=True)
class Heading:
    """A column where it stands in a sheet."""

    scope: Scope
    column: Column


def letters(place: int) -> str:
    """The letters of a column, from 1: `A`, `Z`, `AA`."""
    out = ""
    while place:
        place, rest = divmod(place - 1, 26)
        out = chr(65 + rest) + out
    return out


def headings_of(record: Record, scope: Scope = ()) -> list[Heading]:
    """The columns that may stand in the record's row."""
    out = [Heading(scope, column) for column in record.columns]
    for branch in record.branches:
        if branch.presence is not None:
            out.append(Heading(scope, branch.presence))
        if branch.inline:
            out += headings_of(branch.record, (*scope, branch.path))
    return out


def branches_of(record: Record, scope: Scope = ()) -> Iterator[tuple[Scope, Branch]]:
    """Every list, with the scope of the record that holds it."""
    for branch in record.branches:
        yield scope, branch
        yield from branches_of(branch.record, (*scope, branch.path))


def always_asked(record: Record, one: Heading) -> bool:
    """Whether every row of the record's sheet must fill the column: its record is always there, and nothing stands for it."""
    column = one.column
    there = len(one.scope) == 0 and (len(column.path) == 1 or column.path[:-1] in record.needed)
    return there and column.required and column.default is None and column.path != ("code",)
