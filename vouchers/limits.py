"""How often somebody may call or ask: counted in PostgreSQL, so that all processes count together (``sql/platforms.sql``).

One guarded UPSERT on an unlogged table, and never within the caller's transaction: there its row would stay locked until the
end, and what is refused would not be counted. A crash of the server forgets the counts.
"""

from __future__ import annotations

import math
import threading
from contextlib import suppress

import psycopg
from django.db import connection

from vouchers.errors import TooMany

_TAKE = "SELECT rate_take(%s, %s, %s)"


class _Aside(threading.local):
    """This thread's connection for counting while its own stands in a transaction."""

    held: psycopg.Connection | None = None
    to: dict[str, object] | None = None


_aside = _Aside()


def _connection_aside() -> psycopg.Connection:
    settings = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    to = {name: settings[setting] for name, setting in names.items() if settings[setting]}
    held = _aside.held
    if held is not None and (held.closed or held.broken or _aside.to != to):
        held.close()
        held = None
    if held is None:
        held = psycopg.connect(**to, autocommit=True, connect_timeout=5)
        _aside.held, _aside.to = held, to
    return held


def _aside_execute(statement: str, parameters: list[object]) -> psycopg.Cursor:
    try:
        return _connection_aside().execute(statement.encode(), parameters)
    except psycopg.OperationalError:  # the server was restarted since: once more, on a new one
        if _aside.held is not None:
            _aside.held.close()
        return _connection_aside().execute(statement.encode(), parameters)


def seconds_to_wait(key: str, most: int, seconds: int) -> float:
    """Take one of ``most`` calls in ``seconds`` under this key. 0 when it is granted, else when it is worth asking again."""
    if connection.in_atomic_block:
        row = _aside_execute(_TAKE, [key, most, seconds]).fetchone()
    else:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [key, most, seconds])
            row = cursor.fetchone()
    assert row is not None
    return float(row[0])


def require_calm(key: str, *, most: int, seconds: int, code: str, message: str, hint: str) -> None:
    """Count one, or refuse with 429 and the seconds to wait."""
    wait = seconds_to_wait(key, most, seconds)
    if wait > 0:
        raise TooMany(code, message, hint=hint, retry_after=max(1, math.ceil(wait)))


def forget_idle() -> int:
    """Drop the keys that have been idle for longer than any limit looks back; how many. For the clock."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM vouchers_ratelimit WHERE full_at < now() - interval '1 hour'")
        return int(cursor.rowcount)


def forget_all() -> None:
    """For tests: what this thread counted aside is gone, and nothing of it stays for the next one."""
    held, _aside.held = _aside.held, None
    if held is None or held.closed:
        return
    with suppress(psycopg.Error):  # its database went away with its test
        held.execute(b"DELETE FROM vouchers_ratelimit")
    held.close()
