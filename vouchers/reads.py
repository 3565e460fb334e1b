"""Who has read what: reads of papers and personal data are told to whoever registered (audit does; this floor knows nothing of the trail)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vouchers.models import User

#: (subject kind, subject number, reader, region code, facts)
ReadListener = Callable[[str, str, User, str, dict[str, Any]], Any]
READ_LISTENERS: list[ReadListener] = []


def on_read(listener: ReadListener) -> None:
    """Register what is to be told of reads of sensitive content. It is called within the reader's transaction."""
    if listener not in READ_LISTENERS:
        READ_LISTENERS.append(listener)


def note_read(
    subject_kind: str,
    subject_no: str,
    *,
    by: User,
    region_code: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Tell that ``by`` reads the content of the subject now. ``subject_kind`` and ``subject_no`` among the facts name its case."""
    for listener in READ_LISTENERS:
        listener(subject_kind, subject_no, by, region_code, facts or {})
