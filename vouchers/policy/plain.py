"""Frozen dataclasses to plain values (dict, list, str, int, bool) and back, strictly.

Plain values are what canonical JSON, YAML and the database's JSON columns hold. Decimals travel as strings without
trailing zeros, dates as ISO 8601, instants in Beijing time. A field that equals its default is left out, so a default is part of the law: never
change one, or publications made before would read differently.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from vouchers.money import number_written

T = TypeVar("T")

BEIJING_TIME = timezone(timedelta(hours=8))
"""The zone in which instants are written and read out; it has had no daylight saving since 1991."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong, where (`caps.enterprise_year.amount`), why, and what is allowed there.

    `line` and `column` count from 1 where the document was a text; 0 where they are not known.
    """

    path: str
    message: str
    allowed: tuple[str, ...] = ()
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """The line and column, and the path where there is one: `第 12 行第 3 列（caps.enterprise_year）`."""
        if not self.line:
            return self.path
        spot = f"第 {self.line} 行第 {self.column} 列"
        return f"{spot}（{self.path}）" if self.path else spot

    def __str__(self) -> str:
        tail = f"（可用：{'、'.join(self.allowed)}）" if self.allowed else ""
        return f"{self.place}：{self.message}{tail}"


class SchemeError(ValueError):
    """The document is refused whole; `problems` names every place."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def decimal_text(value: Decimal) -> str:
    """`0.20` → `"0.2"`, `2E+6` → `"2000000"`: one spelling for one number."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def to_plain(value: Any) -> Any:
    """A dataclass (or a part of one) as plain values; fields at their default are left out. Raises TypeError for what has
    no plain form, a float among it."""
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _writer_of(kind)
    return writer(value)


_WRITERS: dict[type, Callable[[Any], Any]] = {}
"""How each type is written, found out once: facts and assessments are written often."""


def _writer_of(kind: type) -> Callable[[Any], Any]:
    if dataclasses.is_dataclass(kind):
        return _record_writer(kind)
    if issubclass(kind, Enum):
        return lambda value: str(value.value)
    if kind is type(None) or issubclass(kind, (bool, str, int)):
        return lambda value: value
    if issubclass(kind, Decimal):
        return decimal_text
    if issubclass(kind, datetime):
        return lambda value: value.astimezone(BEIJING_TIME).isoformat()
    if issubclass(kind, date):
        return lambda value: value.isoformat()
    if issubclass(kind, (tuple, list)):
        return lambda value: [to_plain(item) for item in value]
    if issubclass(kind, (dict, types.MappingProxyType)):
        return lambda value: {str(key): to_plain(item) for key, item in value.items()}
    raise TypeError(f"{kind.__name__} has no plain form")


def _record_writer(kind: type) -> Callable[[Any], Any]:
    plan = [(field.name, _default_of(field)) for field in dataclasses.fields(kind)]

    def write(value: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, default in plan:
            item = getattr(value, name)
            if item is default or (default is not dataclasses.MISSING and item == default):
                continue
            out[name] = to_plain(item)
        return out

    return write


def _default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def from_plain(cls: type[T], value: Any, path: str = "") -> T:
    """Read `value` as `cls`; raises SchemeError naming every wrong place at once."""
    try:
        return typing.cast(T, _reader(cls)(value))
    except _UNREADABLE:
        pass  # read once more, slowly, to say what is wrong and where
    problems: list[Problem] = []
    result = _read(cls, value, path, problems)
    if problems:
        raise SchemeError(problems)
    return typing.cast(T, result)


_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, InvalidOperation)
_READERS: dict[Any, Callable[[Any], Any]] = {}
"""How each type is read, found out once: facts of many cases are read often. A reader raises one of `_UNREADABLE`."""


def _reader(hint: Any) -> Callable[[Any], Any]:
    reader = _READERS.get(hint)
    if reader is None:
        reader = _READERS[hint] = _reader_of(hint)
    return reader


def _reader_of(hint: Any) -> Callable[[Any], Any]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = _reader(next(arg for arg in get_args(hint) if arg is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(get_args(hint)[0])

        def read_list(value: Any) -> tuple[Any, ...]:
            if not isinstance(value, (list, tuple)):
                raise TypeError(value)
            return tuple([item(one) for one in value])

        return read_list
    if origin in (dict, typing.Mapping) or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):
        entry = _reader(get_args(hint)[1])
        return lambda value: {str(key): entry(one) for key, one in value.items()}
    if dataclasses.is_dataclass(hint):
        return _record_reader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {key: member for member in hint for key in (member.value, member)}.__getitem__
    reader = _SCALARS.get(hint)
    if reader is None:
        raise TypeError(f"{hint!r} cannot be read from plain values")
    return reader


def _record_reader(cls: Any) -> Callable[[Any], Any]:
    hints = _hints(cls)
    plan = {
        field.name: (_reader(hints[field.name]), _has_default(field)) for field in dataclasses.fields(cls)
    }

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(value)
        given = {}
        for name, item in value.items():
            reader, may_be_absent = plan[name]
            if item is not None or not may_be_absent:
                given[name] = reader(item)
        return cls(**given)

    return read


def _read(hint: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        return None if value is None else _read(inner[0], value, path, problems)
    if origin is tuple:
        return _read_list(get_args(hint)[0], value, path, problems)
    if origin in (dict, typing.Mapping) or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):
        return _read_mapping(get_args(hint)[1], value, path, problems)
    if dataclasses.is_dataclass(hint):
        return _read_record(hint, value, path, problems)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _read_term(hint, value, path, problems)
    reader = _SCALARS.get(hint)
    if reader is None:
        raise TypeError(f"{hint!r} cannot be read from plain values")
    try:
        return reader(value)
    except _TooLarge:
        problems.append(Problem(path, f"“{_shown(value)}”位数过多，不是可以办理的金额、比例或数量"))
        return None
    except (ValueError, TypeError, InvalidOperation):
        problems.append(Problem(path, f"“{_shown(value)}”不是{_NAMES[hint]}"))
        return None


def _read_record(hint: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        problems.append(Problem(path, "应为一组“名称: 值”"))
        return None
    hints = _hints(hint)
    fields = {field.name: field for field in dataclasses.fields(hint)}
    strange = [key for key in value if key not in fields]
    problems.extend(Problem(_join(path, str(key)), "没有这一项", tuple(fields)) for key in strange)
    found = len(problems)
    given: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value and not (value[name] is None and _has_default(field)):
            given[name] = _read(hints[name], value[name], _join(path, name), problems)
        elif not _has_default(field):
            problems.append(Problem(_join(path, name), "缺少这一项"))
    return hint(**given) if len(problems) == found else None


def _read_list(hint: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, (list, tuple)):
        problems.append(Problem(path, "应为列表"))
        return ()
    items = []
    for index, item in enumerate(value):
        mark = str(item["code"]) if isinstance(item, dict) and item.get("code") else str(index + 1)
        items.append(_read(hint, item, _join(path, mark), problems))
    return tuple(items)


def _read_mapping(hint: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        problems.append(Problem(path, "应为一组“名称: 值”"))
        return {}
    return {str(key): _read(hint, item, _join(path, str(key)), problems) for key, item in value.items()}


def _read_term(hint: type[Enum], value: Any, path: str, problems: list[Problem]) -> Any:
    try:
        return hint(value)
    except ValueError:
        problems.append(
            Problem(path, f"“{_shown(value)}”不在可用值之内", tuple(str(member.value) for member in hint))
        )
        return None


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class _TooLarge(ValueError):
    """A number of more digits than any amount, rate or quantity has, or so small or large that writing it out takes them."""


_LONGEST_NUMBER = 100
_HIGHEST_POWER = 31
_BEYOND = 10**_HIGHEST_POWER


def _shown(value: Any) -> str:
    """A value as it is quoted in a sentence."""
    if isinstance(value, int) and not -_BEYOND < value < _BEYOND:
        return "…"  # Python refuses to write out a number of thousands of digits
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise TypeError(value)  # a float never comes near money or rates
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise _TooLarge
    if isinstance(value, int) and not -_BEYOND < value < _BEYOND:
        raise _TooLarge  # before it is made into a Decimal, which for a number of many digits takes long
    number = number_written(value) if isinstance(value, str) else Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    if not -_LONGEST_NUMBER < number.adjusted() < _HIGHEST_POWER:
        raise _TooLarge
    return number


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, str):
        value = int(value)
    if not isinstance(value, int):
        raise TypeError(value)
    if not -_BEYOND < value < _BEYOND:
        raise _TooLarge
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise TypeError(value)
    return value if isinstance(value, date) else date.fromisoformat(value)


def _instant(value: Any) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    return instant


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    Decimal: _number,
    int: _integer,
    bool: _flag,
    date: _date,
    datetime: _instant,
}
_NAMES: dict[Any, str] = {
    str: "文字",
    Decimal: "数字(金额、比例请写成带引号的十进制数)",
    int: "整数",
    bool: "true 或 false",
    date: "日期(YYYY-MM-DD)",
    datetime: "带时区的时刻(YYYY-MM-DDTHH:MM:SS+08:00)",
}
_HINTS: dict[Any, dict[str, Any]] = {}


def _hints(cls: Any) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = get_type_hints(cls)
    return _HINTS[cls]
