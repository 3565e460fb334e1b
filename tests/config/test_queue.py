"""The queue on PostgreSQL: what a worker took and did not finish comes again; what is scheduled exists."""

from __future__ import annotations

import os
from queue import Empty

import pytest
from django.conf import settings
from kombu import Connection

from config.celery import app
from config.embedded import testing as cluster_of_the_tests
from config.queue import transport_options


@pytest.fixture
def queue():
    address = cluster_of_the_tests().environment()["CELERY_BROKER_URL"]
    options = transport_options(address) | {"visibility_timeout": 1}
    opened = []

    def open_queue():
        connection = Connection(address, transport_options=options)
        held = connection.SimpleQueue(f"drill_{os.getpid()}")
        opened.append((connection, held))
        return held

    yield open_queue
    opened[-1][1].queue.delete()
    for connection, _held in opened:
        connection.release()


def test_a_message_that_was_not_acknowledged_comes_again(queue):
    queue().put({"wake": "up"})
    dying = queue()
    assert dying.get(timeout=5).payload == {"wake": "up"}  # and never acknowledged
    message = queue().get(timeout=10)
    assert message.payload == {"wake": "up"}
    message.ack()


def test_a_message_that_was_acknowledged_is_gone(queue):
    held = queue()
    held.put({"wake": "up"})
    held.get(timeout=5).ack()
    with pytest.raises(Empty):
        queue().get(timeout=2)


def test_the_broker_is_not_looked_for_in_the_database_of_the_application(monkeypatch, queue):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    held = queue()
    held.put({"wake": "up"})
    held.get(timeout=5).ack()


def test_other_brokers_get_no_options_of_this_one():
    assert transport_options("redis://127.0.0.1:6379/0") == {}
    assert transport_options(None) == {}


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)
