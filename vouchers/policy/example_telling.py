"""A worked example as people read it: its facts and its expected result in words, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.policy.example_columns import Column
from vouchers.policy.example_sheets import Heading
from vouchers.policy.example_words import GROUPS
from vouchers.policy.example_writing import write_sheets
from vouchers.policy.examples import Example
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import Scheme
from vouchers.policy.words import day_words, instant_words
from vouchers.policy.working import money, percent

_EXPECTED = ("expected",)
_OWN = {("code",), ("title",), ("note",)}


@dataclass(frozen=True)
class Section:
    """What the facts say of one thing: (label, words) in the order of the workbook."""

    title: str
    rows: tuple[tuple[str, str], ...]


def tell_facts(scheme: Scheme, example: Example) -> list[Section]:
    """Everything that is known of the case; what is not known is not there."""
    sections = []
    for sheet_no, sheet in enumerate(write_sheets(scheme, [example])):
        keys = 0 if sheet_no == 0 else 2 if sheet.nested else 1
        for place, cells in enumerate(sheet.rows, start=2):
            said: dict[str, list[tuple[str, str]]] = {}
            for one, cell in zip(sheet.headings, cells[keys:], strict=True):
                if cell is None or one.column.path in _OWN or one.column.path[:1] == _EXPECTED:
                    continue
                said.setdefault(one.column.group, []).append((one.column.heading, say(one.column, cell)))
            for title in sorted(said, key=list(GROUPS.values()).index):
                numbered = title if sheet_no == 0 else f"{title}（第 {place} 项）"
                sections.append(Section(numbered, tuple(said[title])))
    return sections


def tell_expected(scheme: Scheme, example: Example) -> tuple[tuple[str, str], ...]:
    """What must come out."""
    main = write_sheets(scheme, [example])[0]
    return tuple(_expected(main.headings, main.rows))


def _expected(headings: tuple[Heading, ...], rows: tuple[tuple[Any, ...], ...]) -> Iterator[tuple[str, str]]:
    for one, cell in zip(headings, rows[0], strict=True):
        if cell is not None and one.column.path[:1] == _EXPECTED:
            yield one.column.heading, say(one.column, cell)


def say(column: Column, cell: Any) -> str:
    """A cell's value in words."""
    if isinstance(cell, datetime):
        return instant_words(cell)
    if isinstance(cell, date):
        return day_words(cell)
    if isinstance(cell, Decimal):
        if column.kind in ("rate", "degree"):
            return percent(cell)
        return money(cell) if column.kind == "amount" else decimal_text(cell)
    return str(cell)
