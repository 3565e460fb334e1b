"""Workers: answers in order, failures told, and usable where a process may have no children of multiprocessing."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from vouchers.policy.crew import WorkerDied, in_order


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_answers_come_in_the_order_of_the_chunks(processes: int):
    assert list(in_order(math.factorial, range(30), processes)) == [math.factorial(n) for n in range(30)]


def test_chunks_and_answers_may_be_larger_than_a_pipe():
    chunks = [os.urandom(300_000) for _ in range(12)]
    assert list(in_order(bytes, chunks, 2)) == chunks


def test_chunks_are_taken_only_a_few_ahead():
    taken: list[int] = []

    def chunks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    answers = in_order(abs, chunks(), 2)
    assert [next(answers) for _ in range(4)] == [0, 1, 2, 3]
    answers.close()  # type: ignore[attr-defined]
    assert len(taken) < 20


def test_what_fails_in_a_worker_is_raised_here_with_the_place():
    with pytest.raises(ValueError, match="invalid literal") as caught:
        list(in_order(int, ["1", "x", "2"], 2))
    assert any("in a worker" in note for note in caught.value.__notes__)


def test_a_worker_that_is_killed_is_noticed():
    with pytest.raises(WorkerDied):
        list(in_order(partial(_end, by=signal.SIGKILL), [1, 2], 2))


def _end(chunk: int, by: signal.Signals) -> None:
    os.kill(os.getpid(), by)


def _count() -> None:
    assert list(in_order(abs, [-1, -2, -3], 2)) == [1, 2, 3]


def test_a_daemonic_process_may_have_a_crew():
    """Celery's prefork workers are daemonic: children of multiprocessing are refused there."""
    process = multiprocessing.get_context("spawn").Process(target=_count, daemon=True)
    process.start()
    process.join(30)
    assert process.exitcode == 0
