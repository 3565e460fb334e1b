"""A crash in the middle of an import leaves nothing of it, and the next run loads it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from applications.actions.imports import import_folder
from applications.models import Claim, ImportedFile, Lease
from config.embedded import REPOSITORY
from tests.applications import past_year
from vouchers.errors import TryLater
from vouchers.models import Party, Program, Region


def start(folder: Path, out: Path, database) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_dataset", str(folder), "--out", str(out)],
        cwd=REPOSITORY,
        env=database.environment | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_until_blocked(connection: psycopg.Connection, table: str) -> None:
    """Until some session waits for the lock that ``connection`` holds on the table."""
    for _ in range(600):
        waiting = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table]
        ).fetchone()
        if waiting and waiting[0]:
            return
        time.sleep(0.1)
    pytest.fail(f"nobody came to {table}")


@pytest.mark.parametrize("table", ["vouchers_party", "applications_invoice", "applications_basisitem"])
def test_killed_in_the_middle_nothing_is_half_loaded_and_the_next_run_loads_all(
    committed_db, tmp_path, table
):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    with psycopg.connect(committed_db.superuser_dsn) as holder:
        # The import comes as far as this table and waits there.
        holder.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        process = start(folder, tmp_path / "out", committed_db)
        try:
            wait_until_blocked(holder, table)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    for model in (Party, Lease, Claim, ImportedFile, Program, Region):
        assert not model.objects.exists(), model
    again = start(folder, tmp_path / "out", committed_db)
    said = again.communicate(timeout=120)[0].decode()
    assert again.returncode == 0, said
    assert "合计入库 20 行，退回 0 行" in said
    assert Claim.objects.count() == 1 and ImportedFile.objects.count() == 18


def test_two_imports_at_once_are_one_and_a_polite_refusal(committed_db, tmp_path):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    with psycopg.connect(committed_db.dsn) as other:
        other.execute("SELECT public.import_open()")
        with pytest.raises(TryLater) as refusal:
            import_folder(folder, out=tmp_path / "out")
    assert refusal.value.code == "import.busy"
    assert not Party.objects.exists()
