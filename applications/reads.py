"""Who has read what: the port is the lower floor's (``vouchers.reads``); this is its door for the casework."""

from __future__ import annotations

from vouchers.reads import READ_LISTENERS, note_read, on_read

__all__ = ["READ_LISTENERS", "note_read", "on_read"]
