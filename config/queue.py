"""The embedded queue: PGMQ's tables and functions in a PostgreSQL database of their own (docs/decisions/0002-queue.md)."""

from __future__ import annotations

import psycopg
from pgmq import get_embedded_install_sql

# A message whose worker died is seen again after this many seconds. Tasks are wake-ups, so late or twice is harmless.
VISIBLE_AGAIN_SECONDS = 600


def transport_options(broker: str | None) -> dict[str, object]:
    """Kombu's options for a broker's address; empty for Redis, Valkey and RabbitMQ."""
    if broker is None or not broker.startswith("pgmq:"):
        return {}
    return {
        # Said again here because the client otherwise takes DATABASE_URL from the environment before its own arguments.
        "conn_string": f"postgresql{broker.removeprefix('pgmq')}",
        "init_extension": False,  # the SQL is installed by `install`, the server has no such extension
        "use_notify": True,
        "notify_throttle_interval_ms": 0,
        "wait_time_seconds": 0,
        "polling_interval": 1.0,
        "visibility_timeout": VISIBLE_AGAIN_SECONDS,
        "pool_size": 4,
    }


def install(address: str) -> bool:
    """Install the queue's SQL into the database of this address unless it is there; whether it was installed."""
    with psycopg.connect(address, autocommit=True) as connection:
        if connection.execute("SELECT to_regnamespace('pgmq')").fetchone() != (None,):
            return False
        with connection.transaction():
            connection.execute(get_embedded_install_sql().encode())
    return True
