"""A case tried out by hand (试算): the questions that a scheme's rules ask, and the facts that the answers make.

The words, the kinds of answer and what an empty one means are those of the worked examples' workbook, so that a case that
was tried is a worked example without being translated. Not answered is not known, never no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.policy.example_columns import MAIN, Column, Record, layout_of
from vouchers.policy.example_reading import read_sheets
from vouchers.policy.example_sheets import CODE, Heading, Scope, SheetError, headings_of, letters
from vouchers.policy.example_words import GROUPS
from vouchers.policy.example_writing import write_sheets
from vouchers.policy.examples import Example, Expected
from vouchers.policy.facts import BasisItemFacts
from vouchers.policy.plain import BEIJING_TIME, decimal_text
from vouchers.policy.rules import Scheme

CODE_TRIED = "trial"
MOST_ITEMS = 20
_ITEMS: Scope = (("facts", "items"),)
_ITEM_GROUP = GROUPS[BasisItemFacts]
_NOT_ASKED = {GROUPS[Example], GROUPS[Expected]}


@dataclass(frozen=True)
class Question:
    """One thing asked; `key` names it among the answers, `item` is which basis item it is about (0: none)."""

    key: str
    column: Column
    item: int = 0


@dataclass(frozen=True)
class QuestionGroup:
    """The questions about one thing."""

    title: str
    questions: tuple[Question, ...]


class TrialError(ValueError):
    """Answers that cannot be read: why, by the question's key; under an empty key what belongs to none."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("；".join(problems.values()))


@dataclass(frozen=True)
class Questionnaire:
    """What a scheme's own rules ask of a case with so many basis items."""

    scheme: Scheme
    layout: Record
    items: int
    also: frozenset[str] = frozenset()
    """Keys of questions that the rules do not ask and a case that one begins with answers all the same."""

    @property
    def groups(self) -> list[QuestionGroup]:
        """The questions in the order of the workbook; each basis item is a group of its own."""
        found: dict[str, list[Question]] = {}
        for heading in headings_of(self.layout):
            column = heading.column
            asked = column.shown or _key(heading) in self.also
            if asked and column.group not in _NOT_ASKED and heading.scope != _ITEMS:
                found.setdefault(column.group, []).append(Question(_key(heading), column))
        order = list(GROUPS.values())
        groups = [QuestionGroup(title, tuple(found[title])) for title in sorted(found, key=order.index)]
        place = next(
            (nr for nr, one in enumerate(groups) if order.index(one.title) > order.index(_ITEM_GROUP)),
            len(groups),
        )
        items = [
            QuestionGroup(f"{_ITEM_GROUP}（第 {nr} 项）" if self.items > 1 else _ITEM_GROUP, self._item(nr))
            for nr in range(1, self.items + 1)
        ]
        return [*groups[:place], *items, *groups[place:]]

    @property
    def questions(self) -> list[Question]:
        """All of them."""
        return [question for group in self.groups for question in group.questions]

    def _item(self, number: int) -> tuple[Question, ...]:
        return tuple(
            Question(_key(heading, number), heading.column, number)
            for heading in headings_of(self.layout)
            if heading.scope == _ITEMS
            and (heading.column.shown or _key(heading, number) in self.also or _key(heading) in self.also)
        )

    def read(self, answers: Mapping[str, Any], expected: Mapping[str, Any] | None = None) -> Example:
        """The case that the answers describe, with what is expected of it, if anything.

        `expected` is by the name of the field of `Example` or `Expected`. Raises TrialError.
        """
        wanted = {"amount": "0", **(expected or {})}
        main = headings_of(self.layout)
        firsts = [
            wanted.get(one.column.path[-1])
            if one.column.group in _NOT_ASKED
            else answers.get(_key(one, 1 if one.scope == _ITEMS else 0))
            for one in main
        ]
        keys = [_key(one, 1 if one.scope == _ITEMS else 0) for one in main]
        more = [one for one in main if one.scope == _ITEMS]
        asked = [[_key(one, number) for one in more] for number in range(2, self.items + 1)]
        further = [row for row in asked if any(answers.get(key) for key in row)]
        rows = [[answers.get(key) for key in row] for row in further]
        sheets: dict[str, Sequence[Sequence[Any]]] = {
            MAIN: [
                [CODE, *(one.column.heading for one in main if one.column.path != ("code",))],
                [
                    wanted.get("code") or CODE_TRIED,
                    *(cell for cell, one in zip(firsts, main, strict=True) if one.column.path != ("code",)),
                ],
            ]
        }
        if rows:
            sheets[_ITEM_GROUP] = [
                [CODE, *(one.column.heading for one in more)],
                *([wanted.get("code") or CODE_TRIED, *row] for row in rows),
            ]
        try:
            (example,) = read_sheets(self.scheme, sheets)
        except SheetError as error:
            kept = [key for key, one in zip(keys, main, strict=True) if one.column.path != ("code",)]
            raise TrialError(_placed(error, kept, further)) from None
        return example


def _placed(error: SheetError, main: list[str], items: list[list[str]]) -> dict[str, str]:
    """What is wrong, by the question that it is about."""
    by_cell = {f"{MAIN}!{letters(place)}2": key for place, key in enumerate(main, start=2)}
    for row, keys in enumerate(items, start=2):
        by_cell |= {f"{_ITEM_GROUP}!{letters(place)}{row}": key for place, key in enumerate(keys, start=2)}
    problems: dict[str, str] = {}
    for fault in error.faults:
        key = by_cell.get(fault.place, "")
        tail = f"。可填：{'、'.join(fault.allowed)}" if fault.allowed else ""
        why = f"{fault.why}{tail}。"
        problems[key] = f"{problems[key]} {why}" if key in problems else why if key else fault.sentence
    return problems


def _key(heading: Heading, item: int = 0) -> str:
    path = ".".join(name for part in (*heading.scope, heading.column.path) for name in part)
    return f"{path}#{item}" if item > 1 else path


def ask(scheme: Scheme, items: int = 1, also: Iterable[str] = ()) -> Questionnaire:
    """The questionnaire of a scheme."""
    return Questionnaire(scheme, layout_of(scheme), min(max(items, 1), MOST_ITEMS), frozenset(also))


def answers_of(scheme: Scheme, example: Example) -> tuple[int, dict[str, str]]:
    """A worked example as answers, with how many items it has: what one begins a trial with."""
    sheets = write_sheets(scheme, [example])
    main, more = sheets[0], [sheet for sheet in sheets[1:] if sheet.title == _ITEM_GROUP]
    answers = {
        _key(heading): _typed(cell)
        for heading, cell in zip(main.headings, main.rows[0], strict=True)
        if cell is not None and heading.column.group not in _NOT_ASKED
    }
    rows = more[0].rows if more else ()
    for number, row in enumerate(rows, start=2):
        answers |= {
            _key(heading, number): _typed(cell)
            for heading, cell in zip(more[0].headings, row[1:], strict=True)
            if cell is not None
        }
    return 1 + len(rows), answers


def _typed(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(BEIJING_TIME):%Y-%m-%dT%H:%M}"
    if isinstance(cell, date):
        return cell.isoformat()
    return decimal_text(cell) if isinstance(cell, Decimal) else str(cell)
