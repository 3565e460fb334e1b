"""Statements of our own that the server plans once a connection, not once a call: for the few that are asked in every call of an
interface and join so much that planning them costs more than running them.

Only in these places: what Django words itself is bound by the client and planned each time, which suits pages. A pooler that
shares connections between transactions has to know prepared statements (PgBouncer from 1.21 on), or ``DATABASE_PREPARES=0``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection


class _Prepared(psycopg.Cursor[Any]):
    """A cursor whose parameters are bound by the server; what it executes stays prepared on its connection."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> _Prepared:
        return super().execute(query, params, prepare=settings.DATABASE_PREPARES, binary=how.get("binary"))


def ask(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of the statement's answer, or None. It is counted and logged as Django's own statements are."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        inner = _Prepared(connection.connection)
    made = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    cursor = made(inner)  # type: ignore[arg-type]
    with cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
