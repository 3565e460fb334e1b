"""When the pool runs short: what each of the cases that compete for it gets, by the rule that the text states.

Pure, and to the fen: nobody gets more than was assessed, and all together never more than is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from vouchers.money import yuan
from vouchers.policy.terms import Shortage

_NEVER = datetime.max.replace(tzinfo=UTC)
"""Where no filing time is known a case stands behind those whose time is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """A case that asks the pool for `amount` (yuan, as assessed without the pool). `score` is the reviewers' (higher is better)."""

    case_no: str
    amount: Decimal
    filed_at: datetime | None = None
    score: Decimal | None = None


def allocate(rule: Shortage, left: Decimal, contenders: Iterable[Contender]) -> dict[str, Decimal]:
    """Yuan for each case by its number, when `left` is what the pool still has.

    While the pool suffices for all, each gets what was assessed, whatever the rule. Else:

    - `first_come` (先到先得，额满即止): in the order of filing (then of case numbers) each in full, the one at whom the pool runs
      out what is left, those behind nothing.
    - `by_score` (按评分排序): the same in the order of scores, highest first, equal scores by filing, unscored cases last.
    - `pro_rata` (同批按比例): each the same fraction, to the fen; the fen that truncation leaves go one each to the largest
      remainders (equal ones by filing, then number), so that the batch takes exactly what is left.
    - `stop` (停止受理): in the order of filing each in full; from the first that does not fit in full on, nobody gets anything.
    - `not_stated`: no rule is invented; the pool's cap alone binds, in the order of filing, as `first_come`.

    Raises ValueError for an amount that is negative or finer than a fen, and for a case number that stands twice.
    """
    cases = sorted(contenders, key=_by_filing)
    asked = {case.case_no: _fen(case.amount) for case in cases}
    if len(asked) != len(cases):
        raise ValueError("a case number stands twice")
    room = max(_fen(left), 0) if left >= 0 else 0
    if sum(asked.values()) <= room:
        given = asked
    elif rule is Shortage.PRO_RATA:
        given = _in_proportion(asked, room)
    elif rule is Shortage.STOP:
        given = _until_one_does_not_fit(asked, room)
    elif rule is Shortage.BY_SCORE:
        order = sorted(cases, key=_by_score)  # a stable sort: equal scores stay in the order of filing
        given = _in_turn({case.case_no: asked[case.case_no] for case in order}, room)
    else:
        given = _in_turn(asked, room)
    return {case.case_no: Decimal(given[case.case_no]).scaleb(-2) for case in cases}


def _by_filing(case: Contender) -> tuple[datetime, str]:
    return (case.filed_at or _NEVER, case.case_no)


def _by_score(case: Contender) -> tuple[bool, Decimal]:
    return (case.score is None, -(case.score or Decimal(0)))


def _fen(amount: Decimal) -> int:
    fen = int(yuan(amount).scaleb(2))
    if fen < 0:
        raise ValueError(f"a negative amount: {amount}")
    return fen


def _in_turn(asked: dict[str, int], room: int) -> dict[str, int]:
    given = {}
    for case_no, fen in asked.items():
        given[case_no] = min(fen, room)
        room -= given[case_no]
    return given


def _until_one_does_not_fit(asked: dict[str, int], room: int) -> dict[str, int]:
    given = dict.fromkeys(asked, 0)
    for case_no, fen in asked.items():
        if fen > room:
            break
        given[case_no] = fen
        room -= fen
    return given


def _in_proportion(asked: dict[str, int], room: int) -> dict[str, int]:
    """Truncated shares, then a fen each to the largest remainders. A share is below what was asked, so a fen more is still within."""
    total = sum(asked.values())
    given = {case_no: fen * room // total for case_no, fen in asked.items()}
    over = room - sum(given.values())
    largest = sorted(asked, key=lambda case_no: -(asked[case_no] * room % total))
    for case_no in largest[:over]:
        given[case_no] += 1
    return given
