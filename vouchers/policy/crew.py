"""A crew of worker processes: one function over many chunks, the answers in the order of the chunks.

The workers are programs of their own (`python -m vouchers.policy.crew`) on two pipes, not children of `multiprocessing`:
a daemonic process, as Celery's prefork workers are, may have none of those, and a fork would copy database connections
and threads in whatever state they are. A worker imports only what its function needs, so that function must live in a
module that does not need Django. It ends when its input ends, so also when its owner dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 3
"""Chunks that a worker has before it, so that it need not wait while its owner is busy."""

SELDOM = (100_000, 20, 100)
"""`gc.set_threshold` for processes that make many objects and hardly a cycle."""

_LENGTH = struct.Struct("<Q")
_PIPE_BYTES = 1 << 20


class WorkerDied(RuntimeError):
    """A worker ended without an answer: killed, or out of memory."""


def in_order(function: Callable[[T], R], chunks: Iterable[T], processes: int) -> Iterator[R]:
    """`function` of every chunk, in the order of the chunks, by so many processes; by 1, here.

    The function and the chunks must be picklable. An exception in a worker is raised here. Chunks are taken from their
    iterable only a few ahead of the answers.
    """
    if processes <= 1:
        yield from map(function, chunks)
        return
    with contextlib.ExitStack() as stack:
        crew = [stack.enter_context(contextlib.closing(_Worker(function))) for _ in range(processes)]
        waiting: deque[_Worker] = deque()
        for place, chunk in enumerate(chunks):
            worker = crew[place % processes]
            worker.give(chunk)
            waiting.append(worker)
            if len(waiting) >= processes * AHEAD:
                yield waiting.popleft().take()
        while waiting:
            yield waiting.popleft().take()


class _Worker:
    """One process, and a thread that writes to it: the pipes hold little, and neither side may wait for the other."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vouchers.policy.crew"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        _widen(self._output)
        self._given: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        self._given.put(pickle.dumps(function, pickle.HIGHEST_PROTOCOL))

    def give(self, chunk: Any) -> None:
        """Hand over a chunk; does not wait."""
        self._given.put(pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL))

    def take(self) -> Any:
        """The next answer. Raises what the function raised, or WorkerDied."""
        frame = _read(self._output)
        if frame is None:
            raise WorkerDied(f"工作进程意外结束（{self._process.wait()}）")
        failed, answer = pickle.loads(frame)  # noqa: S301 - from our own child, on a pipe that no one else has
        if failed:
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it does; its work is not wanted any more, or done."""
        self._given.put(None)
        self._process.kill()
        self._process.wait()
        self._writer.join()
        self._output.close()

    def _write(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._input:
            while (frame := self._given.get()) is not None:
                _send(self._input, frame)


def _widen(pipe: IO[bytes]) -> None:
    """A pipe that holds an answer whole, where the system allows it."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _send(pipe: IO[bytes], frame: bytes) -> None:
    pipe.write(_LENGTH.pack(len(frame)))
    pipe.write(frame)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    frame = pipe.read(length)
    return frame if len(frame) == length else None


def work(given: IO[bytes], answers: IO[bytes]) -> None:
    """A worker's life: the function first, then chunk for chunk its answer, until the input ends."""
    first = _read(given)
    if first is None:
        return
    function: Callable[[Any], Any] | None = None
    unready: Exception | None = None
    try:
        function = pickle.loads(first)  # noqa: S301 - from our own parent, on a pipe that no one else has
    except Exception as error:
        unready = error
    while (frame := _read(given)) is not None:
        try:
            if function is None:
                raise unready or RuntimeError("no function")
            answer = (False, function(pickle.loads(frame)))  # noqa: S301 - as above
        except Exception as error:
            error.add_note(f"in a worker:\n{traceback.format_exc()}")
            answer = (True, error)
        _send(answers, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner is interrupted too, and ends its workers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what somebody prints must not get among the answers
    gc.set_threshold(*SELDOM)
    work(sys.stdin.buffer, answers)
