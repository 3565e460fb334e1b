"""bin/bench trail: what the trail costs, how fast it is sealed and verified, and how quickly a case's story is found.

Parts, all unless ``TRAIL_PARTS`` names some of them: ``approval`` (with the triggers and without: the superuser of the bench's own database
switches off those of the trail, nothing else), ``sealing``, ``offline`` (``TRAIL_EVENTS``, 1,000,000), ``story``
(``TRAIL_STORY``, 10,000,000), ``kills`` (``TRAIL_KILLS``, 50), ``slow`` (16 writers, one open for 30 s).
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from tests.benchmarks.figures import Figure

PARTS = os.environ.get("TRAIL_PARTS", "approval sealing offline kills slow story").split()
EVENTS = int(os.environ.get("TRAIL_EVENTS", "1000000"))
STORY = int(os.environ.get("TRAIL_STORY", "10000000"))
KILLS = int(os.environ.get("TRAIL_KILLS", "50"))
SLOW_SECONDS = float(os.environ.get("TRAIL_SLOW", "30"))
TO_SEAL, CASE_EVENTS, EVERY = 200_000, 100, 10_000
ROUNDS, TURNS = 6, 12


def run() -> list[Figure]:
    """The figures of the parts asked for."""
    from django.conf import settings

    from tests.cast import build
    from vouchers import dates

    own: dict[str, Any] = {}
    with TemporaryDirectory() as folder, dates.fixed(date(2025, 7, 15)):
        for name, file in (
            ("TRAIL_KEY_FILE", "signing.key"),
            ("TRAIL_PUBLIC_KEY_FILE", "public.txt"),
            ("TRAIL_CHECKPOINT_FILE", "checkpoints.jsonl"),
        ):
            own[name] = getattr(settings, name)
            setattr(settings, name, str(Path(folder) / file))
        settings.TRAIL_WITNESS_URL = ""
        cast = build()
        claim = cache(lambda: _verified_claim(cast))
        measured = {
            "approval": lambda: approval(cast, claim()),
            "kills": kills,
            "slow": slow,
            "sealing": sealing,
            "offline": lambda: offline(Path(folder)),
            "story": lambda: story(cast, claim()),
        }
        return [figure for part, measure in measured.items() if part in PARTS for figure in measure()]


@contextmanager
def superuser() -> Iterator[psycopg.Connection]:
    """The bench's own database, as who may do everything."""
    from django.db import connection

    from config.embedded import Cluster

    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(Cluster("postgres-bench").url("postgres", name), autocommit=True) as opened:
        yield opened


def _verified_claim(cast: Any) -> str:
    """The number of a claim that waits for its approval, come about through the real actions."""
    from applications.actions.basis_items import ItemFields
    from applications.actions.claims import verify_claim
    from applications.models import Claim
    from tests import casework
    from vouchers import dates
    from vouchers.context import acting

    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    casework.with_account(cast, cast.alpha)
    with dates.fixed(date(2025, 8, 1)):
        bill = casework.invoice(application.lease, "3000000.00")
        item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=bill)
        number = str(casework.claimed(cast, voucher, application.lease, [item]).claim_no)
        with acting(cast.handler, "bench"):
            claim = Claim.objects.get(claim_no=number)
            casework.answer_all(cast, claim)
            verify_claim(claim, by=cast.handler)
    return number


def approval(cast: Any, number: str) -> list[Figure]:
    """One verified claim, approved and rolled back again and again, with the trail's triggers and without, by turns."""
    from django.db import transaction

    from applications.actions.claims import approve_claim
    from applications.models import Claim
    from vouchers import dates
    from vouchers.context import acting

    took: dict[bool, list[float]] = {True: [], False: []}
    with dates.fixed(date(2025, 8, 1)), superuser() as owner:
        for _round in range(ROUNDS):
            for watched in (True, False):
                _switch(owner, on=watched)
                for turn in range(TURNS + 2):
                    gc.collect()
                    begun = time.perf_counter()
                    with transaction.atomic():
                        with acting(cast.approver, "bench"):
                            approve_claim(Claim.objects.get(claim_no=number), by=cast.approver)
                        ended = time.perf_counter()
                        transaction.set_rollback(True)
                    if turn > 1:  # the first two plan their statements anew
                        took[watched].append(ended - begun)
        _switch(owner, on=True)
    with_them, without = (statistics.median(took[on]) * 1000 for on in (True, False))
    return [
        Figure(
            "approval of a claim, with the trail",
            with_them,
            "ms",
            "without its triggers",
            without,
            1.3,
            "less",
        )
    ]


def _switch(owner: psycopg.Connection, *, on: bool) -> None:
    rows = owner.execute(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
        " AND tgname IN ('audit_write', 'audit_insert', 'audit_import', 'audit_empty')"
    ).fetchall()
    how = "ENABLE ALWAYS" if on else "DISABLE"
    owner.execute(";".join(f'ALTER TABLE {table} {how} TRIGGER "{name}"' for table, name in rows))


def _fill(
    owner: psycopg.Connection,
    count: int,
    *,
    first: int,
    queued: bool,
    real: str = "C-BENCH-0",
    cases: int = 0,
) -> None:
    """So many events like a real one, of one case each hundred; by SQL, without the triggers that keep the table as it is."""
    sample = owner.execute(
        "SELECT convert_from(canonical, 'UTF8') FROM audit_auditevent WHERE length(canonical) BETWEEN 500 AND 1200"
        " AND operation IN ('insert', 'update') ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert sample is not None
    cases = cases or max(1, count // CASE_EVENTS)
    queue = "INSERT INTO audit_pendingevent SELECT id FROM told" if queued else "SELECT count(*) FROM told"
    owner.execute(
        "WITH told AS (INSERT INTO audit_auditevent (id, event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,"
        " subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical)"
        " SELECT n, uuidv7(), n / 8, timestamptz '2025-01-01' + n * interval '2 seconds', 'user', 'person-' || n %% 500, 'claim.verify', '', '110000',"
        " 'basis_item', 'I-' || n, n::text, 'claim', CASE n * 7919 %% %s WHEN 0 THEN %s ELSE 'C-BENCH-' || (n * 7919 %% %s) END, 'update',"
        " convert_to(replace(%s, '{\"v\": 1, ', '{\"v\": 1, \"n\": ' || n || ', '), 'UTF8')"
        f" FROM generate_series(%s::bigint, %s::bigint) n RETURNING id) {queue}",
        [cases, real, cases, sample[0], first, first + count - 1],
    )
    owner.execute("SELECT setval('audit_auditevent_id_seq', %s)", [first + count - 1])


def _next_id(owner: psycopg.Connection) -> int:
    row = owner.execute("SELECT max(id) + 1 FROM audit_auditevent").fetchone()
    assert row is not None
    return int(row[0])


def sealing() -> list[Figure]:
    """Events sealed a second, in the batches of the sealer, each a durable commit with a signed checkpoint."""
    from audit.trail.sealer import seal_all

    seal_all()
    with superuser() as owner:
        _fill(owner, TO_SEAL, first=_next_id(owner), queued=True)
        owner.execute("ANALYZE audit_auditevent, audit_pendingevent")
    begun = time.perf_counter()
    sealed = sum(one.added for one in seal_all())
    took = time.perf_counter() - begun
    if sealed != TO_SEAL:
        raise RuntimeError(f"{sealed} of {TO_SEAL} events were sealed")
    return [Figure(f"sealing {TO_SEAL:,} events", sealed / took, "events/s", goal=20_000)]


def offline(folder: Path) -> list[Figure]:
    """An export of so many events, verified by the program as an auditor runs it; beside it, one loop that hashes the same lines."""
    from audit.models import AuditEvent
    from audit.trail import verify

    export = folder / "export"
    export.mkdir()
    sample = bytes(max(AuditEvent.objects.order_by("-pk")[:50], key=lambda one: len(one.canonical)).canonical)
    _export(export, sample)
    times: dict[str, list[float]] = {"verify": [], "loop": [], "stream": []}
    memory = 0
    for _round in range(3):
        times["loop"].append(_timed(lambda: _hash_lines(export / "events.jsonl")))
        times["stream"].append(_timed(lambda: _hash_stream(export / "events.jsonl")))
        command = [sys.executable, "-I", "-S", verify.__file__, str(export)]
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        said = child.stdout.read().decode()
        _pid, status, used = os.wait4(child.pid, 0)
        times["verify"].append(time.perf_counter() - begun)
        memory = max(memory, used.ru_maxrss)
        if status or "全部完好" not in said:
            raise RuntimeError(said)
    best = {name: min(values) for name, values in times.items()}
    size = (export / "events.jsonl").stat().st_size
    return [
        Figure(
            f"offline verification of {EVENTS:,} events, {size >> 20} MiB",
            EVENTS / best["verify"],
            "events/s",
            "hashing the same lines in one loop",
            EVENTS / best["loop"],
            0.4,
        ),
        Figure("the same bytes through one hash, for comparison", EVENTS / best["stream"], "events/s"),
        Figure("memory of the verifier at most", memory / 1024, "MB", goal=200, better="less"),
    ]


def _timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _hash_lines(path: Path) -> None:
    sha256 = hashlib.sha256
    with path.open("rb") as stream:
        for line in stream:
            sha256(line).digest()


def _hash_stream(path: Path) -> None:
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")


def _export(folder: Path, sample: bytes) -> None:
    """A log of ``EVENTS`` lines with a checkpoint every ten thousand."""
    from audit.trail.merkle import Frontier, Tree
    from audit.trail.offline import ed25519

    tree, seed = Tree("sha256"), b"\1" * 32
    public = ed25519.public_key_of(seed)
    frontier, previous = Frontier(tree), "-"
    with (folder / "events.jsonl").open("wb") as events, (folder / "checkpoints.jsonl").open("w") as stated:
        for size in range(EVERY, EVENTS + 1, EVERY):
            lines = [sample.replace(b'"id": ', b'"n": %d, "id": ' % n, 1) for n in range(size - EVERY, size)]
            frontier.extend([tree.leaf(line) for line in lines])
            events.write(b"\n".join(lines) + b"\n")
            root = base64.b64encode(frontier.root()).decode()
            body = f"bench\n{size}\n{root}\nhash sha256\nat 2025-07-15T00:00:00Z\nprevious {previous}\nkey {ed25519.key_id(public)}\n"
            previous = base64.b64encode(tree.hash(body.encode())).decode()
            signature = base64.b64encode(ed25519.sign(seed, body.encode())).decode()
            stated.write(json.dumps({"body": body, "signature": signature}) + "\n")
    (folder / "public-key.txt").write_text(base64.b64encode(public).decode() + "\n")


def kills() -> list[Figure]:
    """Sealers killed at random while writers write: no event lost, none twice, or the run fails."""
    from audit.trail.sealer import seal_all
    from tests.audit.trail.sealing_storm import kill_sealers

    seal_all()
    outcome = kill_sealers(os.environ["DATABASE_URL"], kills=KILLS)
    return [
        Figure("sealers killed at random, no event lost, none twice", outcome.kills, "kills", goal=KILLS),
        Figure("committed meanwhile", outcome.committed, "events"),
    ]


def slow() -> list[Figure]:
    """Sixteen writers, one of whom keeps its transaction open: no gap, or the run fails."""
    from audit.trail.sealer import seal_all
    from tests.audit.trail.sealing_storm import slow_writer

    with superuser() as owner:
        owner.execute("DELETE FROM vouchers_region WHERE name = '封存测试'")
    seal_all()
    outcome = slow_writer(os.environ["DATABASE_URL"], seconds=SLOW_SECONDS)
    return [Figure(f"16 writers, one open for {SLOW_SECONDS:g} s, no gap", outcome.committed, "events")]


def story(cast: Any, claim_no: str) -> list[Figure]:
    """A case's story among so many events: its rows by the query, and the page as the auditor gets it.

    Cold is the first time that anybody asks for the case, after the table's files were let go from the machine's memory; warm is once again.
    """
    from django.test import Client

    with superuser() as owner:
        _many(owner, claim_no)
        _let_go(owner)
        row = owner.execute("SELECT pg_total_relation_size('audit_auditevent')").fetchone()
        assert row is not None
    rows = _rows_of(cast, range(100, 140))
    client = Client()
    client.force_login(cast.auditor)
    _page(client, "C-BENCH-99")  # the code is loaded, the templates are read
    made = [f"C-BENCH-{n}" for n in range(200, 240)]
    cold, warm = ([_page(client, number) for number in made] for _turn in ("cold", "warm"))
    real = [_page(client, claim_no) for _turn in range(20)]
    within = f"among {STORY:,} events ({row[0] >> 30} GiB)"
    return [
        Figure(f"rows of a story {within}, cold, median", _median(rows), "ms", goal=100, better="less"),
        Figure("the same, 19 of 20 within", _most(rows), "ms", goal=100, better="less"),
        Figure(
            f"page of a case of {CASE_EVENTS} events, cold, median",
            _median(cold),
            "ms",
            goal=100,
            better="less",
        ),
        Figure("the same, 19 of 20 within", _most(cold), "ms", goal=100, better="less"),
        Figure("the same page, warm, median", _median(warm), "ms", goal=100, better="less"),
        Figure("the same, 19 of 20 within", _most(warm), "ms", goal=100, better="less"),
        Figure("page of a real claim with its application, lease and voucher, first", real[0] * 1000, "ms"),
        Figure("the same, warm, median", _median(real[1:]), "ms", goal=100, better="less"),
    ]


def _many(owner: psycopg.Connection, claim_no: str) -> None:
    """The trail of years: a hundred events a case, strewn over the whole; the real claim has as many of them as the others."""
    owner.execute("SET maintenance_work_mem = '1GB'")
    owner.execute(
        "ALTER TABLE audit_auditevent SET UNLOGGED"
    )  # it is only read afterwards, and gone with the run
    kept = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_auditevent' AND indexname NOT LIKE '%pkey'"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    ).fetchall()
    for name, _made in kept:
        owner.execute(f'DROP INDEX "{name}"')
    first, step = _next_id(owner), 500_000
    for start in range(0, STORY, step):
        _fill(
            owner,
            min(step, STORY - start),
            first=first + start,
            queued=False,
            real=claim_no,
            cases=max(1, STORY // CASE_EVENTS),
        )
    for _name, made in kept:
        owner.execute(made)
    owner.execute("VACUUM ANALYZE audit_auditevent")


def _let_go(owner: psycopg.Connection) -> None:
    """The pages of the trail are written and leave the machine's memory (the server's own few are driven out by a scan of another part)."""
    owner.execute("CHECKPOINT")
    row = owner.execute(
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    for path in (Path(row[0]) / "base" / str(row[1])).iterdir():
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def _rows_of(cast: Any, cases: range) -> list[float]:
    from audit.models import AuditEvent

    took = []
    for number in cases:
        begun = time.perf_counter()
        asked = AuditEvent.objects.visible_to(cast.auditor).story_of("claim", f"C-BENCH-{number}")
        found = list(asked.order_by("-pk")[:1000])
        took.append(time.perf_counter() - begun)
        if len(found) < CASE_EVENTS // 2:
            raise RuntimeError(f"C-BENCH-{number} has {len(found)} events")
    return took


def _page(client: Any, number: str) -> float:
    from django.urls import reverse

    gc.collect()
    begun = time.perf_counter()
    answer = client.get(reverse("audit:trail-story", args=("claim", number)))
    took = time.perf_counter() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"the page of {number} is answered with {answer.status_code}")
    return took


def _median(times: list[float]) -> float:
    return statistics.median(times) * 1000


def _most(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95) - 1] * 1000
