"""Facts from the database: columns fetched by binary COPY, for everything or for the neighbourhood of one case.

Every column is a bigint that is never null, so a row of the stream has a fixed width and a whole table becomes arrays
without a loop: 1.5 million rows take about two seconds. Which columns there are is said in ``audit.fact_tables``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection

from audit.fact_tables import LABEL_QUERIES, TABLES, Spec
from audit.rules.facts import COLUMNS, MISSING, Table

_HEADER = 19  # signature, flags, length of the extension


class DatabaseSource:
    """Everything, or the rows of a neighbourhood (``audit.neighbourhood``), as known at an instant (None: now)."""

    def __init__(self, scope: dict[str, Any] | None = None, known_at: datetime | None = None) -> None:
        self.whole = scope is None
        self._scope: dict[str, Any] = {"subject_claims": [], "subject_leases": [], **(scope or {})}
        self._known_at = known_at

    def load(self, name: str) -> Table:
        """The table of this name."""
        spec = TABLES[name]
        # The least bigint is written as a difference: as a literal it is out of range.
        selected = ", ".join(f"coalesce(({sql})::bigint, {MISSING + 1} - 1)" for sql in spec.columns.values())
        statement = (
            f"COPY (SELECT {selected} FROM {spec.source} WHERE {self._condition(spec)} {spec.group}) "  # noqa: S608
            "TO STDOUT (FORMAT binary)"
        )
        with (
            connection.cursor() as cursor,
            cursor.copy(statement, {**self._scope, "known_at": self._known_at}) as copy,
        ):
            stream = b"".join(bytes(block) for block in copy)
        return _table(stream, COLUMNS[name])

    def _condition(self, spec: Spec) -> str:
        conditions = [spec.counts]
        if not self.whole:
            conditions.append(spec.near)
        if spec.recorded and self._known_at is not None:
            conditions.append(f"{spec.recorded} <= %(known_at)s")
        return " AND ".join(conditions)

    def collected(self, name: str) -> bool:
        """Whether the whole table has a row."""
        spec = TABLES[name]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {spec.source} WHERE {spec.counts})")  # noqa: S608
            return bool(cursor.fetchone()[0])

    def labels(self, noun: str, identities: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Words of rows, by one query."""
        with connection.cursor() as cursor:
            cursor.execute(LABEL_QUERIES[noun], [list(identities)])
            return {row[0]: tuple(text or "" for text in row[1:]) for row in cursor.fetchall()}


def _table(stream: bytes, columns: tuple[str, ...]) -> Table:
    """The binary COPY stream as columns. Each row is a count of fields, then for each its length (8) and the value."""
    fields: list[tuple[str, str]] = [("_count", ">i2")]
    for name in columns:
        fields += [(f"_{name}", ">i4"), (name, ">i8")]
    layout = np.dtype(fields)
    rows = (len(stream) - _HEADER - 2) // layout.itemsize
    array = np.frombuffer(stream, dtype=layout, count=rows, offset=_HEADER)
    assert stream[_HEADER + rows * layout.itemsize :] == b"\xff\xff", "the stream of COPY ends as it should"
    return Table({name: array[name].astype(np.int64) for name in columns})
