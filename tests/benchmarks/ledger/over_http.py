"""(b) Instant settlements through HTTP and DRF: a published scheme, leases, vouchers, a credential, real server processes."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.request import urlopen

from tests.benchmarks.figures import Figure
from tests.benchmarks.ledger.alone import BINARIES, pgbench
from tests.benchmarks.ledger.platform import confirmed, probe, rate, settlement

CLIENTS = (1, 8, 32, 100)
ROUNDS = 5
SECONDS = 4.0
WARM_SECONDS = 1.5
DAY = date(2024, 6, 3)
VOUCHERS = 8
WORKERS = 2
START_SECONDS = 60
GOAL = 0.5


def figures(counts: Sequence[int] = CLIENTS, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Figure]:
    """Medians per number of clients beside the view that only signs in and runs ``SELECT 1``, and beside pgbench."""
    from vouchers.actions.ledger_check import check_ledger

    places, token = _prepare()
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    with _server() as port, tempfile.TemporaryDirectory() as folder:
        for _round in range(rounds):
            for clients in counts:
                own = [places[client % len(places)] for client in range(clients)]
                makers = [settlement(place, token) for place in own]
                for name, sent in (
                    ("settlement", makers),
                    ("confirmed", [confirmed(place, token) for place in own]),
                    ("SELECT 1", [probe(make) for make in makers]),
                ):
                    rates[name, clients].append(rate(port, sent, seconds, WARM_SECONDS))
                rates["TPC-B-like", clients].append(
                    pgbench(os.environ["MIGRATION_DATABASE_URL"], None, clients, Path(folder))
                )
    findings = check_ledger()
    if findings:
        raise RuntimeError(f"the ledger does not hold after the benchmark: {findings[0]}")
    medians = {key: statistics.median(values) for key, values in rates.items()}
    beside = (
        ("settlement", "settlements over HTTP", "SELECT 1", "sign in and SELECT 1, same server", GOAL),
        (
            "confirmed",
            "calls of which every second confirms",
            "SELECT 1",
            "sign in and SELECT 1, same server",
            None,
        ),
        ("settlement", "settlements over HTTP", "TPC-B-like", "pgbench TPC-B-like, scale 1", None),
    )
    return [
        Figure(
            f"{what}, {clients} clients",
            medians[measured, clients],
            "1/s",
            words,
            medians[reference, clients],
            goal,
        )
        for measured, what, reference, words, goal in beside
        for clients in counts
    ]


def _prepare() -> tuple[list[tuple[str, str]], str]:
    """E-Town's first version with its budget, and vouchers of one company on leases of one provider."""
    from django.db import connection

    from tests import casework
    from tests import cast as casting
    from vouchers import dates
    from vouchers.models import ApiCredential

    with dates.fixed(DAY):
        cast = casting.build()
        publication = casework.published(cast, "BDA-SLQ-v1")
        casework.funded(cast, publication.program)
        places = []
        for _voucher in range(VOUCHERS):
            fields = casework.lease_fields(
                cast.provider,
                "2000000.00",
                region_code="110115",
                signed_on=date(2024, 5, 1),
                starts_on=date(2024, 5, 1),
                ends_on=date(2025, 4, 30),
            )
            application = casework.submitted(cast, publication, fields)
            if application.state != "issued" or application.lease is None:
                raise RuntimeError(f"the application is {application.state}, no voucher was issued")
            places.append((application.voucher_no, application.lease.lease_no))
    # The limit of calls is for strangers' mistakes; what is measured is the settlement.
    ApiCredential.objects.update(calls_a_minute=10_000_000)
    connection.close()
    subprocess.run(
        [BINARIES / "bin" / "pgbench", "-i", "-q", "-s", "1", os.environ["MIGRATION_DATABASE_URL"]],
        check=True,
        capture_output=True,
        env=os.environ | {"PGOPTIONS": "-c role=voucher_owner"},
    )
    return places, cast.platform_token


@contextmanager
def _server() -> Iterator[int]:
    """The site under the web server that it is run with, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += [
        "--workers",
        str(WORKERS),
        "--blocking-threads",
        "4",
        "--backlog",
        "1024",
        "--no-ws",
        "--log-level",
        "warning",
    ]
    own = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.ledger.served", "DEMO_DATE": DAY.isoformat()}
    server = subprocess.Popen([*command, "config.wsgi:application"], env=os.environ | own)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/api/v1/programs", timeout=5):
                    break
            except OSError as problem:  # refused, not answered in time, or an answer that is an error
                if getattr(problem, "code", 500) < 500:
                    break
                if time.monotonic() > deadline or server.poll() is not None:
                    raise RuntimeError("the web server did not start") from problem
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(30)
