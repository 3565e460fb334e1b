"""Imported history: past years' rows into the live tables, marked, in one statement a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

CHUNK = 50_000


def import_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows as ``origin = imported`` through the owner's function; returns how many were new.

    ``columns`` are database columns without ``id``, ``origin`` and ``recorded_at``; values must be such as PostgreSQL reads from JSON (decimals and dates
    are written as text). A row whose unique key exists already is passed over. The caller's transaction decides.
    """
    taken = 0
    batch: list[dict[str, Any]] = []

    def flush() -> int:
        if not batch:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT public.import_rows(%s, %s, %s::jsonb)",
                [
                    model._meta.db_table,
                    list(columns),
                    json.dumps(batch, cls=DjangoJSONEncoder, ensure_ascii=False),
                ],
            )
            (count,) = cursor.fetchone()
        batch.clear()
        return int(count)

    for row in rows:
        batch.append(dict(zip(columns, row, strict=True)))
        if len(batch) == CHUNK:
            taken += flush()
    return taken + flush()
