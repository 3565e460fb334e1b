"""The database holds every row to its lifecycle, whoever writes."""

from __future__ import annotations

import pytest
from django.db import connection

from vouchers.lifecycle_tables import rows
from vouchers.states import REGISTRY


@pytest.mark.django_db
def test_the_database_knows_exactly_the_steps_of_the_code():
    with connection.cursor() as cursor:
        cursor.execute("SELECT lifecycle, verb, source, target FROM lifecycle_transition")
        assert set(cursor.fetchall()) == rows()


@pytest.mark.django_db
def test_every_table_with_a_lifecycle_has_the_trigger():
    assert len(REGISTRY) >= 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'enforce_lifecycle'")
        held = {table for (table,) in cursor.fetchall()}
    assert held == {lifecycle.table for lifecycle in REGISTRY.values()}


def test_the_document_says_what_the_code_enforces():
    from pathlib import Path

    from vouchers.management.commands.lifecycles import document

    assert Path("docs/lifecycles.md").read_text(encoding="utf-8") == document()
