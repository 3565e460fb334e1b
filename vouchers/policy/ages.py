"""Lengths of time in months, as the law counts them, and an applicant's age by them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from vouchers.policy.facts import Facts
from vouchers.policy.terms import Border

_INCLUDED = Border.INCLUDED


@lru_cache(maxsize=1 << 14)
def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day where there is none (民法典 第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("unreachable")


def reference_day(facts: Facts) -> date:
    """The day on which an applicant's own conditions are held: that of the application, else of the assessment."""
    return facts.applied_on or facts.on


def at_most(born: date, months: int, day: date, border: Border) -> bool:
    """Whether on that day no more than so many months have passed (不超过); where the border is excluded, fewer (不满)."""
    due = months_after(born, months)
    return day <= due if border is _INCLUDED else day < due


def at_least(born: date, months: int, day: date, border: Border) -> bool:
    """Whether on that day so many months are full (满); where the border is excluded, more have passed (超过)."""
    due = months_after(born, months)
    return day >= due if border is _INCLUDED else day > due
