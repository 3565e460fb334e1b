"""A provider's platform as many clients: real processes that keep their connections and send as fast as they are answered."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any

PROCESSES = 2
Request = tuple[str, dict[str, Any], dict[str, str]]
#: What a client sends next, from what it was answered last (empty at first).
Maker = Callable[[dict[str, Any]], Request]


def settlement(place: tuple[str, str], token: str) -> Maker:
    """What makes one settlement after another on a voucher and lease."""
    voucher_no, lease_no = place

    def make(_answer: dict[str, Any]) -> Request:
        line = uuid.uuid4().hex
        body = {
            "voucher_no": voucher_no,
            "lease_no": lease_no,
            "reference": f"ST-{line}",
            "net_amount": "10.00",
            "period_from": "2024-05-01",
            "period_to": "2024-05-31",
        }
        return "/api/v1/settlements", body, {"Authorization": f"Bearer {token}", "Idempotency-Key": line}

    return make


def confirmed(place: tuple[str, str], token: str) -> Maker:
    """What reserves and then confirms, one settlement after another: every second request is a confirmation."""
    reserve = settlement(place, token)

    def make(answer: dict[str, Any]) -> Request:
        if answer.get("state") != "submitted":
            return reserve(answer)
        return (
            f"/api/v1/settlements/{answer['settlement_no']}/confirm",
            {},
            {"Authorization": f"Bearer {token}"},
        )

    return make


def probe(make: Maker) -> Maker:
    """The same request, to the view that does nothing with it."""

    def made(answer: dict[str, Any]) -> Request:
        _path, body, headers = make(answer)
        return "/api/v1/bench-one", body, headers

    return made


def rate(port: int, makers: list[Maker], seconds: float, warm: float) -> float:
    """Answered requests a second, once all clients have been at it for ``warm`` seconds; anything but success is an error."""
    context = multiprocessing.get_context("fork")
    pipes = []
    start = time.time() + 0.5
    for place in range(min(PROCESSES, len(makers))):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=_process,
            args=(port, makers[place::PROCESSES], start + warm, start + warm + seconds, sending),
        )
        process.start()
        sending.close()
        pipes.append((process, receiving))
    done = 0
    errors: list[str] = []
    for process, receiving in pipes:
        count, found = json.loads(receiving.recv_bytes())
        done += count
        errors += found
        process.join(10)
    if errors:
        raise RuntimeError(f"{len(errors)} requests failed: {errors[0]}")
    return done / seconds


def _process(port: int, makers: list[Maker], begin: float, end: float, sending: Any) -> None:
    counts = [0] * len(makers)
    errors: list[str] = []

    def client(place: int) -> None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            told: dict[str, Any] = {}
            while time.time() < end:
                path, body, headers = makers[place](told)
                connection.request(
                    "POST", path, json.dumps(body), {"Content-Type": "application/json"} | headers
                )
                answer = connection.getresponse()
                text = answer.read()
                if answer.status not in (200, 201):
                    errors.append(f"{answer.status} {text.decode()[:300]}")
                    return
                told = json.loads(text)
                # Answered within the window, whenever it was sent: a slow answer counts as much as a fast one.
                if begin <= time.time() < end:
                    counts[place] += 1
        except Exception:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=client, args=(place,)) for place in range(len(makers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sending.send_bytes(json.dumps([sum(counts), errors[:3]]).encode())
    os._exit(0)
