"""Writing to the outbox: in the same transaction as the deed, or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from vouchers.models import OutboxMessage


def enqueue(
    task: str, payload: dict[str, Any] | None = None, *, key: str = "", not_before: datetime | None = None
) -> OutboxMessage | None:
    """Ask for a task by name once this transaction commits.

    ``key`` makes the wish unique while it waits: a second one with the same key is dropped and None returned. The waiting
    one is then kept from running until this transaction ends, so that it sees what was done here.
    """
    fields: dict[str, Any] = {"task": task, "payload": payload or {}, "key": key}
    if not_before is not None:
        fields["not_before"] = not_before
    if not key:
        return OutboxMessage.objects.create(**fields)
    waiting = OutboxMessage.objects.filter(task=task, key=key, done_at=None)
    while True:
        try:
            with transaction.atomic():
                if waiting.select_for_update().exists():
                    return None
                return OutboxMessage.objects.create(**fields)
        except IntegrityError:
            continue  # somebody's was committed meanwhile: it is held like any other, unless it is done already
