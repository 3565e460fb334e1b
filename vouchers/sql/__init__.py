"""The database's own part: functions, triggers and grants, loaded by migrations and after each migrate."""

from __future__ import annotations

from pathlib import Path


def load(name: str) -> str:
    """The text of an SQL file of this package, for ``RunSQL`` (``load("ledger.sql")``)."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
