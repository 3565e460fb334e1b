"""Every value of a scheme, one at a time: where it stands, and the scheme with another value in its place.

Works on the rule model as it is: a new field is walked and filled without a word here.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin

from vouchers.policy import rules
from vouchers.policy.plain import BEIJING_TIME, _hints
from vouchers.policy.rules import Citation, Scheme


@dataclass(frozen=True)
class Mutation:
    """The scheme with one value changed. `path` ends in the field's name."""

    path: str
    before: Any
    after: Any
    scheme: Scheme


def mutations(scheme: Scheme) -> Iterator[Mutation]:
    """One mutation a value of the scheme, its parts and their sources."""
    for path, before, after, changed in _of(Scheme, scheme, ""):
        yield Mutation(path, before, after, changed)


def _of(kind: Any, record: Any, path: str) -> Iterator[tuple[str, Any, Any, Any]]:
    hints = _hints(kind)
    for field in dataclasses.fields(kind):
        value = getattr(record, field.name)
        for inner, before, after, new in _changed(hints[field.name], value, f"{path}.{field.name}"):
            yield inner, before, after, dataclasses.replace(record, **{field.name: new})


def _changed(hint: Any, value: Any, path: str) -> Iterator[tuple[str, Any, Any, Any]]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
        if value is None:
            yield path, None, other(hint, None), other(hint, None)
            return
        yield from _changed(hint, value, path)
        return
    if origin is tuple:
        inner = get_args(hint)[0]
        if dataclasses.is_dataclass(inner):
            for place, one in enumerate(value):
                name = getattr(one, "code", "") or str(place)
                for deep, before, after, new in _of(inner, one, f"{path}.{name}"):
                    yield deep, before, after, (*value[:place], new, *value[place + 1 :])
        else:
            full = isinstance(inner, type) and issubclass(inner, Enum) and set(inner) == set(value)
            new = value[:-1] if full else (*value, other(inner, value[-1] if value else None, value))
            yield path, value, new, new
        return
    if isinstance(origin, type) and issubclass(origin, Mapping):
        for key, one in value.items():
            for deep, before, after, new in _of(Citation, one, f"{path}.{key}"):
                yield deep, before, after, {**value, key: new}
        return
    if dataclasses.is_dataclass(hint):
        yield from _of(hint, value, path)
        return
    new = other(hint, value)
    yield path, value, new, new


def other(hint: Any, value: Any, beside: tuple[Any, ...] = ()) -> Any:
    """Another value of the same kind."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(member for member in hint if member is not value and member not in beside)
    if hint is bool:
        return not value
    if hint is int:
        return (value or 0) + 7
    if hint is Decimal:
        return (value or Decimal(0)) + Decimal("0.13")
    if hint is datetime:
        return (value or datetime(2025, 3, 1, 9, tzinfo=BEIJING_TIME)) + timedelta(hours=5)
    if hint is date:
        return (value or date(2025, 3, 1)) + timedelta(days=9)
    assert hint is str, hint
    return f"{value or ''}另"


def whole_scheme() -> Scheme:
    """A scheme in which every field of every part states something that is not its default."""
    return typing.cast(Scheme, _filled(Scheme, "scheme"))


def _filled(hint: Any, name: str, place: str = "") -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _filled(next(arg for arg in get_args(hint) if arg is not type(None)), name, place)
    if origin is tuple:
        return tuple(_filled(get_args(hint)[0], name, mark) for mark in ("甲", "乙"))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    if dataclasses.is_dataclass(hint):
        return _filled_record(hint, place)
    if hint is str:
        return f"{name}{place}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = list(hint)
        return members[0] if place == "乙" else members[-1]
    return other(hint, None)


def _filled_record(kind: Any, place: str) -> Any:
    hints = _hints(kind)
    given = {}
    for field in dataclasses.fields(kind):
        value = _filled(hints[field.name], field.name, place)
        plain = not dataclasses.is_dataclass(value) and field.default is not dataclasses.MISSING
        given[field.name] = other(hints[field.name], value) if plain and value == field.default else value
    record = kind(**given)
    if not isinstance(record, rules.Part):
        return record
    sources = {
        field.name: dataclasses.replace(record.cite, note=f"{field.name}的出处")
        for field in dataclasses.fields(kind)
        if field.name not in ("cite", "cites", "code") and not _holds_parts(hints[field.name])
    }
    return dataclasses.replace(record, cites=sources)


def _holds_parts(hint: Any) -> bool:
    return dataclasses.is_dataclass(get_args(hint)[0] if get_origin(hint) is tuple else hint)
