"""The lock that only sealers take, one at a time; writers never look at it."""

from __future__ import annotations

LOCK = 0x7472_6169_6C  # "trail"
