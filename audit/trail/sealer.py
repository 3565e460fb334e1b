"""The sealer: gives committed events their place in the tree and signs a checkpoint, all in one transaction.

It runs under its own role (alias ``sealer``), which may read events, take from the queue, and add leaves and checkpoints.
A transaction that commits late is simply taken later: the leaf index is given when the event is seen, so there is no gap
and nothing is skipped. Killed at any moment, the transaction is as if it had not been; the copy outside is caught up by
the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections, transaction

from audit.models import Checkpoint
from audit.trail import checkpoints, keys, rotation
from audit.trail.lock import LOCK
from audit.trail.merkle import Frontier, Tree

BATCH = 20_000


@dataclass(frozen=True)
class Sealed:
    """One checkpoint made: how many events it added, and its size."""

    added: int
    size: int


def seal(batch: int = BATCH, using: str = "sealer") -> Sealed | None:
    """Seal up to ``batch`` waiting events. None when nothing waits or another sealer is at work.

    Raises ``TryLater`` (``trail.key``) without a key, ``ValueError`` when the stored frontier does not give the last root.
    """
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return None
        key = keys.key_in_use(rotation.key_in_force(using))
        sealed = _seal(batch, using, key)
    if sealed is not None:
        checkpoints.copy_out(using)
    return sealed


def _seal(batch: int, using: str, key: keys.SigningKey) -> Sealed | None:
    before = Checkpoint.objects.using(using).order_by("-size").first()
    tree = Tree(before.hash_algorithm if before is not None else settings.TRAIL_HASH)
    frontier = (
        Frontier(tree) if before is None else Frontier.unpacked(tree, before.size, bytes(before.frontier))
    )
    if before is not None and frontier.root() != bytes(before.root_hash):
        raise ValueError(f"the frontier beside the checkpoint of {before.size} does not give its root")
    rows, instant = _waiting(batch, using)
    if not rows:
        return None
    start = frontier.size
    leaves = [tree.leaf(canonical) for _, canonical in rows]
    frontier.extend(leaves)
    connection: Any = connections[using].connection
    with psycopg.Cursor(connection) as cursor:
        with cursor.copy(
            "COPY audit_trailleaf (index, event_id, leaf_hash) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "int8", "bytea"])
            for offset, (event_id, _) in enumerate(rows):
                copy.write_row((start + offset, event_id, leaves[offset]))
        cursor.execute(
            "DELETE FROM audit_pendingevent WHERE event_id = ANY(%s)", ([event_id for event_id, _ in rows],)
        )
        if cursor.rowcount != len(rows):
            raise RuntimeError("the queue changed under the sealer")
    checkpoint = checkpoints.new_checkpoint(
        frontier, before=before, instant=instant, key=key, origin=settings.TRAIL_ORIGIN
    )
    checkpoint.save(using=using, force_insert=True)
    return Sealed(added=len(rows), size=frontier.size)


def _waiting(batch: int, using: str) -> tuple[list[tuple[int, bytes]], datetime]:
    """Committed events of the queue in the order of their ids, with the database's instant."""
    connection: Any = connections[using].connection
    with psycopg.Cursor(connection) as cursor:  # parameters bound by the server, values in binary
        cursor.execute(
            "SELECT p.event_id, e.canonical FROM audit_pendingevent p JOIN audit_auditevent e ON e.id = p.event_id"
            " ORDER BY p.event_id LIMIT %s",
            (batch,),
            binary=True,
        )
        rows = [(int(event_id), bytes(canonical)) for event_id, canonical in cursor.fetchall()]
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()
        assert now is not None
        return rows, now[0]


def seal_all(using: str = "sealer") -> list[Sealed]:
    """Seal what waits now; also brings the copy outside up to date. What is written meanwhile is for the next run:
    while writers write without a pause, going on until nothing waits would never end.
    """
    done: list[Sealed] = []
    while (sealed := seal(using=using)) is not None:
        done.append(sealed)
        if sealed.added < BATCH:
            break
    if not done:
        checkpoints.copy_out(using)
    return done
