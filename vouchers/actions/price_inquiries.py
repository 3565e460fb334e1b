"""Which sources were under inquiry at an instant: a party that is held does not vote, nor does its group, until it is cleared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from vouchers.models import Hold
from vouchers.models.holds import HoldState, SubjectKind


class Inquiry(NamedTuple):
    """A hold on a party; ``until`` None: it is not lifted, or what was suspected was found to be true."""

    uscc: str
    since: datetime
    until: datetime | None

    def stood(self, at: datetime) -> bool:
        """Whether it stood at the instant."""
        return self.since <= at and (self.until is None or at < self.until)


def inquiries() -> list[Inquiry]:
    """Every hold that was ever placed on a party."""
    rows = Hold.objects.filter(subject_kind=SubjectKind.PARTY).order_by("pk")
    return [
        Inquiry(number, placed, lifted if state == HoldState.LIFTED else None)
        for number, placed, lifted, state in rows.values_list("subject_no", "placed_at", "lifted_at", "state")
    ]


def under_inquiry(at: datetime, found: Iterable[Inquiry] | None = None) -> frozenset[str]:
    """The parties under inquiry at the instant, of all holds or of those given."""
    return frozenset(one.uscc for one in (inquiries() if found is None else found) if one.stood(at))
