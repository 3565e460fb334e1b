"""The columns of a workbook of worked examples, made from the facts' own fields and from one scheme's words.

A record of the facts is a row, or a stretch of columns in the row of what it belongs to: the first contract and the first
basis item of an example stand in its own row, further ones in sheets of their own, row by row under the example's number.
"""

from __future__ import annotations

import dataclasses
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from vouchers.policy.caps import ALL_PUBLIC_MONEY
from vouchers.policy.example_choices import NONE_OR_SOME, YES_NO, Choice, finding_choices, named, terms
from vouchers.policy.example_words import (
    EVENTS,
    GROUPS,
    WORDS,
    UsedCap,
    Word,
    tags_of,
)
from vouchers.policy.examples import Example, Expected
from vouchers.policy.facts import Facts
from vouchers.policy.ladders import year_ladders
from vouchers.policy.names import LEVELS, OWNERSHIPS, SIZES
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject, CountsAt, FindingResult, GateKind, RateKind
from vouchers.policy.words import conditions_words

MAIN = "算例"
Path = tuple[str, ...]


_KINDS: dict[Any, str] = {
    str: "text",
    Decimal: "amount",
    int: "whole",
    bool: "flag",
    date: "day",
    datetime: "instant",
}


@dataclass(frozen=True)
class Column:
    """A column. `path` leads to the value inside its record; `owner` is the record's type."""

    heading: str
    path: Path
    kind: str
    group: str
    owner: type[Any]
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    many: bool = False
    optional: bool = False
    """Whether nothing and an empty list differ: then “无” stands for the empty list."""
    required: bool = False
    default: str | None = None
    at_default: Any = None
    """What the field holds when nobody says anything: then the cell stays empty."""
    shown: bool = False

    @property
    def allowed(self) -> tuple[str, ...]:
        """The words that may stand in the cell, as they are told to people."""
        words = tuple(choice.word for choice in self.choices)
        return ("无", *words) if self.many and self.optional else words


@dataclass(frozen=True)
class Branch:
    """A list inside a record: its path, and the records it holds. `presence` says whether the list is known to be empty."""

    path: Path
    title: str
    record: Record
    presence: Column | None = None
    inline: bool = True


@dataclass(frozen=True)
class Record:
    """The columns of one record and the lists inside it."""

    kind: type[Any]
    columns: tuple[Column, ...]
    branches: tuple[Branch, ...] = ()
    needed: frozenset[Path] = field(default=frozenset())
    """Paths of parts that are always there, whatever is filled in."""


def layout_of(scheme: Scheme) -> Record:
    """The shape of the workbook of that scheme."""
    return _Shaper(scheme).example()


class _Shaper:
    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.tags = tags_of(scheme)
        self.vocabularies: dict[str, tuple[Choice, ...]] = {
            "tracks": named((track.code, track.name) for track in scheme.tracks),
            "classes": named((one.code, one.name) for one in scheme.classes),
            "papers": named((paper.code, paper.name) for paper in scheme.papers),
            "caps": named(
                [*((cap.code, cap.name) for cap in scheme.caps), (ALL_PUBLIC_MONEY, "各方财政资金合计")]
            ),
            "sizes": named(SIZES.items()),
            "ownerships": named(OWNERSHIPS.items()),
            "levels": named(LEVELS.items()),
            "events": named(EVENTS.items()),
            "findings": finding_choices(scheme),
        }

    def example(self) -> Record:
        """The row of an example, with the lists of its facts."""
        record = self.record(Example, ())
        used = Branch(("used_caps",), GROUPS[UsedCap], self.record(UsedCap, ()), inline=False)
        return replace(record, branches=(*record.branches, used))

    def record(self, kind: type[Any], head: Path) -> Record:
        columns: list[Column] = []
        branches: list[Branch] = []
        needed: set[Path] = set()
        for one, hint, path in _fields(kind, head):
            inner, optional = _without_none(hint)
            item = get_args(inner)[0] if get_origin(inner) is tuple else None
            if item is not None and dataclasses.is_dataclass(item):
                branches.append(self.branch(kind, one, item, path, optional))
            elif isinstance(inner, type) and dataclasses.is_dataclass(inner):
                deeper = self.record(inner, path)
                columns += deeper.columns
                branches += deeper.branches
                needed |= deeper.needed | (set() if optional else {path})
            elif _is_mapping(inner):
                columns += self.mapping(kind, one, get_args(inner)[1], path)
            else:
                columns.append(self.column(kind, one, inner, path, optional))
        return Record(kind, tuple(columns), tuple(branches), frozenset(needed))

    def branch(
        self, kind: type[Any], one: dataclasses.Field[Any], item: Any, path: Path, optional: bool
    ) -> Branch:
        word = _word(kind, one.name)
        title = GROUPS.get(item, word.heading)
        presence = None
        if optional:
            presence = self._made(kind, one.name, path, "presence", word, choices=NONE_OR_SOME)
        return Branch(path, title, self.record(item, ()), presence)

    def mapping(
        self, kind: type[Any], one: dataclasses.Field[Any], value: Any, path: Path
    ) -> Iterator[Column]:
        if value is FindingResult:
            yield from self.findings(path)
            return
        word = _word(kind, one.name)
        scalar, _ = _without_none(value)
        keys = self._keys(one.name)
        labels = Counter(label for label, _ in keys.values())
        for key, (name, asked) in keys.items():
            label = (
                f"{name}（{key}）" if labels[name] > 1 else name
            )  # two conditions may ask the same question
            heading = word.heading if not label else f"{word.heading}：{label}"
            cell = word.kind or _KINDS[scalar]
            if one.name == "rates" and self._by_scale(key):
                heading, cell = heading.replace(word.heading, "评审确定单位金额（元）"), "price"
            yield self._made(
                kind,
                one.name,
                (*path, key),
                cell,
                replace(word, heading=heading, shown=word.shown if asked else ()),
                choices=YES_NO if scalar is bool else (),
            )

    def findings(self, path: Path) -> Iterator[Column]:
        word = WORDS[Expected]["findings"]
        for result, heading in _FINDING_HEADINGS.items():
            yield self._made(
                Expected,
                "findings",
                (*path, result.value),
                "words",
                replace(word, heading=heading),
                choices=self.vocabularies["findings"],
                many=True,
            )

    def _keys(self, name: str) -> dict[str, tuple[str, bool]]:
        """The keys of a mapping that the scheme knows: what each is called, and whether the template asks for it.

        What an example says under another key concerns nothing in the scheme any more, and is left out of the workbook."""
        scheme = self.scheme
        match name:
            case "attestations":
                asked = [gate for gate in scheme.gates if gate.kind is GateKind.ATTESTED]
                return {gate.code: ((gate.question or gate.text).rstrip("？?。"), True) for gate in asked}
            case "caps":
                counted = [
                    cap
                    for cap in scheme.caps
                    if cap.switched_on
                    and cap.subject is not CapSubject.USE
                    and cap.counts_at is not CountsAt.PAYMENT
                ]
                return {cap.code: (cap.name, True) for cap in counted}
            case "year_basis":
                return self._year_keys()
            case "rates":
                return self._rate_keys()
            case _:
                return {}

    def _year_keys(self) -> dict[str, tuple[str, bool]]:
        """The base of the year is kept by track, and by ladder where the bands of a track differ by chip, use or class."""
        scheme, found = self.scheme, {track.code: (track.name, True) for track in self.scheme.tracks}
        for track in scheme.tracks:
            for key, rate in year_ladders(scheme, track).items():
                found[key] = (f"{track.name}：{conditions_words(scheme, rate)}", True)
        return found

    def _rate_keys(self) -> dict[str, tuple[str, bool]]:
        """Reviewers set a rate by its code, or for a whole track."""
        set_by_people = [rate for rate in self.scheme.rates if rate.kind is RateKind.REVIEWER_SET]
        names = {track.code: track.name for track in self.scheme.tracks}
        alone = len(set_by_people) == 1
        of_tracks = {
            rate.track: (f"{names.get(rate.track, rate.track)}整体", False) for rate in set_by_people
        }
        of_rates = {
            rate.code: ("" if alone else f"{names.get(rate.track, rate.track)}（{rate.code}）", True)
            for rate in set_by_people
        }
        return of_rates | {code: said for code, said in of_tracks.items() if code not in of_rates}

    def _by_scale(self, key: str) -> bool:
        """Whether reviewers set yuan a unit there instead of a fraction; a key is a rate's code or a track's."""
        scaled = {track.code for track in self.scheme.tracks if track.scale_unit}
        return key in scaled or any(rate.code == key and rate.track in scaled for rate in self.scheme.rates)

    def column(
        self, kind: type[Any], one: dataclasses.Field[Any], hint: Any, path: Path, optional: bool
    ) -> Column:
        word = _word(kind, one.name)
        many = get_origin(hint) is tuple
        scalar = get_args(hint)[0] if many else hint
        choices = self.vocabularies.get(word.vocabulary, ())
        if isinstance(scalar, type) and issubclass(scalar, Enum):
            choices, found = terms(scalar), "term"
        else:
            found = _KINDS[scalar]
        if scalar is bool:
            choices = YES_NO
        cell = word.kind or ("words" if many else "term" if choices and scalar is str else found)
        made = self._made(kind, one.name, path, cell, word, choices=choices, many=many)
        return replace(made, optional=optional, required=_no_default(one), at_default=_default(one))

    def _made(
        self,
        owner: type[Any],
        name: str,
        path: Path,
        cell: str,
        word: Word,
        *,
        choices: tuple[Choice, ...] = (),
        many: bool = False,
    ) -> Column:
        return Column(
            heading=word.heading,
            path=path,
            kind=cell,
            group=GROUPS.get(owner, ""),
            owner=owner,
            hint=word.hint,
            choices=choices,
            many=many,
            default=word.default,
            shown=bool(self.tags & set(word.shown)),
        )


_FINDING_HEADINGS = {
    FindingResult.NOT_MET: "不符合的条件",
    FindingResult.NOT_TESTABLE: "无法判定的条件",
    FindingResult.MET: "符合的条件",
}


def _fields(kind: type[Any], head: Path) -> Iterator[tuple[dataclasses.Field[Any], Any, Path]]:
    hints = get_type_hints(kind)
    for one in dataclasses.fields(kind):
        yield one, hints[one.name], (*head, one.name)


def _word(kind: type[Any], name: str) -> Word:
    known = WORDS.get(kind, {}).get(name)
    return known or Word(f"{GROUPS.get(kind, kind.__name__)}·{name}")


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        return next(arg for arg in get_args(hint) if arg is not type(None)), True
    return hint, False


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _no_default(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _default(one: dataclasses.Field[Any]) -> Any:
    if one.default is not dataclasses.MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not dataclasses.MISSING else None


def facts_without_word() -> list[str]:
    """Fields of the facts that no word names yet: what a test looks at."""
    missing: list[str] = []
    todo, seen = [Facts], set[Any]()
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen.add(kind)
        for one, hint, _ in _fields(kind, ()):
            inner, optional = _without_none(hint)
            item = get_args(inner)[0] if get_origin(inner) is tuple else inner
            if isinstance(item, type) and dataclasses.is_dataclass(item):
                todo.append(item)  # type: ignore[arg-type]
            part = dataclasses.is_dataclass(inner) or (dataclasses.is_dataclass(item) and not optional)
            if one.name not in WORDS.get(kind, {}) and not part:
                missing.append(f"{kind.__name__}.{one.name}")
    return sorted(missing)
