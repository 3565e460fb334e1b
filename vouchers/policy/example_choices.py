"""The words that cells of a workbook of worked examples may hold, each with what it stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vouchers.policy.example_words import FINDINGS, SYNONYMS
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import GateKind, Term


@dataclass(frozen=True)
class Choice:
    """A word that a cell may hold, what it stands for, and other words that are read as the same."""

    word: str
    stored: Any
    others: tuple[str, ...] = ()


YES_NO = (
    Choice("是", True, ("有", "对", "真", "Y", "yes", "true", "√", "✓", "1")),
    Choice("否", False, ("无", "没有", "不是", "不", "N", "no", "false", "×", "✗", "0")),
)
NONE_OR_SOME = (Choice("无", False, ("没有", "否", "查无")), Choice("有", True, ("是",)))


def fold(text: str) -> str:
    """A word as words are compared: width, case, spaces and punctuation do not matter."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in plain if one.isalnum() or one in "√✓×✗%.-+")


def named(pairs: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    """Names with their codes; where two have one name, the code is written with it."""
    rows = [(code, name or code) for code, name in pairs]
    seen = [name for _, name in rows]
    return tuple(
        Choice(f"{name}（{code}）" if seen.count(name) > 1 else name, code, (code,)) for code, name in rows
    )


def terms(kind: type[Enum]) -> tuple[Choice, ...]:
    """The terms of a vocabulary by their labels; stored words and synonyms are read as well."""
    return tuple(
        Choice(
            member.label if isinstance(member, Term) else str(member.value),
            str(member.value),
            (str(member.value), *SYNONYMS.get(member, ())),
        )
        for member in kind
    )


def gate_word(scheme: Scheme, gate: Gate) -> str:
    """A condition in short: its kind where the scheme has one of that kind, else what its text says."""
    same = [one for one in scheme.gates if one.kind is gate.kind]
    return (
        gate.kind.label if len(same) == 1 and gate.kind is not GateKind.ATTESTED else gate.text.rstrip("。")
    )


def finding_choices(scheme: Scheme) -> tuple[Choice, ...]:
    """Every finding that an assessment under the scheme may give, by the words that people use."""
    own = [
        Choice(gate_word(scheme, gate), gate.code, (gate.code, gate.text, gate.question))
        for gate in scheme.gates
    ]
    engine = [Choice(word, code, (code,)) for code, word in FINDINGS.items()]
    floors = [Choice(floor.name, f"floor.{floor.code}", (f"floor.{floor.code}",)) for floor in scheme.floors]
    caps = [
        Choice(f"{cap.name}有余额", f"cap.{cap.code}", (f"cap.{cap.code}", cap.name)) for cap in scheme.caps
    ]
    taken: set[str] = set()
    out = []
    for choice in (*own, *engine, *floors, *caps):
        word = choice.word if fold(choice.word) not in taken else f"{choice.word}（{choice.stored}）"
        taken.add(fold(word))
        out.append(Choice(word, choice.stored, choice.others))
    return tuple(out)
