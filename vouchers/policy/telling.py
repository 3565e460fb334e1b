"""Sentences with their sources, and the care that no value and no source of a part is left untold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from vouchers.policy import words
from vouchers.policy.rules import Citation, Floor, Part, Scheme
from vouchers.policy.terms import Confidence

_LAW = (Confidence.SEED, Confidence.TEXT)


@dataclass(frozen=True)
class Sentence:
    """One statement and where it stands. `switched_off` ones are recorded and not applied; `also` are values in it whose
    source is another than the sentence's."""

    text: str
    cite: Citation | None = None
    switched_off: bool = False
    also: tuple[tuple[str, Citation], ...] = ()
    tells: tuple[str, ...] = ()
    """The fields of its part that it tells: by these a shorter text is chosen (prose_brief)."""

    @property
    def source(self) -> str:
        """The sources as printed behind the sentence."""
        head = words.cite_words(self.cite) if self.cite else ""
        others = [f"{what}：{words.cite_words(cite)}" for what, cite in self.also]
        return "；".join(part for part in (head, *others) if part)

    @property
    def mark(self) -> str:
        """The word beside what no government published or nobody verified; empty where all of it is law."""
        found = [cite.confidence for cite in self._cites if cite.confidence not in _LAW]
        if not found:
            return ""
        word = "第三方转述" if Confidence.HINT in found else "演示设定"
        return word if len(found) == len(self._cites) else f"部分为{word}"

    @property
    def _cites(self) -> list[Citation]:
        return [cite for cite in (self.cite, *(cite for _what, cite in self.also)) if cite is not None]

    @property
    def is_published(self) -> bool:
        """Whether a government's text stands behind all of it."""
        return all(cite.confidence in _LAW for cite in self._cites)


@dataclass(frozen=True)
class Section:
    """A heading and its sentences."""

    title: str
    sentences: tuple[Sentence, ...]


class Telling:
    """Tells a part in sentences and remembers what was told; `rest` tells what no sentence has mentioned."""

    def __init__(self, scheme: Scheme, group: words.Group, part: Part) -> None:
        self.scheme, self.group, self.part = scheme, group, part
        self.kind = type(part)
        self.told: set[str] = set()
        self.sourced: set[str] = set()
        self.own_source_shown = False

    def value(self, name: str) -> str:
        """A value of the part as people write it."""
        return words.write(self.scheme, self.kind, name, getattr(self.part, name), self.part)

    def say(self, text: str, *names: str) -> Sentence:
        """A sentence that tells these fields; the first one's source is the sentence's."""
        self.told.update(names)
        cites = self.part.cites
        first = names[0] if names else ""
        own = [name for name in names if name in cites]
        self.sourced.update(own)
        main = self.part.source(first)
        self.own_source_shown = self.own_source_shown or first not in cites
        also = [
            (f"其中“{words.field_name(self.kind, name)}”", cites[name])
            for name in own
            if name != first and cites[name] != main
        ]
        if first in cites and any(name not in cites for name in names) and self.part.cite != main:
            also.append(("其余", self.part.cite))
            self.own_source_shown = True
        return Sentence(text, main, not getattr(self.part, "switched_on", True), tuple(also), names)

    def rest(self) -> Iterator[Sentence]:
        """A plain sentence for each value that no other sentence told, and for each source that none has shown."""
        for name in words.field_names(self.kind):
            if name in self.told or name in ("code", "track") or not self._states(name):
                continue
            yield self.say(
                f"{self._subject()}的{words.field_name(self.kind, name)}：{self.value(name)}。", name
            )
        for name, cite in self.part.cites.items():
            if name not in self.sourced:
                what = f"{self._subject()}的{words.field_name(self.kind, name)}"
                yield Sentence(f"{what}{self._plain(name)}。", cite)

    def _states(self, name: str) -> bool:
        default = words.default_of(self.kind, name)
        stated: bool = default is dataclasses.MISSING or getattr(self.part, name) != default
        return stated and not (self.kind is Scheme and name not in words.own_fields())

    def _plain(self, name: str) -> str:
        """What stands behind a value whose source no sentence has shown; a section of the scheme only has its source."""
        known = words.own_fields() if self.kind is Scheme else words.field_names(self.kind)
        return f"：{self.value(name)}" if name in known else "依据如后"

    def _subject(self) -> str:
        return words.name_of_part(self.scheme, self.group, self.part)


def whole(telling: Telling, sentences: Iterable[Sentence]) -> list[Sentence]:
    """The sentences of a part with all that they left out; the part's own source is shown at least once."""
    told = [*sentences, *telling.rest()]
    if told and not telling.own_source_shown and all(one.cite != telling.part.cite for one in told):
        told[0] = replace(told[0], also=(*told[0].also, ("其余", telling.part.cite)))
    return told


def where(telling: Telling) -> str:
    """Stages and tracks in brackets, where a part names them."""
    part: Any = telling.part
    found = []
    if (part.stages and part.stages != words.default_of(telling.kind, "stages")) or isinstance(part, Floor):
        found.append(f"{telling.value('stages')}时适用")
    if part.tracks:
        found.append(f"限于{telling.value('tracks')}")
    return f"（{'；'.join(found)}）" if found else ""


def state(text: str, on: bool) -> str:
    return f"{text}。" if on else f"{text}。此条只作记载，未启用。"


def last_day(day: date) -> str:
    return words.day_words(day - timedelta(days=1))


def sentence(text: str) -> str:
    return f"{text.rstrip('。')}。"
