"""推送: two senders at once, one of them slow. Positions only move forward, and a page may come twice but none is left out."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.utils import DatabaseError
from django.utils import timezone

from tests import cast as people
from tests.at_once import at_once
from tests.vouchers.test_webhooks import Ear, happened
from vouchers.actions import webhooks
from vouchers.context import acting
from vouchers.models import PlatformEvent, Webhook
from vouchers.outward import Answered


@pytest.fixture
def scene(committed_db):
    cast, ear = people.build(), Ear()
    with acting(cast.security_admin, "test"):
        made, _secret = webhooks.propose_webhook(
            provider=cast.provider, region=cast.beijing, url=ear.url, by=cast.security_admin
        )
    with acting(cast.system_admin, "test"):
        webhooks.approve_webhook(made, by=cast.system_admin)
    yield cast, ear, made
    ear.server.shutdown()
    ear.server.server_close()


def deliver(_subject) -> str:
    return str(webhooks.deliver_due())


def test_two_workers_at_once_send_each_page_once_and_in_order(scene):
    cast, ear, made = scene
    happened(cast, 450)
    answers = at_once((deliver, None), (deliver, None), (deliver, None))
    assert sorted(answers) == ["0", "0", "5"], answers
    assert ear.events() == list(range(1, 451))
    made.refresh_from_db()
    assert (made.delivered, made.failures) == (450, 0)


def taken_over(made: Webhook) -> None:
    """The minute of whoever took the page is over."""
    Webhook.objects.filter(pk=made.pk).update(next_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("late", [Answered(200), Answered(None, "ReadTimeout: too late"), Answered(503)])
def test_whoever_was_slower_than_its_minute_moves_nothing_back(scene, late):
    cast, ear, made = scene
    happened(cast, webhooks.PAGE)
    slow = webhooks._take(made.pk)
    assert slow is not None
    taken_over(made)
    happened(cast, 150)
    assert webhooks.deliver_due() == 3  # another one takes the address over, and sends on
    before = Webhook.objects.get(pk=made.pk)
    assert before.delivered == 250
    assert not webhooks._note(slow, late, 61_000)
    after = Webhook.objects.get(pk=made.pk)
    assert (after.delivered, after.failures, after.state) == (250, 0, "active")
    assert after.next_at == before.next_at
    happened(cast, 1)
    assert webhooks.deliver_due() == 1
    assert ear.events() == list(range(1, 252))


def test_a_late_success_counts_where_nobody_was_faster(scene):
    cast, _ear, made = scene
    happened(cast, 10)
    slow = webhooks._take(made.pk)
    assert slow is not None
    taken_over(made)
    second = webhooks._take(made.pk)  # took over, and is still sending the same page
    assert second is not None and json.loads(second.body)["next"] == 10
    assert not webhooks._note(slow, Answered(200), 61_000)
    assert Webhook.objects.get(pk=made.pk).delivered == 10
    assert not webhooks._note(second, Answered(503), 10)  # what was taken already is no failure
    found = Webhook.objects.get(pk=made.pk)
    assert (found.delivered, found.failures) == (10, 0)


def test_the_database_itself_moves_no_position_back_and_changes_no_event(scene, committed_db):
    cast, _ear, _made = scene
    happened(cast, 3)
    assert webhooks.deliver_due() == 1
    refused = (
        ("UPDATE vouchers_webhook SET delivered = 0", "default"),
        ("UPDATE vouchers_platformevent SET position = 9 WHERE position = 3", "owner"),
        ("UPDATE vouchers_platformevent SET position = NULL", "owner"),
        ("UPDATE vouchers_platformevent SET content = '{}'", "owner"),
        ("DELETE FROM vouchers_platformevent", "owner"),
        ("TRUNCATE vouchers_platformevent", "owner"),
        ("UPDATE vouchers_platformevent SET content = '{}'", "default"),
        ("UPDATE vouchers_platformevent SET position = 4", "default"),
        ("DELETE FROM vouchers_platformevent", "default"),
    )
    before = list(PlatformEvent.objects.order_by("id").values())
    for statement, alias in refused:
        with pytest.raises(DatabaseError), connections[alias].cursor() as cursor:
            cursor.execute(statement)
    assert list(PlatformEvent.objects.order_by("id").values()) == before
    # Numbering, with the owner's rights, is what is left.
    happened(cast, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT number_platform_events(%s)", [cast.provider.pk])
        assert cursor.fetchone() == (4,)
