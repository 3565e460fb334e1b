"""One deed beside another that has not committed yet: whether it waits, and what it was told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
from django.db import connections

from vouchers import dates
from vouchers.errors import DomainError


class Meanwhile(threading.Thread):
    """A deed on a connection and a day of its own; ``waits`` is whether it came to wait for somebody's row."""

    def __init__(self, dsn: str, on: date, deed: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.dsn, self.on, self.deed, self.answer = dsn, on, deed, ""

    def run(self) -> None:
        try:
            with dates.fixed(self.on):
                self.answer = str(self.deed())
        except DomainError as refusal:
            self.answer = refusal.code
        finally:
            connections.close_all()

    def waits(self) -> bool:
        with psycopg.connect(self.dsn, autocommit=True) as watching:
            for _look in range(600):
                row = watching.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND cardinality(pg_blocking_pids(pid)) > 0"
                ).fetchone()
                if row is not None and row[0]:
                    return True
                if not self.is_alive():
                    return False
                time.sleep(0.02)
        return False

    def told(self) -> str:
        self.join(60)
        return self.answer
