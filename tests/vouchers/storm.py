"""Many client processes against one database at once: the machinery of the storm tests and of the benchmark.

Each client is an operating-system process with a connection of its own, as the application's role, in autocommit. It is
given its requests as JSON beforehand, waits for the others at a barrier, and then sends as fast as it can.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

Work = Callable[[psycopg.Connection, Any], Any]


@dataclass
class Outcome:
    """What the clients saw: an answer per request in the order of each client, and the seconds that it took."""

    answers: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def codes(self) -> Counter[str]:
        """How many answers had which result code."""
        return Counter(answer["code"] for answer in self.answers)


def post(connection: psycopg.Connection, body: str) -> dict[str, Any]:
    """One chain, one round trip."""
    row = connection.execute("SELECT ledger_post(%s::jsonb)", [body]).fetchone()
    assert row is not None
    return row[0]


def storm(dsn: str, requests: Sequence[Sequence[Any]], work: Work = post, *, timeout: float = 240) -> Outcome:
    """Run one client process for each list of requests, all starting together; returns all their answers.

    A client that dies or fails is an error of the outcome, never silence.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(requests))
    clients = []
    for mine in requests:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_client, args=(dsn, mine, work, barrier, sending), daemon=True)
        process.start()
        sending.close()
        clients.append((process, receiving))
    outcome = Outcome()
    for process, receiving in clients:
        try:
            if not receiving.poll(timeout):
                outcome.errors.append(f"client {process.pid} said nothing for {timeout} s")
                process.kill()
            else:
                answers, error = json.loads(receiving.recv_bytes())
                outcome.answers += answers
                outcome.errors += [error] if error else []
        except EOFError:
            outcome.errors.append(f"client {process.pid} died")
        process.join(10)
    return outcome


def _client(dsn: str, mine: Sequence[Any], work: Work, barrier: Any, sending: Any) -> None:
    """The child: no Django, no connection of the parent's, and out by ``os._exit`` so that nothing of pytest runs."""
    answers: list[Any] = []
    error = ""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            barrier.wait(60)
            for request in mine:
                answers.append(work(connection, request))
    except BaseException:
        error = traceback.format_exc()
        barrier.abort()
    sending.send_bytes(json.dumps([answers, error]).encode())
    os._exit(0)


def dealt(requests: Sequence[Any], clients: int) -> list[list[Any]]:
    """The requests dealt out to the clients like cards."""
    return [list(requests[n::clients]) for n in range(clients)]
