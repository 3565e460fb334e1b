"""Filing windows (申报期): which is open at a moment, which comes next, and whether a case was filed inside one.

A window that repeats states its first time; the others follow from it, at the same day and hour of Beijing time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from vouchers.policy.ages import months_after
from vouchers.policy.facts import Facts
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import Scheme, Window
from vouchers.policy.terms import FindingResult, InForceBy, Repeats, Stage
from vouchers.policy.words import day_words
from vouchers.policy.working import Words, Working

MONTHS_OF = {Repeats.YEARLY: 12, Repeats.QUARTERLY: 3, Repeats.MONTHLY: 1}
"""After how many months a window comes again."""


def later(moment: datetime, months: int) -> datetime:
    """The same day and hour so many months later, Beijing time; the month's last day where there is none."""
    local = moment.astimezone(BEIJING_TIME)
    return datetime.combine(months_after(local.date(), months), local.timetz())


def overlaps_itself(window: Window) -> bool:
    """Whether it would open again before it closes."""
    months = MONTHS_OF.get(window.repeats)
    return months is not None and any(
        later(window.closes_at, step * months) > later(window.opens_at, (step + 1) * months)
        for step in range(12 // months)
    )


def times_of(window: Window, moment: datetime) -> Iterator[Window]:
    """The window as it stands around a moment: the time that it is in or that went before, and the one that follows. Each
    is a window of its own dates that does not repeat."""
    months = MONTHS_OF.get(window.repeats)
    if months is None:
        yield window
        return
    first, local = window.opens_at.astimezone(BEIJING_TIME), moment.astimezone(BEIJING_TIME)
    apart = (local.year - first.year) * 12 + local.month - first.month
    # The month may have come and the day not yet, and a window may reach over the turn of its period: two before are
    # looked at too.
    for step in range(max(apart // months - 2, 0), max(apart // months, 0) + 3):
        one = nth_time(window, step)
        if one is None:
            return
        yield one


def nth_time(window: Window, step: int) -> Window | None:
    """A window that repeats, as it stands the time after so many; None where it does not repeat so long."""
    months = step * MONTHS_OF[window.repeats]
    opens_at = later(window.opens_at, months)
    if window.repeats_until is not None and opens_at.date() >= window.repeats_until:
        return None
    closes_at = later(window.closes_at, months)
    return replace(window, opens_at=opens_at, closes_at=closes_at, repeats=Repeats.NONE, repeats_until=None)


def closed_by(window: Window, moment: datetime) -> list[Window]:
    """Every time of a window that was over by the moment, the first time first."""
    if window.repeats is Repeats.NONE:
        return [window] if window.closes_at <= moment else []
    times: list[Window] = []
    for step in count():
        one = nth_time(window, step)
        if one is None or one.closes_at > moment:
            break
        times.append(one)
    return times


def open_at(windows: Iterable[Window], moment: datetime) -> Window | None:
    """The window that is open at the moment, with the dates of that time."""
    for window in windows:
        for one in times_of(window, moment):
            if one.opens_at <= moment < one.closes_at:
                return one
    return None


def next_after(windows: Iterable[Window], moment: datetime) -> Window | None:
    """The window that opens next after the moment."""
    coming = [one for window in windows for one in times_of(window, moment) if one.opens_at > moment]
    return min(coming, key=lambda one: one.opens_at) if coming else None


def last_before(windows: Iterable[Window], moment: datetime) -> Window | None:
    """The window that closed last before the moment."""
    gone = []
    for window in windows:
        at = moment
        if window.repeats_until is not None:  # long after the last time, the times around the moment are none
            end = datetime.combine(window.repeats_until, datetime.min.time(), BEIJING_TIME)
            at = min(moment, end)
        gone += [one for one in times_of(window, at) if one.closes_at <= moment]
    return max(gone, key=lambda one: one.closes_at) if gone else None


def window_at(scheme: Scheme, moment: datetime) -> Window | None:
    """The window for applications to speak of: that which is open, else the next one, else the last."""
    windows = [one for one in scheme.windows if one.stage is Stage.APPLICATION]
    return open_at(windows, moment) or next_within(scheme, windows, moment) or last_before(windows, moment)


def next_within(scheme: Scheme, windows: Iterable[Window], moment: datetime) -> Window | None:
    """The window that opens next, as long as the version still holds for what is applied for then."""
    coming = next_after(windows, moment)
    if coming is None or scheme.effective_to is None or scheme.in_force_by is not InForceBy.APPLICATION:
        return coming
    return coming if coming.opens_at.astimezone(BEIJING_TIME).date() < scheme.effective_to else None


def check_windows(scheme: Scheme, windows: Sequence[Window], facts: Facts, working: Working) -> None:
    """Whether the case was filed inside a filing window of its stage; nothing where the scheme has none."""
    if not windows:
        return
    first = windows[0]
    if facts.filed_at is None:
        working.find(
            "window",
            FindingResult.NOT_TESTABLE,
            first.cite,
            lambda: ("尚未提交", "提交时将核对是否在申报期内。", ""),
        )
        return
    filed_at = facts.filed_at.astimezone(BEIJING_TIME)
    open_ = open_at(windows, filed_at)
    fact = f"提交于 {filed_at:%Y-%m-%d %H:%M}"
    if open_ is not None:
        name = open_.name
        working.find(
            "window",
            FindingResult.MET,
            open_.cite,
            lambda: (fact, f"{fact}，在{name}内。", ""),
        )
        return

    def tell() -> Words:
        coming = next_within(scheme, windows, filed_at)
        cure = (
            f"下一申报期自 {coming.opens_at.astimezone(BEIJING_TIME):%Y-%m-%d %H:%M} 开始。"
            if coming is not None
            else "本版本没有以后的申报期。"
        )
        return fact, f"{fact}，不在申报期内。", cure

    working.find("window", FindingResult.NOT_MET, first.cite, tell)


def repetition_words(window: Window) -> str:
    """`，每年重复，至2028年1月1日（不含）为止`; empty where it does not repeat."""
    if window.repeats is Repeats.NONE:
        return ""
    until = f"，最后一次在{day_words(window.repeats_until)}以前开始" if window.repeats_until else ""
    return f"，此后{window.repeats.label}同期重复{until}"
