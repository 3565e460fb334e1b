"""After each migrate, the owner gives the application's roles exactly what they may do, and no more.

Each app's ``privileges.py`` lists tables by name: ``NO_WRITE`` (only SQL functions of the owner write them),
``NO_READ`` (nor may the application read them), ``NO_DELETE`` (rows are changed by their verbs, never taken away), ``APPEND_ONLY``
(rows are added, never changed), ``SEALER_READS``, ``SEALER_APPENDS`` and ``SEALER_TAKES`` (the trail's sealer).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db import connections, transaction

from vouchers.sql import load

LISTS = ("NO_WRITE", "NO_READ", "NO_DELETE", "APPEND_ONLY", "SEALER_READS", "SEALER_APPENDS", "SEALER_TAKES")
OLDEST_POSTGRES = 180000


def listed_tables() -> list[tuple[str, str]]:
    """(table, privilege) pairs from the privileges.py of every app that has one."""
    pairs: list[tuple[str, str]] = []
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.privileges") is None:
            continue
        module = import_module(f"{config.name}.privileges")
        for name in LISTS:
            pairs += [(table, name.lower()) for table in getattr(module, name, ())]
    return pairs


def apply_privileges(using: str = "owner", **_: Any) -> None:
    """Grant and revoke, in one transaction; the receiver of ``post_migrate``. Only the owner can."""
    if using != "owner":
        return
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS table_privilege (table_name text, privilege text) ON COMMIT DROP"
        )
        cursor.executemany("INSERT INTO table_privilege VALUES (%s, %s)", listed_tables())
        cursor.execute(load("privileges.sql"))


def check_server_version(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> Sequence[CheckMessage]:
    """PostgreSQL 18 or newer, asked when a database is used (migrate, check --database)."""
    faults: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            faults.append(Error("本系统只支持 PostgreSQL。", id="vouchers.E001"))
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
            )
            number, version = cursor.fetchone()
        if number < OLDEST_POSTGRES:
            faults.append(Error(f"需要 PostgreSQL 18 或更新版本，当前为 {version}。", id="vouchers.E002"))
    return faults
