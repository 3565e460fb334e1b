"""What platforms are told of and compare: positions without gaps in the order of commits; count, sum and hash of a period."""

from __future__ import annotations

import hashlib
import threading

import pytest
from django.db import connections, transaction

from applications.models import Claim
from tests.applications.test_settlements import body, etown, send
from vouchers.actions.platform_events import events_after
from vouchers.models import ApiCredential, PlatformEvent

__all__ = ["etown"]


def told(caller, after=0, **more):
    return caller.get("/api/v1/events", {"after": after, **more}).json()


def test_whatever_moves_a_settlement_is_told_whoever_does_it(cast, api, etown):
    caller = api(token=cast.platform_token)
    one = send(api, cast, body(etown, net_amount="1000.00"), "key-000001").json()["settlement_no"]
    two = send(api, cast, body(etown, reference="ST-2", net_amount="1000.00"), "key-000002").json()[
        "settlement_no"
    ]
    caller.post(f"/api/v1/settlements/{one}/confirm")
    caller.post(f"/api/v1/settlements/{two}/release")
    Claim.objects.filter(claim_no=one).update(state="paid")  # as the bank's answer does, past every action
    page = told(caller)
    assert [(event["position"], event["kind"], event["settlement_no"]) for event in page["events"]] == [
        (1, "settlement.reserved", one),
        (2, "settlement.reserved", two),
        (3, "settlement.confirmed", one),
        (4, "settlement.released", two),
        (5, "settlement.paid", one),
    ]
    first = page["events"][0]["content"]
    assert (first["idempotency_key"], first["deducted_amount"], first["needs_review"]) == (
        "key-000001",
        "300.00",
        False,
    )
    assert told(caller, 5) == {"events": [], "next": 5}
    assert [event["position"] for event in told(caller, 2, limit=2)["events"]] == [3, 4]


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"limit": 0}, {"limit": 501}])
def test_a_position_that_is_none_is_refused(cast, api, query):
    answer = api(token=cast.platform_token).get("/api/v1/events", query)
    assert (answer.status_code, answer.json()["code"]) == (422, "input.invalid")


def test_a_credential_hears_of_its_programs_only_and_positions_go_on(cast, api, etown):
    from tests import casework

    send(api, cast, body(etown, net_amount="1000.00"), "key-000001")
    other = casework.published(cast, "BJ-AIQ").program
    ApiCredential.objects.get().programs.set([other])
    assert told(api(token=cast.platform_token)) == {"events": [], "next": 1}


def test_positions_follow_commits_not_the_order_of_writing(committed_db, cast):
    """An early writer that commits late must not appear below what a reader has seen."""

    def write(number, committed=None, wait=None):
        with transaction.atomic():
            PlatformEvent.objects.create(
                provider=cast.provider,
                kind="settlement.reserved",
                subject_no=f"S-{number}",
                program_code="P",
                program_region_code="110000",
            )
            if committed is not None:
                committed.set()
                wait.wait(timeout=20)

    written, go_on = threading.Event(), threading.Event()

    def late():
        try:
            write("late", written, go_on)
        finally:
            connections.close_all()

    thread = threading.Thread(target=late)
    thread.start()
    written.wait(timeout=20)
    write("early")
    with transaction.atomic():
        seen = events_after(cast.provider, 0)
    assert [(event.position, event.subject_no) for event in seen] == [(1, "S-early")]
    go_on.set()
    thread.join()
    with transaction.atomic():
        assert [(e.position, e.subject_no) for e in events_after(cast.provider, 1)] == [(2, "S-late")]


def test_many_writers_and_readers_leave_no_gap_and_no_reader_misses_one(committed_db, cast):
    heard: list[list[int]] = [[] for _ in range(3)]
    over = threading.Event()

    def writer(number):
        try:
            for place in range(25):
                with transaction.atomic():
                    PlatformEvent.objects.create(
                        provider=cast.provider,
                        kind="settlement.reserved",
                        subject_no=f"S-{number}-{place}",
                        program_code="P",
                        program_region_code="110000",
                    )
        finally:
            connections.close_all()

    def reader(mine):
        try:
            while True:
                last = over.is_set()
                with transaction.atomic():
                    found = events_after(cast.provider, mine[-1] if mine else 0, most=7)
                mine += [event.position for event in found]
                if last and not found:
                    return
        finally:
            connections.close_all()

    readers = [threading.Thread(target=reader, args=(mine,)) for mine in heard]
    writers = [threading.Thread(target=writer, args=(number,)) for number in range(6)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in readers:
        thread.join()
    assert heard == [list(range(1, 151))] * 3


def test_the_books_of_a_period_are_count_sum_and_a_hash_that_both_can_compute(cast, api, etown):
    caller = api(token=cast.platform_token)
    numbers = {}
    for place, key in enumerate(("key-b-0001", "key-a-0001", "Key-c-0001")):
        content = body(etown, reference=f"ST-{place}", net_amount="1000.00")
        numbers[key] = send(api, cast, content, key).json()["settlement_no"]
    caller.post(f"/api/v1/settlements/{numbers['key-b-0001']}/confirm")
    caller.post(f"/api/v1/settlements/{numbers['Key-c-0001']}/release")
    period = {"from": "2024-06-03", "to": "2024-06-03"}
    books = caller.get("/api/v1/settlements/reconciliation", {**period, "form": "lines"}).json()
    text = (
        f"Key-c-0001|{numbers['Key-c-0001']}|withdrawn|0.00\n"
        f"key-a-0001|{numbers['key-a-0001']}|submitted|300.00\n"
        f"key-b-0001|{numbers['key-b-0001']}|approved|300.00\n"
    )
    assert (books["count"], books["sum"]) == (3, "600.00")
    assert books["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert books["states"]["withdrawn"] == {"count": 1, "sum": "0.00"}
    file = caller.get("/api/v1/settlements/reconciliation", {**period, "form": "csv"})
    lines = b"".join(file.streaming_content).decode().split("\r\n")
    assert lines[0] == "idempotency_key,settlement_no,state,amount" and lines[2].endswith(",submitted,300.00")
    assert file["X-SHA256"] == books["sha256"]
    empty = caller.get("/api/v1/settlements/reconciliation", {"from": "2024-06-04", "to": "2024-06-05"})
    assert (empty.json()["count"], empty.json()["sum"]) == (0, "0.00")


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ({"from": "2024-06-03"}, "input.required"),
        ({"from": "2024-06-03", "to": "3.6.2024"}, "input.invalid"),
        ({"from": "2024-06-03", "to": "2024-06-02"}, "reconciliation.period"),
        ({"from": "2024-06-03", "to": "2026-06-03"}, "reconciliation.period"),
        ({"from": "2024-06-03", "to": "2024-06-03", "form": "pdf"}, "input.invalid_choice"),
    ],
)
def test_a_period_that_is_none_is_refused(cast, api, period, code):
    answer = api(token=cast.platform_token).get("/api/v1/settlements/reconciliation", period)
    found = answer.json()
    assert answer.status_code == 422
    assert (found["errors"][0]["code"] if "errors" in found else found["code"]) == code
