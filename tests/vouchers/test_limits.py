"""How often somebody may call: counted in the database, by all processes together, and never with the caller's transaction."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction

from vouchers.errors import TooMany
from vouchers.limits import forget_all, forget_idle, require_calm, seconds_to_wait
from vouchers.models import ApiCredential


def test_many_at_once_are_granted_exactly_what_there_is(committed_db):
    granted: list[float] = []

    def ask():
        try:
            for _time in range(20):
                granted.append(seconds_to_wait("key", 30, 3600))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted.count(0) == 30 and len(granted) == 100
    assert all(110 < wait <= 121 for wait in granted if wait)


def test_what_is_rolled_back_has_been_counted_all_the_same(committed_db):
    for _time in range(3):
        with transaction.atomic():
            require_calm("key", most=3, seconds=3600, code="c", message="m", hint="h")
            transaction.set_rollback(True)
    with transaction.atomic(), pytest.raises(TooMany) as refusal:
        require_calm("key", most=3, seconds=3600, code="c", message="m", hint="h")
    assert 1000 < refusal.value.retry_after <= 1200
    assert seconds_to_wait("another", 3, 3600) == 0
    forget_all()


def test_a_count_does_not_stay_locked_while_its_caller_works(committed_db):
    with transaction.atomic():
        assert seconds_to_wait("key", 5, 60) == 0
        other: list[float] = []

        def ask():
            try:
                other.append(seconds_to_wait("key", 5, 60))
            finally:
                connections.close_all()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(timeout=10)
        assert other == [0]
    forget_all()


def test_idle_keys_are_forgotten(committed_db):
    seconds_to_wait("key", 10, 60)
    assert forget_idle() == 0
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE vouchers_ratelimit SET full_at = now() - interval '2 hours'")
    assert forget_idle() == 1


def test_a_platform_beyond_its_calls_is_told_when_to_come_again(cast, api):
    ApiCredential.objects.update(calls_a_minute=3)
    caller = api(token=cast.platform_token)
    answers = [caller.get("/api/v1/events") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = answers[3].json()
    assert (told["code"], told["retry"]) == ("request.throttled", True)
    assert 15 <= told["retry_after"] <= 20 and answers[3]["Retry-After"] == str(told["retry_after"])
    assert answers[3]["Content-Type"] == "application/problem+json"


def test_wrong_tokens_use_up_their_address_not_the_platform(cast, api):
    ApiCredential.objects.update(calls_a_minute=1)
    prefix = cast.platform_token.partition(".")[0]
    for _time in range(3):
        assert api(token=f"{prefix}.wrong").get("/api/v1/events").status_code == 401
    assert api(token=cast.platform_token).get("/api/v1/events").status_code == 200
