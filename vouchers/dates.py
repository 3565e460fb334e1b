"""Business time: the only clock of the domain.

Most published schemes ended in 2024 or 2025, so a demonstration fixes the date (setting ``DEMO_DATE``) and every page
says so. The database stamps only when a thing was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
from django.conf import settings
from django.utils import timezone

SHANGHAI = ZoneInfo("Asia/Shanghai")
_fixed: ContextVar[datetime | None] = ContextVar("fixed_business_time", default=None)


def demo_date() -> date | None:
    """The date at which a demonstration stands; None outside one. ``manage.py demo_date`` moves it for all processes."""
    first: date | None = getattr(settings, "DEMO_DATE", None)
    if first is None:
        return None
    path = Path(settings.DEMO_DATE_FILE)
    try:
        found = path.stat()
    except FileNotFoundError:
        return first
    return _written_in(path, found.st_mtime_ns, found.st_ino, found.st_size)


@lru_cache(maxsize=4)
def _written_in(path: Path, changed_at: int, file: int, size: int) -> date:
    """The date in the file as it stands: read again once it was changed or replaced."""
    return date.fromisoformat(path.read_text(encoding="ascii").strip())


def now() -> datetime:
    """The business instant, aware. Under a fixed date the time of day is the real one, so that order is kept."""
    fixed_at = _fixed.get()
    if fixed_at is not None:
        return fixed_at
    real = timezone.now().astimezone(SHANGHAI)
    demo = demo_date()
    if demo is not None:
        return datetime.combine(demo, real.timetz().replace(tzinfo=None), SHANGHAI)
    return real


def today() -> date:
    """The business date in Asia/Shanghai."""
    return now().astimezone(SHANGHAI).date()


@contextmanager
def fixed(moment: date | datetime) -> Iterator[None]:
    """Hold business time still: for tests, and for a demonstration that walks through a year."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(10, 0), SHANGHAI)
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)


@lru_cache(maxsize=2048)
def is_working_day(day: date) -> bool:
    """Whether the State Council's calendar makes it a working day; a year that is not published counts Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(start: date, days: int) -> date:
    """The date that lies ``days`` working days after ``start`` (the day of the start does not count, 民法典 第二百零一条)."""
    day = start
    left = days
    while left > 0:
        day += timedelta(days=1)
        if is_working_day(day):
            left -= 1
    return day


def working_days_between(start: date, end: date) -> int:
    """Working days after ``start`` up to and with ``end``; negative when ``end`` is earlier."""
    if end < start:
        return -working_days_between(end, start)
    return sum(is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))
