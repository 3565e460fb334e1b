"""The last time that the whole was verified: told in the trail itself, so that nobody can say it was when it was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from audit.actions.trail import log_read
from audit.models import AuditEvent
from audit.trail.live import Finding
from vouchers.context import Actor, acting

VERB, SUBJECT = "trail.verify", "trail"
TOLD = 20
"""So many findings stand in the event; the others are counted."""


@dataclass(frozen=True)
class Verification:
    """When, over how many events, and what was found; ``first`` is the first finding's sentence."""

    event_no: Any
    at: datetime
    events: int
    findings: int
    first: str


def record_verification(findings: Sequence[Finding], *, events: int, tables: bool) -> None:
    """Told once the verification is over, in a transaction of its own."""
    facts = {
        "events": events,
        "findings": len(findings),
        "tables": tables,
        "told": [f"{one.sentence}（{one.code}）" for one in findings[:TOLD]],
    }
    with acting(Actor.service("verify_trail"), VERB):
        log_read("trail.verify", SUBJECT, settings.TRAIL_ORIGIN[:80], facts=facts)


def last_verification() -> Verification | None:
    """The newest one, of the log and the tables; None when there was none yet."""
    rows = AuditEvent.objects.filter(
        subject_kind=SUBJECT, subject_no=settings.TRAIL_ORIGIN[:80], verb=VERB, operation="read"
    )
    for event in rows.order_by("-pk")[:20]:
        facts = event.changes
        if facts.get("tables"):
            told = facts.get("told") or [""]
            return Verification(
                event.event_no,
                event.recorded_at,
                int(facts.get("events", 0)),
                int(facts.get("findings", 0)),
                str(told[0]),
            )
    return None
