"""Granting by batch (整批核定): which versions ask for it, what a case comes to before its batch, and how a batch shares out.

Pure. A batch shares out what is left of every pool that its members draw on, one pool after the other: a pool can only take
away, so what all of them leave is within each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from vouchers.policy.facts import Facts
from vouchers.policy.rules import Scheme, Window
from vouchers.policy.shortage import Contender, allocate
from vouchers.policy.terms import CapSubject, IssueWay, Shortage, Stage
from vouchers.policy.windows import open_at
from vouchers.policy.working import money

SHARED = (CapSubject.POOL, CapSubject.BATCH)
"""Caps that the cases of a batch compete for."""


def grants_by_batch(scheme: Scheme) -> bool:
    """Whether a version grants its cases only together: its text shares a short pool out over a batch, counts a cap by batch,
    or has the office make the list."""
    if scheme.issue.way is IssueWay.INSTANT:
        return False
    return (
        scheme.issue.shortage in (Shortage.PRO_RATA, Shortage.BY_SCORE)
        or scheme.issue.way is IssueWay.WITHOUT_APPLICATION
        or any(cap.switched_on and cap.subject is CapSubject.BATCH for cap in scheme.caps)
    )


def asks_for_a_score(scheme: Scheme) -> bool:
    """Whether each application needs a score, by which the batch is put in order."""
    return scheme.issue.shortage is Shortage.BY_SCORE


_NEVER = datetime.max.replace(tzinfo=UTC)
_apart: dict[int, tuple[Scheme, Scheme]] = {}
_KEPT = 64


def terms_for(scheme: Scheme, facts: Facts) -> Scheme:
    """The terms that a case is held against: before it has a batch, those without the pools that its batch will share out.

    Where a version grants by batch, what is left of a pool is never one application's alone, so nothing is cut from it singly.
    The same scheme always gives the same object, as the engine keeps what it compiled by it.
    """
    if facts.stage is not Stage.APPLICATION or facts.batch_no or not grants_by_batch(scheme):
        return scheme
    known = _apart.get(id(scheme))
    if known is not None and known[0] is scheme:
        return known[1]
    apart = replace(scheme, caps=tuple(cap for cap in scheme.caps if cap.subject not in SHARED))
    while len(_apart) >= _KEPT:
        _apart.pop(next(iter(_apart)), None)
    _apart[id(scheme)] = (scheme, apart)
    return apart


def filing_window(scheme: Scheme, filed_at: datetime) -> Window | None:
    """The filing window of applications that the moment lies in, with the dates of that time; None where the version has
    none, or it lies in none."""
    return open_at((one for one in scheme.windows if one.stage is Stage.APPLICATION), filed_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What is left of one pool, in yuan, and the cases that draw on it."""

    code: str
    name: str
    left: Decimal
    members: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one pool did to one case: asked of it and given, in yuan, and why."""

    code: str
    asked: Decimal
    given: Decimal
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Allotted:
    """What a batch gives one case, in yuan, and the steps that led there; none where every pool suffices."""

    case_no: str
    asked: Decimal
    given: Decimal
    place: int
    steps: tuple[Step, ...] = ()


def share_out(rule: Shortage, rooms: Iterable[Room], contenders: Sequence[Contender]) -> dict[str, Allotted]:
    """What each case of a batch gets, by its number.

    Every pool in turn, that of the fewest cases first, then by its code: `shortage.allocate` over its cases, on what the pools
    before it left. Nobody gets more than was assessed, and all cases of a pool together never more than is left of it.
    Raises ValueError as `allocate` does.
    """
    amounts = {case.case_no: case.amount for case in contenders}
    steps: dict[str, list[Step]] = {number: [] for number in amounts}
    places = {case.case_no: place for place, case in enumerate(in_order(rule, contenders), start=1)}
    for room in sorted(rooms, key=lambda one: (len(one.members), one.code)):
        drawing = [
            replace(case, amount=amounts[case.case_no]) for case in contenders if case.case_no in room.members
        ]
        asked = sum((case.amount for case in drawing), Decimal(0))
        given = allocate(rule, room.left, drawing)
        if asked <= max(room.left, Decimal(0)):
            continue
        total = sum(given.values(), Decimal(0))
        for case in drawing:
            sentence = _sentence(rule, room, case, given[case.case_no], asked, total, places[case.case_no])
            steps[case.case_no].append(
                Step(code=room.code, asked=case.amount, given=given[case.case_no], sentence=sentence)
            )
        amounts |= given
    return {
        case.case_no: Allotted(
            case_no=case.case_no,
            asked=case.amount,
            given=amounts[case.case_no],
            place=places[case.case_no],
            steps=tuple(steps[case.case_no]),
        )
        for case in contenders
    }


def in_order(rule: Shortage, contenders: Iterable[Contender]) -> list[Contender]:
    """The cases in the order in which the rule serves them: by score, highest first, where it goes by score; else by filing."""
    cases = sorted(contenders, key=lambda case: (case.filed_at or _NEVER, case.case_no))
    if rule is not Shortage.BY_SCORE:
        return cases
    return sorted(cases, key=lambda case: (case.score is None, -(case.score or Decimal(0))))


def _sentence(
    rule: Shortage, room: Room, case: Contender, given: Decimal, asked: Decimal, total: Decimal, place: int
) -> str:
    head = f"{room.name}尚余 {money(room.left)}，本批合计 {money(asked)}，不足分配"
    if rule is Shortage.PRO_RATA:
        fen = [int(amount.scaleb(2)) for amount in (case.amount, room.left, asked)]
        down = Decimal(fen[0] * fen[1] // fen[2]).scaleb(-2)
        extra = "，截去的尾差按最大余数分到本件 0.01 元" if given > down else "，不足一分的舍去"
        return (
            f"{head}。按同一比例：{money(case.amount)} × {money(room.left)} ÷ {money(asked)}"
            f" = {money(down)}{extra}，计 {money(given)}。"
        )
    order = "按评分" if rule is Shortage.BY_SCORE else "按提交先后"
    points = (
        f"得分 {case.score.normalize():f}，" if rule is Shortage.BY_SCORE and case.score is not None else ""
    )
    if given == case.amount:
        return f"{head}。{order}分配，{points}本件列第 {place} 位，足额计 {money(given)}。"
    if given:
        return f"{head}。{order}分配，{points}本件列第 {place} 位，分配至本件时所余 {money(given)}，计 {money(given)}。"
    why = "自首件不能足额支持的起停止，" if rule is Shortage.STOP else "资金已分配完毕，"
    return f"{head}。{order}分配，{points}本件列第 {place} 位，{why}计 {money(given)}。"


def totals(allotted: Mapping[str, Allotted]) -> tuple[Decimal, Decimal]:
    """Asked and given, over all cases of a batch."""
    return (
        sum((one.asked for one in allotted.values()), Decimal(0)),
        sum((one.given for one in allotted.values()), Decimal(0)),
    )
