"""The events of a case and of all that belongs to it, found through the trail's indexes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection

from audit.case_parts import Part
from audit.models.trail import ActorKind, Operation

MOST = 5_000
READINGS = (Operation.READ, Operation.EXPORT)


@dataclass(frozen=True)
class Story:
    """The ids of a case's events, oldest first: what was done (refused deeds too), and who read or took away what."""

    deeds: list[int]
    readings: list[int]
    cut: bool
    region: str = ""
    """The first region that any of the deeds has."""
    people: int = 0
    """How many different accounts changed something."""
    unannounced: int = 0
    refused: int = 0
    unsealed: int = 0


def story_of(parts: Sequence[Part], regions: Collection[str]) -> Story:
    """The newest ``MOST`` events of these parts that the reader of these regions may see."""
    whole = [part for part in parts if part.whole]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT found.id, found.operation, found.region_code, found.actor, found.actor_kind, l.index IS NULL AS unsealed FROM (
                SELECT e.* FROM unnest(%s::text[], %s::text[]) AS p(kind, no) CROSS JOIN LATERAL (
                    SELECT id, operation, region_code, actor, actor_kind FROM audit_auditevent
                    WHERE subject_kind = p.kind AND subject_no = p.no ORDER BY id DESC LIMIT %s) AS e
                WHERE e.region_code = ANY(%s)
                UNION
                SELECT e.* FROM unnest(%s::text[], %s::text[]) AS p(kind, no) CROSS JOIN LATERAL (
                    SELECT id, operation, region_code, actor, actor_kind FROM audit_auditevent
                    WHERE case_kind = p.kind AND case_no = p.no AND case_no <> '' ORDER BY id DESC LIMIT %s) AS e
                WHERE e.region_code = ANY(%s)
            ) AS found LEFT JOIN audit_trailleaf l ON l.event_id = found.id ORDER BY found.id DESC LIMIT %s
            """,
            [
                [part.kind for part in parts], [part.number for part in parts], MOST + 1, [*regions, ""],
                [part.kind for part in whole], [part.number for part in whole], MOST + 1, [*regions, ""],
                MOST + 1,
            ],
        )  # fmt: skip
        rows = cursor.fetchall()
    kept = rows[:MOST][::-1]
    deeds = [row for row in kept if row[1] not in READINGS]
    changes = [row for row in deeds if row[1] != Operation.REFUSAL]
    return Story(
        deeds=[row[0] for row in deeds],
        readings=[row[0] for row in kept if row[1] in READINGS],
        cut=len(rows) > MOST,
        region=next((row[2] for row in deeds if row[2]), ""),
        people=len({row[3] for row in changes}),
        unannounced=sum(row[4] == ActorKind.UNANNOUNCED for row in changes),
        refused=len(deeds) - len(changes),
        unsealed=sum(row[5] for row in kept),
    )


def covering(places: Collection[int]) -> dict[int, int]:
    """Place in the log → size of the first checkpoint that covers it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.place, (SELECT size FROM audit_checkpoint WHERE size > l.place ORDER BY size LIMIT 1)"
            " FROM unnest(%s::bigint[]) AS l(place)",
            [list(places)],
        )
        return {place: size for place, size in cursor.fetchall() if size is not None}
