"""A file of the format: its columns with how each is read, what must hold across a row, and what is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from applications.actions.imports.cells import Reader, Wrong


@dataclass(frozen=True)
class Column:
    """A column. ``header`` False: the file may lack it, as if it were empty in every row. ``staged`` False: it is read (and
    may be refused) but goes into the database by what is derived from it only."""

    name: str
    read: Reader
    header: bool = True
    staged: bool = True


class WrongRow(Exception):
    """Cells that are each sound but do not fit together; ``column`` is the one to look at."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
        self.message = message


#: values as read, in the order of the columns
Values = Sequence[str]
RowCheck = Callable[[Values], None]


@dataclass
class Surroundings:
    """What a row's derivation may need besides the row: the folder, and where to leave a remark."""

    folder: Path
    remark: Callable[[str, str], None]


Derivation = Callable[[Values, Sequence[str], Surroundings], Sequence[str]]


@dataclass(frozen=True)
class Format:
    """``stage`` is the staging table (import.sql); ``derived`` names the columns that ``derive`` fills from the values and the
    cells as they were written."""

    name: str
    stage: str
    columns: tuple[Column, ...]
    checks: tuple[RowCheck, ...] = ()
    derived: tuple[str, ...] = ()
    derive: Derivation | None = None
    #: files whose rows this one's rows point to: column → file
    refers_to: Mapping[str, str] = field(default_factory=dict)

    @property
    def staged(self) -> tuple[str, ...]:
        """The staging table's columns in the order in which they are sent, after the line."""
        return tuple(column.name for column in self.columns if column.staged) + self.derived

    def position(self, name: str) -> int:
        """The place of a column among the values."""
        return next(i for i, column in enumerate(self.columns) if column.name == name)


def in_order(
    columns: tuple[Column, ...], first: str, last: str, sentence: str, code: str = "period.order"
) -> RowCheck:
    """The last day is not before the first. Dates as text compare as dates; an absent one passes."""
    names = [column.name for column in columns]
    a, b = names.index(first), names.index(last)

    def check(values: Values) -> None:
        start, end = values[a], values[b]
        if end < start and start[0] != "\\" and end[0] != "\\":
            raise WrongRow(last, code, sentence.format(start=start, end=end))

    return check


__all__ = [
    "Column",
    "Derivation",
    "Format",
    "RowCheck",
    "Surroundings",
    "Values",
    "Wrong",
    "WrongRow",
    "in_order",
]
