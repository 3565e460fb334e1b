"""Killing what serves a platform while it works: backends and the whole of PostgreSQL, web and worker processes.

A server of its own on a port of its own (it is stopped and started again), the real web server and the real worker under a
supervisor that starts them again as a service manager would, and a platform over real HTTP that keeps its own books.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from config.embedded import REPOSITORY, Cluster
from tests import databases
from tests.platform_scene import DAY, contracts_of

HOST = "127.0.0.1"
READY_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Service:
    """One process that is started again whenever it is gone."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._start()
        self._watcher = threading.Thread(target=self._watch, name=f"watch {name}", daemon=True)
        self._watcher.start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            if self._process is not None and self._process.poll() is not None:
                self._start()

    def kill(self) -> None:
        """SIGKILL to it and to all that it has started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """The end."""
        self._over.set()
        self._watcher.join()
        self.kill()
        if self._process is not None:
            self._process.wait(timeout=10)


@dataclass
class Drill:
    """What was killed, what the platform did meanwhile, and what was found afterwards."""

    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    acknowledged: int = 0
    report: Any = None
    ledger: str = ""
    doubled: int = 0
    waiting: int = 0

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it should be."""
        found = list(self.report.faults)
        if not self.report.equal:
            found.append(f"books differ: {self.report.own} {self.report.theirs}")
        if "0 处问题" not in self.ledger:
            found.append(f"check_ledger: {self.ledger[-600:]}")
        if self.doubled:
            found.append(f"{self.doubled} keys or lines were settled twice")
        if self.waiting:
            found.append(f"{self.waiting} messages of the outbox were never done")
        return found


class Site:
    """The whole installation on a database of its own."""

    def __init__(self, folder: Path, *, customers: int = 4) -> None:
        self.folder = folder
        self.cluster = Cluster("postgres-faults", port=free_port())
        # Processes are killed here, not the machine: what was written stays with the system. A commit is written out before it
        # is answered as ever; only the disk's own cache is not waited for, which recovery would do for every file there is.
        self.cluster.settings |= {"fsync": "off"}
        self.name = f"test_{os.getpid()}"
        self.port = free_port()
        self.customers = customers
        self.services: dict[str, Service] = {}
        self.scene: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @contextmanager
    def up(self) -> Iterator[Site]:
        """Everything started, and stopped afterwards."""
        with self.cluster.held():
            databases.drop_orphans(self.cluster)
            self.cluster.create_queue("voucher_queue")
            with databases.copy_of(self.cluster, databases.template(self.cluster), self.name):
                self.environment = os.environ | self.cluster.environment(self.name)
                self.environment |= {
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "DEPLOYMENT": "test",
                    "DEMO_DATE": DAY.isoformat(),
                    "VAR_DIR": str(self.folder),
                    "LOG_LEVEL": "ERROR",
                }
                self.environment.setdefault("SECRET_KEY", "only-for-tests")
                try:
                    self.scene = json.loads(
                        self.run("-m", "tests.platform_scene", str(self.customers)).splitlines()[-1]
                    )
                    self._serve()
                    yield self
                finally:
                    for service in self.services.values():
                        service.stop()
                    self.cluster.hold()

    def run(self, *arguments: str) -> str:
        """A command of the project on this database; what it said."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, env=self.environment, capture_output=True, text=True
        )
        if done.returncode and "check_ledger" not in arguments:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def _serve(self) -> None:
        web = ["-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(self.port)]
        web += ["--workers", "1", "--blocking-threads", "8", "--no-ws", "--log-level", "warning"]
        celery = ["-m", "celery", "-A", "config"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"]
        schedule = ["-s", str(self.folder / "schedule"), "--pidfile="]
        for name, arguments in {
            "web": [*web, "config.wsgi:application"],
            "worker": [*celery, "worker", "-c", "2", *quiet],
            "clock": [*celery, "beat", *schedule, "-l", "ERROR"],
        }.items():
            command = [sys.executable, *arguments]
            self.services[name] = Service(name, command, self.environment, self.folder / f"{name}.log")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.1)
        raise RuntimeError((self.folder / "web.log").read_text()[-3000:])

    # -- the faults ----------------------------------------------------------------------------------------------------

    def kill_backend(self, chance: random.Random) -> bool:
        """SIGKILL to a backend that serves the application, one at work if there is one."""
        try:
            with self.cluster.superuser() as connection:
                rows = connection.execute(
                    "SELECT pid, state <> 'idle' FROM pg_stat_activity WHERE datname = %s AND usename = 'voucher_app'",
                    [self.name],
                ).fetchall()
        except (psycopg.Error, OSError):
            return False
        pids = [pid for pid, busy in rows if busy] or [pid for pid, _busy in rows]
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
            return True
        return False

    def stop_server(self) -> None:
        """The immediate stop: no shutdown checkpoint, every session cut; then it is started again and recovers."""
        self.cluster.crash()
        self.cluster.restart()

    def fault(self, kind: str, chance: random.Random) -> bool:
        """One fault; whether it could be made."""
        if kind == "backend":
            return self.kill_backend(chance)
        if kind == "server":
            self.stop_server()
        else:
            self.services[kind].kill()
        return True


def drill(
    site: Site,
    *,
    backends: int,
    stops: int,
    kills: int,
    concurrency: int = 6,
    seed: int = 1,
    pause: float = 0.4,
) -> Drill:
    """Let the platform work, kill, and look. ``kills`` are shared between web and worker."""
    from applications.provider_simulator import ProviderSimulator

    chance, found = random.Random(seed), Drill()
    plan = ["backend"] * backends + ["server"] * stops
    plan += ["web"] * (kills - kills // 2) + ["worker"] * (kills // 2)
    chance.shuffle(plan)
    simulator = ProviderSimulator(
        site.url,
        site.scene["token"],
        contracts_of(site.scene),
        run="drill",
        seed=seed,
        patience=90,
        concurrency=concurrency,
    )
    started, stop, done = time.monotonic(), threading.Event(), threading.Semaphore(0)
    worker = threading.Thread(
        target=simulator.work, args=(1_000_000,), kwargs={"stop": stop, "told": lambda _n: done.release()}
    )
    worker.start()
    try:
        done.acquire(timeout=30)
        for kind in plan:
            # Between two faults something is acknowledged, so that each of them meets work under way.
            done.acquire(timeout=6)
            time.sleep(chance.uniform(0, pause))
            for _again in range(120):  # until there is one of that kind again
                if site.fault(kind, chance):
                    found.killed[kind] += 1
                    break
                time.sleep(0.1)
    finally:
        stop.set()
        worker.join()
    found.report = simulator.reconcile(DAY, DAY)
    found.acknowledged = len([entry for entry in simulator.books.values() if entry.settlement_no])
    found.waiting = _drained(site)
    found.ledger = site.run("manage.py", "check_ledger")
    found.doubled = _doubled(site)
    found.seconds = time.monotonic() - started
    return found


def _drained(site: Site, seconds: float = 60) -> int:
    """Wait for the worker to do what was asked of it; how many messages wait still."""
    deadline, waiting = time.monotonic() + seconds, 1
    with psycopg.connect(site.cluster.url("postgres", site.name), autocommit=True) as connection:
        # Those that were sent to a worker which was killed come up again after a minute: here, at once.
        while waiting and time.monotonic() < deadline:
            connection.execute(
                "UPDATE vouchers_outboxmessage SET not_before = now() WHERE done_at IS NULL AND not_before > now()"
                " AND sent_at < now() - interval '3 seconds'"
            )
            row = connection.execute(
                "SELECT count(*) FROM vouchers_outboxmessage WHERE done_at IS NULL"
            ).fetchone()
            waiting = row[0] if row else 0
            time.sleep(0.3)
    return waiting


def _doubled(site: Site) -> int:
    """Keys with more than one settlement, lines with more than one live settlement, claims with more than one payment."""
    with psycopg.connect(site.cluster.url("postgres", site.name), autocommit=True) as connection:
        row = connection.execute(
            """
            SELECT (SELECT count(*) FROM (SELECT FROM applications_claim WHERE idempotency_key <> ''
                        GROUP BY provider_id, idempotency_key HAVING count(*) > 1) k)
                 + (SELECT count(*) FROM (SELECT FROM applications_basisitem i JOIN applications_claim c ON c.id = i.claim_id
                        WHERE c.kind = 'settlement' AND c.state IN ('submitted', 'approved', 'paid')
                        GROUP BY c.provider_id, i.reference HAVING count(*) > 1) l)
                 + (SELECT count(*) FROM (SELECT FROM vouchers_payment GROUP BY claim_no HAVING count(*) > 1) p)
            """
        ).fetchone()
    return int(row[0]) if row else -1
