"""The tables held against their history: each row must be what its events say. A row that differs is named.

Rows are compared as the trail sees them (personal data and contents as digests), by functions that ``attach`` makes for
each table. Only columns that the row's last event could know are compared: a migration tells the trail which there were.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connections

from audit.trail.attach import state_name
from audit.trail.live import Finding
from audit.trail.registry import Tracked, tracked_tables

ROWS = 2_000


@dataclass
class History:
    """What the events of one row add up to. ``based``: it was there before its table was watched, and is in the base."""

    born: bool = False
    based: bool = False
    gone: bool = False
    last_event: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Columns that were not, when the base was taken, what the events before had said: (said, found)."""

    def take(self, event_id: int, operation: str, changes: dict[str, Any]) -> None:
        """Fold one event, or the row's state in the base."""
        self.last_event = event_id
        if operation == "base":
            for column, said in self.values.items():
                found = changes.get(column)
                if said != found and not _erased(said, found):
                    self.broken[column] = (said, found)
            self.born = self.based = True
            self.gone, self.values = False, dict(changes)
            return
        if operation == "insert":
            self.born, self.gone, self.values = True, False, {}
        if operation == "delete":
            self.gone = True
            return
        for column, pair in changes.items():
            self.values[column] = pair[1]


class Columns:
    """Which columns a table had when an event was written, by the schema events."""

    def __init__(self, using: str) -> None:
        with connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT id, convert_from(canonical, 'UTF8')::jsonb->'changes' FROM audit_auditevent"
                " WHERE subject_kind = 'schema' AND subject_no = 'schema' ORDER BY id"
            )
            rows = [
                (event_id, json.loads(facts) if isinstance(facts, str) else facts)
                for event_id, facts in cursor
            ]
        self.ids = [event_id for event_id, _ in rows]
        self.tables: list[dict[str, list[str]]] = [facts for _, facts in rows]

    def known(self, table: str, event_id: int) -> frozenset[str]:
        """The columns of the table that the event could know."""
        place = bisect_right(self.ids, event_id)
        return frozenset(self.tables[place - 1].get(table, ())) if place else frozenset()


def replay(using: str = "default", kinds: frozenset[str] | None = None) -> Iterator[Finding]:
    """Every row of every watched table that is not what its history says. Call it inside one REPEATABLE READ transaction."""
    columns = Columns(using)
    for tracked in tracked_tables():
        if (kinds is None or tracked.kind in kinds) and _can_be_shown(tracked, using):
            yield from _replay_table(tracked, columns, using)


def _can_be_shown(tracked: Tracked, using: str) -> bool:
    """False for a table that no migration has attached yet: ``attach.examine`` names it."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [f'public."{state_name(tracked)}"()'])
        return bool(cursor.fetchone()[0])


def _replay_table(tracked: Tracked, columns: Columns, using: str) -> Iterator[Finding]:
    label = str(tracked.model._meta.verbose_name)
    histories, rows = _histories(tracked, using), _rows(tracked, using)
    history, row = next(histories, None), next(rows, None)
    brought, before = _brought(tracked, using)
    unborn: list[str] = []
    unborn_gone = based = 0
    while history is not None or row is not None:
        if row is None or (history is not None and history[0] < row[0]):
            assert history is not None
            based += history[1].based
            if not history[1].gone:
                yield Finding(
                    "row.removed",
                    f"{label} {_number(tracked, history[1].values, history[0])} 被绕过系统删除：留痕中没有删除它的记载。",
                )
            elif not history[1].born:
                unborn_gone += 1
            history = next(histories, None)
        elif history is None or row[0] < history[0]:
            if not (tracked.insert_when and not row[2]):
                unborn.append(row[0])
            row = next(rows, None)
        else:
            based += history[1].based
            if not history[1].born:
                unborn.append(row[0])
            yield from _compare(tracked, label, row[0], row[1], history[1], columns)
            history, row = next(histories, None), next(rows, None)
    yield from _compare_imports(tracked, label, columns, using)
    # Before bases were taken, the rows found were only counted, in the event that adopted them.
    without = len(unborn) + unborn_gone + (based if before else 0)
    brought += before
    if without > brought:
        yield Finding(
            "row.inserted",
            f"{label}有 {without - brought} 行没有来历：留痕中没有新增它们的记载"
            + (
                f"（{'其中可能有' if brought else ''}主键 {'、'.join(unborn[:5])}{' 等' if len(unborn) > 5 else ''}）。"
                if unborn
                else "。"
            ),
        )
    elif without < brought:
        yield Finding("row.removed", f"{label}有 {brought - without} 行历史导入的记录被绕过系统删除。")


def _compare(
    tracked: Tracked, label: str, key: str, row: dict[str, Any], history: History, columns: Columns
) -> Iterator[Finding]:
    name = f"{label} {_number(tracked, row, key)}"
    if history.gone:
        yield Finding("row.inserted", f"{name} 已于留痕中删除，却仍在表中：被绕过系统恢复。")
        return
    for column, (said, found) in history.broken.items():
        yield Finding(
            "row.altered",
            f"{name} 的 {column} 在取底本时为 {_shown(found)}，此前留痕记载为 {_shown(said)}：在那之前被绕过系统改动。",
        )
    known = columns.known(tracked.table, history.last_event)
    for column in tracked.watched:
        if column not in known or column not in row:
            continue
        if not history.born and column not in history.values:
            continue  # brought in from outside; what it was then is in the file's digest
        was, now = history.values.get(column), row[column]
        if was != now and not _erased(was, now):
            yield Finding(
                "row.altered",
                f"{name} 的 {column} 现为 {_shown(now)}，留痕记载为 {_shown(was)}：被绕过系统改动。",
            )


def _erased(was: Any, now: Any) -> bool:
    """Personal data whose salt is gone can no longer be compared."""
    return isinstance(was, dict) and "salted" in was and isinstance(now, dict) and now.get("salted") is None


def _shown(value: Any) -> str:
    if isinstance(value, dict) and ("salted" in value or "sha256" in value):
        return f"摘要 {str(value.get('salted') or value.get('sha256'))[:12]}"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)


def _number(tracked: Tracked, values: dict[str, Any], key: str) -> str:
    return str(values.get(tracked.number) or key) if tracked.number else f"#{key}"


def _histories(tracked: Tracked, using: str) -> Iterator[tuple[str, History]]:
    """(key, history) of each row that has events, in the order of the keys as text."""
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(
            "SELECT * FROM (SELECT subject_pk AS key, id, operation, (convert_from(canonical, 'UTF8')::jsonb->'changes')::text"
            " FROM audit_auditevent WHERE subject_kind = %s AND subject_pk <> '' AND operation IN ('insert', 'update', 'delete')"
            " UNION ALL SELECT s.key, e.id, 'base', s.value::text FROM audit_auditevent e,"
            " jsonb_each(convert_from(e.canonical, 'UTF8')::jsonb->'changes'->'state') s"
            " WHERE e.subject_kind = %s AND e.subject_no = %s AND e.operation = 'schema') AS told"
            ' ORDER BY key COLLATE "C", id',
            [tracked.kind, tracked.kind, tracked.table],
        )
        key, history = None, History()
        while rows := cursor.fetchmany(ROWS):
            for subject_pk, event_id, operation, changes in rows:
                if subject_pk != key:
                    if key is not None:
                        yield key, history
                    key, history = subject_pk, History()
                history.take(event_id, operation, json.loads(changes, parse_float=Decimal))
        if key is not None:
            yield key, history


def _rows(tracked: Tracked, using: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """(key, row as the trail sees it, whether its insert is an event) in the order of the keys as text."""
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(
            f'SELECT key, state::text, told FROM public."{state_name(tracked)}"() ORDER BY key COLLATE "C"'
        )
        while rows := cursor.fetchmany(ROWS):
            for key, state, told in rows:
                yield key, json.loads(state, parse_float=Decimal), told


def _brought(tracked: Tracked, using: str) -> tuple[int, int]:
    """How many rows came by import; how many were counted, and no more, before bases were taken."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(rows) FILTER (WHERE verb <> 'adopt'), 0), coalesce(sum(rows) FILTER (WHERE verb = 'adopt'), 0)"
            " FROM (SELECT verb, (convert_from(canonical, 'UTF8')::jsonb->'changes'->>'rows')::bigint AS rows FROM audit_auditevent"
            " WHERE subject_kind = %s AND subject_no = %s AND operation = 'import') AS told",
            [tracked.kind, tracked.table],
        )
        imported, counted = cursor.fetchone()
        return int(imported), int(counted)


def _in_place(table: str, using: str) -> list[str]:
    """The table's columns in the order in which a row is written as text: a column that was added later comes last."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = format('public.%%I', %s::text)::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _compare_imports(tracked: Tracked, label: str, columns: Columns, using: str) -> Iterator[Finding]:
    """Imported rows against the digest of their import; what events changed since is first put back to what it was."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT id, recorded_at, facts->>'rows', facts->>'first', facts->>'last', facts->>'sha256', facts->>'form' FROM ("
            " SELECT id, recorded_at, convert_from(canonical, 'UTF8')::jsonb->'changes' AS facts FROM audit_auditevent"
            " WHERE subject_kind = %s AND subject_no = %s AND operation = 'import') AS imports"
            " WHERE facts ? 'first' ORDER BY id",
            [tracked.kind, tracked.table],
        )
        for event_id, instant, rows, first, last, digest, form in cursor.fetchall():
            known = columns.known(tracked.table, event_id)
            if form == "row":
                placed = [column for column in _in_place(tracked.table, using) if column in known]
                then = ", ".join(f'CASE WHEN u.was ? \'{c}\' THEN b."{c}" ELSE t."{c}" END' for c in placed)
                row, gone = f"ROW({then})", "ROW(" + ", ".join(f'b."{c}"' for c in placed) + ")"
            else:
                later = ", ".join(f"'{column}'" for column in sorted(set(tracked.columns) - known))
                row = f"((to_jsonb(t) || coalesce(u.was, '{{}}')) - ARRAY[{later}]::text[])"
                gone = f"(to_jsonb(b) - ARRAY[{later}]::text[])"
            cursor.execute(_IMPORTED.format(table=tracked.table, key=tracked.key, row=row, gone=gone),
                {"kind": tracked.kind, "event": event_id, "first": first, "last": last,
                 "masked": [*tracked.salted, *tracked.digested_text, *tracked.digested_bytes]},
            )  # fmt: skip
            found, unknowable = cursor.fetchone()
            if found != digest and not unknowable:
                yield Finding(
                    "import.altered",
                    f"{instant:%Y-%m-%d %H:%M} 导入的{label}（{rows} 行，主键 {first}–{last}）与导入时的摘要不符："
                    "其中有行被绕过系统改动、删除或插入。",
                )


# The digest of the rows of one import as they were then, and whether that cannot be known: of personal data and long documents
# that were changed or deleted since, the trail has only digests. ``was``: of each column what its first event says it had been.
_IMPORTED = """
WITH undone AS MATERIALIZED (
    SELECT key, jsonb_object_agg(name, old) AS was FROM (
        SELECT DISTINCT ON (e.subject_pk, c.key) e.subject_pk AS key, c.key AS name, c.value->0 AS old
        FROM audit_auditevent e, jsonb_each(convert_from(e.canonical, 'UTF8')::jsonb->'changes') c
        WHERE e.subject_kind = %(kind)s AND e.operation IN ('update', 'delete') AND e.id > %(event)s
          AND CASE WHEN e.subject_pk ~ '^[0-9]+$' THEN e.subject_pk::bigint BETWEEN %(first)s AND %(last)s ELSE false END
        ORDER BY e.subject_pk, c.key, e.id) AS changed
    GROUP BY key)
SELECT encode(sha256(string_agg(digest, ''::bytea ORDER BY digest)), 'hex'),
       EXISTS (SELECT FROM undone u, unnest(%(masked)s::text[]) m WHERE jsonb_typeof(u.was->m) = 'object')
FROM (
    SELECT sha256(convert_to({row}::text, 'UTF8')) AS digest
    FROM public."{table}" t LEFT JOIN undone u ON u.key = t."{key}"::text
    LEFT JOIN LATERAL jsonb_populate_record(NULL::public."{table}", u.was) b ON u.key IS NOT NULL
    WHERE t.origin = 'imported' AND t."{key}" BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT sha256(convert_to({gone}::text, 'UTF8'))
    FROM undone u CROSS JOIN LATERAL jsonb_populate_record(NULL::public."{table}", u.was) b
    WHERE b.origin = 'imported' AND NOT EXISTS (SELECT FROM public."{table}" t WHERE t."{key}"::text = u.key)
    OFFSET 0) AS digests
"""
