"""What is wrong with a document that is still being written: everything at once, whatever else is missing.

`rules.parse` refuses an incomplete document whole, so that no contradiction in it would be told before the last gap is
filled. Here the gaps are noted, filled with values that mean nothing, and the rest is checked all the same.
"""

from __future__ import annotations

import copy
import dataclasses
import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from vouchers.policy.checks import check, missing
from vouchers.policy.plain import Problem, SchemeError
from vouchers.policy.rules import Scheme, parse

_FILLERS: dict[Any, Any] = {
    str: "—",
    Decimal: "1",
    int: 1,
    bool: False,
    date: "2000-01-01",
    datetime: "2000-01-01T00:00:00+08:00",
}


def problems_of(document: Mapping[str, Any]) -> list[Problem]:
    """Every gap and contradiction of a plain document, complete or not."""
    try:
        return _of(parse(document))
    except SchemeError as error:
        gaps = error.problems
    filled = copy.deepcopy(dict(document))
    for gap in gaps:
        _fill(Scheme, filled, gap.path.split("."))
    try:
        rest = _of(parse(filled))
    except SchemeError:
        return gaps
    places = {gap.path for gap in gaps}
    holders = {place.rpartition(".")[0] for place in places}
    unknown = tuple(place.removesuffix("kind") for place in places if place.endswith(".kind"))
    return gaps + [
        one
        for one in rest
        if one.path not in places and one.path not in holders and not one.path.startswith(unknown or ("\0",))
    ]


def _of(scheme: Scheme) -> list[Problem]:
    return [*missing(scheme), *check(scheme)]


def _fill(hint: Any, holder: Any, path: list[str]) -> None:
    """Put something that means nothing where the path leads, and leave alone what is no place of the model."""
    if not isinstance(holder, dict):
        return
    name, rest = path[0], path[1:]
    hints = get_type_hints(hint)
    if name not in hints:
        holder.pop(name, None)
        return
    inner = hints[name]
    if not rest:
        holder[name] = _filler(inner)
        return
    element = get_args(inner)[0] if get_origin(inner) is tuple else inner
    if get_origin(inner) is tuple:
        row = _row(holder.get(name), rest[0])
        if row is None:
            holder[name] = []
        elif len(rest) > 1 and dataclasses.is_dataclass(element):
            _fill(element, row, rest[1:])
        else:
            holder[name].remove(row)
    elif dataclasses.is_dataclass(element):
        _fill(element, holder.setdefault(name, {}), rest)
    else:
        holder.pop(name, None)


def _row(rows: Any, mark: str) -> Any:
    if not isinstance(rows, list):
        return None
    for place, row in enumerate(rows, start=1):
        code = row.get("code") if isinstance(row, dict) else None
        if str(code or place) == mark:
            return row
    return None


def _filler(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return None
    if get_origin(hint) is tuple:
        return []
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    if dataclasses.is_dataclass(hint):
        return {
            field.name: _filler(get_type_hints(hint)[field.name])
            for field in dataclasses.fields(hint)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
    return _FILLERS.get(hint, "—")
