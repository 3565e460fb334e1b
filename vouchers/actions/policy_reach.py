"""A version whose text reaches back (文件规定溯及适用): undecided cases go over to it, decided ones stay as they are.

Which cases those are is the casework's to know: it registers a port here, as the floors below know nothing of cases. Without
such words in the text a publication changes the version of no case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from vouchers import dates
from vouchers.actions.outbox import enqueue
from vouchers.actions.policies_in_force import publication_in_force
from vouchers.models import Program, Publication, PublicationStatus
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import InForceBy
from vouchers.policy.words import day_words


@dataclass(frozen=True)
class Reach:
    """Days before a version's own first day to which its text applies (half-open), and by which of a case's days."""

    program: Program
    since: date
    until: date
    in_force_by: InForceBy
    publication: Publication | None = None
    """The version itself, once it is published."""


@dataclass(frozen=True)
class Reached:
    """How many cases a reach concerns: undecided ones that go over, decided ones that may be asked to be decided anew."""

    undecided: int = 0
    decided: int = 0


class ReachPort(Protocol):
    """What the casework answers."""

    def count(self, reach: Reach) -> Reached:
        """The cases of those days that another version decides."""

    def repin(self, reach: Reach, reason: str) -> int:
        """Put the undecided ones under the version, each with the reason; how many there were. Again does nothing."""


_ports: list[ReachPort] = []


def register_reach(port: ReachPort) -> None:
    """Add a kind of case. Once, when the app is ready."""
    if port not in _ports:
        _ports.append(port)


def reach_of(program: Program, scheme: Scheme, publication: Publication | None = None) -> Reach | None:
    """How far back the text goes; None when it does not."""
    since, until = scheme.retroactive_from, scheme.effective_from
    if since is None or until is None or since >= until:
        return None
    return Reach(program, since, until, scheme.in_force_by, publication)


def count_reached(reach: Reach) -> Reached:
    """The cases that it concerns, of all kinds."""
    counts = [port.count(reach) for port in _ports]
    return Reached(sum(one.undecided for one in counts), sum(one.decided for one in counts))


def plan_reach(publication: Publication) -> None:
    """See to it that undecided cases go over: at once, or on the version's first day where that is still to come."""
    reach = reach_of(publication.program, publication.scheme, publication)
    if reach is None:
        return
    later = reach.until > dates.today()
    enqueue(
        "vouchers.reach_back",
        {"publication_no": publication.publication_no},
        key=publication.publication_no,
        not_before=datetime.combine(reach.until, time(0, 5), dates.SHANGHAI) if later else None,
    )


def reach_back(publication: Publication) -> int:
    """Put the undecided cases of those days under the version. Nothing while it does not hold or is suspended."""
    reach = reach_of(publication.program, publication.scheme, publication)
    today = dates.today()
    if reach is None or reach.until > today or not _stands(publication, today):
        return 0
    reason = (
        f"“{publication.label}”规定自 {day_words(reach.since)}起溯及适用，尚未办结的事项改按该版本办理"
        f"（{publication.scheme.source('retroactive_from').words}）"
    )
    return sum(port.repin(reach, reason) for port in _ports)


def _stands(publication: Publication, on: date) -> bool:
    return publication.status_on(on) == PublicationStatus.Status.PUBLISHED


def publication_applying(program: Program, on: date) -> tuple[Publication, bool]:
    """Which version decides a case of that day as the law stands today, and whether it reaches back to it. Raises as
    `publication_in_force` does."""
    today = dates.today()
    for publication in Publication.objects.filter(
        program=program, validity__effective_from__gt=on, validity__effective_from__lte=today
    ).order_by("-pk"):
        since = publication.scheme.retroactive_from
        if since is not None and since <= on and _stands(publication, today):
            return publication, True
    return publication_in_force(program, on), False
