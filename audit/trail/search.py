"""Finding events among millions: what is asked for is looked up through an index, newest first, and never counted.

Each search has a driver, an index that yields the events in the order of their ids: a number, a person, a rare deed, or (at
the least) the regions that the reader may see. From there the other conditions sift. A search that sifts for too long stops and
says how far it came, so that a page is always quick and nothing is passed over in silence.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from audit.models import AuditEvent
from audit.models.trail import ActorKind, Operation
from audit.trail.subjects import models_by_kind

LARGEST = 2**63 - 1
#: ids and instants are given one after the other by the database: two events beside each other may stand the other way round
SLACK = 1_000
CHUNKS = (200, 2_000, 20_000)
PATIENCE = 1.5  # seconds of sifting
#: Kinds of subjects that no table gives.
LOOSE_KINDS = (
    "decision_letter",
    "imported_file",
    "party_accounts",
    "price",
    "request",
    "schema",
    "trail",
    "workbook",
)


@dataclass(frozen=True)
class Asked:
    """What is asked for; whatever is empty narrows nothing. ``regions`` are the reader's, and always hold."""

    regions: frozenset[str]
    number: str = ""
    event_no: Any = None
    kind: str = ""
    actors: tuple[str, ...] | None = None
    verbs: tuple[str, ...] = ()
    verb_ends: tuple[str, ...] = ()
    verb_text: str = ""
    operations: tuple[str, ...] = ()
    actor_kind: str = ""
    region: str = ""
    since: datetime | None = None
    before: datetime | None = None

    @property
    def conditions(self) -> Q:
        """All of it, as it must hold of each event that is found."""
        named = Q(region_code__in=self.regions) | Q(region_code="")
        if self.region:
            named &= Q(region_code=self.region)
        if self.number:
            named &= Q(subject_no=self.number) | Q(case_no=self.number)
        if self.event_no is not None:
            named &= Q(event_no=self.event_no)
        if self.kind:
            named &= Q(subject_kind=self.kind)
        if self.actors is not None:
            named &= Q(actor__in=self.actors)
        if self.verbs or self.verb_ends:
            called = Q(verb__in=self.verbs)
            for end in self.verb_ends:
                called |= Q(verb=end) | Q(verb__endswith=f".{end}")
            named &= called
        elif self.verb_text:
            named &= Q(verb__icontains=self.verb_text)
        if self.operations:
            named &= Q(operation__in=self.operations)
        if self.actor_kind:
            named &= Q(actor_kind=self.actor_kind)
        if self.since is not None:
            named &= Q(recorded_at__gte=self.since)
        if self.before is not None:
            named &= Q(recorded_at__lt=self.before)
        return named


@dataclass(frozen=True)
class Found:
    """A page of events, newest first. ``older`` is where the next one begins, None at the end; ``stopped`` is the instant down to which
    was looked, when the search was broken off before the page was full."""

    events: list[AuditEvent] = field(default_factory=list)
    older: int | None = None
    stopped: datetime | None = None


def search(asked: Asked, *, size: int, before: int | None = None) -> Found:
    """The newest ``size`` events that were asked for, older than the id ``before``."""
    if not asked.regions or asked.actors == ():
        return Found()
    low, high = _within(asked)
    high = min(high, before) if before is not None else high
    if asked.event_no is not None:
        return Found(list(AuditEvent.objects.filter(asked.conditions)[:size]))
    events: list[AuditEvent] = []
    began, chunks = time.monotonic(), iter(CHUNKS)
    chunk = next(chunks)
    while True:
        ids = _candidates(asked, low, high, chunk)
        wanted = size + 1 - len(events)
        events += AuditEvent.objects.filter(asked.conditions, pk__in=ids).order_by("-pk")[:wanted]
        if len(events) > size:
            return Found(events[:size], older=events[size - 1].pk)
        if len(ids) < chunk:
            return Found(events)
        high, chunk = ids[-1], next(chunks, CHUNKS[-1])
        if time.monotonic() - began > PATIENCE:
            came = AuditEvent.objects.filter(pk=high).values_list("recorded_at", flat=True)[0]
            return Found(events, older=high, stopped=came)


def _candidates(asked: Asked, low: int, high: int, limit: int) -> list[int]:
    """The next ids of the driver, newest first."""
    if asked.number:
        kinds = sorted({*models_by_kind(), *LOOSE_KINDS})
        return newest(
            [
                ("subject_kind = k.v AND subject_no = %s", kinds, [asked.number]),
                ("case_kind = k.v AND case_no = %s AND case_no <> ''", kinds, [asked.number]),
            ],
            low,
            high,
            limit,
        )
    if asked.actors is not None:
        return newest([("actor = k.v", asked.actors, [])], low, high, limit)
    if asked.actor_kind == ActorKind.UNANNOUNCED:
        return newest([("actor_kind = 'unannounced'", [""], [])], low, high, limit)
    if asked.operations and not set(asked.operations) & {Operation.INSERT, Operation.UPDATE}:
        told = "operation = k.v AND operation NOT IN ('insert', 'update')"
        return newest([(told, asked.operations, [])], low, high, limit)
    regions = [asked.region] if asked.region else [*sorted(asked.regions), ""]
    return newest([("region_code = k.v", regions, [])], low, high, limit)


def newest(
    ways: Sequence[tuple[str, Iterable[str], Sequence[Any]]], low: int, high: int, limit: int
) -> list[int]:
    """The newest ids within [low, high) along some ways, each a condition over the value ``k.v`` that an index serves in order.

    Each value is looked up for itself, so that the database reads at most ``limit`` entries of each, however many there are.
    """
    parts, given = [], []
    for condition, values, more in ways:
        parts.append(
            "SELECT e.id FROM unnest(%s::text[]) AS k(v) CROSS JOIN LATERAL ("
            f" SELECT id FROM audit_auditevent WHERE {condition} AND id >= %s AND id < %s ORDER BY id DESC LIMIT %s) AS e"
        )
        given += [list(values), *more, low, high, limit]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM ({' UNION '.join(parts)}) AS found ORDER BY id DESC LIMIT %s", [*given, limit]
        )
        return [int(row[0]) for row in cursor.fetchall()]


def _within(asked: Asked) -> tuple[int, int]:
    """The ids between which the period lies, a little wider."""
    low = first_at(asked.since) - SLACK if asked.since is not None else 0
    high = first_at(asked.before) + SLACK if asked.before is not None else LARGEST
    return max(low, 0), high


def first_at(instant: datetime) -> int:
    """The id about which the events of this instant begin: ids and instants grow together, so halving finds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM audit_auditevent")
        low, high = cursor.fetchone()
        if low is None:
            return 0
        high += 1
        while low < high:
            middle = (low + high) // 2
            cursor.execute(
                "SELECT id, recorded_at FROM audit_auditevent WHERE id >= %s ORDER BY id LIMIT 1", [middle]
            )
            row = cursor.fetchone()
            if row is not None and row[1] < instant:
                low = row[0] + 1
            else:
                high = middle
        return int(low)
