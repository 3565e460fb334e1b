"""The embedded server: shared while somebody needs it, stopped by the last, found again after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys

import psycopg
import pytest

from config.embedded import REPOSITORY, Cluster
from config.embedded import testing as cluster_of_the_tests


@pytest.fixture
def cluster():
    made = Cluster(f"postgres-drill-{os.getpid()}")
    yield made
    made.release()
    shutil.rmtree(made.base)


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.long
def test_the_last_one_to_leave_stops_the_server(cluster):
    cluster.hold()
    other = Cluster(cluster.name)
    other.hold()
    cluster.release()
    assert other.healthy()
    other.release()
    assert not other.healthy()


@pytest.mark.long
def test_what_was_committed_is_there_after_the_server_was_killed(cluster):
    cluster.hold()
    with psycopg.connect(cluster.url("voucher_queue", "voucher_queue"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(postmaster(cluster), signal.SIGKILL)
    again = Cluster(cluster.name)
    again.hold()
    with psycopg.connect(again.url("voucher_queue", "voucher_queue")) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    again.release()


@pytest.mark.long
def test_a_server_left_behind_by_a_killed_command_is_used_again(cluster):
    command = [
        sys.executable,
        "-c",
        f"import os; from config.embedded import Cluster; Cluster({cluster.name!r}).hold(); os.kill(os.getpid(), 9)",
    ]
    assert subprocess.run(command, cwd=REPOSITORY).returncode == -signal.SIGKILL
    assert cluster.healthy()
    left_behind = postmaster(cluster)
    cluster.hold()
    assert postmaster(cluster) == left_behind


def test_passwords_are_for_their_owner_only_and_a_wrong_one_is_refused():
    cluster = cluster_of_the_tests()
    assert stat.S_IMODE((cluster.base / "passwords.json").stat().st_mode) == 0o600
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            cluster.url("voucher_app", "vouchers").replace(cluster.secrets["voucher_app"], "guess")
        )


def test_nobody_signs_in_as_the_owner_and_the_application_cannot_become_it():
    cluster = cluster_of_the_tests()
    with cluster.superuser() as connection:
        assert connection.execute(
            "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'voucher_owner'"
        ).fetchone() == (False,)
    with (
        psycopg.connect(cluster.url("voucher_app", "vouchers")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SET ROLE voucher_owner")


def test_each_login_reaches_its_own_database_only():
    cluster = cluster_of_the_tests()
    for login, database in (("voucher_app", "voucher_queue"), ("voucher_queue", "vouchers")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(cluster.url(login, database))
