"""Sealing under fire, for the tests (short) and for bin/bench trail (whole): sealers killed at random, sixteen writers, one of them slow."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings

from audit.models import AuditEvent, PendingEvent, TrailLeaf
from audit.trail import checkpoints
from audit.trail.live import examine_log
from audit.trail.sealer import seal_all

REPOSITORY = Path(__file__).resolve().parents[3]
# Codes that no region has: those of provinces begin with 11 to 65.
INSERT = "INSERT INTO vouchers_region (code, name) VALUES (%s, %s)"


@dataclass
class Outcome:
    """What was done to the log."""

    kills: int = 0
    committed: int = 0
    rolled_back: int = 0


def check_places() -> int:
    """Every committed event has one place, the places are without a gap, and the whole log is intact; how many there are."""
    places = list(TrailLeaf.objects.order_by("index").values_list("index", "event_id"))
    assert [index for index, _ in places] == list(range(len(places)))
    assert sorted(event_id for _, event_id in places) == sorted(
        AuditEvent.objects.values_list("pk", flat=True)
    )
    assert not PendingEvent.objects.exists()
    assert list(examine_log(witness=checkpoints.copy_path())) == []
    return len(places)


def start_sealer() -> subprocess.Popen[bytes]:
    """A sealer in a process of its own, on the database that the settings name."""
    from django.db import connections

    from config.embedded import Cluster, testing

    name, port = (str(connections["default"].settings_dict[one]) for one in ("NAME", "PORT"))
    cluster = next(
        one
        for one in (testing(), Cluster("postgres-bench"))
        if (one.data / "postmaster.pid").exists() and str(one.port) == port
    )
    environment = cluster.environment(name) | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DEPLOYMENT": "test",
        "PYTHONUNBUFFERED": "1",
        "TRAIL_KEY_FILE": settings.TRAIL_KEY_FILE,
        "TRAIL_PUBLIC_KEY_FILE": settings.TRAIL_PUBLIC_KEY_FILE,
        "TRAIL_CHECKPOINT_FILE": settings.TRAIL_CHECKPOINT_FILE,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "seal_trail", "--every", "0.001"],
        cwd=REPOSITORY,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
    )


def kill_sealers(dsn: str, *, kills: int, seed: int = 20250715, writers: int = 3) -> Outcome:
    """Kill a sealer at work ``kills`` times while writers commit and roll back; seal what is left, and count."""
    chance, over, outcome, counted = random.Random(seed), threading.Event(), Outcome(), threading.Lock()

    def work(first: int) -> None:
        with psycopg.connect(dsn) as app:
            for number in range(first, first + 100_000):
                if over.is_set():
                    return
                app.execute(INSERT, (f"{number:06d}", "封存测试"))
                stays = number % 7 != 0
                app.commit() if stays else app.rollback()
                with counted:
                    outcome.committed += stays
                    outcome.rolled_back += not stays
                time.sleep(chance.random() / 50)

    before = AuditEvent.objects.count()
    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 700_000, 800_000)[:writers]]
    for thread in threads:
        thread.start()
    try:
        while outcome.kills < kills:
            sealer = start_sealer()
            assert sealer.stdout is not None
            sealer.stdout.readline()  # it has sealed once, and goes on: from here on the moment is by chance
            time.sleep(chance.random() * 0.3)
            sealer.send_signal(signal.SIGKILL)
            sealer.wait()
            sealer.stdout.close()
            outcome.kills += 1
    finally:
        over.set()
        for thread in threads:
            thread.join()
    seal_all()
    assert check_places() == before + outcome.committed
    return outcome


def slow_writer(dsn: str, *, seconds: float, writers: int = 16) -> Outcome:
    """``writers`` at once, one of whom keeps its transaction open all the while; sealed meanwhile and after."""
    outcome, over, counted = Outcome(), threading.Event(), threading.Lock()

    def work(first: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as app:
            for number in range(first, first + 20_000):
                if over.is_set():
                    return
                app.execute(INSERT, (f"{number:06d}", "封存测试"))
                with counted:
                    outcome.committed += 1
                time.sleep(0.01)

    before = AuditEvent.objects.count()
    with psycopg.connect(dsn) as slow:
        slow.execute(INSERT, ("990000", "很慢的事务"))
        threads = [threading.Thread(target=work, args=(700_000 + n * 20_000,)) for n in range(writers - 1)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        sealed = 0
        while time.monotonic() < until:
            sealed += sum(one.added for one in seal_all())
            time.sleep(0.1)
        over.set()
        for thread in threads:
            thread.join()
        seal_all()
        assert sealed > 0, "nothing was sealed while one transaction was open"
        assert check_places() == before + outcome.committed  # all but the open one
        slow.commit()
    outcome.committed += 1
    seal_all()
    late = AuditEvent.objects.get(subject_kind="region", subject_no="990000")
    assert (
        TrailLeaf.objects.get(event_id=late.pk).index == check_places() - 1
    )  # the first written, the last sealed
    assert check_places() == before + outcome.committed
    return outcome
