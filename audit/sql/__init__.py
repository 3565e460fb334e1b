"""The trail's own part of the database: functions and guards, loaded by migrations; triggers are attached after each migrate."""

from __future__ import annotations

from pathlib import Path


def load(name: str) -> str:
    """The text of an SQL file of this package, for ``RunSQL`` (``load("trail.sql")``)."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
