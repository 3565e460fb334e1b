"""Several deeds at the same instant, each in a process of its own over the test's committed database."""

from __future__ import annotations

import json
import multiprocessing
import os
import traceback
from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import connections

from vouchers import dates
from vouchers.errors import DomainError

ON = date(2025, 7, 15)
Deed = Callable[[Any], str]


def at_once(*deeds: tuple[Deed, Any]) -> list[str]:
    """Each deed in a process of its own, all let go together: what each answered, in order."""
    connections.close_all()  # a child must not share its parent's connection
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(deeds))
    running = []
    for deed, subject in deeds:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(deed, subject, barrier, sending), daemon=True)
        process.start()
        sending.close()
        running.append((process, receiving))
    answers = []
    for process, receiving in running:
        assert receiving.poll(60), "a process said nothing"
        answers.append(json.loads(receiving.recv_bytes()))
        process.join(10)
    return answers


def _child(deed: Deed, subject: Any, barrier: Any, sending: Any) -> None:
    try:
        with dates.fixed(ON):
            connections["default"].ensure_connection()
            barrier.wait(30)
            answer = deed(subject)
    except DomainError as refusal:
        answer = refusal.code
    except BaseException:
        answer = traceback.format_exc()
    sending.send_bytes(json.dumps(answer).encode())
    os._exit(0)
