"""How long a task waits in the queue: sent to the broker, received by a consumer, acknowledged."""

from __future__ import annotations

import os
import statistics
import time

import psycopg
from kombu import Connection

from config.queue import transport_options
from tests.benchmarks.figures import Figure

MESSAGES = 200


def run() -> list[Figure]:
    """Median and 95th percentile of the wait, beside one durable commit on the same server."""
    address = os.environ["CELERY_BROKER_URL"]
    waits: list[float] = []
    with (
        Connection(address, transport_options=transport_options(address)) as broker,
        broker.SimpleQueue("benchmark") as queue,
    ):
        for _ in range(MESSAGES):
            sent = time.perf_counter()
            queue.put({"sent": sent})
            queue.get(timeout=10).ack()
            waits.append((time.perf_counter() - sent) * 1000)
    commits: list[float] = []
    with psycopg.connect(address.replace("pgmq:", "postgresql:", 1), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS benchmark_commit (id int)")
        for number in range(MESSAGES):
            started = time.perf_counter()
            connection.execute("INSERT INTO benchmark_commit VALUES (%s)", [number])
            commits.append((time.perf_counter() - started) * 1000)
        connection.execute("DROP TABLE benchmark_commit")
    commit = statistics.median(commits)
    return [
        Figure("wait, median", statistics.median(waits), "ms", "one commit, median", commit, 10, "less"),
        Figure(
            "wait, 95 %",
            statistics.quantiles(waits, n=20)[-1],
            "ms",
            "one commit, median",
            commit,
            50,
            "less",
        ),
    ]
