"""日结与核对: every day closes with a trial balance, and every night the ledger is looked at; both leave a row."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from vouchers import dates
from vouchers.actions.ledger_check import check_ledger, invariants
from vouchers.context import Actor, acting, announce
from vouchers.dates import SHANGHAI
from vouchers.models import DayClose, LedgerCheck, LedgerTransfer

KEPT = 500
"""So many findings are kept with a check; the count is of all."""


def due_days() -> list[tuple[date, datetime]]:
    """The days that are over and not closed, the oldest first, each with the instant before which its transfers were recorded.

    A day is the calendar day of recording in Shanghai, and is over at midnight. While the business date is held still (a
    demonstration), it is the business day, and everything recorded until now belongs to it.
    """
    real = timezone.now()
    today, business = real.astimezone(SHANGHAI).date(), dates.today()
    last = DayClose.objects.order_by("-day").first()
    if business > today:
        return []  # held still in the future: such a day cannot be over
    if business != today:
        return [] if last is not None and last.day >= business else [(business, real)]
    if last is not None:
        first = last.day + timedelta(days=1)
    else:
        oldest = LedgerTransfer.objects.order_by("recorded_at").first()
        first = oldest.recorded_at.astimezone(SHANGHAI).date() if oldest else today - timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    return [(day, datetime.combine(day + timedelta(days=1), time(), SHANGHAI)) for day in days]


def close_day(day: date, before: datetime) -> DayClose | None:
    """Close one day; None when it is closed already, or lies before one that is. In the running transaction.

    The database refuses a day that is not over, and an instant that is still to come (``DatabaseError``).
    """
    announce("day_close.close")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_close_day(%s, %s)", [day, before])
        (made,) = cursor.fetchone()
    return None if made is None else DayClose.objects.get(pk=made)


def close_due_days(who: str) -> list[DayClose]:
    """Close every day that is over, each in a transaction of its own. For the clock and the command."""
    closed = []
    for day, before in due_days():
        with acting(Actor.service(who), "day_close.close"):
            row = close_day(day, before)
        if row is not None:
            closed.append(row)
    return closed


def keep_check(who: str) -> LedgerCheck:
    """Look at every invariant, of one snapshot, and keep what was found. For the clock and the command."""
    found = check_ledger()
    with acting(Actor.service(who), "ledger_check.run"):
        return LedgerCheck.objects.create(
            invariants=len(invariants()),
            count=len(found),
            findings=[
                {"invariant": one.invariant, "row": one.row, "sentence": one.sentence} for one in found[:KEPT]
            ],
        )
