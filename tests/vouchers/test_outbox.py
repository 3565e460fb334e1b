"""The outbox: a wish is kept once while it waits, and what was done before it is wished is seen when it runs."""

from __future__ import annotations

import threading
from datetime import date

import psycopg
import pytest
from django.db import connections, transaction
from django.utils import timezone

from tests.meanwhile import Meanwhile
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


def test_who_loses_the_race_for_a_wish_keeps_the_winners_from_running_until_his_own_deed_stands(committed_db):
    """Both look before either has wished; the second comes to wait for the first one's row, and then holds it."""
    held: list[bool] = []

    def second() -> str:
        with acting(Actor.service("test"), "test"):
            answer = enqueue("tests.look", key="one")
            with psycopg.connect(committed_db.dsn, autocommit=True) as worker:
                free = worker.execute(
                    "SELECT id FROM vouchers_outboxmessage WHERE done_at IS NULL FOR UPDATE SKIP LOCKED"
                ).fetchall()
            held.append(free == [])
        return str(answer)

    other = Meanwhile(committed_db.dsn, date(2025, 7, 15), second)
    with transaction.atomic():
        assert enqueue("tests.look", key="one") is not None
        other.start()
        assert other.waits()
    assert other.told() == "None"
    assert held == [True]
    assert OutboxMessage.objects.count() == 1


@pytest.mark.django_db
def test_a_task_that_is_delivered_twice_runs_once():
    seen.clear()
    message = enqueue("tests.look")
    assert message is not None
    look(outbox_id=message.pk)
    look(outbox_id=message.pk)
    assert len(seen) == 1
