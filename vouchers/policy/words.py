"""The rule model in people's words: how a part is named, and how a value and its source are written.

Prose and the difference of two versions speak with these words, so that a value is written the same wherever it is read.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.policy import rules
from vouchers.policy.citations import document_words
from vouchers.policy.names import (
    ABSENT,
    ABSENT_WORDS,
    BARE_NUMBERS,
    CITATION_FIELDS,
    CLASS_CODES,
    FIELDS,
    FRACTIONS,
    GATE_VALUES,
    GROUP_BY_NAME,
    GROUPS,
    OWN_SETTING,
    STORED,
    TRACK_CODES,
    UNITS,
    UNLIMITED,
    UNTIL,
    Group,
)
from vouchers.policy.plain import BEIJING_TIME, decimal_text
from vouchers.policy.rules import Part, Scheme
from vouchers.policy.terms import Confidence, FloorMeasure, Term
from vouchers.policy.working import money, percent

__all__ = ["GROUPS", "Group"]


_LISTS = frozenset(field.name for field in dataclasses.fields(Scheme) if str(field.type).startswith("tuple"))


def group_of(name: str) -> Group:
    """The section that a field of the Scheme belongs to."""
    return GROUP_BY_NAME[name]


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a part in the order of the rule model, without its citations."""
    return tuple(field.name for field in dataclasses.fields(kind) if field.name not in CITATION_FIELDS)


def own_fields() -> tuple[str, ...]:
    """The Scheme's own values: all that is no part."""
    return tuple(name for name in field_names(Scheme) if name not in GROUP_BY_NAME)


def field_name(kind: type[Any], name: str) -> str:
    """What the field is called; its stored name only where it has no name yet."""
    if kind is Scheme and name in GROUP_BY_NAME:
        return GROUP_BY_NAME[name].title
    return FIELDS.get(kind, {}).get(name, name)


def parts_of(scheme: Scheme, name: str) -> tuple[Any, ...]:
    """The parts of a section; a single part as a list of one."""
    value = getattr(scheme, name)
    return value if isinstance(value, tuple) else (value,)


def is_list(name: str) -> bool:
    """Whether a section may have several parts."""
    return name in _LISTS


def default_of(kind: type[Any], name: str) -> Any:
    """The default of a field; MISSING where it has none."""
    field = next(one for one in dataclasses.fields(kind) if one.name == name)
    if field.default is not dataclasses.MISSING:
        return field.default
    return (
        field.default_factory() if field.default_factory is not dataclasses.MISSING else dataclasses.MISSING
    )


def name_of_part(scheme: Scheme, group: Group, part: Any) -> str:
    """A part as a sentence names it: `限额“单个企业年度限额”`."""
    if not is_list(group.name):
        return group.noun
    if isinstance(part, rules.Document):
        return f"{group.noun}{title_words(part.title or part.document_no)}"
    if isinstance(part, rules.Rate):
        return f"{group.noun}“{rate_name(scheme, part)}”"
    if isinstance(part, rules.ScoreRate):
        return f"{group.noun}“评分 {decimal_text(part.score_from)} 分以上”"
    label = getattr(part, "name", "") or getattr(part, "text", "") or getattr(part, "treasury", "")
    return f"{group.noun}“{label.rstrip('。') or part.code}”"


def unit_of(scheme: Scheme, name: str, part: Any) -> str:
    """The unit of a band or a minimum that is no amount but a scale: that of its track; empty for yuan."""
    by_band = isinstance(part, rules.Rate) and name in ("band_from", "band_to")
    by_floor = isinstance(part, rules.Floor) and part.measure is FloorMeasure.SCALE
    if not (by_band or by_floor):
        return ""
    codes = (part.track,) if by_band else part.tracks or tuple(track.code for track in scheme.tracks)
    units = {track.scale_unit.label for track in scheme.tracks if track.code in codes and track.scale_unit}
    return units.pop() if len(units) == 1 else ("规模单位" if units or by_floor else "")


def in_unit(value: Decimal, unit: str) -> str:
    """An amount of yuan, or a scale in its unit."""
    return f"{decimal_text(value)} {unit}" if unit else money(value)


def title_words(title: str) -> str:
    """A title in its marks, unless it has its own."""
    return title if "《" in title else f"《{title}》"


def rate_name(scheme: Scheme, rate: rules.Rate) -> str:
    """A rate by what it holds for: `国产`, `初创企业，训练`; by its track where it holds for all."""
    words = _conditions(scheme, rate)
    if rate.band_from is not None or rate.band_to is not None:
        words.append(band_words(rate))
    track = named(scheme, "tracks", rate.track)
    return f"{track}：{'，'.join(words)}" if words else track


def _conditions(scheme: Scheme, rate: rules.Rate) -> list[str]:
    words = [
        write(scheme, rules.Rate, name, getattr(rate, name))
        for name in ("classes", "chip_origins", "purposes", "components")
        if getattr(rate, name)
    ]
    if rate.completion_from is not None:
        words.append(f"完成度 {percent(rate.completion_from)} 以上")
    return words


def conditions_words(scheme: Scheme, rate: rules.Rate) -> str:
    """For what a rate holds, without its band: `国产`, `初创企业，训练`, `其余`."""
    return "，".join(_conditions(scheme, rate)) or "其余"


def band_words(rate: rules.Rate) -> str:
    """The band of a rate: `500,000.00 元以上（含）、不足 1,000,000.00 元`."""

    def border(value: Decimal) -> str:
        return money(value) if rate.unit_amount is None else f"{decimal_text(value)} 个规模单位"

    low = f"{border(rate.band_from)}以上（含）" if rate.band_from is not None else ""
    high = f"不足 {border(rate.band_to)}" if rate.band_to is not None else ""
    return "、".join(part for part in (low, high) if part)


def named(scheme: Scheme, group: str, code: str) -> str:
    """The name behind a code; with the code where two have one name, and the code alone where none has it."""
    found = [part.name for part in getattr(scheme, group) if part.code == code]
    if not found:
        return f"“{code}”（没有这一项）" if code else ABSENT
    same = Counter(part.name for part in getattr(scheme, group))[found[0]]
    return f"{found[0]}（{code}）" if same > 1 or not found[0] else found[0]


def write(scheme: Scheme, kind: type[Any], name: str, value: Any, part: Any = None) -> str:
    """A value as people write it. `scheme` gives codes their names; `part` its kind of condition."""
    if value is None or value in ("", ()):
        absent = UNLIMITED if isinstance(value, tuple) else ABSENT
        return ABSENT_WORDS.get((kind, name), absent)
    if isinstance(value, tuple):
        return "、".join(_word(scheme, kind, name, one, part) for one in value)
    return _word(scheme, kind, name, value, part)


def _word(scheme: Scheme, kind: type[Any], name: str, value: Any, part: Any) -> str:
    if isinstance(value, Term):
        return value.label
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        if name in FRACTIONS:
            return percent(value)
        if name in UNITS or name in BARE_NUMBERS:
            return f"{decimal_text(value)}{UNITS.get(name, '')}"
        return in_unit(value, unit_of(scheme, name, part))
    if isinstance(value, int):
        return f"{value}{UNITS.get(name, '')}"
    if isinstance(value, datetime):
        return instant_words(value)
    if isinstance(value, date):
        return f"{day_words(value)}{'（该日不含）' if name in UNTIL else ''}"
    return _text(scheme, kind, name, str(value), part)


def _text(scheme: Scheme, kind: type[Any], name: str, value: str, part: Any) -> str:
    if name in TRACK_CODES:
        return named(scheme, "tracks", value)
    if name in CLASS_CODES:
        return named(scheme, "classes", value)
    if kind is rules.Gate and name == "values" and part is not None:
        return gate_value(part.kind.value, value)
    if name == "year_starts":
        month, _, day = value.partition("-")
        return f"{int(month)} 月 {int(day)} 日" if month.isdecimal() and day.isdecimal() else value
    return STORED.get((kind, name), {}).get(value, value)


def gate_value(gate_kind: str, value: str) -> str:
    """A value of a condition: the word of the vocabulary that its kind uses."""
    return GATE_VALUES.get(gate_kind, {}).get(value, value)


def day_words(day: date) -> str:
    """`2025年7月1日`."""
    return f"{day.year}年{day.month}月{day.day}日"


def instant_words(moment: datetime) -> str:
    """`2025年7月1日 09:00`, Beijing time; seconds only where there are any."""
    local = moment.astimezone(BEIJING_TIME)
    clock = f"{local:%H:%M}"
    if local.second or local.microsecond:
        clock = f"{local:%H:%M:%S}" + (f".{local.microsecond:06d}" if local.microsecond else "")
    return f"{day_words(local.date())} {clock}"


def cite_words(cite: rules.Citation) -> str:
    """A source, whole: place, how sure, and what is said of it."""
    place = cite.place
    if cite.confidence is Confidence.DEMO:
        place = (
            cite.printed
            if (cite.document_no, cite.article) == (OWN_SETTING, "")
            else f"{cite.printed}{place}"
        )
    elif cite.confidence is Confidence.HINT:
        place = cite.printed
    else:
        place = f"{place}（{cite.confidence.label}）"
    return f"{place}，{cite.note}" if cite.note and cite.note not in place else place


def leaves(scheme: Scheme, part: Part | rules.Document) -> Iterator[tuple[str, str]]:
    """(name, value) of everything that a part states beyond the defaults, but its code."""
    kind = type(part)
    for name in field_names(kind):
        value = getattr(part, name)
        default = default_of(kind, name)
        if name != "code" and (default is dataclasses.MISSING or value != default):
            yield field_name(kind, name), write(scheme, kind, name, value, part)


def write_citation(name: str, value: Any) -> str:
    """A field of a source as people write it."""
    if isinstance(value, Term):
        return value.label
    return document_words(value) if name == "document_no" else value or "未注明"
