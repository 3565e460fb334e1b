"""After each migrate: the database's copy of the lifecycle tables, and the trigger on every table that has one."""

from __future__ import annotations

from typing import Any

from django.db import connections

from vouchers.states import REGISTRY


def rows() -> set[tuple[str, str, str, str]]:
    """(lifecycle, verb, source, target) of every permitted step; the source of a birth is empty."""
    steps = set()
    for lifecycle in REGISTRY.values():
        steps |= {(lifecycle.name, "create", "", str(state)) for state in lifecycle.initial}
        for transition in lifecycle.transitions:
            steps |= {
                (lifecycle.name, transition.verb, str(source), str(transition.target))
                for source in transition.sources
            }
    return steps


def hold_database(using: str = "owner", **_kwargs: Any) -> None:
    """Bring ``lifecycle_transition`` to what the code says and attach ``enforce_lifecycle`` where it is missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT lifecycle, verb, source, target FROM lifecycle_transition")
        known = set(cursor.fetchall())
        for gone in known - rows():
            cursor.execute(
                "DELETE FROM lifecycle_transition WHERE (lifecycle, verb, source, target) = (%s, %s, %s, %s)",
                gone,
            )
        for new in rows() - known:
            cursor.execute(
                "INSERT INTO lifecycle_transition (lifecycle, verb, source, target) VALUES (%s, %s, %s, %s)",
                new,
            )
        for lifecycle in REGISTRY.values():
            cursor.execute("SELECT to_regclass(%s)", [lifecycle.table])
            if cursor.fetchone()[0] is None:
                continue
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'origin'"
                " AND NOT attisdropped)",
                [lifecycle.table],
            )
            origin = "imports" if cursor.fetchone()[0] else "lives"
            cursor.execute(
                f'CREATE OR REPLACE TRIGGER enforce_lifecycle BEFORE INSERT OR UPDATE ON "{lifecycle.table}" '
                f"FOR EACH ROW EXECUTE FUNCTION enforce_lifecycle('{lifecycle.name}', '{origin}')"
            )
