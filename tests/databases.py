"""Databases for tests: a template migrated once as owner, and a copy of it for each process and each test that commits.

Several people's runs share one embedded server. The template is keyed by everything that shapes it (models, migrations,
SQL), built under a file lock, and kept for the next run. Copies carry the process id in their name; those of processes
that are gone are dropped by the next run. Nothing is ever flushed or truncated.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from config.embedded import REPOSITORY, Cluster, ServerProblem

SHAPES = (
    "*/models/*.py",
    "*/migrations/*.py",
    "*/sql/*",
    "*/privileges.py",
    "*/grants.py",
    "*/apps.py",
    "*/states.py",
    "*/trail/attach.py",
    "*/trail/added.py",
    "*/trail/registry.py",
    "*/lifecycle_tables.py",
)
KEEP_TEMPLATES = 4
KEEP_SECONDS = 2 * 60 * 60


@dataclass(frozen=True)
class CommittedDatabase:
    """A database of one's own, whose commits are real."""

    cluster: Cluster
    name: str

    @property
    def dsn(self) -> str:
        """As the application's role."""
        return self.cluster.url("voucher_app", self.name)

    @property
    def migrator_dsn(self) -> str:
        """As the login that may ``SET ROLE voucher_owner``."""
        return self.cluster.url("voucher_migrator", self.name)

    @property
    def sealer_dsn(self) -> str:
        """As the sealer of the trail."""
        return self.cluster.url("voucher_sealer", self.name)

    @property
    def superuser_dsn(self) -> str:
        """As the server's superuser: for tests of what even he leaves traces of."""
        return self.cluster.url("postgres", self.name)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a child process that works on this database."""
        own = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DEPLOYMENT": "test"}
        return os.environ | self.cluster.environment(self.name) | own


def template(cluster: Cluster) -> str:
    """The name of the migrated template for the tree as it stands; built when there is none."""
    name = f"template_{_shape()}"
    with _lock(cluster, "template.lock"):
        with cluster.superuser() as connection:
            ready = connection.execute(
                "SELECT datistemplate FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
            if ready is not None and ready[0]:
                return name
            if ready is not None:  # a build that was killed
                _drop(connection, name)
            _drop_old_templates(connection)
        cluster.create_database(name)
        built = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"],
            cwd=REPOSITORY,
            env=os.environ | cluster.environment(name) | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            text=True,
        )
        with cluster.superuser() as connection:
            if built.returncode != 0:
                _drop(connection, name)
                raise ServerProblem(f"测试数据库模板迁移失败：\n{built.stderr[-4000:]}")
            connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))
    return name


@contextmanager
def copy_of(cluster: Cluster, template_name: str, name: str) -> Iterator[CommittedDatabase]:
    """A copy of the template for the time of the block."""
    with cluster.superuser() as connection:
        _drop(connection, name)
    cluster.create_database(name, template=template_name)
    try:
        yield CommittedDatabase(cluster, name)
    finally:
        with cluster.superuser() as connection:
            _drop(connection, name)


def drop_orphans(cluster: Cluster) -> None:
    """Drop the copies that killed runs left behind: their names carry the process id."""
    with cluster.superuser() as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall()
        for (name,) in rows:
            if not Path(f"/proc/{name.split('_')[1]}").exists():
                _drop(connection, name)


def _shape() -> str:
    digest = hashlib.sha256()
    for app in ("vouchers", "applications", "audit"):
        for pattern in SHAPES:
            for path in sorted((REPOSITORY / app).glob(pattern.removeprefix("*/"))):
                if path.is_file():
                    digest.update(f"{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _drop(connection, name: str) -> None:
    identifier = sql.Identifier(name)
    if connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [name]
    ).fetchone():
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(identifier))
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))


def _drop_old_templates(connection) -> None:
    rows = connection.execute(
        "SELECT datname, extract(epoch FROM (pg_stat_file('base/' || oid || '/PG_VERSION')).modification)"
        " FROM pg_database WHERE datname LIKE 'template\\_%' ORDER BY 2 DESC"
    ).fetchall()
    for name, made_at in rows[KEEP_TEMPLATES:]:
        if time.time() - float(made_at) > KEEP_SECONDS:
            _drop(connection, name)


@contextmanager
def _lock(cluster: Cluster, name: str) -> Iterator[None]:
    descriptor = os.open(cluster.base / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
