"""状态变动: what a provider's platform is told of, in the order of commits and without gaps (``sql/platforms.sql``)."""

from __future__ import annotations

from typing import Any

from django.db import connection

from vouchers.models import Party, PlatformEvent

MOST_EVENTS = 500


def events_after(provider: Party, position: int, *, most: int = MOST_EVENTS) -> list[PlatformEvent]:
    """The provider's events above a position, in order. What is committed later has a higher position than any of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number_platform_events(%s)", [provider.pk])
    return list(
        PlatformEvent.objects.filter(provider=provider, position__gt=position).order_by("position")[:most]
    )


def page_of_region(
    provider: Party, position: int, region_stem: str, *, most: int
) -> tuple[list[PlatformEvent], int]:
    """The next events above a position whose program lies in a region, in order, and the position that they reach: up to it
    there is no other one of this region. What happened elsewhere is passed over in the database, however much it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number_platform_events(%s)", [provider.pk])
        (reached,) = cursor.fetchone()
    events = list(
        PlatformEvent.objects.filter(
            provider=provider,
            position__gt=position,
            position__lte=reached,
            program_region_code__startswith=region_stem,
        ).order_by("position")[:most]
    )
    if len(events) == most:
        reached = events[-1].position
    return events, max(reached, position)


def told(event: PlatformEvent) -> dict[str, Any]:
    """An event as it goes out."""
    return {
        "position": event.position,
        "kind": event.kind,
        "settlement_no": event.subject_no,
        "happened_at": event.happened_at.isoformat(),
        "content": event.content,
    }
