"""Frozen records that are made by the million: a dataclass whose constructor fills the instance at one stroke.

`dataclass(frozen=True)` sets each field through `object.__setattr__`, which is most of what a case's facts cost to make.
Equality, `fields`, `replace` and refusal of changes are the dataclass's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def record(cls: type[T]) -> type[T]:
    """`@dataclass(frozen=True, kw_only=True)` with a quick constructor. Fields may not have `init=False` or `__post_init__`."""
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    type.__setattr__(made, "__init__", _constructor(made))
    return made


def _constructor(cls: type[Any]) -> Callable[..., None]:
    known: dict[str, Any] = {"MISSING": dataclasses.MISSING}
    parameters, lines = [], []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        if field.default is not dataclasses.MISSING:
            known[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            known[f"make_{name}"] = field.default_factory
            parameters.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        else:
            parameters.append(name)
        lines.append(f"    values[{name!r}] = {value}")
    source = f"def __init__(self, *, {', '.join(parameters)}):\n    values = self.__dict__\n" + "\n".join(
        lines
    )
    exec(source, known)  # noqa: S102 - as dataclasses does, from the names of our own fields
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = dict(cls.__init__.__annotations__)
    return made
