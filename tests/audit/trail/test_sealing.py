"""Sealing: every committed event once, in contiguous places, whatever the writers and the sealer go through."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from audit.models import AuditEvent, Checkpoint, PendingEvent, TrailLeaf
from audit.tasks import seal_trail
from audit.trail import checkpoints, keys
from audit.trail.live import examine_log
from audit.trail.merkle import Tree
from audit.trail.sealer import seal, seal_all
from tests.audit.trail.sealing_storm import kill_sealers, slow_writer
from vouchers.models import Region

REPOSITORY = Path(__file__).resolve().parents[3]
INSERT = "INSERT INTO vouchers_region (code, name) VALUES (%s, %s)"


def write(connection: psycopg.Connection, number: int) -> None:
    connection.execute(INSERT, (f"{number:06d}", "封存测试"))


def assert_every_event_has_one_place() -> None:
    places = list(TrailLeaf.objects.order_by("index").values_list("index", "event_id"))
    assert [index for index, _ in places] == list(range(len(places)))
    assert sorted(event_id for _, event_id in places) == sorted(
        AuditEvent.objects.values_list("pk", flat=True)
    )
    assert not PendingEvent.objects.exists()
    assert list(examine_log(witness=checkpoints.copy_path())) == []


def test_a_checkpoint_states_the_root_of_all_events_and_is_signed(committed_db):
    with psycopg.connect(committed_db.dsn, autocommit=True) as app:
        write(app, 1)
    sealed = seal()
    assert sealed is not None
    checkpoint = Checkpoint.objects.get()
    tree = Tree("sha256")
    leaves = [tree.leaf(bytes(event.canonical)) for event in AuditEvent.objects.order_by("pk")]
    assert bytes(checkpoint.root_hash) == tree.root(leaves)
    assert checkpoint.size == sealed.size == len(leaves)
    assert keys.holds(
        keys.public_keys()[checkpoint.key_id], checkpoint.body.encode(), bytes(checkpoint.signature)
    )
    assert checkpoints.copy_path().read_text() == checkpoints.as_line(checkpoint)
    assert seal() is None


def test_checkpoints_are_chained_and_the_tree_grows_consistently(committed_db):
    with psycopg.connect(committed_db.dsn, autocommit=True) as app:
        for number in range(1, 12):
            write(app, number)
            if number % 3 == 0:
                seal_all()
    assert seal_trail() == 2
    tree = Tree("sha256")
    leaves = [bytes(leaf) for leaf in TrailLeaf.objects.order_by("index").values_list("leaf_hash", flat=True)]
    stated = list(Checkpoint.objects.all())
    assert len(stated) == 4
    for earlier, later in pairwise(stated):
        assert bytes(later.previous) == tree.hash(earlier.body.encode())
        proof = tree.consistency_proof(earlier.size, leaves[: later.size])
        roots = bytes(earlier.root_hash), bytes(later.root_hash)
        assert tree.verify_consistency(earlier.size, later.size, *roots, proof)
    assert_every_event_has_one_place()


def test_a_transaction_that_commits_late_leaves_no_gap(committed_db):
    with (
        psycopg.connect(committed_db.dsn) as slow,
        psycopg.connect(committed_db.dsn, autocommit=True) as quick,
    ):
        write(slow, 1)
        write(quick, 2)
        seal_all()
        assert not AuditEvent.objects.filter(subject_no="000001").exists()
        slow.commit()
    seal_all()
    late, early = AuditEvent.objects.get(subject_no="000001"), AuditEvent.objects.get(subject_no="000002")
    assert late.pk < early.pk
    assert TrailLeaf.objects.get(event_id=late.pk).index > TrailLeaf.objects.get(event_id=early.pk).index
    assert_every_event_has_one_place()


def test_writers_do_not_wait_for_one_another_nor_for_the_sealer(committed_db):
    with psycopg.connect(committed_db.dsn) as one, psycopg.connect(committed_db.dsn) as other:
        other.execute("SET lock_timeout = '200ms'")
        write(one, 1)
        write(other, 2)
        other.commit()
        with psycopg.connect(committed_db.sealer_dsn) as sealer:
            sealer.execute("SELECT pg_advisory_xact_lock(499968895340)")  # a sealer at work
            sealer.execute("DELETE FROM audit_pendingevent")
            write(other, 3)
            other.commit()
            sealer.rollback()
        one.rollback()
    seal_all()
    assert_every_event_has_one_place()


def test_two_sealers_at_once_seal_nothing_twice(committed_db):
    with psycopg.connect(committed_db.dsn, autocommit=True) as app:
        for number in range(300):
            write(app, number)
    children = [_start_sealer(committed_db) for _ in range(2)]
    try:
        _wait_until_sealed()
    finally:
        _stop(children)
    seal_all()
    assert_every_event_has_one_place()


def test_a_sealer_killed_at_any_moment_loses_nothing_and_seals_nothing_twice(committed_db):
    outcome = kill_sealers(committed_db.dsn, kills=4)
    assert outcome.rolled_back
    assert outcome.committed > 20


def test_sixteen_writers_one_of_them_slow_leave_no_gap(committed_db):
    assert slow_writer(committed_db.dsn, seconds=2).committed > 16


@pytest.mark.long
def test_a_sealer_is_killed_ten_times_and_a_transaction_stays_open_for_ten_seconds(committed_db):
    kill_sealers(committed_db.dsn, kills=10, seed=1)
    Region.objects.filter(name="封存测试").delete()
    seal_all()
    slow_writer(committed_db.dsn, seconds=10)


def _start_sealer(database) -> subprocess.Popen[bytes]:
    environment = database.environment | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TRAIL_KEY_FILE": settings.TRAIL_KEY_FILE,
        "TRAIL_PUBLIC_KEY_FILE": settings.TRAIL_PUBLIC_KEY_FILE,
        "TRAIL_CHECKPOINT_FILE": settings.TRAIL_CHECKPOINT_FILE,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "seal_trail", "--every", "0.001"],
        cwd=REPOSITORY,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )


def _wait_until_sealed() -> None:
    for _ in range(1200):
        if not PendingEvent.objects.exists():
            return
        time.sleep(0.05)
    pytest.fail("the sealers did not come to an end")


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
        child.wait()


def test_the_copy_outside_is_caught_up_after_a_crash_between_seal_and_copy(committed_db):
    with psycopg.connect(committed_db.dsn, autocommit=True) as app:
        write(app, 1)
        seal_all()
        kept = checkpoints.copy_path().read_text()
        write(app, 2)
        seal_all()
    checkpoints.copy_path().write_text(kept + '{"body": "compute-vou')  # the line was cut short
    assert seal_all() == []
    assert checkpoints.copied_size(checkpoints.copy_path()) == Checkpoint.objects.order_by("-size")[0].size
    assert list(examine_log(witness=checkpoints.copy_path())) != []  # the torn line is told, and nothing else
    assert [finding.code for finding in examine_log(witness=checkpoints.copy_path())] == ["copy.unreadable"]


def test_the_sealer_may_add_and_take_and_nothing_else(committed_db):
    for statement in (
        "INSERT INTO vouchers_region (code, name) VALUES ('1', '')",
        "UPDATE audit_auditevent SET verb = ''",
        "DELETE FROM audit_trailleaf",
        "UPDATE audit_checkpoint SET size = 1",
        "SELECT * FROM vouchers_party",
        "INSERT INTO audit_pendingevent VALUES (1)",
    ):
        with (
            psycopg.connect(committed_db.sealer_dsn) as sealer,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            sealer.execute(statement)


def test_a_missing_or_broken_key_is_a_clear_refusal(committed_db, settings):
    from vouchers.errors import TryLater

    settings.TRAIL_SIGNING_KEY = "not a key"
    with pytest.raises(TryLater, match="TRAIL_SIGNING_KEY 不是有效的签名密钥"):
        seal()
    settings.TRAIL_SIGNING_KEY, settings.PRODUCTION = "", True
    with pytest.raises(TryLater, match="没有留痕签名密钥"):
        seal()
    assert not Checkpoint.objects.exists()
