"""SQL of this app, loaded by migrations."""

from __future__ import annotations

from pathlib import Path


def load(name: str) -> str:
    """The text of an SQL file of this package, for ``RunSQL`` (``load("import.sql")``)."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
