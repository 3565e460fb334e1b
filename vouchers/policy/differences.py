"""What changed from one version to another, part by part in the ordinance's order, in people's words.

Nothing is left out: the list is empty exactly when both versions have the same canonical bytes. Parts are matched by their
code (documents by number); a part that appears twice under one code is matched by its place among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vouchers.policy import rules, words
from vouchers.policy.plain import to_plain
from vouchers.policy.rules import Citation, Scheme
from vouchers.policy.words import GROUPS, Group

Key = tuple[str, int]
"""A part's code, and which of that code it is."""


class ChangeKind(StrEnum):
    """How something differs; `label` is the word beside the mark."""

    label: str

    def __new__(cls, value: str, label: str) -> ChangeKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    ADDED = "added", "新增"
    REMOVED = "removed", "取消"
    CHANGED = "changed", "修改"
    MOVED = "moved", "次序变动"


@dataclass(frozen=True)
class Change:
    """One difference. `before` and `after` are the values as people write them, empty where there is none."""

    kind: ChangeKind
    subject: str
    label: str
    before: str
    after: str
    source: str = ""
    is_source: bool = False
    """The difference is one of the source, not of the rule."""

    @property
    def sentence(self) -> str:
        """The difference in one sentence."""
        where = f"{self.subject}的{self.label}" if self.label else self.subject
        source = f"（依据：{self.source}）" if self.source else ""
        if self.kind is ChangeKind.ADDED:
            return f"新增{where}{f'：{self.after}' if self.after else ''}{source}。"
        if self.kind is ChangeKind.REMOVED:
            return f"取消{where}{f'：{self.before}' if self.before else ''}{source}。"
        return f"{where}：{self.before} → {self.after}{source}。"


@dataclass(frozen=True)
class ChangedSection:
    """The differences of one section."""

    title: str
    changes: tuple[Change, ...]

    @property
    def rules_change(self) -> bool:
        """Whether more than sources changed."""
        return any(not change.is_source for change in self.changes)


def compare(before: Scheme, after: Scheme) -> list[ChangedSection]:
    """Every difference, by section; sections without any are left out."""
    sections = []
    for group in GROUPS:
        if not group.name:
            changes = list(_fields(before, after, group, before, after, words.own_fields()))
        elif words.is_list(group.name):
            changes = list(_parts(before, after, group))
        else:
            old, new = getattr(before, group.name), getattr(after, group.name)
            changes = list(_fields(before, after, group, old, new, words.field_names(type(new))))
        if changes:
            sections.append(ChangedSection(group.title, tuple(changes)))
    return sections


def _keyed(parts: Sequence[Any]) -> dict[Key, Any]:
    seen: Counter[str] = Counter()
    out = {}
    for part in parts:
        code = part.document_no if isinstance(part, rules.Document) else part.code
        out[(code, seen[code])] = part
        seen[code] += 1
    return out


def _parts(before: Scheme, after: Scheme, group: Group) -> Iterator[Change]:
    old, new = _keyed(getattr(before, group.name)), _keyed(getattr(after, group.name))
    for key, part in old.items():
        if key not in new:
            yield _whole(before, group, part, ChangeKind.REMOVED)
    for key, part in new.items():
        if key not in old:
            yield _whole(after, group, part, ChangeKind.ADDED)
        else:
            yield from _fields(before, after, group, old[key], part, words.field_names(type(part)))
    common_before = [key for key in old if key in new]
    common_after = [key for key in new if key in old]
    if common_before != common_after:
        yield Change(
            ChangeKind.MOVED,
            f"{group.noun}的次序",
            "",
            "；".join(_short(before, group, old[key]) for key in common_before),
            "；".join(_short(after, group, new[key]) for key in common_after),
        )


def _short(scheme: Scheme, group: Group, part: Any) -> str:
    return words.name_of_part(scheme, group, part).removeprefix(group.noun)


def _whole(scheme: Scheme, group: Group, part: Any, kind: ChangeKind) -> Change:
    """A part that only one version has, with all that it states."""
    stated = "；".join(f"{label}：{value.rstrip('。')}" for label, value in words.leaves(scheme, part))
    subject = words.name_of_part(scheme, group, part)
    before, after = (stated, "") if kind is ChangeKind.REMOVED else ("", stated)
    return Change(kind, subject, "", before, after, _sources(part))


def _sources(part: Any) -> str:
    if isinstance(part, rules.Document):
        return ""
    own = [
        f"其中“{words.field_name(type(part), name)}”：{words.cite_words(cite)}"
        for name, cite in part.cites.items()
    ]
    return "；".join((words.cite_words(part.cite), *own))


def _fields(
    before: Scheme, after: Scheme, group: Group, old: Any, new: Any, names: Sequence[str]
) -> Iterator[Change]:
    """The differences of one part that both versions have."""
    kind = type(new)
    subject = words.name_of_part(after, group, new)
    for name in names:
        was, now = getattr(old, name), getattr(new, name)
        if to_plain(was) != to_plain(now):
            yield _value(before, after, kind, subject, name, old, new)
    if isinstance(new, rules.Document):
        return
    yield from _citations(subject, kind, old, new)


def _value(
    before: Scheme, after: Scheme, kind: type[Any], subject: str, name: str, old: Any, new: Any
) -> Change:
    was, now = getattr(old, name), getattr(new, name)
    same_words = isinstance(was, tuple) and isinstance(now, tuple) and sorted(was) == sorted(now)
    cite = "" if isinstance(new, rules.Document) else words.cite_words(new.source(name))
    written = [words.write(before, kind, name, was, old), words.write(after, kind, name, now, new)]
    if written[0] == written[1]:  # two codes of one name: say the codes
        written = [f"{text}（{to_plain(value)}）" for text, value in zip(written, (was, now), strict=True)]
    label = words.field_name(kind, name)
    return Change(
        ChangeKind.MOVED if same_words else ChangeKind.CHANGED, subject, label, written[0], written[1], cite
    )


def _citations(subject: str, kind: type[Any], old: Any, new: Any) -> Iterator[Change]:
    if old.cite != new.cite:
        yield from _citation(subject, "出处", old.cite, new.cite)
    for name in dict.fromkeys((*old.cites, *new.cites)):
        was, now = old.cites.get(name), new.cites.get(name)
        if was != now:
            yield from _citation(subject, f"{words.field_name(kind, name)}的出处", was, now)


def _citation(subject: str, label: str, was: Citation | None, now: Citation | None) -> Iterator[Change]:
    if was is None or now is None:
        yield Change(
            ChangeKind.ADDED if was is None else ChangeKind.REMOVED,
            subject,
            label,
            _whole_citation(was),
            _whole_citation(now),
            is_source=True,
        )
        return
    for name in words.field_names(Citation):
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            yield Change(
                ChangeKind.CHANGED,
                subject,
                f"{label}（{words.field_name(Citation, name)}）",
                words.write_citation(name, before),
                words.write_citation(name, after),
                is_source=True,
            )


def _whole_citation(cite: Citation | None) -> str:
    if cite is None:
        return ""
    place = f"{cite.place}，{cite.confidence.label}"
    return f"{place}，{cite.note}" if cite.note else place
