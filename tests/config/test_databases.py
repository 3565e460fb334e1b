"""The ground itself: whose role the tests use, and what a committing test gets."""

from __future__ import annotations

import psycopg
import pytest
from django.db import ProgrammingError, connection, connections, transaction


@pytest.mark.django_db
def test_the_application_signs_in_as_a_role_that_owns_nothing():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('server_version_num')::int")
        role, version = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'voucher_owner'"
        )
        (foreign_tables,) = cursor.fetchone()
    assert role == "voucher_app"
    assert version >= 180000
    assert foreign_tables == 0


@pytest.mark.django_db
def test_the_application_can_neither_change_the_schema_nor_the_list_of_migrations():
    for statement in (
        "CREATE TABLE mine (id int)",
        "DELETE FROM django_migrations",
        "DROP TABLE vouchers_user",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_committing_test_has_a_database_of_its_own(committed_db):
    from django.contrib.auth.models import Group

    Group.objects.create(name="kept")
    with psycopg.connect(committed_db.dsn) as other:
        assert other.execute("SELECT name FROM auth_group").fetchall() == [("kept",)]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("voucher_owner", committed_db.name)


@pytest.mark.django_db
def test_what_another_test_committed_is_not_seen():
    from django.contrib.auth.models import Group

    assert not Group.objects.filter(name="kept").exists()
