"""The outbox: a wish is kept once while it waits, and what was done before it is wished is seen when it runs."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction
from django.utils import timezone

from vouchers.actions.outbox import enqueue
from vouchers.context import Actor, acting
from vouchers.models import OutboxMessage, Region
from vouchers.tasks import outbox_task

seen: list[bool] = []


@outbox_task("tests.look", "test.look")
def look() -> None:
    seen.append(Region.objects.filter(code="990000").exists())


@pytest.mark.django_db
def test_a_second_wish_with_the_same_key_is_dropped_while_the_first_waits():
    first = enqueue("tests.look", key="one")
    assert first is not None
    assert enqueue("tests.look", key="one") is None
    OutboxMessage.objects.update(done_at=timezone.now())
    assert enqueue("tests.look", key="one") is not None


def test_a_dropped_wish_still_sees_what_was_done_before_it(committed_db):
    seen.clear()
    message = enqueue("tests.look", key="one")
    assert message is not None
    started = threading.Event()

    def run() -> None:
        try:
            started.set()
            look(outbox_id=message.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=run)
    with acting(Actor.service("test"), "test"), transaction.atomic():
        Region.objects.create(code="990000", name="某地")
        assert enqueue("tests.look", key="one") is None
        worker.start()
        started.wait(timeout=10)
        worker.join(timeout=1)  # it waits for this transaction
    worker.join(timeout=30)
    assert seen == [True]
    assert OutboxMessage.objects.get().done_at is not None


@pytest.mark.django_db
def test_a_task_that_is_delivered_twice_runs_once():
    seen.clear()
    message = enqueue("tests.look")
    assert message is not None
    look(outbox_id=message.pk)
    look(outbox_id=message.pk)
    assert len(seen) == 1
