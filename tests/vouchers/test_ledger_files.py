"""The ledger's SQL files are loaded together: some drop a type and with it what another file made of it."""

from __future__ import annotations

import ast
from pathlib import Path

import psycopg
import pytest

from config.embedded import REPOSITORY
from tests.vouchers.ledger_moves import BUDGET, ON, available, fund, new, yuan
from vouchers.actions import ledger
from vouchers.sql import LEDGER, load

#: from here on the functions of one file are made of the types of another
TOGETHER_SINCE = 17


def later_migrations() -> list[Path]:
    return [
        path
        for app in ("vouchers", "applications", "audit")
        for path in sorted((REPOSITORY / app / "migrations").glob("[0-9]*.py"))
        if app != "vouchers" or int(path.name[:4]) > TOGETHER_SINCE
    ]


def loaded_alone(source: str) -> set[str]:
    """The ledger's files that are named one by one, as ``load("ledger_plain.sql")`` or in any other string."""
    words = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return words & set(LEDGER)


@pytest.mark.parametrize("path", later_migrations(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_no_migration_loads_one_file_of_the_ledger_without_the_others(path: Path):
    assert loaded_alone(path.read_text(encoding="utf-8")) == set(), "load all of vouchers.sql.LEDGER"


def test_a_migration_that_does_would_be_found():
    assert loaded_alone('operations = [RunSQL(load("ledger_plain.sql"))]') == {"ledger_plain.sql"}


def test_every_file_of_the_ledger_is_in_the_list():
    files = {path.name for path in (REPOSITORY / "vouchers" / "sql").glob("ledger*.sql")}
    assert files - set(LEDGER) == {
        "ledger_days.sql"
    }  # the closing of days has types and functions of its own
    assert all(load(name) for name in LEDGER)


def test_all_of_them_can_be_loaded_anew(committed_db):
    with psycopg.connect(committed_db.migrator_dsn, autocommit=True) as owner:
        owner.execute("SET ROLE voucher_owner")
        for name in LEDGER:
            owner.execute(load(name).encode())
        found = owner.execute(
            "SELECT to_regprocedure('ledger_take(ledger_move, numeric)') IS NOT NULL"
        ).fetchone()
    assert found == (True,)
    fund(100)
    ledger.issue(BUDGET, "V-1", yuan(10), on=ON, id=new()).demand()
    assert available(BUDGET.code) == yuan(90)
