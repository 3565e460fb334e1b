"""Facts from the database: whole columns fetched as binary arrays, for everything or for the neighbourhood of one case.

Every column is a bigint that is never null, so that a column comes as one value of fixed stride and becomes an array without a
loop. (A row of COPY is a message each, and costs the reader more than the server.) Which columns there are is said in
``audit.fact_tables``.

The neighbourhood of one case is a few rows of many tables: ``NearSource`` fetches all of them by one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from audit.fact_tables import LABEL_QUERIES, TABLES, Spec
from audit.rules.facts import COLUMNS, MISSING, Column, Table
from vouchers.prepared import ask

_HEADER = 20  # dimensions, flags, type; then size and lower bound of the one dimension
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


class DatabaseSource:
    """Everything, or the rows of a neighbourhood (``audit.neighbourhood``), as known at an instant (None: now)."""

    def __init__(self, scope: dict[str, Any] | None = None, known_at: datetime | None = None) -> None:
        self.whole = scope is None
        self._scope: dict[str, Any] = {"subject_claims": [], "subject_leases": [], **(scope or {})}
        self._known_at = known_at

    def load(self, name: str) -> Table:
        """The table of this name."""
        spec = TABLES[name]
        columns = COLUMNS[name]
        named = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(_selected(spec)))
        arrays = ", ".join(f"array_agg(c{place})" for place in range(len(columns)))
        statement = f"SELECT {arrays} FROM (SELECT {named} FROM {spec.source} WHERE {self._condition(spec)} {spec.group}) t"  # noqa: S608
        connection.ensure_connection()
        # Not Django's cursor: it binds on the client's side and reads texts.
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(statement, {**self._scope, "known_at": self._known_at}, binary=True)
            answer = cursor.pgresult
            assert answer is not None
            found = [answer.get_value(0, place) for place in range(len(columns))]
        return _in_order({column: _column(packed) for column, packed in zip(columns, found, strict=True)})

    def _condition(self, spec: Spec) -> str:
        conditions = [spec.counts]
        if not self.whole:
            conditions.append(spec.near)
        if spec.recorded and self._known_at is not None:
            conditions.append(f"{spec.recorded} <= %(known_at)s")
        return " AND ".join(conditions)

    def collected(self, name: str) -> bool:
        """Whether the whole table has a row, or is empty although it was asked for."""
        spec = TABLES[name]
        with connection.cursor() as cursor:
            asked = f" OR {spec.asked}" if spec.asked else ""
            cursor.execute(f"SELECT EXISTS (SELECT FROM {spec.source} WHERE {spec.counts}){asked}")  # noqa: S608
            return bool(cursor.fetchone()[0])

    def labels(self, noun: str, identities: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Words of rows, by one query."""
        with connection.cursor() as cursor:
            cursor.execute(LABEL_QUERIES[noun], [list(identities)])
            return {row[0]: tuple(text or "" for text in row[1:]) for row in cursor.fetchall()}


class NearSource(DatabaseSource):
    """The rows of a neighbourhood in these tables, all fetched by the first that is asked for; of another table as before.

    ``whether`` are the tables of which it is asked as well whether there is any row at all (``collected``).
    """

    def __init__(self, scope: dict[str, Any], names: Sequence[str], whether: Sequence[str] = ()) -> None:
        super().__init__(scope)
        self._names, self._whether = tuple(names), tuple(whether)
        self._loaded: dict[str, Table] | None = None
        self._any: dict[str, bool] = {}

    def load(self, name: str) -> Table:
        """The table of this name."""
        if name not in self._names:
            return super().load(name)
        return self._all()[name]

    def collected(self, name: str) -> bool:
        """Whether the whole table has a row."""
        if name not in self._whether:
            return super().collected(name)
        self._all()
        return self._any[name]

    def _all(self) -> dict[str, Table]:
        if self._loaded is None:
            row = ask(
                _near_statement(self._names, self._whether),
                {name: _literal(keys) for name, keys in self._scope.items()},
            )
            assert row is not None
            packed, known = row[: len(self._names)], row[len(self._names) :]
            self._loaded = {
                name: _unpacked(rows, name) for name, rows in zip(self._names, packed, strict=True)
            }
            self._any = dict(zip(self._whether, known, strict=True))
        return self._loaded


def _selected(spec: Spec) -> list[str]:
    """Each column as a bigint. The least one is written as a difference: as a literal it is out of range."""
    return [f"coalesce(({sql})::bigint, {MISSING + 1} - 1)" for sql in spec.columns.values()]


@cache
def _near_statement(names: tuple[str, ...], whether: tuple[str, ...]) -> str:
    """A column a table: its rows one behind the other, eight bytes a value. Then a column for each table that may be empty."""
    tables = []
    for name in names:
        spec = TABLES[name]
        packed = " || ".join(f"int8send({column})" for column in _selected(spec))
        rows = (
            f"SELECT {packed} AS packed FROM {spec.source} WHERE {spec.counts} AND ({spec.near}) {spec.group}"  # noqa: S608
        )
        tables.append(f"(SELECT string_agg(t.packed, ''::bytea) FROM ({rows}) t)")  # noqa: S608
    exists = [f"EXISTS (SELECT FROM {TABLES[name].source} WHERE {TABLES[name].counts})" for name in whether]
    return f"SELECT {', '.join([*tables, *exists])}"


def _literal(keys: Any) -> Any:
    """Ids as the text of an array, so that the server knows them by what they are compared with, and one plan serves all."""
    if all(isinstance(key, int) for key in keys):
        return "{" + ",".join(map(str, keys)) + "}"
    return keys


@cache
def _empty(name: str) -> dict[str, Any]:
    nothing = np.empty(0, dtype=np.int64)
    return dict.fromkeys(COLUMNS[name], nothing)


def _unpacked(packed: bytes | None, name: str) -> Table:
    if not packed:
        return Table(_empty(name))
    columns = COLUMNS[name]
    rows = np.frombuffer(packed, dtype=">i8").reshape(-1, len(columns)).astype(np.int64)
    return Table({column: np.ascontiguousarray(rows[:, place]) for place, column in enumerate(columns)})


def _column(packed: bytes | None) -> Column:
    """An array of bigints as PostgreSQL sends it: a header, then for each its length and the value."""
    if packed is None:
        return np.empty(0, dtype=np.int64)
    column: Column = np.frombuffer(packed, dtype=_ELEMENT, offset=_HEADER)["value"].astype(np.int64)
    return column


def _in_order(columns: dict[str, Column]) -> Table:
    """By id, so that the same rows give the same answers however the server came by them."""
    identities = columns["id"]
    if len(identities) > 1 and not (identities[1:] >= identities[:-1]).all():
        order = np.argsort(identities, kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
    return Table(columns)
