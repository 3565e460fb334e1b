"""底本: rows that were there before their table was watched stand in the trail with their state, and are compared like the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connections
from psycopg.rows import scalar_row

from audit.models import AuditEvent
from audit.trail.attach import attach
from audit.trail.registry import tracked_tables
from audit.trail.replay import replay
from tests.databases import CommittedDatabase
from vouchers.context import Actor, acting
from vouchers.models import Party

OLD = "OLDER{:013d}"


@dataclass
class Older:
    """A database whose parties were there before the trail was."""

    database: CommittedDatabase
    superuser: psycopg.Connection

    def around(self, statement: str, *values: object) -> None:
        """What leaves no event behind."""
        self.superuser.execute("SET session_replication_role = replica")
        self.superuser.execute("ALTER TABLE vouchers_party DISABLE TRIGGER ALL")
        self.superuser.execute(statement, values)
        self.superuser.execute("ALTER TABLE vouchers_party ENABLE TRIGGER ALL")
        for name in ("audit_write", "audit_insert", "audit_import", "audit_empty"):
            self.superuser.execute(f"ALTER TABLE vouchers_party ENABLE ALWAYS TRIGGER {name}")

    def forget_bases(self, *, counted: int = 0) -> None:
        """As it was before bases were taken; rows that were there first were then counted and no more."""
        for table in ("audit_auditevent", "audit_pendingevent"):
            self.superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        self.superuser.execute(
            "DELETE FROM audit_pendingevent WHERE event_id IN (SELECT id FROM audit_auditevent WHERE verb = 'adopt')"
        )
        self.superuser.execute("DELETE FROM audit_auditevent WHERE verb = 'adopt'")
        if counted:
            self.superuser.execute(
                "SELECT audit_record('import', 'adopt', 'party', 'vouchers_party', '', '', '', '', NULL, NULL,"
                " jsonb_build_object('rows', %s::int, 'sha256', ''))",
                [counted],
            )

    def migrate(self) -> None:
        attach(connections["owner"])
        connections.close_all()

    def old_parties(self, count: int) -> None:
        self.around(
            "INSERT INTO vouchers_party (origin, uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code,"
            " legal_rep_name, legal_rep_id, address, phone, email, status) SELECT 'live', 'OLDER' || lpad(n::text, 13, '0'), '旧' || n, true, false,"
            " '110000', '', '', '', '', '', '', '1380013' || n, '', 'active' FROM generate_series(1, %s) n",
            count,
        )

    def events(self) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(operation="schema", subject_no="vouchers_party").order_by("pk"))


@pytest.fixture
def older(committed_db) -> Iterator[Older]:
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True, row_factory=scalar_row) as superuser:
        yield Older(committed_db, superuser)


def found(*kinds: str) -> list[tuple[str, str]]:
    connections.close_all()
    return [(one.code, one.sentence) for one in replay(kinds=frozenset(kinds) or None)]


def test_a_row_that_the_migrations_themselves_brought_is_named_when_it_is_changed(committed_db):
    assert found() == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        seeded = [
            tracked.table
            for tracked in tracked_tables()
            if superuser.execute(f'SELECT EXISTS (SELECT FROM "{tracked.table}")').fetchone() == (True,)
        ]
        assert seeded, "the migrations bring no rows"
        (told,) = AuditEvent.objects.filter(subject_kind="schema", subject_no="base")
        assert {table for table, rows in told.changes.items() if rows} == set(seeded)
        assert (told.actor_kind, told.actor) == ("service", "migrate"), (
            "a migration is no change around the application"
        )
        assert told.changes.keys() == {tracked.table for tracked in tracked_tables()}
        for tracked in tracked_tables():
            if tracked.table in seeded:
                superuser.execute(f'ALTER TABLE "{tracked.table}" DISABLE TRIGGER ALL')
                superuser.execute(
                    f'DELETE FROM "{tracked.table}" WHERE ctid = (SELECT max(ctid) FROM "{tracked.table}")'
                )
                assert [code for code, _ in found(tracked.kind)] == ["row.removed"], tracked.table


def test_old_rows_are_told_in_parts_with_their_state_and_none_of_their_personal_data(older):
    older.old_parties(1_201)
    older.forget_bases()
    older.migrate()
    parts = [event.changes for event in older.events()]
    assert [part["rows"] for part in parts] == [500, 500, 201]
    assert [len(part["state"]) for part in parts] == [500, 500, 201]
    (state,) = [row for part in parts for row in part["state"].values() if row["uscc"] == OLD.format(7)]
    assert (state["name"], list(state["phone"])) == ("旧7", ["salted"])
    assert not any("13800137" in bytes(event.canonical).decode() for event in older.events())
    assert found("party") == []


def test_an_old_row_changed_removed_or_added_around_the_application_is_named(older):
    older.old_parties(20)
    older.forget_bases()
    older.migrate()
    older.around("UPDATE vouchers_party SET region_code = '310000' WHERE uscc = %s", OLD.format(3))
    older.around("UPDATE vouchers_party SET phone = '13900000000' WHERE uscc = %s", OLD.format(4))
    older.around("DELETE FROM vouchers_party WHERE uscc = %s", OLD.format(5))
    told = found("party")
    assert sorted(code for code, _ in told) == ["row.altered", "row.altered", "row.removed"]
    sentences = "".join(sentence for _, sentence in told)
    assert f'{OLD.format(3)} 的 region_code 现为 "310000"，留痕记载为 "110000"' in sentences
    assert f"{OLD.format(4)} 的 phone 现为 摘要" in sentences
    assert f"{OLD.format(5)} 被绕过系统删除" in sentences


def test_what_happened_to_an_old_row_since_is_in_its_events(older):
    older.old_parties(20)
    older.forget_bases()
    older.migrate()
    with acting(Actor.service("test"), "party.correct"):
        Party.objects.filter(uscc=OLD.format(3)).update(name="改名", phone="13900000001")
        Party.objects.filter(uscc=OLD.format(4)).delete()
    assert found("party") == []
    older.around("UPDATE vouchers_party SET name = '旧3' WHERE uscc = %s", OLD.format(3))
    ((code, sentence),) = found("party")
    assert (code, "的 name 现为" in sentence) == ("row.altered", True)


def test_a_database_whose_old_rows_were_only_counted_is_given_its_base_by_the_migration(older):
    older.old_parties(20)
    older.forget_bases(counted=20)
    with acting(Actor.service("test"), "party.correct"):
        Party.objects.filter(uscc=OLD.format(3)).update(name="改名")
        Party.objects.filter(uscc=OLD.format(4)).update(name="改名")
        Party.objects.filter(uscc=OLD.format(5)).delete()
        Party.objects.create(uscc=OLD.format(21), name="新")
    older.around("UPDATE vouchers_party SET name = '偷改' WHERE uscc = %s", OLD.format(4))
    older.migrate()
    assert [part.changes["rows"] for part in older.events()] == [19]
    ((code, sentence),) = found("party")
    assert code == "row.altered"
    assert f'{OLD.format(4)} 的 name 在取底本时为 "偷改"，此前留痕记载为 "改名"' in sentence
    older.around("UPDATE vouchers_party SET name = '改名' WHERE uscc = %s", OLD.format(6))
    assert len(found("party")) == 2
    older.around("DELETE FROM vouchers_party WHERE uscc = %s", OLD.format(7))
    assert len(found("party")) == 3


def test_the_base_is_taken_once_and_rows_that_came_while_the_triggers_were_gone_stay_without_a_history(older):
    with acting(Actor.service("test"), "party.register"):
        Party.objects.create(uscc=OLD.format(1), name="新")
    older.superuser.execute("DROP TRIGGER audit_insert ON vouchers_party")
    older.superuser.execute(
        "INSERT INTO vouchers_party (origin, uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code,"
        " legal_rep_name, legal_rep_id, address, phone, email, status) VALUES ('live', 'STOWAWAY', '偷渡', true, false, '110000',"
        " '', '', '', '', '', '', '', '', 'active')"
    )
    count = AuditEvent.objects.count()
    older.migrate()
    assert AuditEvent.objects.count() == count
    assert [code for code, _ in found("party")] == ["row.inserted"]


IMPORT = (
    "INSERT INTO vouchers_party (origin, uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code,"
    " legal_rep_name, legal_rep_id, address, phone, email, status) SELECT 'imported', 'OLDER' || lpad(n::text, 13, '0'), '史' || n, true, false,"
    " '110000', '', '', '', '', '', '', '1380013' || n, '', 'active' FROM generate_series(1, 20) n"
)


def test_what_was_changed_properly_in_imported_history_hides_nothing_else_of_the_same_file(older):
    with psycopg.connect(older.database.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        owner.execute(IMPORT)
    with acting(Actor.service("test"), "party.correct"):
        Party.objects.filter(uscc=OLD.format(3)).update(name="改名", registered_on="2020-02-29")
        Party.objects.filter(uscc=OLD.format(3)).update(name="又改名")
        Party.objects.filter(uscc=OLD.format(4)).update(region_code="310000")
    assert found("party") == []
    older.around("UPDATE vouchers_party SET name = '偷改' WHERE uscc = %s", OLD.format(9))
    ((code, sentence),) = found("party")
    assert (code, "导入的单位（20 行" in sentence) == ("import.altered", True)
    older.around("UPDATE vouchers_party SET name = '史9' WHERE uscc = %s", OLD.format(9))
    assert found("party") == []
    older.around("UPDATE vouchers_party SET address = '偷改' WHERE uscc = %s", OLD.format(3))
    assert [code for code, _ in found("party")] == ["import.altered"]


def test_a_row_of_imported_history_that_was_deleted_properly_hides_nothing_else_of_the_same_file(older):
    with psycopg.connect(older.database.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        owner.execute(IMPORT.replace("'1380013' || n", "''"))
    with acting(Actor.service("test"), "party.remove"):
        Party.objects.filter(uscc=OLD.format(5)).delete()
    assert found("party") == []
    older.around("UPDATE vouchers_party SET name = '偷改' WHERE uscc = %s", OLD.format(9))
    assert [code for code, _ in found("party")] == ["import.altered"]
